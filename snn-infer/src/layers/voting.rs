//! `VotingLayer`. In: arguments, and a value `[C * voting_size]`; out: `[C]`, the mean of each group.

use std::sync::Arc;

use snn_kernels::Refused;

use super::dense::{Call, DenseKernel, DenseLayer};
use super::{Frozen, space};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Value};

/// Arguments of [`VotingLayer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VotingLayerConfig {
    /// Neurons that vote for one class.
    pub voting_size: usize,
}

impl Default for VotingLayerConfig {
    fn default() -> Self {
        VotingLayerConfig { voting_size: 10 }
    }
}

impl VotingLayerConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("voting_size", self.voting_size)])
    }
}

/// Frozen voting layer.
#[derive(Debug)]
pub enum VotingLayer {}

impl Frozen for VotingLayer {
    type Config = VotingLayerConfig;

    fn freeze(b: &mut Builder, label: &str, c: VotingLayerConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "VotingLayer", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x);
        let classes = match fact.shape[..] {
            [features] => snn_shape::divide(features, c.voting_size),
            _ => None,
        };
        let Some(classes) = classes else {
            return Err(Error::shape(&place.full, format!("[a multiple of {}]", c.voting_size), &fact.shape, ""));
        };
        let fact = Fact::new(&[classes], fact.time);
        Ok(b.push(place, Op::Dense(Arc::new(Votes { size: c.voting_size })), &[x], fact))
    }
}

#[derive(Clone, Copy, Debug)]
struct Votes {
    size: usize,
}

impl DenseLayer for Votes {
    fn kernel(&self, _: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        Box::new(*self)
    }
}

impl DenseKernel for Votes {
    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        for (votes, class) in call.x.chunks_exact(self.size).zip(call.out) {
            *class = votes.iter().sum::<f32>() / self.size as f32;
        }
        Ok(())
    }
}
