//! What all neurons have: threshold, reset, surrogate. In: a config's values; out: checked, and as the kernels take them.

use snn_kernels::{Fire, Real, Reset};

use crate::error::{Error, Result};
use crate::surrogate::{self, Surrogate};

/// Threshold, reset and surrogate of a neuron (SpikingJelly: `BaseNode`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Common {
    pub(crate) v_threshold: f64,
    pub(crate) v_reset: Option<f64>,
    pub(crate) surrogate_function: Surrogate,
    pub(crate) detach_reset: bool,
}

impl Common {
    /// Refuses numbers that make a neuron silent or its potential NaN for ever.
    pub(crate) fn check(self, layer: &str) -> Result<Self> {
        if self.v_threshold.is_nan() {
            return Err(Error::argument(layer, "v_threshold", "must be a number, but is NaN", "`f64::INFINITY` never fires"));
        }
        match self.v_reset {
            Some(v) if !v.is_finite() => {
                return Err(Error::argument(
                    layer,
                    "v_reset",
                    format!("must be a finite number, but is {v:?}"),
                    "`None` is the soft reset",
                ));
            }
            None if self.v_threshold.is_infinite() => {
                let help = "give a `v_reset`: a neuron that never fires is never reset";
                return Err(Error::argument(layer, "v_threshold", "must be finite for the soft reset, which subtracts it", help));
            }
            _ => {}
        }
        surrogate::check(&self.surrogate_function, layer)?;
        Ok(self)
    }

    /// Where the potential leaks to: `v_reset`, or 0.
    pub(crate) fn rest(&self) -> f64 {
        self.v_reset.unwrap_or(0.0)
    }

    pub(crate) fn fire<F: Real>(&self) -> Fire<F> {
        Fire {
            v_threshold: F::of(self.v_threshold),
            reset: self.v_reset.map_or(Reset::Soft, |v| Reset::Hard(F::of(v))),
            detach_reset: self.detach_reset,
            surrogate: self.surrogate_function,
            spiking: self.surrogate_function.spiking(),
        }
    }
}

/// A time constant that makes a leak: more than one step.
pub(crate) fn check_tau(layer: &str, argument: &str, tau: f64) -> Result<()> {
    if tau > 1.0 && tau.is_finite() {
        return Ok(());
    }
    let help = "it counts steps; `IFNode` is the neuron without a leak";
    Err(Error::argument(layer, argument, format!("must be greater than 1, but is {tau:?}"), help))
}
