//! `Flatten` and `Identity`. In: any shape; out: axes joined, or the same tensor.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

/// Arguments of [`Flatten`]: axes of `[N, ..]`, where 0 is the batch. Both ends are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlattenConfig {
    /// The first axis to join, at least 1.
    pub start_dim: usize,
    /// The last axis to join.
    pub end_dim: usize,
}

/// Joins neighbouring axes of each sample.
///
/// PyTorch equivalent: `torch.nn.Flatten(..)`; SpikingJelly: `layer.Flatten(..)`. Axes are those of one step, in a sequence as
/// well.
///
/// # Shapes
///
/// `[N, .., a, b, ..]` to `[N, .., a * b, ..]`.
#[derive(Debug)]
pub struct Flatten {
    config: FlattenConfig,
    name: String,
}

impl Flatten {
    fn join(&self, x: &Tensor, before: usize) -> Result<Tensor> {
        let FlattenConfig { start_dim, end_dim } = self.config;
        if end_dim + before >= x.dim() {
            let wants = format!("{}, .., with at least {} axes", if before == 1 { "[T, N" } else { "[N" }, end_dim + before + 1);
            return Err(Error::shape(&self.name, wants, &x.size(), ""));
        }
        x.f_flatten((start_dim + before) as i64, (end_dim + before) as i64).map_err(Error::in_layer(&self.name))
    }
}

impl Stateless for Flatten {
    type Config = FlattenConfig;

    fn build(scope: &Scope<'_>, config: FlattenConfig) -> Result<Self> {
        let FlattenConfig { start_dim, end_dim } = config;
        if start_dim == 0 {
            let help = "`start_dim = 1` is the first axis of a sample";
            return Err(Error::argument(scope.name(), "start_dim", "would flatten the batch away: it is 0", help));
        }
        if start_dim > end_dim {
            let problem = format!("comes after `end_dim = {end_dim}`: it is {start_dim}");
            return Err(Error::argument(scope.name(), "start_dim", problem, "swap the two"));
        }
        Ok(Flatten { config, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.join(x, 0)
    }

    fn forward_sequence(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.join(x, 1)
    }
}

/// Gives what it gets.
///
/// PyTorch equivalent: `torch.nn.Identity()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Stateless for Identity {
    type Config = ();

    fn build(_: &Scope<'_>, (): ()) -> Result<Self> {
        Ok(Identity)
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Ok(x.shallow_clone())
    }

    fn forward_sequence(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Ok(x.shallow_clone())
    }
}
