//! A parallel spiking neuron as one kernel and one node of the graph. In: inputs over time and weights between steps; out: spikes.
//!
//! For the backward pass inputs and weights are kept; the kernel computes h again. Tensors on a CUDA device go to `device`.

mod device;

use std::marker::PhantomData;

use snn_kernels::{Draw, Psn, PsnGradients, TimeWeights};
use tch::Tensor;

use super::firing::Firing;
use crate::autograd::{Backward, Gradients, Save, attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, in_its_kind};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::state::steps_of;
use crate::surrogate::Surrogate;

/// Which inputs an output sees.
#[derive(Clone, Copy)]
pub(super) enum Sees {
    /// Weights `[steps, inputs]`, of which an output sees its own and the ones before it, so many in all; `None`: every one.
    Matrix(Option<usize>),
    /// Weights `[k]`: the same for every output.
    Sliding,
}

/// A layer at work.
pub(super) struct Parallel<'a> {
    /// `Csnn.sn1`
    pub(super) layer: &'a str,
    /// `PSN`: the node's name in the graph.
    pub(super) label: &'static str,
    pub(super) firing: &'a Firing,
    pub(super) sees: Sees,
    pub(super) weight: &'a Tensor,
    /// One number per step, or one.
    pub(super) bias: &'a Tensor,
}

impl Parallel<'_> {
    /// `x` (`[T, N, ..]`) to spikes of the same sizes; `before` are inputs of one step each, oldest first.
    pub(super) fn run(&self, before: &[Tensor], x: &Tensor) -> Result<Tensor> {
        match Launcher::of(self.layer, x)? {
            Some(on) => self.run_on(&on, before, x),
            None => in_its_kind!(self.layer, x, F => self.run_in::<F>(before, x)),
        }
    }

    fn run_in<F: Elements>(&self, before: &[Tensor], x: &Tensor) -> Result<Tensor> {
        let sizes = x.size();
        let (steps, step) = steps_of(self.layer, &sizes)?;
        let neurons = step.iter().product::<i64>() as usize;
        // In this order the kernel's arguments stand among the node's inputs and among what it saves.
        let inputs = before.iter().chain([x, self.weight, self.bias]);
        let inputs: Vec<Tensor> = inputs.map(|t| t.f_to_kind(F::KIND)).collect::<Result<_, _>>().map_err(Error::in_layer(self.layer))?;
        let kept = inputs.iter().map(|t| dense(self.layer, t)).collect::<Result<Vec<_>>>()?;
        let call = Call::<F> {
            layer: self.layer.to_string(),
            steps,
            neurons,
            before: before.len(),
            sees: self.sees,
            surrogate: self.firing.surrogate,
            draw: self.firing.draw(),
            kind: PhantomData,
        };
        let mut spikes = Fresh::<F>::new(self.layer, &sizes)?;
        call.with(&kept.iter().collect::<Vec<_>>(), |psn| snn_kernels::psn_forward(psn, spikes.elements()))?;
        let spikes = spikes.into_tensor();
        probe::fired(self.layer, &spikes, 1).map_err(Error::in_layer(self.layer))?;
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        if !recorded(&inputs) {
            return Ok(spikes);
        }
        let save: Vec<Save<'_>> = kept.iter().map(Save::Tensor).collect();
        attach_one(self.layer, self.label, &inputs, spikes, &save, move |b| call.backward(&b))
    }
}

/// The arguments of one call that are no tensors.
struct Call<F> {
    layer: String,
    steps: usize,
    neurons: usize,
    /// Inputs before x.
    before: usize,
    sees: Sees,
    surrogate: Surrogate,
    draw: Draw,
    kind: PhantomData<fn() -> F>,
}

impl<F: Elements> Call<F> {
    /// Calls a kernel on the inputs before x, x, the weights and the bias.
    fn with<R>(&self, tensors: &[&Tensor], kernel: impl FnOnce(&Psn<'_, F>) -> Result<R, snn_kernels::Error>) -> Result<R> {
        let slices = tensors.iter().map(|t| F::slice(&self.layer, t)).collect::<Result<Vec<_>>>()?;
        let (before, rest) = slices.split_at(self.before.min(slices.len()));
        let [x, weight, bias] = rest else { return Err(Error::bug(&self.layer, "a kernel misses an argument")) };
        let weights = match self.sees {
            Sees::Matrix(window) => TimeWeights::Matrix { weight, window },
            Sees::Sliding => TimeWeights::Sliding(weight),
        };
        let Call { steps, neurons, surrogate, draw, .. } = *self;
        let psn = Psn { steps, neurons, before, x, weights, bias, surrogate, draw };
        kernel(&psn).map_err(|e| Error::bug(&self.layer, e))
    }

    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let grad = dense(&self.layer, &grad.f_to_kind(F::KIND)?)?;
        let saved: Vec<&Tensor> = b.saved.iter().flatten().collect();
        let mut of_inputs = saved[..self.before + 1]
            .iter()
            .zip(b.needs)
            .map(|(t, &needed)| needed.then(|| Fresh::<F>::new(&self.layer, &t.size())).transpose())
            .collect::<Result<Vec<_>>>()?;
        let mut slices: Vec<Option<&mut [F]>> = of_inputs.iter_mut().map(|g| g.as_mut().map(Fresh::elements)).collect();
        let x = slices.pop().flatten();
        let out = PsnGradients { before: slices, x };
        let grad = F::slice(&self.layer, &grad)?;
        let (weight, bias) = self.with(&saved, |psn| snn_kernels::psn_backward(psn, grad, out))?;

        let mut gradients: Vec<Option<Tensor>> = of_inputs.into_iter().map(|g| g.map(Fresh::into_tensor)).collect();
        for (values, like) in [weight, bias].iter().zip(&saved[self.before + 1..]) {
            gradients.push(Some(Tensor::from_slice(values).f_to_kind(F::KIND)?.f_reshape(like.size())?));
        }
        Ok(gradients)
    }
}

/// `Layer` for a layer that sees whole sequences only and remembers nothing: `fn new(scope, config)` and `fn run(&self, x)`.
macro_rules! whole_sequences {
    ($node:ident, $config:ident) => {
        impl $crate::Layer for $node {
            type Config = $config;
            type State = ();

            fn build(scope: &$crate::Scope<'_>, config: $config) -> $crate::Result<Self> {
                $node::new(scope, config)
            }

            fn state(&self) {}

            /// There is no single step.
            fn step(&self, _: &tch::Tensor, (): &mut (), _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                Err($crate::Error::WholeSequence { layer: self.name.clone() })
            }

            fn sequence(&self, x: &tch::Tensor, (): &mut (), _: &$crate::Cx) -> $crate::Result<tch::Tensor> {
                self.run(x)
            }
        }
    };
}
pub(super) use whole_sequences;

/// A sequence has the steps that a layer is made for.
pub(super) fn check_steps(layer: &str, want: usize, x: &Tensor) -> Result<()> {
    let sizes = x.size();
    if sizes.first() == Some(&(want as i64)) {
        return Ok(());
    }
    Err(Error::shape(layer, format!("[{want}, N, ..]"), &sizes, format!("it is made for sequences of T = {want} steps")))
}
