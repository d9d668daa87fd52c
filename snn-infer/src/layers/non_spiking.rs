//! `NonSpikingIFNode` and `NonSpikingLIFNode`. In: arguments, and currents; out: potentials, at every step or one number for all of them.

use std::sync::Arc;

use snn_kernels::{Decode, NonSpiking, Refused};

use super::Frozen;
use super::dense::{Call, DenseKernel, DenseLayer};
use crate::builder::{Builder, Place};
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Time, Value};

/// Arguments of [`NonSpikingIFNode`].
#[derive(Clone, Debug, PartialEq)]
pub struct NonSpikingIFNodeConfig {
    /// What comes out.
    pub decode: Decode,
}

impl Default for NonSpikingIFNodeConfig {
    fn default() -> Self {
        NonSpikingIFNodeConfig { decode: Decode::Sequence }
    }
}

/// Arguments of [`NonSpikingLIFNode`].
#[derive(Clone, Debug, PartialEq)]
pub struct NonSpikingLIFNodeConfig {
    /// Membrane time constant in steps, greater than 1.
    pub tau: f64,
    /// What comes out.
    pub decode: Decode,
}

impl Default for NonSpikingLIFNodeConfig {
    fn default() -> Self {
        NonSpikingLIFNodeConfig { tau: 2.0, decode: Decode::Sequence }
    }
}

impl NonSpikingLIFNodeConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        Refused::time_constant("tau", self.tau)
    }
}

/// Frozen `NonSpikingIFNode`.
#[derive(Debug)]
pub enum NonSpikingIFNode {}

impl Frozen for NonSpikingIFNode {
    type Config = NonSpikingIFNodeConfig;

    fn freeze(b: &mut Builder, label: &str, c: NonSpikingIFNodeConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "NonSpikingIFNode", &c);
        membrane(b, place, NonSpiking { tau: None, decode: c.decode }, args)
    }
}

/// Frozen `NonSpikingLIFNode`.
#[derive(Debug)]
pub enum NonSpikingLIFNode {}

impl Frozen for NonSpikingLIFNode {
    type Config = NonSpikingLIFNodeConfig;

    fn freeze(b: &mut Builder, label: &str, c: NonSpikingLIFNodeConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "NonSpikingLIFNode", &c);
        c.check().map_err(Error::refused(&place.full))?;
        membrane(b, place, NonSpiking { tau: Some(c.tau as f32), decode: c.decode }, args)
    }
}

fn membrane(b: &mut Builder, place: Place, neuron: NonSpiking<f32>, args: &[Value]) -> Result<Value> {
    let x = b.only(&place, args)?;
    let x = b.at_every_step(x);
    let mut fact: Fact = b.fact(x).clone();
    if !neuron.decode.keeps_time() {
        fact.time = Time::Reduced;
    }
    Ok(b.push(place, Op::Dense(Arc::new(Membrane(neuron))), &[x], fact))
}

#[derive(Clone, Copy, Debug)]
struct Membrane(NonSpiking<f32>);

impl DenseLayer for Membrane {
    fn kernel(&self, _: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        Box::new(*self)
    }
}

impl DenseKernel for Membrane {
    fn whole_sequences(&self) -> bool {
        true
    }

    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let neurons = call.batch * call.layout.len();
        self.0.forward(call.x_steps(), neurons, call.x, call.out, None)
    }
}
