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

use crate::elements::plain;
use crate::error::{Error, Result};
use crate::recording::Recording;
use crate::report::probe;
use crate::table::{percent, table};

/// From which firing rates on a layer is unwell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// At this rate or below a layer passes on nothing, forward or backward: 0 unless set.
    pub dead: f64,
    /// Above this rate a layer passes on almost the same at every step: 0.9 unless set.
    pub saturated: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { dead: 0.0, saturated: 0.9 }
    }
}

impl Limits {
    /// What a firing rate says.
    pub fn health(&self, rate: f64) -> Health {
        if rate <= self.dead {
            Health::Dead
        } else if rate <= self.saturated {
            Health::Ok
        } else {
            Health::Saturated
        }
    }
}

/// How often the neurons of a layer fire.
#[derive(Clone, Debug, PartialEq)]
pub struct FiringRate {
    /// The layer's name.
    pub layer: String,
    /// Spikes per neuron and step, from 0 to 1; more where a neuron sends several at once.
    pub rate: f64,
    /// The share of neurons that never fired, at any step of any sample.
    pub silent: f64,
}

/// What a firing rate says about a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// At [`Limits::dead`] or below.
    Dead,
    /// In between.
    Ok,
    /// Above [`Limits::saturated`], or not a number.
    Saturated,
}

impl Health {
    /// What to do about it, if anything.
    fn advice(self) -> Option<&'static str> {
        match self {
            Health::Ok => None,
            Health::Dead => Some("lower its `v_threshold`, or put a `BatchNorm2d` before it"),
            Health::Saturated => Some("raise its `v_threshold`, or put a `BatchNorm2d` before it"),
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Health::Dead => "dead",
            Health::Ok => "ok",
            Health::Saturated => "saturated",
        })
    }
}

impl FiringRate {
    /// Recorded spikes, `[T, N, ..]`, a neuron and step; those of either sign count.
    ///
    /// # Errors
    ///
    /// There are none, or libtorch cannot read them.
    pub fn of(layer: impl Into<String>, spikes: &Tensor) -> Result<FiringRate> {
        let layer = layer.into();
        plain(&layer, spikes)?;
        if spikes.numel() == 0 {
            return Err(Error::shape(&layer, "spikes of at least one step, sample and neuron, [T, N, ..]", &spikes.size(), ""));
        }
        let of = || {
            let rate = probe::spikes(spikes)? / spikes.numel() as f64;
            // Over steps and samples.
            let leading: Vec<i64> = (0..spikes.dim().min(2) as i64).collect();
            let spikes = if leading.is_empty() { spikes.shallow_clone() } else { spikes.f_abs()?.f_amax(leading, false)? };
            let silent = spikes.f_eq(0)?.f_mean(Kind::Double)?.f_double_value(&[])?;
            Ok((rate, silent))
        };
        let (rate, silent) = tch::no_grad(of).map_err(Error::in_layer(&layer))?;
        Ok(FiringRate { layer, rate, silent })
    }

    /// What the rate says, by the default [`Limits`].
    pub fn health(&self) -> Health {
        Limits::default().health(self.rate)
    }

    /// What to tell the user, if anything.
    pub fn warning(&self) -> Option<String> {
        Some(format!("{self}: {}", self.health().advice()?))
    }
}

/// `sn1 fires in 2.5 % of the steps (ok)`
impl fmt::Display for FiringRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fires in {} of the steps ({})", self.layer, percent(self.rate), self.health())
    }
}

/// The firing rates of the layers of a net, as a table with warnings.
///
/// ```text
/// layer  firing rate  silent neurons
/// sn1         12.4 %           3.1 %
/// sn2          0.0 %         100.0 %  dead: lower its `v_threshold`, or put a `BatchNorm2d` before it
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FiringRates {
    /// In the order of the net.
    pub layers: Vec<FiringRate>,
    /// What is dead and what saturated.
    pub limits: Limits,
    /// Layers of which other things than spikes were recorded.
    without_spikes: Vec<String>,
}

impl FiringRates {
    /// Of these layers.
    pub fn new(layers: Vec<FiringRate>) -> FiringRates {
        FiringRates { layers, limits: Limits::default(), without_spikes: Vec::new() }
    }

