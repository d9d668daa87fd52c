//! The two micro-kernels of a projection. In: a panel of weights and a tile of rows; out: their currents.
//!
//! Tap by tap and 64 input channels at a time, [`GROUP`] rows take their turn on the same 64 x 64 weights. Where few bits of a group are set,
//! each row adds the weights of its own; else the rows' numbers are multiplied with all weights, each of which is loaded once for all rows.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::bits::{In, MAX_PLANES, number, words};
use super::project::{Blocks, Projection};
use super::scratch::Row;
use super::windows::{NONE, Windows};
use crate::lanes::prefetch;

/// Rows that are multiplied together.
pub(super) const GROUP: usize = 6;

/// Set bits among the 64 of a row from which all are multiplied. Where both run at the machine's speed, one addition of a row of weights costs
/// what one multiplication does (docs/performance.md): only a row that is all but full gains.
const DENSE_FROM: u32 = 60;

/// The work of a task.
pub(super) struct Strip<'a> {
    pub(super) on: &'a Projection<'a>,
    pub(super) panel: usize,
    /// Where each row is, filled up to whole groups like `currents`.
    pub(super) places: &'a [Place],
    /// `[step][row]`
    pub(super) currents: &'a mut [Row],
    /// How many of them count.
    pub(super) rows: usize,
    pub(super) blocks: Blocks,
}

/// Where a row is: a step of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The first cell of its image in the input.
    pub(super) image: usize,
    /// Its own in the output.
    pub(super) cell: usize,
}

/// Rows of weights of a panel from which it does not fit the second cache: 512 KiB.
const FAR: usize = 2048;

/// How many chunks ahead the weights of such a panel are asked for.
const AHEAD: usize = 2;

/// Up to 64 neighbouring rows of weights: all channels of some taps, or some channels of one.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    rows: &'a [Row],
    /// The first tap and how many.
    tap: usize,
    taps: usize,
    /// The first input channel and how many.
    channel: usize,
    channels: usize,
}

/// The chunks of a panel.
#[derive(Clone)]
struct Chunks<'a> {
    rows: &'a [Row],
    inputs: Range<usize>,
    taps: usize,
    /// Those that any row sees: a tap that hangs over the border everywhere adds nothing.
    live: &'a [u32],
}

impl<'a> Chunks<'a> {
    fn len(&self) -> usize {
        if self.inputs.len() <= 32 { self.taps.div_ceil(64 / self.inputs.len()) } else { self.live.len() * self.inputs.len().div_ceil(64) }
    }

    fn get(&self, i: usize) -> Chunk<'a> {
        let Range { start, end } = self.inputs;
        let inputs = end - start;
        let (tap, taps, channel) = if inputs <= 32 {
            let at_once = 64 / inputs;
            (i * at_once, at_once.min(self.taps - i * at_once), start)
        } else {
            let parts = inputs.div_ceil(64);
            (self.live[i / parts] as usize, 1, start + i % parts * 64)
        };
        let channels = (end - channel).min(64);
        Chunk { rows: &self.rows[tap * inputs + channel - start..][..taps * channels], tap, taps, channel, channels }
    }
}

