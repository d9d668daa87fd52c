//! `NonSpikingIFNode` and `NonSpikingLIFNode`: neurons that never fire, to read a net out by their potential.

mod device;

use std::sync::Once;

pub use snn_infer::{NonSpikingIFNodeConfig, NonSpikingLIFNodeConfig};
pub use snn_kernels::Decode;
use snn_kernels::NonSpiking;
use tch::Tensor;

use super::parallel::whole_sequences;
use crate::autograd::{Backward, Gradients, attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, in_its_kind};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::steps_of;

/// Adds up its input and never fires: v = v + x, from 0 at the start of every sequence.
///
/// Whole sequences only; nothing is remembered. SpikingJelly equivalent: `neuron.NonSpikingIFNode(..)`.
///
/// # Shapes
///
/// `[T, N, ..]` to the same, or to `[N, ..]` if one number is decoded from each neuron's potentials.
#[derive(Debug)]
pub struct NonSpikingIFNode {
    config: NonSpikingIFNodeConfig,
    name: String,
    /// Said which kernel it has on a device?
    told: Once,
}

/// Leaks, and never fires: v = v + (x - v) / tau, from 0 at the start of every sequence.
///
/// Whole sequences only; nothing is remembered. SpikingJelly equivalent: `neuron.NonSpikingLIFNode(..)`.
///
/// # Shapes
///
/// `[T, N, ..]` to the same, or to `[N, ..]` if one number is decoded from each neuron's potentials.
#[derive(Debug)]
pub struct NonSpikingLIFNode {
    config: NonSpikingLIFNodeConfig,
    name: String,
    /// Said which kernel it has on a device?
    told: Once,
}

impl NonSpikingIFNode {
    fn new(scope: &Scope<'_>, config: NonSpikingIFNodeConfig) -> Result<Self> {
        Ok(NonSpikingIFNode { config, name: scope.name().to_string(), told: Once::new() })
    }

    /// What it was built with.
    pub fn config(&self) -> &NonSpikingIFNodeConfig {
        &self.config
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        Membrane { layer: &self.name, label: "NonSpikingIFNode", told: &self.told, tau: None, decode: self.config.decode }.run(x)
    }
}

impl NonSpikingLIFNode {
    fn new(scope: &Scope<'_>, config: NonSpikingLIFNodeConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        Ok(NonSpikingLIFNode { config, name: scope.name().to_string(), told: Once::new() })
    }

    /// What it was built with.
    pub fn config(&self) -> &NonSpikingLIFNodeConfig {
        &self.config
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        Membrane { layer: &self.name, label: "NonSpikingLIFNode", told: &self.told, tau: Some(self.config.tau), decode: self.config.decode }
            .run(x)
    }
}

whole_sequences!(NonSpikingIFNode, NonSpikingIFNodeConfig);
whole_sequences!(NonSpikingLIFNode, NonSpikingLIFNodeConfig);

/// Either of the two at work.
struct Membrane<'a> {
    layer: &'a str,
    label: &'static str,
    told: &'a Once,
    tau: Option<f64>,
    decode: Decode,
}

impl Membrane<'_> {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        match Launcher::of(self.layer, x)? {
            Some(on) => self.run_on(&on, x),
            None => in_its_kind!(self.layer, x, F => self.run_in::<F>(x)),
        }
    }

    fn run_in<F: Elements>(&self, x: &Tensor) -> Result<Tensor> {
        let sizes = x.size();
        let (steps, step) = steps_of(self.layer, &sizes)?;
        let neurons = step.iter().product::<i64>() as usize;
        let kernel = NonSpiking { tau: self.tau.map(F::of), decode: self.decode };
        let dense_x = dense(self.layer, x)?;
        let mut y = Fresh::<F>::new(self.layer, if self.decode.keeps_time() { &sizes } else { step })?;
        let keeps = recorded(&[x]) && self.decode.chooses();
        let mut chosen = keeps.then(|| vec![0; neurons]);
        kernel
            .forward(steps, neurons, F::slice(self.layer, &dense_x)?, y.elements(), chosen.as_deref_mut())
            .map_err(|e| Error::bug(self.layer, e))?;
        let y = y.into_tensor();
        if !recorded(&[x]) {
            return Ok(y);
        }
        let layer = self.layer.to_string();
        let backward = move |b: Backward<'_>| -> Gradients {
            let Some(grad) = &b.grads[0] else { return Ok(vec![None]) };
            let grad = dense(&layer, &grad.f_to_kind(F::KIND)?)?;
            let mut grad_x = Fresh::<F>::new(&layer, &sizes)?;
            kernel.backward(steps, neurons, F::slice(&layer, &grad)?, chosen.as_deref(), grad_x.elements())?;
            Ok(vec![Some(grad_x.into_tensor())])
        };
        attach_one(self.layer, self.label, &[x], y, &[], backward)
    }
}
