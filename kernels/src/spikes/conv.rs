//! A convolution whose input is spikes. In: `[samples * inputs, cells]` of bits and the weight; out: numbers, in torch's order.
//!
//! An output cell adds the weights of the ones that it sees: the sparse kernel of frozen inference. The way back is in `conv_gradient`.

use super::{SpikeMatrix, WORD};
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::frozen::{Axis, Border, In, Packed, Packer, Projection, Weights, Windows, words};
use crate::par::{Columns, map_tiles};
use crate::transpose::transposed;

/// The sizes of a convolution over planes, with steps of one cell and zeros around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpikeConv {
    /// Images: steps times batch.
    pub samples: usize,
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that go out.
    pub outputs: usize,
    /// Height and width of the input.
    pub plane: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Rows above and below, columns before and behind the input.
    pub padding: [[usize; 2]; 2],
    /// Cells from one place of the kernel to the next.
    pub dilation: [usize; 2],
}

/// The kernel reaches beyond the padded input.
const MISFIT: Error = Error::Length { what: "kernel", want: 1, got: 0 };

impl SpikeConv {
    /// Height and width of the output; `None` where the kernel does not fit.
    pub fn output(&self) -> Option<[usize; 2]> {
        let [rows, columns] = [0, 1].map(|i| {
            let pad: usize = self.padding[i].iter().sum();
            snn_shape::conv(self.plane[i], self.kernel[i], 1, pad, self.dilation[i])
        });
        Some([rows?, columns?])
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub(super) fn check(&self, x: &SpikeMatrix, weight: usize, out: usize) -> Result<[usize; 2], Error> {
        let [height, width] = self.output().filter(|_| self.plane.iter().all(|len| *len > 0)).ok_or(MISFIT)?;
        check_len("x", sequence_len(self.samples, self.inputs)?, x.rows)?;
        check_len("x", self.plane[0] * self.plane[1], x.cols)?;
        check_len("weight", sequence_len(self.outputs, self.inputs * self.taps())?, weight)?;
        check_len("out", sequence_len(self.samples, self.outputs * height * width)?, out)?;
        Ok([height, width])
    }

    /// The convolution of `x` (`[samples * inputs, cells]`) with `weight` (`[outputs, inputs, kernel height, kernel width]`) and, if wanted,
    /// `bias` (`[outputs]`): `out`, `[samples, outputs, height, width]`. An infinite weight counts only where there is a spike.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit, or the kernel does not.
    pub fn forward(&self, x: &SpikeMatrix, weight: &[f32], bias: Option<&[f32]>, out: &mut [f32]) -> Result<(), Error> {
        self.check(x, weight.len(), out.len())?;
        check_opt("bias", self.outputs, bias)?;
        let axis = |i: usize| {
            let [low, high] = self.padding[i];
            Axis::conv(self.plane[i], self.kernel[i], 1, (low, high), self.dilation[i], Border::Zeros)
        };
        let (Some(down), Some(right)) = (axis(0), axis(1)) else { return Err(MISFIT) };
        let windows = Windows::new(&[down, right]);
        let (inputs, taps) = (self.inputs, self.taps());
        let sizes = Weights { outputs: self.outputs, inputs, groups: 1, taps };
        let weights = pack(sizes, weight, bias)?;
        let bits = x.channels_last(self.samples, inputs);
        let input = In::Bits { words: &bits, planes: 1 };
        Projection { windows: &windows, weights: &weights, input, steps: 1, samples: self.samples }.planes(out)?;
        Ok(())
    }
}

/// Weights in torch's order, and a bias, as the frozen kernels read them.
fn pack(sizes: Weights, weight: &[f32], bias: Option<&[f32]>) -> Result<Packed, Error> {
    let outputs = sizes.outputs;
    // The weights of an output lie far from the next one's.
    let mut turned = vec![0.0; weight.len()];
    transposed(weight, outputs, &mut turned)?;
    let mut packer = Packer::new(sizes, |output| bias.map_or(0.0, |bias| bias[output]));
    for (tap, input) in (0..sizes.taps).flat_map(|tap| (0..sizes.inputs).map(move |input| (tap, input))) {
        packer.row(tap, input, &turned[(input * sizes.taps + tap) * outputs..][..outputs]);
    }
    Ok(packer.finish())
}

impl SpikeMatrix {
    /// `[samples * channels, cells]` as the kernels of frozen inference have it: `[sample][cell][word of channels]`.
    fn channels_last(&self, samples: usize, channels: usize) -> Vec<u64> {
        let (cells, per_cell) = (self.cols, words(channels));
        let mut out = vec![0; samples * cells * per_cell];
        let columns = Columns::new(&mut out, cells * per_cell);
        map_tiles(samples, 1, channels * cells / 4, &|| (), &|(), sample| {
            // SAFETY: tiles are disjoint, and each takes a row once.
            let out = unsafe { columns.row(sample.start, 0..cells * per_cell) };
            for word in 0..per_cell {
                let of = word * WORD..channels.min((word + 1) * WORD);
                for i in 0..cells.div_ceil(WORD) {
                    let mut square = [0; WORD];
                    for (square, channel) in square.iter_mut().zip(of.clone()) {
                        *square = self.row(sample.start * channels + channel)[i];
                    }
                    turn(&mut square);
                    let cells = out[i * WORD * per_cell..].chunks_exact_mut(per_cell);
                    for (cell, square) in cells.zip(square) {
                        cell[word] = square;
                    }
                }
            }
        });
        out
    }
}

/// Bit i of word k becomes bit k of word i.
fn turn(square: &mut [u64; WORD]) {
    let mut width = WORD / 2;
    // The lower halves of groups of 2 * width bits.
    let mut mask = u64::MAX >> width;
    while width != 0 {
        for k in (0..WORD).filter(|k| k & width == 0) {
            let swap = ((square[k] >> width) ^ square[k + width]) & mask;
            square[k] ^= swap << width;
            square[k + width] ^= swap;
        }
        width /= 2;
        mask ^= mask << width;
    }
}
