//! What a net did while it was measured. In: counts of its layers, call by call; out: input rates, operations and firing rates.

use std::fmt;

use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::monitor::{FiringRate, FiringRates};

/// What each layer of a net did in some forward passes: `net.measure(&x)`, or [`measure`](super::measure).
///
/// Several batches add up: [`Activity::add`].
#[derive(Debug, Default)]
pub struct Activity {
    /// Samples that went through.
    samples: i64,
    products: Vec<Product>,
    neurons: Vec<Neurons>,
}

/// Inputs of a layer with weights.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// `Csnn.conv1`
    pub(super) layer: String,
    /// Elements that arrived.
    pub(super) elements: f64,
    /// The sum of their absolute values.
    pub(super) spikes: f64,
    /// All of them were whole numbers.
    pub(super) whole: bool,
    /// Multiply-accumulates, if every element is multiplied.
    pub(super) macs: f64,
    /// Additions, if every spike is added to each output that sees it.
    pub(super) uses: f64,
}

#[derive(Debug)]
struct Neurons {
    layer: String,
    elements: f64,
    spikes: f64,
    /// Of each neuron: did it ever fire?
    ever: Tensor,
}

/// What arrives at a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// Spikes: whole numbers. So many per element and step; a 2 are two, and so is a -2.
    Spikes(f64),
    /// Any numbers.
    Numbers,
}

/// A layer adds whole numbers up as so many spikes. From so many per element on a multiplication is cheaper than the additions, so they are
/// numbers to multiply: an image of bytes is no train of 255 spikes.
const MOST_SPIKES: f64 = 4.0;

impl Product {
    pub(super) fn input(&self) -> Input {
        let rate = if self.elements > 0.0 { self.spikes / self.elements } else { 0.0 };
        if self.whole && rate <= MOST_SPIKES { Input::Spikes(rate) } else { Input::Numbers }
    }
}

impl Activity {
    /// Samples that were measured.
    pub fn samples(&self) -> i64 {
        self.samples
    }

    pub(super) fn of(mut self, samples: i64) -> Activity {
        self.samples = samples;
        self
    }

    pub(super) fn products(&self) -> &[Product] {
        &self.products
    }

    /// What arrived at the layer with weights of that name, without the net's (`conv1`); nothing where there is no such layer.
    pub fn input(&self, layer: &str) -> Option<Input> {
        self.products.iter().find(|product| inside(&product.layer) == layer).map(Product::input)
    }

    /// How often the neurons of each layer fire: a table.
    ///
    /// # Errors
    ///
    /// libtorch cannot count.
    pub fn firing_rates(&self) -> Result<FiringRates> {
        let one = |n: &Neurons| {
            let (all, ever) = (n.ever.numel() as f64, n.ever.f_sum(tch::Kind::Double)?.f_double_value(&[])?);
            let rate = if n.elements > 0.0 { n.spikes / n.elements } else { 0.0 };
            let silent = if all > 0.0 { 1.0 - ever / all } else { 0.0 };
            Ok(FiringRate { layer: inside(&n.layer).to_string(), rate, silent })
        };
        self.neurons.iter().map(one).collect::<Result<Vec<_>>>().map(FiringRates::new)
    }

    /// Adds what another batch did in the same net.
    ///
    /// # Errors
    ///
    /// It is of a net with other layers, by their names, or with neurons of other sizes per sample. The sizes of layers with weights are not
    /// compared.
    pub fn add(&mut self, other: Activity) -> Result<()> {
        let other_net = |layer: &str| {
            let problem = format!("has measured `{layer}` otherwise than the activity it is added to");
            Err(Error::argument("Activity", "other", problem, "add up measurements of one net"))
        };
        if self.samples == 0 && self.products.is_empty() && self.neurons.is_empty() {
            *self = other;
            return Ok(());
        }
        // With weights, or of neurons.
        let layers = |a: &Activity| -> Vec<(bool, String)> {
            a.products.iter().map(|p| (true, p.layer.clone())).chain(a.neurons.iter().map(|n| (false, n.layer.clone()))).collect()
        };
        let (mine, yours) = (layers(self), layers(&other));
        if let Some((_, layer)) = mine.iter().find(|l| !yours.contains(l)).or_else(|| yours.iter().find(|l| !mine.contains(l))) {
            return other_net(layer);
        }
        for n in &other.neurons {
            if self.neurons.iter().any(|mine| mine.layer == n.layer && mine.ever.size() != n.ever.size()) {
                return other_net(&n.layer);
            }
        }
        for p in &other.products {
            self.product(&p.layer, p.elements, p.spikes, p.whole, p.macs, p.uses);
        }
        for n in other.neurons {
            self.fired(&n.layer, n.elements, n.spikes, n.ever)?;
        }
        self.samples += other.samples;
        Ok(())
    }

    pub(super) fn product(&mut self, layer: &str, elements: f64, spikes: f64, whole: bool, macs: f64, uses: f64) {
        let i = self.products.iter().position(|p| p.layer == layer).unwrap_or_else(|| {
            let layer = layer.to_string();
            self.products.push(Product { layer, elements: 0.0, spikes: 0.0, whole: true, macs: 0.0, uses: 0.0 });
            self.products.len() - 1
        });
        let p = &mut self.products[i];
        p.elements += elements;
        p.spikes += spikes;
        p.whole &= whole;
        p.macs += macs;
        p.uses += uses;
    }

    pub(super) fn fired(&mut self, layer: &str, elements: f64, spikes: f64, ever: Tensor) -> Result<(), TchError> {
        match self.neurons.iter_mut().find(|n| n.layer == layer) {
            Some(n) => {
                n.elements += elements;
                n.spikes += spikes;
                n.ever = n.ever.f_logical_or(&ever)?;
            }
            None => self.neurons.push(Neurons { layer: layer.to_string(), elements, spikes, ever }),
        }
        Ok(())
    }
}

/// The name without the net's: `conv1` of `Csnn.conv1`.
pub(super) fn inside(layer: &str) -> &str {
    layer.split_once('.').map_or(layer, |(_, rest)| rest)
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Spikes(rate) => write!(f, "{:.1} % spikes", 100.0 * rate),
            Input::Numbers => f.write_str("numbers"),
        }
    }
}
