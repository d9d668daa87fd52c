//! `LatencyEncoder`. In: numbers from 0 to 1; out: one spike each, the earlier the larger the number.

use snn_kernels::Latency;
use tch::{Kind, TchError, Tensor};

use super::{check_range, encoder};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, in_its_kind};
use crate::error::{Error, Result};
use crate::ops::places;
use crate::scope::Scope;
use crate::weights::positive;

/// Arguments of [`LatencyEncoder`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct LatencyEncoderConfig {
    /// Steps of a round.
    pub T: usize,
    /// How the time tells the number.
    pub enc_function: Latency,
}

/// One spike per round, the earlier the larger the number: at step (T - 1)(1 - x), or for [`Latency::Log`] at T - 1 - ln(a x + 1) with
/// a = e^(T - 1) - 1, rounded: of at most 89 steps in `Float`, 710 in `Double`, since a has to be a number.
///
/// SpikingJelly equivalent: `encoding.LatencyEncoder(..)`. The numbers are those of the first step after a reset; then the round is
/// replayed.
///
/// # Shapes
///
/// `[N, ..]` to the same; the state `spike` is `[T, N, ..]`.
#[derive(Debug)]
pub struct LatencyEncoder {
    config: LatencyEncoderConfig,
    name: String,
}

impl LatencyEncoder {
    fn new(scope: &Scope<'_>, config: LatencyEncoderConfig) -> Result<Self> {
        positive(scope, &[("T", config.T)])?;
        Ok(LatencyEncoder { config, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &LatencyEncoderConfig {
        &self.config
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        round(&self.name, "T", x, self.config.T, self.config.enc_function)
    }
}

encoder!(LatencyEncoder, LatencyEncoderConfig);

/// One round of [`LatencyEncoder`]: `[N, ..]` to `[steps, N, ..]`.
///
/// # Errors
///
/// A number is outside [0, 1], or there are no steps, or too many for [`Latency::Log`].
pub fn latency(x: &Tensor, steps: usize, enc_function: Latency) -> Result<Tensor> {
    if steps == 0 {
        return Err(Error::argument("latency", "steps", "must be at least 1, but is 0", ""));
    }
    round("latency", "steps", x, steps, enc_function)
}

/// `argument` is the name of `steps`.
fn round(layer: &str, argument: &str, x: &Tensor, steps: usize, enc_function: Latency) -> Result<Tensor> {
    let on = Launcher::of(layer, x)?;
    let (most, largest) = if x.kind() == Kind::Double { (710, f64::MAX) } else { (89, f64::from(f32::MAX)) };
    if enc_function == Latency::Log && (steps as f64 - 1.0).exp() > largest {
        let problem = format!("is {steps}, but `Latency::Log` takes at most {most} for numbers of kind {:?}", x.kind());
        return Err(Error::argument(layer, argument, problem, "take fewer steps, or `Latency::Linear`"));
    }
    check_range(layer, x, 1.0)?;
    match on {
        Some(on) => round_on(x, on.compute(), steps, enc_function).map_err(Error::in_layer(layer)),
        None => in_its_kind!(layer, x, F => round_in::<F>(layer, x, steps, enc_function)),
    }
}

/// The same on a CUDA device, by libtorch's operations: it is done once a round. `kind` is that of the arithmetic.
fn round_on(x: &Tensor, kind: Kind, steps: usize, enc_function: Latency) -> Result<Tensor, TchError> {
    tch::no_grad(|| {
        let (last, numbers) = (steps as f64 - 1.0, x.f_to_kind(kind)?.f_unsqueeze(0)?);
        let at = match enc_function {
            Latency::Linear => numbers.f_neg()?.f_add_scalar(1.0)?.f_mul_scalar(last)?,
            Latency::Log => {
                let within = numbers.f_mul_scalar(last.exp() - 1.0)?.f_add_scalar(1.0)?;
                within.f_to_kind(Kind::Double)?.f_log()?.f_to_kind(kind)?.f_neg()?.f_add_scalar(last)?
            }
        };
        let each = places(steps, x.dim(), kind, x.device())?;
        at.f_round()?.f_clamp(0.0, last)?.f_eq_tensor(&each)?.f_to_kind(x.kind())
    })
}

fn round_in<F: Elements>(layer: &str, x: &Tensor, steps: usize, enc_function: Latency) -> Result<Tensor> {
    let dense = dense(layer, x)?;
    let mut out = Fresh::<F>::new(layer, &[&[steps as i64], &x.size()[..]].concat())?;
    snn_kernels::latency(F::slice(layer, &dense)?, steps, enc_function, out.elements()).map_err(|e| Error::bug(layer, e))?;
    Ok(out.into_tensor())
}
