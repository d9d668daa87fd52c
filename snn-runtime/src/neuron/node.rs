//! The layer that any neuron makes. In: a config that is a [`Neuron`], and input currents; out: spikes, and the state moved on.

use std::sync::Arc;

use snn_infer::{Builder, Value};
use snn_kernels::{Compiled, Neuron};
use tch::Tensor;

use super::fused::{Fused, Input};
use super::normalised::Norm;
use super::state::NeuronState;
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer, Record};
use crate::scope::Scope;
use crate::surrogate;
use crate::tap::Tap;

/// A layer of neurons of one kind: [`LIFNode`](super::LIFNode) is `Node<LIFNodeConfig>`. What a neuron of your own, defined by
/// `snn_neuron!`, is as a layer.
///
/// # Shapes
///
/// Any; each state has that of one step.
#[derive(Debug)]
pub struct Node<N> {
    pub(super) config: N,
    pub(super) fused: Fused,
}

impl<N: Neuron + Compiled> Node<N> {
    /// What it was built with.
    pub fn config(&self) -> &N {
        &self.config
    }

    /// The learned parameter or buffer of that name, as it is in the `VarStore`: `w` of a
    /// [`ParametricLIFNode`](super::ParametricLIFNode).
    pub fn parameter(&self, name: &str) -> Option<&Tensor> {
        N::LEARNED.iter().zip(self.fused.learned()).find(|(spec, _)| spec.name == name).map(|(_, tensor)| tensor)
    }
}

impl<N: Neuron + Compiled> Node<N> {
    /// A sequence, normalised by the kernel itself.
    pub(super) fn run_normalised(&self, x: &Tensor, norm: Norm, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        self.fused.run(Input::Sequence(x), Some(norm), s, tap)
    }
}

impl<N: Neuron + Compiled> Layer for Node<N> {
    type Config = N;
    type State = NeuronState;

    fn build(scope: &Scope<'_>, config: N) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        surrogate::check(&config.surrogate(), scope.name(), surrogate::ARGUMENT)?;
        let mut start = [0.0; snn_kernels::MAX_LEARNED];
        config.learned_start(&mut start);
        let fused = Fused::new(scope, N::NAME, N::STATES, N::LEARNED, &start, config.surrogate(), Arc::new(config))?;
        Ok(Node { config, fused })
    }

    fn state(&self) -> NeuronState {
        NeuronState::default()
    }

    fn step(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
        self.fused.run(Input::Step(x), None, s, None)
    }

    fn sequence(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
        self.fused.run(Input::Sequence(x), None, s, None)
    }

    fn repeat(&self, x: &Tensor, steps: i64, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
        self.fused.run(Input::Repeat(x, steps), None, s, None)
    }

    fn freeze(b: &mut Builder, label: &str, config: N, args: &[Value]) -> snn_infer::Result<Value> {
        snn_infer::__private::freeze::<snn_infer::frozen::Node<N>>(b, label, config, args)
    }
}

impl<N: Neuron + Compiled> Record for Node<N> {
    fn step_recorded(&self, x: &Tensor, s: &mut NeuronState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.fused.run(Input::Step(x), None, s, Some(tap))
    }

    fn sequence_recorded(&self, x: &Tensor, s: &mut NeuronState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.fused.run(Input::Sequence(x), None, s, Some(tap))
    }

    fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut NeuronState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.fused.run(Input::Repeat(x, steps), None, s, Some(tap))
    }
}