impl<'a> Strip<'a> {
    pub(super) fn run(&mut self, arch: Arch) {
        /// `P` is the most planes of the input; 0 for numbers. Each is a function of its own: together they would compete for registers.
        struct Op<'a, 'b, const P: usize>(&'a mut Strip<'b>);
        impl<const P: usize> WithSimd for Op<'_, '_, P> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // Registers of a row; registers of the part of a row that is multiplied at once.
                match S::F32_LANES {
                    16 => self.0.chunks::<S, 4, 4, P>(simd),
                    8 => self.0.chunks::<S, 8, 2, P>(simd),
                    4 => self.0.chunks::<S, 16, 2, P>(simd),
                    _ => self.0.chunks::<S, 64, 1, P>(simd),
                }
            }
        }
        match self.on.input {
            In::Dense(_) => arch.dispatch(Op::<0>(self)),
            In::Bits { planes: 1, .. } => arch.dispatch(Op::<1>(self)),
            In::Bits { planes: 2, .. } => arch.dispatch(Op::<2>(self)),
            In::Bits { planes: 3..=4, .. } => arch.dispatch(Op::<4>(self)),
            In::Bits { .. } => arch.dispatch(Op::<MAX_PLANES>(self)),
        }
    }

    #[inline(always)]
    fn chunks<S: Simd, const ROW: usize, const PART: usize, const P: usize>(&mut self, simd: S) {
        let weights = self.on.weights;
        self.currents.fill(*weights.bias(self.panel));
        let windows = self.on.windows;
        let chunks =
            Chunks { rows: weights.panel(self.panel), inputs: weights.inputs(self.panel), taps: windows.taps(), live: windows.live() };
        let far = chunks.len() * 64 > FAR;
        for i in 0..chunks.len() {
            let ahead = (far && i + AHEAD < chunks.len()).then(|| chunks.get(i + AHEAD));
            match self.on.input {
                In::Dense(input) if P == 0 => self.numbers::<S, ROW, PART>(simd, input, chunks.get(i), ahead),
                In::Bits { words, planes } if P != 0 => self.bits::<S, ROW, PART, P>(simd, words, planes, chunks.get(i), ahead),
                In::Dense(_) | In::Bits { .. } => unreachable!("dispatched by the kind of the input"),
            }
        }
    }

    /// Adds a chunk of an input of numbers to all currents, while the rows of the one `ahead` are on their way.
    #[inline(always)]
    fn numbers<S: Simd, const ROW: usize, const PART: usize>(
        &mut self,
        simd: S,
        input: &[f32],
        chunk: Chunk<'_>,
        ahead: Option<Chunk<'_>>,
    ) {
        let Projection { windows, weights, .. } = *self.on;
        let inputs = weights.sizes().inputs;
        let count = self.places.len() / GROUP;
        let groups = self.places.as_chunks::<GROUP>().0.iter().zip(self.currents.as_chunks_mut::<GROUP>().0).enumerate();
        let mut x = [[0.0; 64]; GROUP];
        for (i, (places, currents)) in groups {
            if let Some(ahead) = &ahead {
                ahead.fetch(i, count);
            }
            self.blocks.dense += 1;
            for r in 0..GROUP {
                chunk.numbers(windows, places[r], &input[chunk.channel..], inputs, &mut x[r]);
            }
            multiply::<S, ROW, PART>(simd, &x, chunk.rows, currents);
        }
    }

    /// Adds a chunk of an input of bits, of at most `P` planes.
    #[inline(always)]
    fn bits<S: Simd, const ROW: usize, const PART: usize, const P: usize>(
        &mut self,
        simd: S,
        bits: &[u64],
        planes: usize,
        chunk: Chunk<'_>,
        ahead: Option<Chunk<'_>>,
    ) {
        let Projection { windows, weights, steps, samples, .. } = *self.on;
        let words = words(weights.sizes().inputs);
        let plane_len = steps * samples * windows.inputs() * words;
        let input = Spikes {
            cells: windows.taps_from(chunk.tap),
            outputs: windows.outputs(),
            bits: &bits[chunk.channel / 64..],
            mask: u64::MAX >> (64 - chunk.channels),
            chunk,
            planes,
            plane_len,
            words,
        };
        let count = self.places.len() / GROUP;
        let groups = self.places.as_chunks::<GROUP>().0.iter().zip(self.currents.as_chunks_mut::<GROUP>().0).enumerate();
        let mut x = [[0.0; 64]; GROUP];
        for (i, (places, currents)) in groups {
            // A few rows need a few of the weights: it is not worth while to ask for all.
            if let Some(ahead) = ahead.as_ref().filter(|_| count > 2) {
                ahead.fetch(i, count);
            }
            let (mut seen, mut any, mut set) = ([[0; P]; GROUP], [0u64; GROUP], 0);
            let rows = self.rows - i * GROUP;
            for r in 0..GROUP {
                if r < rows {
                    seen[r] = input.see(places[r]);
                }
            }
            for r in 0..GROUP {
                for plane in 0..P {
                    any[r] |= seen[r][plane];
                }
                set += any[r].count_ones();
            }
            if set >= DENSE_FROM * GROUP as u32 {
                self.blocks.dense += 1;
                for r in 0..GROUP {
                    number(&seen[r], &mut x[r]);
                }
                multiply::<S, ROW, PART>(simd, &x, chunk.rows, currents);
                continue;
            }
            self.blocks.sparse += 1;
            for r in 0..GROUP {
                if any[r] != 0 && P == 1 {
                    add::<S, ROW>(simd, any[r], chunk.rows, &mut currents[r]);
                } else if any[r] != 0 {
                    add_times::<S, ROW, P>(simd, any[r], &seen[r], chunk.rows, &mut currents[r]);
                }
            }
        }
    }
}

/// An input of bits, as a chunk sees it.
struct Spikes<'a> {
    chunk: Chunk<'a>,
    /// The input cells from the chunk's first tap, by output.
    cells: &'a [u32],
    outputs: usize,
    /// From the chunk's first channel.
    bits: &'a [u64],
    /// What is left of a word belongs to channels of other groups, and several taps share one.
    mask: u64,
    planes: usize,
    /// Words of a plane, and of a cell.
    plane_len: usize,
    words: usize,
}

