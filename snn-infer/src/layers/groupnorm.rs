//! `GroupNorm`. In: arguments, and a value `[C, ..]`; out: the same shape, each sample and step normalised by groups of its channels.

use std::sync::Arc;

use snn_kernels::Refused;

use super::dense::{Call, DenseKernel, DenseLayer};
use super::{Frozen, space};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Layout, Op, Value, Weight};

/// Arguments of [`GroupNorm`], in torch's words.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNormConfig {
    /// Groups of channels; it divides `num_channels`.
    pub num_groups: usize,
    /// Channels.
    pub num_channels: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Are a scale and a shift per channel learned?
    pub affine: bool,
}

impl GroupNormConfig {
    /// torch's defaults for the rest: `eps` 1e-5, affine.
    pub fn new(num_groups: usize, num_channels: usize) -> Self {
        GroupNormConfig { num_groups, num_channels, eps: 1e-5, affine: true }
    }
}

impl GroupNormConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        let GroupNormConfig { num_groups, num_channels, eps, .. } = *self;
        space::positive(&[("num_groups", num_groups), ("num_channels", num_channels)])?;
        if snn_shape::divide(num_channels, num_groups).is_none() {
            let problem = format!("must be a multiple of `num_groups = {num_groups}`, but is {num_channels}");
            return Err(Refused::new("num_channels", problem, ""));
        }
        space::not_negative("eps", eps)
    }
}

/// Frozen group normalisation.
#[derive(Debug)]
pub enum GroupNorm {}

impl Frozen for GroupNorm {
    type Config = GroupNormConfig;

    fn freeze(b: &mut Builder, label: &str, c: GroupNormConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "GroupNorm", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x).clone();
        if fact.shape.first() != Some(&c.num_channels) {
            return Err(Error::shape(&place.full, format!("[{}, ..]", c.num_channels), &fact.shape, ""));
        }
        let weights = if c.affine { ["weight", "bias"].map(|name| place.weight(name, &[c.num_channels])).to_vec() } else { Vec::new() };
        Ok(b.push(place, Op::Dense(Arc::new(Grouped { groups: c.num_groups, eps: c.eps, weights })), &[x], fact))
    }
}

#[derive(Debug)]
struct Grouped {
    groups: usize,
    eps: f64,
    weights: Vec<Weight>,
}

impl DenseLayer for Grouped {
    fn weights(&self) -> &[Weight] {
        &self.weights
    }

    fn kernel(&self, weights: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        let [scale, shift] = <[Vec<f32>; 2]>::try_from(weights).unwrap_or_default();
        Box::new(Kernel { groups: self.groups, eps: self.eps, scale, shift })
    }
}

#[derive(Debug)]
struct Kernel {
    groups: usize,
    eps: f64,
    /// Per channel, or none.
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl DenseKernel for Kernel {
    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let Layout { channels, .. } = call.layout;
        let width = channels / self.groups;
        let len = call.layout.len();
        for (x, y) in call.x.chunks_exact(len).zip(call.out.chunks_exact_mut(len)) {
            for group in 0..self.groups {
                let of = group * width..(group + 1) * width;
                let values = || x.chunks_exact(channels).flat_map(|cell| &cell[of.clone()]).map(|v| f64::from(*v));
                let count = (len / self.groups) as f64;
                let mean = values().sum::<f64>() / count;
                let inverse = 1.0 / (values().map(|v| (v - mean).powi(2)).sum::<f64>() / count + self.eps).sqrt();
                for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
                    for c in of.clone() {
                        let z = ((f64::from(x[c]) - mean) * inverse) as f32;
                        y[c] = z * self.scale.get(c).unwrap_or(&1.0) + self.shift.get(c).unwrap_or(&0.0);
                    }
                }
            }
        }
        Ok(())
    }
}
