//! A linear layer that drops single connections. In: rows of features and weights; out: their products under random masks, the gradients the
//! way back, and the mean of the masked layer's outputs. SpikingJelly `DropConnectLinear`.
//!
//! From "Regularization of Neural Networks using DropConnect" (Wan et al., ICML 2013). Each sample of each step has a mask of its own,
//! `[outputs, inputs]`. It is never in memory: where a weight is used, forward or backward, the bit of its mask is computed again from
//! Philox. So memory sees inputs, weights and outputs alone, where stored masks would be `outputs` times the inputs.

mod infer;
mod masks;
mod normal;
#[cfg(test)]
mod tests;
mod train;

use crate::error::{Error, check_len, check_opt};
use crate::lanes::LANES;
use crate::real::Real;

pub use infer::{Inference, Noise, drop_connect_infer};
pub(crate) use masks::last_kept;
pub use masks::{MaskSource, Masks, drop_connect_masks};
pub use train::{DropConnectGrads, drop_connect, drop_connect_backward};

/// Sizes of a sequence of rows: `[steps, samples, inputs]` in, `[steps, samples, outputs]` out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropConnectSizes {
    /// Time steps.
    pub steps: usize,
    /// Rows of a step.
    pub samples: usize,
    /// Features that come in.
    pub inputs: usize,
    /// Features that go out.
    pub outputs: usize,
}

impl DropConnectSizes {
    fn rows(self) -> usize {
        self.steps * self.samples
    }

    fn check<F>(self, weights: &Weights<'_, F>, x: &[F]) -> Result<(), Error> {
        check_len("w", self.outputs * self.inputs, weights.w.len())?;
        check_opt("b", self.outputs, weights.b)?;
        check_len("x", self.rows() * self.inputs, x.len())?;
        // Rows of masks are counted in 32 bits.
        match u32::try_from(self.samples * self.outputs) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Overflow { steps: self.samples, neurons: self.outputs }),
        }
    }
}

/// The layer's weights.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, F> {
    /// `[outputs, inputs]`
    pub w: &'a [F],
    /// `[outputs]`: the weights of one more input, which is 1.
    pub b: Option<&'a [F]>,
}

/// Inputs of a layer with its bias as one of them, in blocks of [`LANES`].
#[derive(Clone, Copy)]
struct Blocks {
    inputs: usize,
    bias: bool,
}

impl Blocks {
    fn count(self) -> usize {
        (self.inputs + usize::from(self.bias)).div_ceil(LANES)
    }

    /// Block `j` of `row`, where `bias` stands behind the last input, and zeros behind that.
    #[inline(always)]
    fn load<F: Real>(self, row: &[F], bias: F, j: usize) -> [F; LANES] {
        let start = j * LANES;
        if start + LANES <= self.inputs {
            return row[start..start + LANES].try_into().unwrap_or([F::ZERO; LANES]);
        }
        let mut block = [F::ZERO; LANES];
        let rest = &row[start.min(self.inputs)..];
        block[..rest.len()].copy_from_slice(rest);
        if self.bias {
            block[self.inputs - start] = bias;
        }
        block
    }

    /// The way back: what belongs to inputs goes to `row`, what belongs to the bias is returned.
    #[inline(always)]
    fn store<F: Real>(self, block: &[F; LANES], row: &mut [F], j: usize) -> Option<F> {
        let start = j * LANES;
        let end = self.inputs.min(start + LANES).max(start);
        let here = end - start.min(end);
        row[start.min(self.inputs)..end.min(self.inputs)].copy_from_slice(&block[..here]);
        (self.bias && (start..start + LANES).contains(&self.inputs)).then(|| block[self.inputs - start])
    }
}
