//! `WeightedPhaseEncoder`. In: numbers from 0 to 1 - 2^-K; out: their K binary digits, the largest first.

use tch::{Kind, TchError, Tensor};

use super::{check_range, encoder};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, in_its_kind};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::weights::positive;

/// Arguments of [`WeightedPhaseEncoder`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct WeightedPhaseEncoderConfig {
    /// Binary digits, and so the steps of a round.
    pub K: usize,
}

/// The binary digits of a number, one per step and the largest first: a spike at step t is worth 2^-(t + 1).
///
/// From "Deep neural networks with weighted spikes" (Kim et al., Neurocomputing 2018).
/// SpikingJelly equivalent: `encoding.WeightedPhaseEncoder(..)`. The numbers are those of the first step after a reset; then the
/// round is replayed.
///
/// # Shapes
///
/// `[N, ..]` to the same; the state `spike` is `[K, N, ..]`.
#[derive(Debug)]
pub struct WeightedPhaseEncoder {
    config: WeightedPhaseEncoderConfig,
    name: String,
}

impl WeightedPhaseEncoder {
    fn new(scope: &Scope<'_>, config: WeightedPhaseEncoderConfig) -> Result<Self> {
        positive(scope, &[("K", config.K)])?;
        Ok(WeightedPhaseEncoder { config, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &WeightedPhaseEncoderConfig {
        &self.config
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        round(&self.name, x, self.config.K)
    }
}

encoder!(WeightedPhaseEncoder, WeightedPhaseEncoderConfig);

/// One round of [`WeightedPhaseEncoder`]: `[N, ..]` to `[digits, N, ..]`.
///
/// # Errors
///
/// A number is outside [0, 1 - 2^-digits], or there are no digits.
pub fn weighted_phase(x: &Tensor, digits: usize) -> Result<Tensor> {
    if digits == 0 {
        return Err(Error::argument("weighted_phase", "digits", "must be at least 1, but is 0", ""));
    }
    round("weighted_phase", x, digits)
}

fn round(layer: &str, x: &Tensor, digits: usize) -> Result<Tensor> {
    let on = Launcher::of(layer, x)?;
    check_range(layer, x, 1.0 - 0.5f64.powi(i32::try_from(digits).unwrap_or(i32::MAX)))?;
    match on {
        Some(on) => round_on(x, on.compute(), digits).map_err(Error::in_layer(layer)),
        None => in_its_kind!(layer, x, F => round_in::<F>(layer, x, digits)),
    }
}

/// The same on a CUDA device, by libtorch's operations: it is done once a round. `kind` is that of the arithmetic.
fn round_on(x: &Tensor, kind: Kind, digits: usize) -> Result<Tensor, TchError> {
    tch::no_grad(|| {
        // First of all: more digits than there is room for are an error.
        let out = Tensor::f_empty([&[digits as i64], &x.size()[..]].concat(), (x.kind(), x.device()))?;
        if out.numel() == 0 {
            return Ok(out);
        }
        let (mut left, mut weight) = (x.f_to_kind(kind)?, 0.5);
        for t in 0..digits as i64 {
            let spike = left.f_ge(weight)?.f_to_kind(kind)?;
            left = left.f_sub(&spike.f_mul_scalar(weight)?)?;
            out.f_select(0, t)?.f_copy_(&spike)?;
            weight *= 0.5;
        }
        Ok(out)
    })
}

fn round_in<F: Elements>(layer: &str, x: &Tensor, digits: usize) -> Result<Tensor> {
    let dense = dense(layer, x)?;
    let mut out = Fresh::<F>::new(layer, &[&[digits as i64], &x.size()[..]].concat())?;
    snn_kernels::weighted_phase(F::slice(layer, &dense)?, digits, out.elements()).map_err(|e| Error::bug(layer, e))?;
    Ok(out.into_tensor())
}
