//! Spiking neurons as fused kernels. In: currents of one step, of a sequence, or the same at every step; out: spikes of the
//! same shape per step. All steps are one call of a kernel, and one node of the autograd graph.

mod fused;

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Layer, Record};
use crate::record::Tap;
use crate::scope::Scope;
use crate::state::NeuronState;
use crate::surrogate::Surrogate;
use crate::weights::{Start, learnable};
use fused::{Charging, Fused, Input};

/// Arguments of [`IFNode`].
#[derive(Clone, Debug)]
pub struct IFNodeConfig {
    /// Fires where the charged potential reaches it.
    pub v_threshold: f64,
    /// Potential after a spike; `None`: the threshold is subtracted (soft reset).
    pub v_reset: Option<f64>,
    /// Derivative of the spike.
    pub surrogate_function: Surrogate,
    /// The reset passes no gradient to the spike.
    pub detach_reset: bool,
}

/// Arguments of [`LIFNode`].
#[derive(Clone, Debug)]
pub struct LIFNodeConfig {
    /// Membrane time constant in steps, above 1.
    pub tau: f64,
    /// The input is divided by `tau` as well.
    pub decay_input: bool,
    /// Fires where the charged potential reaches it.
    pub v_threshold: f64,
    /// Potential after a spike; `None`: the threshold is subtracted (soft reset).
    pub v_reset: Option<f64>,
    /// Derivative of the spike.
    pub surrogate_function: Surrogate,
    /// The reset passes no gradient to the spike.
    pub detach_reset: bool,
}

/// Arguments of [`ParametricLIFNode`].
#[derive(Clone, Debug)]
pub struct ParametricLIFNodeConfig {
    /// Membrane time constant to start from, in steps, above 1.
    pub init_tau: f64,
    /// The input is divided by the time constant as well.
    pub decay_input: bool,
    /// Fires where the charged potential reaches it.
    pub v_threshold: f64,
    /// Potential after a spike; `None`: the threshold is subtracted (soft reset).
    pub v_reset: Option<f64>,
    /// Derivative of the spike.
    pub surrogate_function: Surrogate,
    /// The reset passes no gradient to the spike.
    pub detach_reset: bool,
}

/// Integrate-and-fire: `h = v + x`, without a leak.
///
/// Any shape; `v_threshold` and `v_reset` in the unit of `x`. SpikingJelly: `neuron.IFNode`.
#[derive(Debug)]
pub struct IFNode {
    fused: Fused,
}

/// Leaky integrate-and-fire, leaking towards `r = v_reset` (0 for a soft reset):
/// `h = v + (x - (v - r)) / tau`, or `h = v - (v - r) / tau + x` without `decay_input`.
///
/// Any shape; `tau` in steps. SpikingJelly: `neuron.LIFNode`.
#[derive(Debug)]
pub struct LIFNode {
    fused: Fused,
}

/// [`LIFNode`] with a learnable time constant: `1 / tau = sigmoid(w)`.
///
/// `w` is a scalar and starts at `-ln(init_tau - 1)`. Fang et al., "Incorporating Learnable Membrane Time Constant to Enhance
/// Learning of Spiking Neural Networks", ICCV 2021. SpikingJelly: `neuron.ParametricLIFNode`.
#[derive(Debug)]
pub struct ParametricLIFNode {
    fused: Fused,
    /// Scalar.
    pub w: Tensor,
}

/// `tau` and `init_tau` count steps and must exceed 1.
fn check_tau(scope: &Scope<'_>, name: &str, tau: f64) -> Result<()> {
    if tau > 1.0 {
        return Ok(());
    }
    Err(Error::argument(scope.name(), name, format!("must be greater than 1, but is {tau}"), "`IFNode()` is the neuron without a leak"))
}

macro_rules! firing {
    ($scope:expr, $config:expr) => {
        fused::Firing {
            v_threshold: $config.v_threshold,
            v_reset: $config.v_reset,
            surrogate: $config.surrogate_function,
            detach_reset: $config.detach_reset,
        }
    };
}

/// The ways to run a neuron, all through its fused kernel.
macro_rules! neuron {
    ($name:ident, $config:ident, |$scope:ident, $c:ident| $build:block, $weight:expr) => {
        impl $name {
            fn weight(&self) -> Option<&Tensor> {
                let weight: fn(&Self) -> Option<&Tensor> = $weight;
                weight(self)
            }
        }

        impl Layer for $name {
            type Config = $config;
            type State = NeuronState;

            fn build($scope: &Scope<'_>, $c: $config) -> Result<Self> {
                $build
            }

            fn state(&self) -> NeuronState {
                NeuronState::default()
            }

            fn step(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
                self.fused.run(Input::Step(x), self.weight(), s, None)
            }

            fn sequence(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
                self.fused.run(Input::Sequence(x), self.weight(), s, None)
            }

            fn repeat(&self, x: &Tensor, steps: i64, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
                self.fused.run(Input::Static(x, steps), self.weight(), s, None)
            }
        }

        impl Record for $name {
            fn step_recorded(&self, x: &Tensor, s: &mut NeuronState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
                self.fused.run(Input::Step(x), self.weight(), s, Some(tap))
            }

            fn sequence_recorded(&self, x: &Tensor, s: &mut NeuronState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
                self.fused.run(Input::Sequence(x), self.weight(), s, Some(tap))
            }

            fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut NeuronState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
                self.fused.run(Input::Static(x, steps), self.weight(), s, Some(tap))
            }
        }
    };
}

neuron!(IFNode, IFNodeConfig, |scope, c| { Ok(IFNode { fused: Fused::new(scope, Charging::If, firing!(scope, c))? }) }, |_| None);

neuron!(
    LIFNode,
    LIFNodeConfig,
    |scope, c| {
        check_tau(scope, "tau", c.tau)?;
        let charging = Charging::Lif { tau: c.tau, decay_input: c.decay_input };
        Ok(LIFNode { fused: Fused::new(scope, charging, firing!(scope, c))? })
    },
    |_| None
);

neuron!(
    ParametricLIFNode,
    ParametricLIFNodeConfig,
    |scope, c| {
        check_tau(scope, "init_tau", c.init_tau)?;
        let fused = Fused::new(scope, Charging::ParametricLif { decay_input: c.decay_input }, firing!(scope, c))?;
        Ok(ParametricLIFNode { fused, w: learnable(scope, "w", &[], Start::Const(-(c.init_tau - 1.0).ln()))? })
    },
    |neuron| Some(&neuron.w)
);

impl ParametricLIFNode {
    /// The time constant that training has reached, in steps.
    ///
    /// # Errors
    ///
    /// libtorch refuses to read the weight.
    pub fn tau(&self) -> Result<f64> {
        let w = self.w.f_detach()?.f_to_kind(Kind::Double)?.f_double_value(&[])?;
        Ok(1.0 + (-w).exp())
    }
}
