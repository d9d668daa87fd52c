//! `ParametricLIFNode`: h = v + (x - (v - v_reset)) * sigmoid(w), with a learned w.

use snn_kernels::{Plif, Real};
use tch::Tensor;
use tch::nn::Init;

use super::common::{Common, check_tau};
use super::fused::{Dynamics, Fused, Input};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::NeuronState;
use crate::surrogate::Surrogate;
use crate::tap::Tap;
use crate::weights::learnable;

/// Arguments of [`ParametricLIFNode`], in SpikingJelly's words. The default has SpikingJelly's values.
#[derive(Clone, Debug, PartialEq)]
pub struct ParametricLIFNodeConfig {
    /// Membrane time constant in steps before training, greater than 1.
    pub init_tau: f64,
    /// Is the input divided by the time constant, too?
    pub decay_input: bool,
    /// The potential at which it fires.
    pub v_threshold: f64,
    /// The potential after a spike, to which it also leaks; `None`: the threshold is subtracted, and it leaks to 0.
    pub v_reset: Option<f64>,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
    /// Is the spike a constant in the reset, when gradients are taken?
    pub detach_reset: bool,
}

impl Default for ParametricLIFNodeConfig {
    fn default() -> Self {
        ParametricLIFNodeConfig {
            init_tau: 2.0,
            decay_input: true,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            surrogate_function: Surrogate::default(),
            detach_reset: false,
        }
    }
}

/// Leaky integrate and fire with a learned time constant, one for the layer: 1 / tau = sigmoid(w). From "Incorporating
/// Learnable Membrane Time Constant to Enhance Learning of Spiking Neural Networks" (Fang et al., ICCV 2021).
///
/// h = v + (x - (v - v_reset)) / tau, or without `decay_input` h = v - (v - v_reset) / tau + x.
/// SpikingJelly equivalent: `neuron.ParametricLIFNode(..)`.
///
/// # Shapes
///
/// Any; the state `v` has that of one step.
#[derive(Debug)]
pub struct ParametricLIFNode {
    /// One number: starts at -ln(init_tau - 1).
    pub w: Tensor,
    config: ParametricLIFNodeConfig,
    common: Common,
    name: String,
}

#[derive(Clone, Copy)]
struct LearnedLeak {
    q: f64,
    decay_input: bool,
    rest: f64,
}

impl Dynamics for LearnedLeak {
    type Charge<F: Real> = Plif<F>;

    fn charge<F: Real>(self) -> Plif<F> {
        Plif { q: F::of(self.q), decay_input: self.decay_input, rest: F::of(self.rest) }
    }

    fn weight_gradient(self, parameters: &[f64]) -> Option<f64> {
        parameters.first().map(|dq| self.q * (1.0 - self.q) * dq)
    }
}

impl ParametricLIFNode {
    fn new(scope: &Scope<'_>, config: ParametricLIFNodeConfig) -> Result<Self> {
        let ParametricLIFNodeConfig { init_tau, v_threshold, v_reset, surrogate_function, detach_reset, .. } = config;
        check_tau(scope.name(), "init_tau", init_tau)?;
        let common = Common { v_threshold, v_reset, surrogate_function, detach_reset }.check(scope.name())?;
        let w = learnable(scope, "w", &[], Init::Const(-(init_tau - 1.0).ln()))?;
        Ok(ParametricLIFNode { w, config, common, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &ParametricLIFNodeConfig {
        &self.config
    }

    /// The time constant as it is now, in steps.
    ///
    /// # Errors
    ///
    /// libtorch cannot read `w`.
    pub fn tau(&self) -> Result<f64> {
        Ok(1.0 / self.q()?)
    }

    /// 1 / tau.
    fn q(&self) -> Result<f64> {
        let q = tch::no_grad(|| self.w.f_sigmoid()?.f_double_value(&[]));
        q.map_err(Error::in_layer(&self.name))
    }

    fn run(&self, input: Input<'_>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let dynamics = LearnedLeak { q: self.q()?, decay_input: self.config.decay_input, rest: self.common.rest() };
        let label = "ParametricLIFNode";
        Fused { layer: &self.name, label, common: self.common, dynamics, weight: Some(&self.w) }.run(input, s, tap)
    }
}

super::neuron!(ParametricLIFNode, ParametricLIFNodeConfig);
