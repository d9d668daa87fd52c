//! `SlidingPSN`: a `PSN` with the same k weights at every step, for the step's own input and the k - 1 before it.

pub use snn_infer::SlidingPSNConfig;
use tch::Tensor;
use tch::nn::Init;

use super::firing::Firing;
use super::parallel::{Parallel, Sees};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::state::{QueueState, steps_of};
use crate::weights::{learnable, uniform};

/// Sliding parallel spiking neuron, from "Parallel Spiking Neurons with High Efficiency and Long-term Dependencies Learning Ability"
/// (Fang et al., NeurIPS 2023).
///
/// h\[t\] = sum over j < k of weight\[k - 1 - j\] x\[t - j\] + bias, s = 1 where h >= 0; before the first step x is 0.
/// SpikingJelly equivalent: `neuron.SlidingPSN(..)`. There a whole sequence neither sees nor leaves inputs in the queue; here it does
/// both, so that a sequence may be cut anywhere.
///
/// # Shapes
///
/// Any; the state has the inputs of the last k steps.
#[derive(Debug)]
pub struct SlidingPSN {
    /// `[k]`: oldest input first.
    pub weight: Tensor,
    /// One number: starts at -1.
    pub bias: Tensor,
    config: SlidingPSNConfig,
    firing: Firing,
    name: String,
}

impl SlidingPSN {
    fn new(scope: &Scope<'_>, config: SlidingPSNConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        let firing = Firing::new(scope, config.surrogate_function)?;
        let weight = uniform(scope, "weight", &[config.k], config.k)?;
        if config.exp_init {
            let halves: Vec<f64> = (0..config.k).rev().map(|age| 0.5f64.powi(age as i32)).collect();
            tch::no_grad(|| weight.shallow_clone().f_copy_(&Tensor::from_slice(&halves))).map_err(Error::in_layer(scope.name()))?;
        }
        let bias = learnable(scope, "bias", &[], Init::Const(-1.0))?;
        Ok(SlidingPSN { weight, bias, config, firing, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &SlidingPSNConfig {
        &self.config
    }
}

impl Layer for SlidingPSN {
    type Config = SlidingPSNConfig;
    type State = QueueState;

    fn build(scope: &Scope<'_>, config: SlidingPSNConfig) -> Result<Self> {
        SlidingPSN::new(scope, config)
    }

    fn state(&self) -> QueueState {
        QueueState::default()
    }

    fn step(&self, x: &Tensor, s: &mut QueueState, cx: &Cx) -> Result<Tensor> {
        let x = x.f_unsqueeze(0).map_err(Error::in_layer(&self.name))?;
        self.sequence(&x, s, cx)?.f_squeeze_dim(0).map_err(Error::in_layer(&self.name))
    }

    fn sequence(&self, x: &Tensor, s: &mut QueueState, _: &Cx) -> Result<Tensor> {
        let Self { weight, bias, config, firing, name } = self;
        let sizes = x.size();
        let (_, step) = steps_of(name, &sizes)?;
        let before = s.last(name, config.k - 1, step)?;
        let spikes = Parallel { layer: name, label: "SlidingPSN", firing, sees: Sees::Sliding, weight, bias }.run(before, x)?;
        s.push(x, config.k)?;
        Ok(spikes)
    }
}
