//! A frozen net at work. In: a model, the file with its weights and inputs; out: one inference at a time, and the results of the first.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use snn::{Kind, Tensor, infer, no_grad};

use crate::job::AtWork;
use crate::model::Model;
use crate::protocol::{Task, Work};

/// A frozen net and its input. The net that it was made of is gone.
pub(crate) struct FrozenJob {
    net: infer::Model,
    x: Vec<f32>,
    y: Vec<f32>,
    /// The sizes of the output.
    sizes: Vec<i64>,
}

impl FrozenJob {
    /// Loads weights and inputs, and freezes.
    ///
    /// # Errors
    /// If the file lacks something, or the task needs gradients.
    pub(crate) fn prepare(mut model: Model, work: &Work, file: &Path) -> Result<FrozenJob> {
        ensure!(matches!(work.task, Task::Forward | Task::Infer), "a frozen net has no gradients");
        let tensors = Tensor::read_safetensors(file).with_context(|| format!("cannot read {}", file.display()))?;
        let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
        model.load(&tensors)?;
        let x = tensors.get("x").context("the file has no x")?;
        let sizes = no_grad(|| model.forward(x, false))?.size();
        let y = vec![0.0; sizes.iter().product::<i64>() as usize];
        Ok(FrozenJob { net: model.freeze()?, x: Vec::try_from(x.to_kind(Kind::Float).contiguous().view([-1]))?, y, sizes })
    }
}

impl AtWork for FrozenJob {
    fn first(&mut self, results: &Path) -> Result<()> {
        self.again()?;
        let y = Tensor::from_slice(&self.y).f_view(&self.sizes[..])?;
        Tensor::write_safetensors(&[("y", y)], results).with_context(|| format!("cannot write {}", results.display()))
    }

    fn again(&mut self) -> Result<()> {
        Ok(self.net.infer(&[&self.x], &mut [&mut self.y])?)
    }
}
