//! The gradient of the weight of a convolution whose input is spikes. In: the spikes as bits, and the gradient of what came out; out: that of the
//! weight, in torch's order.
//!
//! A weight adds up what came back to the cells that saw a one of its channel: three taps at a time, whose sums stay in registers while the ones of
//! a strip of the plane pass by, and the strip's gradients in the first cache. Sums run in an order that no number of threads changes.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{SpikeConv, SpikeMatrix, WORD};
use crate::arch::vectorised;
use crate::error::Error;
use crate::par::{Columns, map_tiles};
use crate::transpose::transpose;

/// Output channels of a task of the weight's gradient: with three taps, twelve registers of AVX2.
const HALF: usize = 32;

/// Input channels of such a task. More of them share what it costs to bring the gradients of a strip in order, fewer make more tasks.
const CHANNELS: usize = 64;

/// Rows of a strip's gradients: 24 KiB, so that weights pass by in the rest of the first cache.
const STRIP: usize = 192;

/// Rows of gradients beyond which a strip of one row is gathered in vain: 128 KiB.
const NEAR: usize = 1024;

/// Taps whose sums are in registers together.
const TAPS: usize = 3;

/// The gradients of [`HALF`] outputs, or a sum of them.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Half([f32; HALF]);

const ZERO_HALF: Half = Half([0.0; HALF]);

impl SpikeConv {
    /// Does a row of the input see so few rows and columns that their gradients lie in a near cache? Wide dilations do not.
    pub fn is_local(&self) -> bool {
        let reach = |i: usize| self.dilation[i].saturating_mul(self.kernel[i].saturating_sub(1));
        reach(0).saturating_add(1).saturating_mul(reach(1).saturating_add(self.plane[1])) <= NEAR
    }

    /// The gradient of [`forward`](Self::forward)'s weight, `out`, from that of its result, `grad`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn gradient_of_weight(&self, x: &SpikeMatrix, grad: &[f32], out: &mut [f32]) -> Result<(), Error> {
        self.gradient_on(Arch::new(), x, grad, out)
    }

    pub(super) fn gradient_on(&self, arch: Arch, x: &SpikeMatrix, grad: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let output = self.check(x, out.len(), grad.len())?;
        let (taps, width) = (self.taps(), self.plane[1]);
        let tile = Tile::new(self);
        let places: Vec<u32> = (0..tile.height * width).map(|cell| (cell / width * tile.width + cell % width) as u32).collect();
        let offsets = tile.offsets(self);
        let columns = Columns::new(out, self.inputs * taps);
        let blocks = self.inputs.div_ceil(CHANNELS);
        // Small planes share a tile.
        let together = if tile.height == self.plane[0] { (STRIP / tile.rows()).clamp(1, self.samples.max(1)) } else { 1 };
        let scratch = || {
            let ones = Vec::with_capacity(together * places.len());
            (vec![ZERO_HALF; together * tile.rows()], vec![ZERO_HALF; CHANNELS.min(self.inputs) * taps], ones)
        };
        let cost = self.samples * x.cols * CHANNELS;
        map_tiles(self.outputs.div_ceil(HALF) * blocks, 1, cost, &scratch, &|(gradients, sums, ones), task| {
            let (first, channel) = (task.start / blocks * HALF, task.start % blocks * CHANNELS);
            let outputs = first..self.outputs.min(first + HALF);
            let channels = channel..self.inputs.min(channel + CHANNELS);
            sums.fill(ZERO_HALF);
            for sample in (0..self.samples).step_by(together) {
                let samples = sample..self.samples.min(sample + together);
                for top in (0..self.plane[0]).step_by(tile.height) {
                    let cells = top * width..self.plane[0].min(top + tile.height) * width;
                    for (sample, gradients) in samples.clone().zip(gradients.chunks_mut(tile.rows())) {
                        tile.gather(arch, self, grad, output, sample, &outputs, top, gradients);
                    }
                    let (inputs, channels, samples) = (self.inputs, channels.clone(), samples.clone());
                    let (apart, places, offsets) = (tile.rows(), &places[..], &offsets[..]);
                    arch.dispatch(Strip { x, samples, inputs, channels, cells, places, apart, offsets, gradients, sums, ones });
                }
            }
            vectorised(
                arch,
                #[inline(always)]
                || {
                    transpose(
                        channels.len() * taps,
                        outputs.len(),
                        |i| &sums[i].0,
                        |lane, i, some| {
                            let at = channels.start * taps + i;
                            // SAFETY: tasks are disjoint in outputs or channels, and this one takes an element once.
                            unsafe { columns.row(outputs.start + lane, at..at + some.len()) }.copy_from_slice(some);
                        },
                    );
                },
            );
        });
        Ok(())
    }
}

