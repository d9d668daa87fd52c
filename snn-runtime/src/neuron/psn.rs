//! `PSN`: h = weight x + bias over all steps at once, and no reset.

pub use snn_infer::PSNConfig;
use tch::Tensor;
use tch::nn::Init;

use super::firing::Firing;
use super::parallel::{Parallel, Sees, check_steps, whole_sequences};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::weights::{learnable, uniform};

/// Parallel spiking neuron, from "Parallel Spiking Neurons with High Efficiency and Long-term Dependencies Learning Ability" (Fang et
/// al., NeurIPS 2023): every step sees the inputs of all steps, later ones too, through weights of its own.
///
/// h = weight x + bias, s = 1 where h >= 0. Whole sequences only; nothing is remembered.
/// SpikingJelly equivalent: `neuron.PSN(..)`.
///
/// # Shapes
///
/// `[T, N, ..]` to the same, with exactly the T it was built for.
#[derive(Debug)]
pub struct PSN {
    /// `[T, T]`: by output step, then by input step.
    pub weight: Tensor,
    /// `[T, 1]`: starts at -1.
    pub bias: Tensor,
    config: PSNConfig,
    firing: Firing,
    name: String,
}

impl PSN {
    fn new(scope: &Scope<'_>, config: PSNConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        let firing = Firing::new(scope, config.surrogate_function)?;
        let weight = uniform(scope, "weight", &[config.T, config.T], config.T)?;
        let bias = learnable(scope, "bias", &[config.T, 1], Init::Const(-1.0))?;
        Ok(PSN { weight, bias, config, firing, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &PSNConfig {
        &self.config
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        check_steps(&self.name, self.config.T, x)?;
        let Self { weight, bias, firing, name, .. } = self;
        Parallel { layer: name, label: "PSN", firing, sees: Sees::Matrix(None), weight, bias }.run(&[], x)
    }
}

whole_sequences!(PSN, PSNConfig);