    /// Of all layers whose spikes a recording holds.
    ///
    /// # Errors
    ///
    /// libtorch cannot read them.
    pub fn of(recording: &impl Recording) -> Result<FiringRates> {
        let (mut layers, mut without_spikes) = (Vec::new(), Vec::new());
        recording.visit(&mut |name, recorded| match recorded.spikes {
            Some(spikes) => layers.push(FiringRate::of(name, spikes)),
            None => without_spikes.push(name.to_string()),
        });
        let layers = layers.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(FiringRates { layers, limits: Limits::default(), without_spikes })
    }

    /// The same with other limits: a layer is dead at the rate `dead` or below, and saturated above `saturated`.
    pub fn with_limits(mut self, dead: f64, saturated: f64) -> FiringRates {
        self.limits = Limits { dead, saturated };
        self
    }

    /// The layers that are dead or saturated.
    pub fn unwell(&self) -> impl Iterator<Item = (&FiringRate, Health)> {
        self.layers.iter().map(|rate| (rate, self.limits.health(rate.rate))).filter(|(_, health)| *health != Health::Ok)
    }
}

impl fmt::Display for FiringRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["layer", "firing rate", "silent neurons"];
        let rows = self.layers.iter().map(|rate| [rate.layer.clone(), percent(rate.rate), percent(rate.silent)]);
        let table = table(1, header, rows);
        let notes = self.layers.iter().map(|rate| {
            let health = self.limits.health(rate.rate);
            health.advice().map(|advice| format!("  {health}: {advice}")).unwrap_or_default()
        });
        let lines = table.lines().zip(std::iter::once(String::new()).chain(notes)).map(|(line, note)| format!("{line}{note}"));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))?;
        match self.without_spikes.is_empty() {
            true => Ok(()),
            false => write!(f, "\nno spikes were recorded of {}: `#[record(spikes)]`", self.without_spikes.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_and_saturated_layers_are_told() {
        let rate = |rate| FiringRate { layer: "sn1".into(), rate, silent: 0.0 };
        assert_eq!(rate(0.1).warning(), None);
        assert!(rate(0.0).warning().unwrap().starts_with("sn1 fires in 0.0 % of the steps (dead): lower its"));
        assert!(rate(0.95).warning().unwrap().contains("(saturated): raise its"));
        assert_eq!([0.9, 0.901, f64::NAN].map(|r| rate(r).health()), [Health::Ok, Health::Saturated, Health::Saturated]);
    }

    #[test]
    fn a_neuron_is_silent_that_never_fires() {
        let spikes = Tensor::from_slice(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]).reshape([2, 1, 4]);
        assert_eq!(FiringRate::of("sn", &spikes).unwrap(), FiringRate { layer: "sn".into(), rate: 0.25, silent: 0.75 });
    }

    #[test]
    fn spikes_of_either_sign_count() {
        let spikes = Tensor::from_slice(&[1.0, -1.0, 0.0, 0.0]).reshape([2, 1, 2]);
        assert_eq!(FiringRate::of("sn", &spikes).unwrap(), FiringRate { layer: "sn".into(), rate: 0.5, silent: 0.0 });
    }

    #[test]
    fn rates_are_a_table_with_warnings() {
        let layer = |layer: &str, rate, silent| FiringRate { layer: layer.into(), rate, silent };
        let rates = FiringRates::new(vec![layer("sn1", 0.1234, 0.03), layer("layer1.0.sn", 0.0, 1.0), layer("sn4", 0.95, 0.0)]);
        let text = "layer        firing rate  silent neurons
sn1               12.3 %           3.0 %
layer1.0.sn        0.0 %         100.0 %  dead: lower its `v_threshold`, or put a `BatchNorm2d` before it
sn4               95.0 %           0.0 %  saturated: raise its `v_threshold`, or put a `BatchNorm2d` before it";
        assert_eq!(rates.to_string(), text);
        let strict = rates.with_limits(0.2, 0.99);
        let unwell: Vec<(&str, Health)> = strict.unwell().map(|(rate, health)| (rate.layer.as_str(), health)).collect();
        assert_eq!(unwell, [("sn1", Health::Dead), ("layer1.0.sn", Health::Dead)]);
    }
}
