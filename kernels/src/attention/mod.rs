//! Attention gates over time, channels and space. In: a sequence and the weights of the gates; out: the sequence, each element times its
//! gates, and gradients the way back. SpikingJelly `TemporalWiseAttention`, `MultiDimensionalAttention`.
//!
//! With z = x `[steps, samples, channels, pixels]`, one stage after the other, each on what the last one left:
//! 1. temporal: z *= sigmoid(P(mean) + P(max)) per step and sample, of mean and max over channels and pixels;
//! 2. channel: the same per sample and channel, of mean and max over steps and pixels;
//! 3. spatial: z *= sigmoid(K * \[mean, max\]) per sample and pixel, a convolution of mean and max over steps and channels;
//! 4. y = max(z, 0).
//!
//! P is a perceptron of two layers. Any stage may be missing.
//!
//! The gates of stages 1 and 2 are positive numbers, so sums and maxima of x over pixels, one each per step, sample and channel, say all
//! that those stages need to know. Hence forward x is read once for them, once for the spatial stage if there is one, and once to be gated:
//! 12 or 16 bytes of f32 per element with y, where one operation per mean, maximum and product moves about 50. The backward pass reads x
//! and y's gradient as often: 20 or 28 bytes with x's gradient. What is kept for it is small: a few numbers per row.
//!
//! A maximum sends its gradient to the first element that has it, in the order steps, channels, pixels.

mod backward;
mod forward;
mod perceptron;
mod spatial;
#[cfg(test)]
mod tests;

use crate::error::{Error, check_len};
use crate::real::Real;

pub use backward::{AttentionGrads, attention_backward};
#[cfg(test)]
pub(crate) use backward::{Part, traced};
pub use forward::{AttentionKept, attention};

/// Elements per tile, about.
const TILE: usize = 1 << 12;

/// Sizes of a sequence `[steps, samples, channels, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionSizes {
    /// Time steps.
    pub steps: usize,
    /// Samples in the batch.
    pub samples: usize,
    /// Channels; 1 for features that only the temporal gate sees.
    pub channels: usize,
    /// Rows of a channel.
    pub height: usize,
    /// Columns of a channel.
    pub width: usize,
}

impl AttentionSizes {
    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Rows of `[steps, samples, channels, pixels]`.
    pub(crate) fn rows(self) -> usize {
        self.steps * self.samples * self.channels
    }

    fn row(self, t: usize, n: usize, c: usize) -> usize {
        (t * self.samples + n) * self.channels + c
    }

    /// Step, sample and channel of a row.
    fn place(self, row: usize) -> (usize, usize, usize) {
        let (tn, c) = (row / self.channels, row % self.channels);
        (tn / self.samples, tn % self.samples, c)
    }

    /// Some rows make a tile, so that short rows do not make many.
    fn rows_per_tile(self) -> usize {
        (TILE / self.pixels().max(1)).max(1)
    }

    fn len(self) -> Result<usize, Error> {
        let overflow = Error::Overflow { steps: self.steps, neurons: usize::MAX };
        [self.samples, self.channels, self.height, self.width].iter().try_fold(self.steps, |n, &size| n.checked_mul(size)).ok_or(overflow)
    }
}

/// w2 max(w1 v, 0): two layers without bias.
#[derive(Clone, Copy, Debug)]
pub struct Perceptron<'a, F> {
    /// `[hidden, size]`
    pub w1: &'a [F],
    /// `[size, hidden]`
    pub w2: &'a [F],
}

/// A convolution of two planes to one with zeros around: the weights of the spatial gate.
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a, F> {
    /// `[2, kernel, kernel]`: on the mean, then on the maximum.
    pub w: &'a [F],
    /// Its size, odd.
    pub kernel: usize,
}

/// The gates; `None` where a stage is missing.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a, F> {
    /// One gate per step, of `steps` numbers.
    pub temporal: Option<Perceptron<'a, F>>,
    /// One gate per channel, of `channels` numbers.
    pub channel: Option<Perceptron<'a, F>>,
    /// One gate per pixel.
    pub spatial: Option<Planes<'a, F>>,
    /// Is what is negative set to 0 at the end?
    pub relu: bool,
}

impl<F: Real> Attention<'_, F> {
    fn check(&self, sizes: AttentionSizes) -> Result<(), Error> {
        for (gate, size) in [(&self.temporal, sizes.steps), (&self.channel, sizes.channels)] {
            if let Some(gate) = gate {
                let hidden = gate.w1.len() / size.max(1);
                check_len("w1", hidden * size, gate.w1.len())?;
                check_len("w2", hidden * size, gate.w2.len())?;
            }
        }
        self.spatial.map_or(Ok(()), |planes| check_len("w", 2 * planes.kernel * planes.kernel, planes.w.len()))
    }

    /// The last stage.
    #[inline(always)]
    fn last(relu: bool, z: F) -> F {
        if relu && z < F::ZERO { F::ZERO } else { z }
    }
}
