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

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor, nn};

    use super::{LIFNode, LIFNodeConfig};
    use crate::{Cx, Layer, Scope};

    /// Every node keeps the potential before it, and with it its predecessor.
    #[test]
    fn a_chain_of_many_steps_is_freed_without_overflowing_the_stack() {
        let vs = nn::VarStore::new(Device::Cpu);
        let neuron = LIFNode::build(&Scope::root("neuron", &vs.root()), LIFNodeConfig::default()).unwrap();
        let x = Tensor::from_slice(&[0.3f32, 0.9]).set_requires_grad(true);
        for backward in [true, false] {
            let mut s = neuron.state();
            for _ in 0..20_000 {
                let _spikes = neuron.step(&x, &mut s, &Cx::TRAIN).unwrap();
            }
            if backward {
                s.v.unwrap().sum(Kind::Float).backward();
                assert!(x.grad().double_value(&[0]).is_finite());
            }
        }
    }

    #[test]
    fn a_minus_sign_that_libtorch_holds_back_counts() {
        let vs = nn::VarStore::new(Device::Cpu);
        let neuron = LIFNode::build(&Scope::root("neuron", &vs.root()), LIFNodeConfig::default()).unwrap();
        let (re, im) = (Tensor::from_slice(&[0.0f32, 0.0]), Tensor::from_slice(&[-5.0f32, 5.0]));
        let held_back = Tensor::complex(&re, &im).conj().imag();
        assert!(held_back.is_neg());
        let spikes = neuron.step(&held_back, &mut neuron.state(), &Cx::EVAL).unwrap();
        assert!(spikes.equal(&Tensor::from_slice(&[1.0f32, 0.0])));
    }
}
