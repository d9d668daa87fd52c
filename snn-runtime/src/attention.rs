//! Attention gates: what the attention layers have in common. In: a sequence `[T, N, C, H, W]` and the weights of the gates; out: the
//! sequence behind its gates, as one node of the graph.

mod device;

use std::sync::Once;

use snn_kernels::{Attention, AttentionSizes, Perceptron, Planes, attention, attention_backward};
use tch::{Kind, Tensor};

use crate::autograd::{Save, attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::weights::uniform;

/// Two layers without bias, `[hidden, size, ..]` and `[size, hidden, ..]`, under the names of SpikingJelly's `nn.Sequential`.
pub(crate) fn shared_mlp(scope: &Scope<'_>, size: usize, hidden: usize, pointwise: &[usize]) -> Result<[Tensor; 2]> {
    let layer = |name: &str, out: usize, input: usize| uniform(&scope.child(name), "weight", &[&[out, input], pointwise].concat(), input);
    Ok([layer("sharedMLP.0", hidden, size)?, layer("sharedMLP.2", size, hidden)?])
}

/// `size / by`, or what is wrong with the two arguments.
pub(crate) fn reduced(scope: &Scope<'_>, of: &str, size: usize, by: &str, divisor: usize) -> Result<usize> {
    snn_shape::reduced(size, divisor).ok_or_else(|| {
        let problem = format!("must be from 1 to `{of}`, which is {size}, but is {divisor}");
        Error::argument(scope.name(), by, problem, "")
    })
}

/// The gates of a layer.
pub(crate) struct Gates<'a> {
    pub(crate) layer: &'a str,
    /// The node's name in the graph.
    pub(crate) label: &'static str,
    pub(crate) temporal: Option<&'a [Tensor; 2]>,
    pub(crate) channel: Option<&'a [Tensor; 2]>,
    /// `[1, 2, k, k]`
    pub(crate) spatial: Option<&'a Tensor>,
    pub(crate) relu: bool,
    /// Said which kernels it has on a device?
    pub(crate) told: &'a Once,
}

impl Gates<'_> {
    /// x, read as a sequence of those sizes, behind its gates.
    pub(crate) fn run(&self, x: &Tensor, sizes: AttentionSizes) -> Result<Tensor> {
        // Means and maxima of nothing: NaN, and an error of torch's.
        if sizes.height * sizes.width == 0 {
            return Err(Error::shape(
                self.layer,
                "an element or more in each channel",
                &x.size(),
                "gates are made of their means and maxima",
            ));
        }
        match Launcher::of(self.layer, x)? {
            Some(on) => self.run_on(&on, x, sizes),
            None => in_its_kind!(self.layer, x, F => self.run_in::<F>(x, sizes)),
        }
    }

    fn weights(&self) -> Vec<&Tensor> {
        let gates = self.temporal.into_iter().chain(self.channel).flatten();
        gates.chain(self.spatial).collect()
    }

    fn run_in<F: Elements>(&self, x: &Tensor, sizes: AttentionSizes) -> Result<Tensor> {
        let layer = self.layer;
        let weights = self.weights();
        let dense_weights = weights.iter().map(|w| dense_as::<F>(layer, Some(w))).collect::<Result<Vec<_>>>()?;
        let saved = Saved { stages: [self.temporal.is_some(), self.channel.is_some(), self.spatial.is_some()], relu: self.relu };
        let x_dense = dense(layer, x)?;
        let mut y = Fresh::<F>::new(layer, &x.size())?;
        let gates = saved.gates::<F>(layer, &dense_weights)?;
        let kept = attention(&gates, sizes, F::slice(layer, &x_dense)?, y.elements()).map_err(|e| Error::bug(layer, e))?;
        let y = y.into_tensor();

        let inputs: Vec<&Tensor> = [x].into_iter().chain(weights.iter().copied()).collect();
        if !recorded(&inputs) {
            return Ok(y);
        }
        let save: Vec<Save<'_>> = [&x_dense].into_iter().chain(dense_weights.iter().flatten()).map(Save::Tensor).collect();
        let shapes: Vec<(Kind, Vec<i64>)> = weights.iter().map(|w| (w.kind(), w.size())).collect();
        let (layer, name) = (layer.to_string(), layer);
        attach_one(name, self.label, &inputs, y, &save, move |b| {
            let Some(grad) = dense_as::<F>(&layer, b.grads[0].as_ref())? else { return Ok(b.needs.iter().map(|_| None).collect()) };
            let x = b.saved[0].as_ref().ok_or("its input was not saved")?;
            let gates = saved.gates::<F>(&layer, &b.saved[1..])?;
            let mut grad_x = if b.needs[0] { Some(Fresh::<F>::new(&layer, &x.size())?) } else { None };
            let out = grad_x.as_mut().map(Fresh::elements);
            let grads = attention_backward(&gates, sizes, F::slice(&layer, x)?, &kept, F::slice(&layer, &grad)?, out)?;
            let mut gradients = vec![grad_x.map(Fresh::into_tensor)];
            let of_weights = grads.temporal.iter().chain(&grads.channel).chain([&grads.spatial]).filter(|g| !g.is_empty());
            for ((kind, sizes), g) in shapes.iter().zip(of_weights) {
                gradients.push(Some(tensor::<F>(&layer, g, sizes)?.f_to_kind(*kind)?));
            }
            Ok(gradients)
        })
    }
}

/// Which gates there are: what makes the kernel's view of them out of the list of weights.
#[derive(Clone, Copy)]
struct Saved {
    /// Temporal, channel, spatial.
    stages: [bool; 3],
    relu: bool,
}

impl Saved {
    fn gates<'a, F: Elements>(&self, layer: &str, weights: &'a [Option<Tensor>]) -> Result<Attention<'a, F>> {
        let mut weights = weights.iter().flatten();
        let mut next = || weights.next().ok_or_else(|| Error::bug(layer, "its weights are gone"));
        let mut perceptron = || Ok::<_, Error>(Perceptron { w1: F::slice(layer, next()?)?, w2: F::slice(layer, next()?)? });
        let temporal = if self.stages[0] { Some(perceptron()?) } else { None };
        let channel = if self.stages[1] { Some(perceptron()?) } else { None };
        let spatial = match self.stages[2] {
            true => {
                let w = next()?;
                let kernel = w.size().last().copied().unwrap_or(1) as usize;
                Some(Planes { w: F::slice(layer, w)?, kernel })
            }
            false => None,
        };
        Ok(Attention { temporal, channel, spatial, relu: self.relu })
    }
}

fn tensor<F: Elements>(layer: &str, values: &[F], sizes: &[i64]) -> Result<Tensor> {
    let mut tensor = Fresh::<F>::new(layer, sizes)?;
    tensor.elements().copy_from_slice(values);
    Ok(tensor.into_tensor())
}