/// The gradients that a strip of the input sees, with zeros around: cell (row, column) of the strip sees, at a tap, the tile's place of
/// (row, column) and the tap's offset.
struct Tile {
    /// Rows of a strip.
    height: usize,
    /// Columns of the tile.
    width: usize,
    /// Rows and columns that the tile has more than the strip: what the kernel reaches.
    reach: [usize; 2],
}

impl Tile {
    fn new(conv: &SpikeConv) -> Tile {
        let reach = [0, 1].map(|i| conv.dilation[i] * (conv.kernel[i] - 1));
        let width = conv.plane[1] + reach[1];
        let fits = (STRIP / width).saturating_sub(reach[0]);
        // Strips of one height: the last one is not a thin one.
        let strips = conv.plane[0].div_ceil(fits.max(1));
        Tile { height: conv.plane[0].div_ceil(strips), width, reach }
    }

    fn rows(&self) -> usize {
        (self.height + self.reach[0]) * self.width
    }

    /// Of each tap, in the order of the weight.
    fn offsets(&self, conv: &SpikeConv) -> Vec<usize> {
        let [rows, columns] = conv.kernel;
        let at =
            |row: usize, column: usize| (self.reach[0] - row * conv.dilation[0]) * self.width + self.reach[1] - column * conv.dilation[1];
        (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(row, column)| at(row, column)).collect()
    }

    /// Fills `to` with the gradients of `outputs` that the strip from row `top` on sees.
    fn gather(
        &self,
        arch: Arch,
        conv: &SpikeConv,
        grad: &[f32],
        [height, width]: [usize; 2],
        sample: usize,
        outputs: &Range<usize>,
        top: usize,
        to: &mut [Half],
    ) {
        let [above, before] = [0, 1].map(|i| self.reach[i] as isize - conv.padding[i][0] as isize);
        let inside = |at: isize, len: usize| at.clamp(0, len as isize) as usize;
        // The columns of the output that the tile has, and where the first of them is in the tile.
        let columns = inside(-before, width)..inside(self.width as isize - before, width);
        let start = inside(before, self.width);
        for (i, to) in to.chunks_mut(self.width).enumerate() {
            let row = (top + i) as isize - above;
            if row < 0 || row >= height as isize || columns.is_empty() {
                to.fill(ZERO_HALF);
                continue;
            }
            to[..start].fill(ZERO_HALF);
            to[start + columns.len()..].fill(ZERO_HALF);
            let to = &mut to[start..];
            vectorised(
                arch,
                #[inline(always)]
                || {
                    let from = |lane: usize| {
                        let at = ((sample * conv.outputs + outputs.start + lane) * height + row as usize) * width;
                        &grad[at + columns.start..at + columns.end]
                    };
                    transpose(outputs.len(), columns.len(), from, |column, lane, some| {
                        to[column].0[lane..lane + some.len()].copy_from_slice(some);
                    });
                },
            );
        }
    }
}

