//! Numbers as spikes (SpikingJelly: `encoding`). In: numbers from 0 to 1; out: spike trains that tell them by their rate
//! ([`PoissonEncoder`]), by the time of their only spike ([`LatencyEncoder`]), by their binary digits ([`WeightedPhaseEncoder`]), or
//! spikes that were given ([`PeriodicEncoder`]).
//!
//! An encoder looks at what it gets at its first step, and replays the spikes from then on, over and over, until it is reset. Only
//! the Poisson encoder looks at every step anew. No gradient flows through any of them.

mod latency;
mod periodic;
mod poisson;
mod weighted_phase;

pub use latency::{LatencyEncoder, LatencyEncoderConfig, latency};
pub use periodic::{PeriodicEncoder, PeriodicEncoderConfig};
pub use poisson::PoissonEncoder;
pub use snn_kernels::Latency;
pub use weighted_phase::{WeightedPhaseEncoder, WeightedPhaseEncoderConfig, weighted_phase};

use tch::Tensor;

use crate::error::{Error, Result};
use crate::state::{State, check_sizes};

/// What an encoder replays.
#[derive(Debug, Default)]
pub struct EncoderState {
    /// `[T, N, ..]`: the spikes of one round; `None` before the first step.
    pub spike: Option<Tensor>,
    /// The step of the round that comes next.
    pub t: usize,
}

impl State for EncoderState {
    fn reset(&mut self) {
        *self = EncoderState::default();
    }

    fn detach(&mut self) {
        // Spikes of an encoder are never attached.
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        if let Some(spike) = &self.spike {
            f("spike", spike);
            f("t", &Tensor::from(self.t as i64));
        }
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.spike.visit_mut(f);
    }

    fn shallow_clone(&self) -> Self {
        EncoderState { spike: self.spike.shallow_clone(), t: self.t }
    }
}

impl EncoderState {
    /// The next `steps` steps of the round, `[steps, N, ..]`; `encode` makes the round if there is none. `step` are the sizes of one.
    fn replay(&mut self, layer: &str, steps: i64, step: &[i64], encode: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
        if steps < 1 {
            return Err(Error::Steps { layer: layer.into(), problem: format!("there is no step to encode: {steps}") });
        }
        let round = match self.spike.take() {
            Some(round) => round,
            None => encode()?,
        };
        let round = self.spike.insert(round);
        let first = round.f_get(0).map_err(Error::in_layer(layer))?;
        check_sizes(layer, &first, step)?;
        let length = round.size()[0];
        let from = self.t as i64;
        self.t = ((from + steps) % length) as usize;
        if from == 0 && steps == length {
            return Ok(round.shallow_clone());
        }
        let at: Vec<i64> = (from..from + steps).map(|t| t % length).collect();
        round.f_index_select(0, &Tensor::from_slice(&at).to_device(round.device())).map_err(Error::in_layer(layer))
    }
}

/// All numbers of `x` are from 0 to `most`.
fn check_range(layer: &str, x: &Tensor, most: f64) -> Result<()> {
    if x.numel() == 0 {
        return Ok(());
    }
    let ends = || Ok((x.f_min()?.f_double_value(&[])?, x.f_max()?.f_double_value(&[])?));
    let (low, high) = tch::no_grad(ends).map_err(Error::in_layer(layer))?;
    if low >= 0.0 && high <= most {
        return Ok(());
    }
    let problem = format!("has values from {low} to {high}, but the code has spikes for values from 0 to {most} only");
    Err(Error::argument(layer, "x", problem, "scale the input, or `clamp` it"))
}

/// `Layer` for an encoder with `fn encode(&self, x: &Tensor) -> Result<Tensor>`, one step to one round.
macro_rules! encoder {
    ($encoder:ident, $config:ident) => {
        impl $crate::Layer for $encoder {
            type Config = $config;
            type State = super::EncoderState;

            fn build(scope: &$crate::Scope<'_>, config: $config) -> $crate::Result<Self> {
                $encoder::new(scope, config)
            }

            fn state(&self) -> super::EncoderState {
                super::EncoderState::default()
            }

            fn step(&self, x: &tch::Tensor, s: &mut super::EncoderState, _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                let one = s.replay(&self.name, 1, &x.size(), || self.encode(x))?;
                $crate::ops::at_step(&one, 0)
            }

            fn sequence(&self, x: &tch::Tensor, s: &mut super::EncoderState, _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                let sizes = x.size();
                let (steps, step) = $crate::state::steps_of(&self.name, &sizes)?;
                s.replay(&self.name, steps as i64, step, || self.encode(&$crate::ops::at_step(x, 0)?))
            }

            fn repeat(&self, x: &tch::Tensor, steps: i64, s: &mut super::EncoderState, _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                s.replay(&self.name, steps, &x.size(), || self.encode(x))
            }
        }
    };
}
use encoder;
