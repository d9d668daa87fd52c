//! `IFNode`: h = v + x.

use snn_kernels::{If, Real};
use tch::Tensor;

use super::common::Common;
use super::fused::{Dynamics, Fused, Input};
use crate::error::Result;
use crate::scope::Scope;
use crate::state::NeuronState;
use crate::surrogate::Surrogate;
use crate::tap::Tap;

/// Arguments of [`IFNode`], in SpikingJelly's words. The default has SpikingJelly's values.
#[derive(Clone, Debug, PartialEq)]
pub struct IFNodeConfig {
    /// The potential at which it fires.
    pub v_threshold: f64,
    /// The potential after a spike; `None`: the threshold is subtracted.
    pub v_reset: Option<f64>,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
    /// Is the spike a constant in the reset, when gradients are taken?
    pub detach_reset: bool,
}

impl Default for IFNodeConfig {
    fn default() -> Self {
        IFNodeConfig { v_threshold: 1.0, v_reset: Some(0.0), surrogate_function: Surrogate::default(), detach_reset: false }
    }
}

/// Integrate and fire: h = v + x.
///
/// SpikingJelly equivalent: `neuron.IFNode(..)`.
///
/// # Shapes
///
/// Any; the state `v` has that of one step.
#[derive(Debug)]
pub struct IFNode {
    config: IFNodeConfig,
    common: Common,
    name: String,
}

#[derive(Clone, Copy)]
struct Integrate;

impl Dynamics for Integrate {
    type Charge<F: Real> = If;

    fn charge<F: Real>(self) -> If {
        If
    }
}

impl IFNode {
    fn new(scope: &Scope<'_>, config: IFNodeConfig) -> Result<Self> {
        let IFNodeConfig { v_threshold, v_reset, surrogate_function, detach_reset } = config;
        let common = Common { v_threshold, v_reset, surrogate_function, detach_reset }.check(scope.name())?;
        Ok(IFNode { config, common, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &IFNodeConfig {
        &self.config
    }

    fn run(&self, input: Input<'_>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        Fused { layer: &self.name, label: "IFNode", common: self.common, dynamics: Integrate, weight: None }.run(input, s, tap)
    }
}

super::neuron!(IFNode, IFNodeConfig);
