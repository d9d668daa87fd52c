//! Spiking neurons. In: input currents, any shape, and the potentials so far; out: spikes of the same shape, and the potentials
//! after them.
//!
//! Each step charges (h from v and x, one equation per neuron), fires (s = 1 where h >= v_threshold) and resets (v from h and
//! s). One step, a sequence, or one input shown several times is one call of a fused kernel and one node of the graph.

mod common;
mod fused;
mod integrate_and_fire;
mod leaky;
mod parametric_leaky;

pub use integrate_and_fire::{IFNode, IFNodeConfig};
pub use leaky::{LIFNode, LIFNodeConfig};
pub use parametric_leaky::{ParametricLIFNode, ParametricLIFNodeConfig};

/// `Layer` and `Record` for a neuron with `fn run(&self, input: Input, s: &mut NeuronState, tap: Option<&mut Tap>)`.
macro_rules! neuron {
    ($node:ident, $config:ident) => {
        impl $crate::Layer for $node {
            type Config = $config;
            type State = $crate::NeuronState;

            fn build(scope: &$crate::Scope<'_>, config: $config) -> $crate::Result<Self> {
                $node::new(scope, config)
            }

            fn state(&self) -> $crate::NeuronState {
                $crate::NeuronState::default()
            }

            fn step(&self, x: &tch::Tensor, s: &mut $crate::NeuronState, _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                self.run(super::fused::Input::Step(x), s, None)
            }

            fn sequence(&self, x: &tch::Tensor, s: &mut $crate::NeuronState, _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                self.run(super::fused::Input::Sequence(x), s, None)
            }

            fn repeat(&self, x: &tch::Tensor, steps: i64, s: &mut $crate::NeuronState, _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                self.run(super::fused::Input::Repeat(x, steps), s, None)
            }
        }

        impl $crate::Record for $node {
            fn step_recorded(
                &self,
                x: &tch::Tensor,
                s: &mut $crate::NeuronState,
                _: &$crate::Cx,
                tap: &mut $crate::Tap,
            ) -> $crate::Result<tch::Tensor> {
                self.run(super::fused::Input::Step(x), s, Some(tap))
            }

            fn sequence_recorded(
                &self,
                x: &tch::Tensor,
                s: &mut $crate::NeuronState,
                _: &$crate::Cx,
                tap: &mut $crate::Tap,
            ) -> $crate::Result<tch::Tensor> {
                self.run(super::fused::Input::Sequence(x), s, Some(tap))
            }

            fn repeat_recorded(
                &self,
                x: &tch::Tensor,
                steps: i64,
                s: &mut $crate::NeuronState,
                _: &$crate::Cx,
                tap: &mut $crate::Tap,
            ) -> $crate::Result<tch::Tensor> {
                self.run(super::fused::Input::Repeat(x, steps), s, Some(tap))
            }
        }
    };
}
use neuron;
