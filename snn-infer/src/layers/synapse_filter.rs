//! `SynapseFilter`. In: arguments, and spikes; out: the synaptic currents they leave behind.

use std::sync::Arc;

use snn_kernels::{Input, Neuron, Refused, SynapseCurrent, SynapseFilter as Filter, synapse_filter};

use super::Frozen;
use super::dense::{Call, DenseKernel, DenseLayer};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Layout, Op, Time, Value, Weight};
use crate::run::Memory;

/// Arguments of [`SynapseFilter`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
pub struct SynapseFilterConfig {
    /// Time constant in steps, greater than 1; before training, if it is learned.
    pub tau: f64,
    /// Is the time constant learned?
    pub learnable: bool,
}

impl Default for SynapseFilterConfig {
    fn default() -> Self {
        SynapseFilterConfig { tau: 100.0, learnable: false }
    }
}

impl SynapseFilterConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        SynapseCurrent::<false> { tau: self.tau }.check()
    }
}

/// Frozen synapse filter.
#[derive(Debug)]
pub enum SynapseFilter {}

impl Frozen for SynapseFilter {
    type Config = SynapseFilterConfig;

    fn freeze(b: &mut Builder, label: &str, c: SynapseFilterConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "SynapseFilter", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let fact = Fact { time: Time::Sequence, ..b.fact(x).clone() };
        let w = c.learnable.then(|| place.weight("w", &[]));
        Ok(b.push(place, Op::Dense(Arc::new(Currents { tau: c.tau, w: w.into_iter().collect() })), &[x], fact))
    }
}

#[derive(Debug)]
struct Currents {
    tau: f64,
    /// What is learned of it: 1 / tau = sigmoid(w).
    w: Vec<Weight>,
}

impl DenseLayer for Currents {
    fn weights(&self) -> &[Weight] {
        &self.w
    }

    fn kernel(&self, weights: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        let learned = weights.first().and_then(|w| w.first()).map(|w| 1.0 / (1.0 + (-f64::from(*w)).exp()));
        Box::new(Kernel(Filter { q: learned.unwrap_or(1.0 / self.tau) as f32 }))
    }
}

#[derive(Debug)]
struct Kernel(Filter<f32>);

impl DenseKernel for Kernel {
    /// The last current.
    fn carries(&self, layout: Layout) -> usize {
        layout.len()
    }

    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let neurons = call.batch * call.layout.len();
        let x = if call.fixed { Input::Static(call.x) } else { Input::Sequence(call.x) };
        let before = call.memory.as_ref().filter(|m| !m.fresh).map(|m| &*m.numbers);
        synapse_filter(self.0, call.steps, neurons, x, before, call.out)?;
        if let Some(Memory { numbers, .. }) = call.memory {
            numbers.copy_from_slice(&call.out[(call.steps - 1) * neurons..]);
        }
        Ok(())
    }
}
