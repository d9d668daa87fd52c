//! Health of a spiking net. In: recorded spikes; out: firing rates, and warnings where a layer is silent or saturated.
//!
//! ```
//! use snn_runtime::monitor::{FiringRate, Health};
//! use snn_runtime::Tensor;
//!
//! let spikes = Tensor::from_slice(&[0.0, 1.0, 0.0, 0.0]); // as `rec.sn1.spikes` of `#[record(spikes)]`
//! let rate = FiringRate::of("sn1", &spikes)?;
//! assert_eq!((rate.rate, rate.health()), (0.25, Health::Ok));
//! # Ok::<(), snn_runtime::Error>(())
//! ```

use std::fmt;

use tch::{Kind, Tensor};

use crate::error::Result;

/// A layer that fires less than once in a thousand steps passes on almost nothing, forward or backward.
pub const DEAD_BELOW: f64 = 0.001;

/// A layer that fires in four of five steps passes on almost the same at every step.
pub const SATURATED_ABOVE: f64 = 0.8;

/// How often the neurons of a layer fire.
#[derive(Clone, Debug, PartialEq)]
pub struct FiringRate {
    /// The layer's name.
    pub layer: String,
    /// Spikes per neuron and step, from 0 to 1.
    pub rate: f64,
}

/// What a firing rate says about a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Below [`DEAD_BELOW`].
    Dead,
    /// In between.
    Ok,
    /// Above [`SATURATED_ABOVE`], or not a number.
    Saturated,
}

/// What a firing rate says.
pub fn health(rate: f64) -> Health {
    if rate < DEAD_BELOW {
        Health::Dead
    } else if rate <= SATURATED_ABOVE {
        Health::Ok
    } else {
        Health::Saturated
    }
}

impl FiringRate {
    /// The mean of recorded spikes of any shape.
    ///
    /// # Errors
    ///
    /// libtorch cannot read them.
    pub fn of(layer: impl Into<String>, spikes: &Tensor) -> Result<FiringRate> {
        let rate = tch::no_grad(|| spikes.f_mean(Kind::Double)?.f_double_value(&[]))?;
        Ok(FiringRate { layer: layer.into(), rate })
    }

    /// What the rate says.
    pub fn health(&self) -> Health {
        health(self.rate)
    }

    /// What to tell the user, if anything.
    pub fn warning(&self) -> Option<String> {
        let advice = match self.health() {
            Health::Ok => return None,
            Health::Dead => "lower its `v_threshold`, or put a `BatchNorm2d` before it",
            Health::Saturated => "raise its `v_threshold`, or put a `BatchNorm2d` before it",
        };
        Some(format!("{self}: {advice}"))
    }
}

/// `sn1 fires in 2.5 % of the steps (ok)`
impl fmt::Display for FiringRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = match self.health() {
            Health::Dead => "dead",
            Health::Ok => "ok",
            Health::Saturated => "saturated",
        };
        write!(f, "{} fires in {:.1} % of the steps ({health})", self.layer, 100.0 * self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_and_saturated_layers_are_told() {
        let rate = |rate| FiringRate { layer: "sn1".into(), rate };
        assert_eq!(rate(0.1).warning(), None);
        assert!(rate(0.0).warning().unwrap().starts_with("sn1 fires in 0.0 % of the steps (dead): lower its"));
        assert!(rate(0.9).warning().unwrap().contains("(saturated): raise its"));
        assert_eq!(health(f64::NAN), Health::Saturated);
    }
}
