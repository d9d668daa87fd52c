//! What is timed. In: a model, the file with its weights and inputs, a task; out: one iteration at a time, and the results of
//! the first.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use snn::autograd::attach;
use snn::train::{Adam, AdamConfig};
use snn::{Device, Tensor, no_grad};

use crate::model::Model;
use crate::protocol::{Task, Work};

const LEARNING_RATE: f64 = 1e-3;

/// Work that can be done again and again.
pub(crate) trait AtWork {
    /// Once, and what came out goes to a file.
    ///
    /// # Errors
    /// What the net or libtorch says, or the file cannot be written.
    fn first(&mut self, results: &Path) -> Result<()>;

    /// Once more, with what it frees.
    ///
    /// # Errors
    /// What the net or libtorch says.
    fn again(&mut self) -> Result<()>;
}

/// A model at work.
pub(crate) struct Job {
    model: Model,
    x: Tensor,
    task: Loaded,
}

/// A task with what it needs.
enum Loaded {
    Forward,
    Infer,
    Backward { upstream: Tensor, wrt: Vec<(String, Tensor)> },
    Train { target: Tensor, optimizer: Adam },
}

/// What an iteration computed.
struct Pass {
    y: Tensor,
    loss: Option<Tensor>,
    gradients: Vec<Tensor>,
}

impl Job {
    /// Loads weights and inputs.
    ///
    /// # Errors
    /// If the file lacks something.
    pub(crate) fn prepare(mut model: Model, work: &Work, file: &Path) -> Result<Job> {
        let tensors = Tensor::read_safetensors(file).with_context(|| format!("cannot read {}", file.display()))?;
        let device = model.vs.device();
        let tensors: HashMap<String, Tensor> = tensors.into_iter().map(|(name, t)| (name, t.to_device(device))).collect();
        model.load(&tensors)?;
        let named =
            |name: &str| Ok::<_, anyhow::Error>(tensors.get(name).with_context(|| format!("the file has no {name}"))?.shallow_clone());
        let mut x = named("x")?;
        let task = match work.task {
            Task::Forward => Loaded::Forward,
            Task::Infer => Loaded::Infer,
            Task::Backward => {
                let mut wrt = trainable(&model);
                if wrt.is_empty() {
                    x = x.set_requires_grad(true);
                    wrt.push(("x".to_string(), x.shallow_clone()));
                }
                Loaded::Backward { upstream: named("upstream")?, wrt }
            }
            Task::Train => Loaded::Train {
                target: named("target")?,
                optimizer: Adam::new(&model.vs, AdamConfig { lr: LEARNING_RATE, ..Default::default() })?,
            },
        };
        Ok(Job { model, x, task })
    }

    /// The work, once.
    fn iterate(&mut self) -> Result<Pass> {
        let Job { model, x, task } = self;
        match task {
            Loaded::Forward => Ok(Pass::of(no_grad(|| model.forward(x, true))?)),
            Loaded::Infer => Ok(Pass::of(no_grad(|| model.forward(x, false))?)),
            Loaded::Backward { upstream, wrt } => {
                let y = model.forward(x, true)?;
                let wrt: Vec<&Tensor> = wrt.iter().map(|(_, t)| t).collect();
                let gradients = backward(&y, &wrt, upstream)?;
                Ok(Pass { gradients, ..Pass::of(y) })
            }
            Loaded::Train { target, optimizer } => {
                let y = model.forward(x, true)?;
                let loss = y.f_mse_loss(target, tch::Reduction::Mean)?;
                optimizer.zero_grad();
                loss.f_backward()?;
                optimizer.step()?;
                Ok(Pass { loss: Some(loss), ..Pass::of(y) })
            }
        }
    }

    /// Writes what the first iteration computed, and what it made of the weights.
    fn write_results(&self, pass: Pass, file: &Path) -> Result<()> {
        let mut results = vec![("y".to_string(), pass.y.detach())];
        match &self.task {
            Loaded::Forward | Loaded::Infer => {}
            Loaded::Backward { wrt, .. } => {
                results.extend(wrt.iter().zip(pass.gradients).map(|((name, _), gradient)| (format!("gradient.{name}"), gradient)));
            }
            Loaded::Train { .. } => {
                results.extend(pass.loss.map(|loss| ("loss".to_string(), loss.detach())));
                for (name, weight) in trainable(&self.model) {
                    results.push((format!("gradient.{name}"), weight.grad()));
                    results.push((format!("after.{name}"), weight.detach()));
                }
            }
        }
        let results: Vec<(String, Tensor)> = results.into_iter().map(|(name, t)| (name, t.to_device(Device::Cpu))).collect();
        Tensor::write_safetensors(&results, file).with_context(|| format!("cannot write {}", file.display()))
    }
}

impl AtWork for Job {
    fn first(&mut self, results: &Path) -> Result<()> {
        let pass = self.iterate()?;
        self.write_results(pass, results)
    }

    fn again(&mut self) -> Result<()> {
        self.iterate().map(drop)?;
        if let Device::Cuda(index) = self.model.vs.device() {
            tch::Cuda::synchronize(i64::try_from(index)?);
        }
        Ok(())
    }
}

impl Pass {
    fn of(y: Tensor) -> Pass {
        Pass { y, loss: None, gradients: Vec::new() }
    }
}

fn trainable(model: &Model) -> Vec<(String, Tensor)> {
    let mut weights: Vec<_> = model.vs.variables().into_iter().filter(|(_, weight)| weight.requires_grad()).collect();
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    weights
}

/// Gradients for the upstream gradient, handed over as it is, like `torch.autograd.grad(y, wrt, upstream)`: tch only starts
/// from a number, and a loss of its own would be timed as well.
fn backward(y: &Tensor, wrt: &[&Tensor], upstream: &Tensor) -> Result<Vec<Tensor>> {
    let upstream = upstream.shallow_clone();
    let start = attach("Upstream", &[y], vec![Tensor::from(0.0f32)], &[], move |_| Ok(vec![Some(upstream.shallow_clone())]))?;
    Ok(Tensor::f_run_backward(&start, wrt, false, false)?)
}