impl Spikes<'_> {
    /// The bits of all planes (there are at most `P`) that a row sees, one for each row of weights.
    #[inline(always)]
    fn see<const P: usize>(&self, place: Place) -> [u64; P] {
        let mut planes = [0; P];
        for (plane, word) in planes.iter_mut().enumerate() {
            if P == 1 || plane < self.planes {
                let at = plane * self.plane_len;
                *word = self.of_cell(at, place, self.cells[place.cell]);
                for tap in 1..self.chunk.taps {
                    *word |= self.of_cell(at, place, self.cells[tap * self.outputs + place.cell]) << (tap * self.chunk.channels);
                }
            }
        }
        planes
    }

    #[inline(always)]
    fn of_cell(&self, plane: usize, place: Place, cell: u32) -> u64 {
        match cell {
            NONE => 0,
            cell => self.bits[plane + (place.image + cell as usize) * self.words] & self.mask,
        }
    }
}

impl Chunk<'_> {
    /// Asks for one of `count` shares of the rows to be brought into the cache.
    #[inline(always)]
    fn fetch(&self, share: usize, count: usize) {
        let len = self.rows.len();
        for row in &self.rows[len * share / count..len * (share + 1) / count] {
            prefetch(&row.0, 0);
        }
    }

    /// The numbers that a row sees, one for each row of weights. `input` begins at the chunk's first channel, a cell has `inputs`.
    #[inline(always)]
    fn numbers(&self, windows: &Windows, place: Place, input: &[f32], inputs: usize, x: &mut [f32; 64]) {
        for tap in 0..self.taps {
            let x = &mut x[tap * self.channels..][..self.channels];
            match windows.tap(self.tap + tap)[place.cell] {
                NONE => x.fill(0.0),
                cell => {
                    // A loop: mostly a few channels, or one.
                    let input = &input[(place.image + cell as usize) * inputs..][..self.channels];
                    for (x, input) in x.iter_mut().zip(input) {
                        *x = *input;
                    }
                }
            }
        }
    }
}

/// Adds the rows of the set bits.
#[inline(always)]
fn add<S: Simd, const ROW: usize>(simd: S, word: u64, rows: &[Row], to: &mut Row) {
    let mut sums = registers::<S, ROW>(to);
    let mut left = word;
    while left != 0 {
        let row = registers::<S, ROW>(&rows[left.trailing_zeros() as usize]);
        for v in 0..ROW {
            sums[v] = simd.add_f32s(sums[v], row[v]);
        }
        left &= left - 1;
    }
    keep::<S, ROW>(&sums, to);
}

/// Adds the rows of the bits that are set in any plane, each times its number.
#[inline(always)]
fn add_times<S: Simd, const ROW: usize, const P: usize>(simd: S, any: u64, planes: &[u64; P], rows: &[Row], to: &mut Row) {
    let mut sums = registers::<S, ROW>(to);
    let mut left = any;
    while left != 0 {
        let k = left.trailing_zeros();
        let mut number = 0;
        for (plane, word) in planes.iter().enumerate() {
            number |= ((word >> k) & 1) << plane;
        }
        let (x, row) = (simd.splat_f32s(number as u32 as f32), registers::<S, ROW>(&rows[k as usize]));
        for v in 0..ROW {
            sums[v] = simd.mul_add_f32s(x, row[v], sums[v]);
        }
        left &= left - 1;
    }
    keep::<S, ROW>(&sums, to);
}

/// Adds all rows times their numbers, to [`GROUP`] rows of currents at once.
#[inline(always)]
fn multiply<S: Simd, const ROW: usize, const PART: usize>(simd: S, x: &[[f32; 64]; GROUP], rows: &[Row], to: &mut [Row; GROUP]) {
    for part in (0..ROW).step_by(PART) {
        let mut sums = [[simd.splat_f32s(0.0); PART]; GROUP];
        for r in 0..GROUP {
            for v in 0..PART {
                sums[r][v] = S::as_simd_f32s(&to[r].0).0[part + v];
            }
        }
        for (k, row) in rows.iter().enumerate().take(64) {
            let row = S::as_simd_f32s(&row.0).0;
            for r in 0..GROUP {
                let x = simd.splat_f32s(x[r][k]);
                for v in 0..PART {
                    sums[r][v] = simd.mul_add_f32s(x, row[part + v], sums[r][v]);
                }
            }
        }
        for r in 0..GROUP {
            for v in 0..PART {
                S::as_mut_simd_f32s(&mut to[r].0).0[part + v] = sums[r][v];
            }
        }
    }
}

#[inline(always)]
fn registers<S: Simd, const ROW: usize>(row: &Row) -> [S::f32s; ROW] {
    S::as_simd_f32s(&row.0).0.try_into().unwrap_or_else(|_| unreachable!("a row of 64 numbers"))
}

#[inline(always)]
fn keep<S: Simd, const ROW: usize>(registers: &[S::f32s; ROW], row: &mut Row) {
    S::as_mut_simd_f32s(&mut row.0).0.copy_from_slice(registers);
}
