//! `LIFNode`: h = v + (x - (v - v_reset)) / tau.

use snn_kernels::{Lif, Real};
use tch::Tensor;

use super::common::{Common, check_tau};
use super::fused::{Dynamics, Fused, Input};
use crate::error::Result;
use crate::scope::Scope;
use crate::state::NeuronState;
use crate::surrogate::Surrogate;
use crate::tap::Tap;

/// Arguments of [`LIFNode`], in SpikingJelly's words. The default has SpikingJelly's values.
#[derive(Clone, Debug, PartialEq)]
pub struct LIFNodeConfig {
    /// Membrane time constant in steps, greater than 1.
    pub tau: f64,
    /// Is the input divided by `tau`, too?
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

impl Default for LIFNodeConfig {
    fn default() -> Self {
        LIFNodeConfig {
            tau: 2.0,
            decay_input: true,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            surrogate_function: Surrogate::default(),
            detach_reset: false,
        }
    }
}

/// Leaky integrate and fire: h = v + (x - (v - v_reset)) / tau, or without `decay_input` h = v - (v - v_reset) / tau + x.
///
/// SpikingJelly equivalent: `neuron.LIFNode(..)`.
///
/// # Shapes
///
/// Any; the state `v` has that of one step.
#[derive(Debug)]
pub struct LIFNode {
    config: LIFNodeConfig,
    common: Common,
    name: String,
}

#[derive(Clone, Copy)]
struct Leak {
    tau: f64,
    decay_input: bool,
    rest: f64,
}

impl Dynamics for Leak {
    type Charge<F: Real> = Lif<F>;

    fn charge<F: Real>(self) -> Lif<F> {
        Lif { tau: F::of(self.tau), decay_input: self.decay_input, rest: F::of(self.rest) }
    }
}

impl LIFNode {
    fn new(scope: &Scope<'_>, config: LIFNodeConfig) -> Result<Self> {
        let LIFNodeConfig { tau, v_threshold, v_reset, surrogate_function, detach_reset, .. } = config;
        check_tau(scope.name(), "tau", tau)?;
        let common = Common { v_threshold, v_reset, surrogate_function, detach_reset }.check(scope.name())?;
        Ok(LIFNode { config, common, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &LIFNodeConfig {
        &self.config
    }

    fn run(&self, input: Input<'_>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let dynamics = Leak { tau: self.config.tau, decay_input: self.config.decay_input, rest: self.common.rest() };
        Fused { layer: &self.name, label: "LIFNode", common: self.common, dynamics, weight: None }.run(input, s, tap)
    }
}

super::neuron!(LIFNode, LIFNodeConfig);
