//! `ElementWiseRecurrentContainer` around a neuron: all steps in one kernel and one node of the graph. In: input currents, what
//! was sent a step ago, and the neuron's state; out: spikes, and both moved on.
//!
//! SpikingJelly equivalent: `layer.ElementWiseRecurrentContainer(..)`, y[t] = neuron(f(y[t - 1], x[t])).

use std::sync::Arc;

use snn_kernels::{Compiled, Join, Neuron};
use tch::Tensor;

use super::fused::{Fused, Input};
use super::{NeuronState, Node};
use crate::error::Result;
use crate::tap::Tap;

/// A neuron of a container, about to run.
#[derive(Debug)]
pub struct Feedback {
    fused: Fused,
}

impl Feedback {
    /// `join` takes (y_prev, x).
    pub fn new<N>(neuron: &Node<N>, join: Join) -> Feedback
    where
        N: Neuron,
        snn_kernels::Feedback<N>: Compiled + Neuron,
    {
        let kernels = snn_kernels::Feedback { neuron: neuron.config, join };
        let (label, states) = (<snn_kernels::Feedback<N> as Neuron>::NAME, <snn_kernels::Feedback<N> as Neuron>::STATES);
        Feedback { fused: neuron.fused.around(label, states, Arc::new(kernels)) }
    }

    /// `[N, ..]` to the same.
    ///
    /// # Errors
    ///
    /// As [`Layer::step`](crate::Layer::step) of the neuron.
    pub fn step(&self, x: &Tensor, y: &mut Option<Tensor>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        self.run(Input::Step(x), y, s, tap)
    }

    /// `[T, N, ..]` to the same.
    ///
    /// # Errors
    ///
    /// As [`Layer::sequence`](crate::Layer::sequence) of the neuron.
    pub fn sequence(&self, x: &Tensor, y: &mut Option<Tensor>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        self.run(Input::Sequence(x), y, s, tap)
    }

    /// `[N, ..]`, shown `steps` times, to `[T, N, ..]`.
    ///
    /// # Errors
    ///
    /// As [`Layer::repeat`](crate::Layer::repeat) of the neuron.
    pub fn repeat(&self, x: &Tensor, steps: i64, y: &mut Option<Tensor>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        self.run(Input::Repeat(x, steps), y, s, tap)
    }

    /// To the kernel the last output is one more state of the neuron.
    fn run(&self, x: Input<'_>, y: &mut Option<Tensor>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        if let Some(y) = y.as_ref() {
            s.set("y", y.shallow_clone());
        }
        let sent = self.fused.run(x, None, s, tap);
        *y = s.take("y");
        sent
    }
}
