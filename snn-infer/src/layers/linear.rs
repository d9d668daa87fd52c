//! `Linear`. In: arguments, and a value `[in_features]`; out: `[out_features]`.

use std::sync::Arc;

use snn_kernels::Refused;

use super::{Frozen, space};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Project, Standardise, Value};
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