/// A strip of a sample, or all of some samples, for some channels.
struct Strip<'a> {
    x: &'a SpikeMatrix,
    samples: Range<usize>,
    /// Channels of a sample, and those that are looked at.
    inputs: usize,
    channels: Range<usize>,
    /// The strip's cells.
    cells: Range<usize>,
    /// Where each of them is in the tile.
    places: &'a [u32],
    /// From one sample's tile to the next one's.
    apart: usize,
    /// Of each tap.
    offsets: &'a [usize],
    gradients: &'a [Half],
    /// `[channel][tap]`
    sums: &'a mut [Half],
    /// Room for the places of a channel's ones.
    ones: &'a mut Vec<u32>,
}

impl WithSimd for Strip<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.run::<S, 2>(simd),
            8 => self.run::<S, 4>(simd),
            4 => self.run::<S, 8>(simd),
            _ => self.run::<S, HALF>(simd),
        }
    }
}

impl Strip<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let taps = self.offsets.len();
        let (first, last) = (self.cells.start / WORD, self.cells.end.div_ceil(WORD));
        for (channel, sums) in self.channels.clone().zip(self.sums.chunks_exact_mut(taps)) {
            self.ones.clear();
            for (i, sample) in self.samples.clone().enumerate() {
                let tile = (i * self.apart) as u32;
                for (i, &word) in self.x.row(sample * self.inputs + channel)[first..last].iter().enumerate() {
                    let at = (first + i) * WORD;
                    let mut left = word & from(self.cells.start, at) & !from(self.cells.end, at);
                    while left != 0 {
                        self.ones.push(tile + self.places[at + left.trailing_zeros() as usize - self.cells.start]);
                        left &= left - 1;
                    }
                }
            }
            if self.ones.is_empty() {
                continue;
            }
            let (some, rest) = sums.as_chunks_mut::<TAPS>();
            for (sums, offsets) in some.iter_mut().zip(self.offsets.as_chunks::<TAPS>().0) {
                add::<S, N, TAPS>(simd, self.ones, offsets, self.gradients, sums);
            }
            match (rest, self.offsets.as_chunks::<TAPS>().1) {
                ([sum], &[a]) => add::<S, N, 1>(simd, self.ones, &[a], self.gradients, std::array::from_mut(sum)),
                (sums, &[a, b]) => {
                    let sums = sums.try_into().unwrap_or_else(|_| unreachable!("as many sums as taps"));
                    add::<S, N, 2>(simd, self.ones, &[a, b], self.gradients, sums);
                }
                _ => {}
            }
        }
    }
}

/// The bits of the word of cells from `at` on that are not before `cell`.
#[inline(always)]
fn from(cell: usize, at: usize) -> u64 {
    match cell.saturating_sub(at) {
        before @ 0..WORD => u64::MAX << before,
        _ => 0,
    }
}

/// Adds what the ones see at some taps to the taps' sums.
#[inline(always)]
fn add<S: Simd, const N: usize, const T: usize>(simd: S, ones: &[u32], offsets: &[usize; T], gradients: &[Half], to: &mut [Half; T]) {
    let mut sums = [[simd.splat_f32s(0.0); N]; T];
    for tap in 0..T {
        sums[tap] = registers::<S, N>(&to[tap]);
    }
    let seen: [&[Half]; T] = std::array::from_fn(|tap| &gradients[offsets[tap]..]);
    for &place in ones {
        for tap in 0..T {
            let row = registers::<S, N>(&seen[tap][place as usize]);
            for v in 0..N {
                sums[tap][v] = simd.add_f32s(sums[tap][v], row[v]);
            }
        }
    }
    for tap in 0..T {
        S::as_mut_simd_f32s(&mut to[tap].0).0.copy_from_slice(&sums[tap]);
    }
}

#[inline(always)]
fn registers<S: Simd, const N: usize>(row: &Half) -> [S::f32s; N] {
    S::as_simd_f32s(&row.0).0.try_into().unwrap_or_else(|_| unreachable!("a row of {HALF} numbers"))
}
