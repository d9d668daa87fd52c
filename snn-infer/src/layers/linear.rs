//! `Linear`. In: arguments, and a value `[in_features]`, or `[.., in_features]`; out: `[.., out_features]`.

use std::sync::Arc;

use snn_kernels::Refused;

use super::dense::{Call, DenseKernel, DenseLayer};
use super::{Frozen, space};
use crate::builder::{Builder, Place};
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Project, Standardise, Value, Weight};
use snn_kernels::frozen::Windows;

/// Arguments of [`Linear`], in torch's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearConfig {
    /// Features that come in.
    pub in_features: usize,
    /// Features that go out.
    pub out_features: usize,
    /// Is something learned added to each output?
    pub bias: bool,
}

impl LinearConfig {
    /// With a bias, torch's default.
    pub fn new(in_features: usize, out_features: usize) -> Self {
        LinearConfig { in_features, out_features, bias: true }
    }
}

impl LinearConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("in_features", self.in_features), ("out_features", self.out_features)])
    }
}

/// Frozen linear layer. Behind a `Flatten` it is a window over all cells, so that nothing is moved.
#[derive(Debug)]
pub enum Linear {}

impl Frozen for Linear {
    type Config = LinearConfig;

    fn freeze(b: &mut Builder, label: &str, c: LinearConfig, args: &[Value]) -> Result<Value> {
        freeze(b, label, "Linear", &c, None, args)
    }
}

/// A linear layer on the last of several axes, as torch's.
fn last_axis(b: &mut Builder, place: Place, c: &LinearConfig, x: Value) -> Result<Value> {
    let x = b.canonical(x);
    let fact = b.fact(x);
    let mut shape = fact.shape.clone();
    shape.pop();
    shape.push(c.out_features);
    let fact = Fact::new(&shape, fact.time);
    let mut weights = vec![place.weight("weight", &[c.out_features, c.in_features])];
    weights.extend(c.bias.then(|| place.weight("bias", &[c.out_features])));
    Ok(b.push(place, Op::Dense(Arc::new(LastAxis { features: (c.in_features, c.out_features), weights })), &[x], fact))
}

#[derive(Debug)]
struct LastAxis {
    features: (usize, usize),
    weights: Vec<Weight>,
}

impl DenseLayer for LastAxis {
    fn weights(&self) -> &[Weight] {
        &self.weights
    }

    fn kernel(&self, weights: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        let mut weights = weights.into_iter();
        let (weight, bias) = (weights.next().unwrap_or_default(), weights.next());
        Box::new(EachRow { features: self.features, weight, bias: bias.unwrap_or_else(|| vec![0.0; self.features.1]) })
    }
}

/// [`LastAxis`] at work: the features are neighbouring cells, all channels of which go through the same weights.
#[derive(Debug)]
struct EachRow {
    features: (usize, usize),
    /// `[out][in]`
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl DenseKernel for EachRow {
    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let ((inputs, outputs), channels) = (self.features, call.layout.channels);
        let rows = call.x.chunks_exact(inputs * channels).zip(call.out.chunks_exact_mut(outputs * channels));
        for (x, y) in rows {
            let of_output = self.weight.chunks_exact(inputs).zip(&self.bias).zip(y.chunks_exact_mut(channels));
            for ((weight, bias), y) in of_output {
                y.fill(*bias);
                for (w, x) in weight.iter().zip(x.chunks_exact(channels)) {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += w * x);
                }
            }
        }
        Ok(())
    }
}

/// A linear layer, its weights standardised first if that is asked for: with an `eps`, and a gain or without.
pub(super) fn freeze(
    b: &mut Builder,
    label: &str,
    layer: &'static str,
    c: &LinearConfig,
    standardise: Option<(f64, bool)>,
    args: &[Value],
) -> Result<Value> {
    let place = b.place(label, layer, &(c, standardise));
    c.check().map_err(Error::refused(&place.full))?;
    let x = b.only(&place, args)?;
    let fact = b.fact(x);
    if let (&[_, .., features], None) = (&fact.shape[..], standardise)
        && features == c.in_features
    {
        return last_axis(b, place, c, x);
    }
    if fact.shape != [c.in_features] {
        let help = if fact.shape.len() > 1 { "put a `Flatten()` before it" } else { "" };
        return Err(Error::shape(&place.full, format!("[{}]", c.in_features), &fact.shape, help));
    }
    let project = Project {
        windows: Arc::new(Windows::all(fact.layout.cells)),
        groups: 1,
        out_channels: c.out_features,
        transposed: false,
        standardise: standardise.map(|(eps, gain)| Standardise { eps, gain: gain.then(|| place.weight("gain", &[c.out_features, 1])) }),
        weight: place.weight("weight", &[c.out_features, c.in_features]),
        bias: c.bias.then(|| place.weight("bias", &[c.out_features])),
        norms: Vec::new(),
        neuron: None,
    };
    let fact = Fact::new(&[c.out_features], fact.time);
    Ok(b.push(place, Op::Project(project), &[x], fact))
}
