//! A batch normalisation and the neurons behind it as one kernel. In: x and the layer that normalises; out: two numbers per channel
//! for the kernel, and on the way back the gradients through the statistics.
//!
//! (x - mean) / sqrt(var + eps) * weight + bias is x * scale + shift, per channel. The neurons do that in registers: what is
//! normalised is never written to memory, and x is all that is kept for the backward pass of both.

use snn_kernels::{Channels, Scale};
use tch::{Device, Kind, Tensor};

use super::node::Node;
use super::state::NeuronState;
use crate::batchnorm::BatchNorm;
use crate::elements::Elements;
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::tap::Tap;
use crate::temporal_norm::ThresholdDependentBatchNorm;

/// A batch normalisation at work: its statistics and its learned numbers. Made by [`Normalise`].
#[derive(Debug)]
pub struct Norm {
    pub(crate) weight: Option<Tensor>,
    pub(crate) bias: Option<Tensor>,
    /// Per channel.
    pub(crate) mean: Vec<f64>,
    /// Per channel: 1 / sqrt(var + eps).
    pub(crate) inverse: Vec<f64>,
    /// Are the statistics x's own? Then the gradient goes through them as well.
    pub(crate) of_batch: bool,
    pub(crate) channels: Channels,
    /// How many values each channel has.
    pub(crate) values: usize,
}

impl Norm {
    /// What learns: the weight and the bias that there are.
    pub(super) fn learned(&self) -> impl Iterator<Item = &Tensor> {
        self.weight.iter().chain(&self.bias)
    }

    /// The kernel's numbers.
    pub(super) fn scaling<F: Elements>(&self) -> Result<Scaling<F>, tch::TchError> {
        let numbers = |t: &Option<Tensor>, default: f64| match t {
            Some(t) => tch::no_grad(|| Vec::<f64>::try_from(t.f_to_kind(Kind::Double)?)),
            None => Ok(vec![default; self.mean.len()]),
        };
        let (weight, bias) = (numbers(&self.weight, 1.0)?, numbers(&self.bias, 0.0)?);
        let scale: Vec<f64> = weight.iter().zip(&self.inverse).map(|(w, inverse)| w * inverse).collect();
        let shift = bias.iter().zip(&scale).zip(&self.mean).map(|((b, s), mean)| F::of(b - s * mean));
        Ok(Scaling { channels: self.channels, shift: shift.collect(), scale: scale.into_iter().map(F::of).collect() })
    }

    /// From dL/d(scale, shift) of each channel to dL/d(weight, bias).
    pub(super) fn gradients(&self, sums: &[[f64; 2]]) -> (Vec<f64>, Vec<f64>) {
        let weight = sums.iter().zip(&self.mean).zip(&self.inverse).map(|((s, mean), inverse)| (s[0] - mean * s[1]) * inverse);
        (weight.collect(), sums.iter().map(|s| s[1]).collect())
    }

    /// What the statistics add to dL/dx, as numbers for x * scale + shift; `None` where they are not x's own.
    pub(super) fn through_statistics<F: Elements>(&self, scaling: &Scaling<F>, weight: &[f64], bias: &[f64]) -> Option<Scaling<F>> {
        if !self.of_batch {
            return None;
        }
        // dx = scale (dy - mean(dy) - x^ mean(dy x^)) with x^ = (x - mean) inverse; the first term is there already.
        let per_channel = (0..self.mean.len()).map(|c| {
            let share = -scaling.scale[c].to_f64() / self.values as f64;
            let slope = share * self.inverse[c] * weight[c];
            (F::of(slope), F::of(share * bias[c] - slope * self.mean[c]))
        });
        let (scale, shift) = per_channel.unzip();
        Some(Scaling { channels: self.channels, scale, shift })
    }
}

/// [`Scale`], owned.
pub(super) struct Scaling<F> {
    channels: Channels,
    scale: Vec<F>,
    shift: Vec<F>,
}

impl<F> Scaling<F> {
    pub(super) fn view(&self) -> Scale<'_, F> {
        Scale { channels: self.channels, scale: &self.scale, shift: &self.shift }
    }
}

/// A layer that scales and shifts each channel: a batch normalisation over steps and batch.
pub trait Normalise: Layer<State = ()> {
    /// Its statistics for `[T, N, C, ..]`; in training the running ones move on.
    ///
    /// # Errors
    ///
    /// As [`Layer::sequence`].
    fn norm(&self, x: &Tensor, cx: &Cx) -> Result<Norm>;
}

impl<const D: usize> Normalise for BatchNorm<D> {
    fn norm(&self, x: &Tensor, cx: &Cx) -> Result<Norm> {
        self.statistics(x, cx)
    }
}

impl<const D: usize> Normalise for ThresholdDependentBatchNorm<D> {
    fn norm(&self, x: &Tensor, cx: &Cx) -> Result<Norm> {
        self.bn.statistics(x, cx)
    }
}

/// Neurons that can normalise their input themselves.
pub trait TakesNorm: Layer<State = NeuronState> {
    /// [`Layer::sequence`] of the normalised x; fills `tap` if there is one.
    ///
    /// # Errors
    ///
    /// As [`Layer::sequence`].
    fn sequence_of_normalised(&self, x: &Tensor, norm: Norm, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor>;
}

impl<N: snn_kernels::Neuron + snn_kernels::Compiled> TakesNorm for Node<N> {
    fn sequence_of_normalised(&self, x: &Tensor, norm: Norm, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        self.run_normalised(x, norm, s, tap)
    }
}

/// `[T, N, C, ..]` through a batch normalisation and the neurons behind it, as one kernel and one node of the graph.
///
/// # Errors
///
/// What either of the two says.
pub fn normalised(bn: &impl Normalise, neurons: &impl TakesNorm, x: &Tensor, s: &mut NeuronState, cx: &Cx) -> Result<Tensor> {
    neurons.sequence_of_normalised(x, bn.norm(x, cx)?, s, None)
}

/// [`normalised`], which also fills `tap`.
///
/// # Errors
///
/// As there.
pub fn normalised_recorded(
    bn: &impl Normalise,
    neurons: &impl TakesNorm,
    x: &Tensor,
    s: &mut NeuronState,
    cx: &Cx,
    tap: &mut Tap,
) -> Result<Tensor> {
    neurons.sequence_of_normalised(x, bn.norm(x, cx)?, s, Some(tap))
}

/// Mean and variance of the channels of x, in the kind it has.
pub(crate) fn moments(layer: &str, x: &Tensor, channels: Channels) -> Result<Vec<snn_kernels::Moments>> {
    fn of<F: Elements>(layer: &str, x: &Tensor, channels: Channels) -> Result<Vec<snn_kernels::Moments>> {
        let x = crate::elements::dense(layer, x)?;
        snn_kernels::moments(F::slice(layer, &x)?, channels).map_err(|e| Error::bug(layer, e))
    }
    if let Device::Cuda(_) = x.device() {
        return super::device::moments(x, channels).map_err(Error::in_layer(layer));
    }
    match x.kind() {
        Kind::Float => of::<f32>(layer, x, channels),
        Kind::Double => of::<f64>(layer, x, channels),
        got => Err(Error::Kind { layer: layer.into(), wants: crate::surrogate::FLOATS, got }),
    }
}
