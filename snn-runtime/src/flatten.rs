//! `Flatten` and `Identity`. In: `[N, ..]`; out: axes joined, or the same.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

/// Arguments of [`Flatten`]: axes of `[N, ..]`, counted from 0, the batch.
#[derive(Clone, Debug)]
pub struct FlattenConfig {
    /// First axis to join, at least 1.
    pub start_dim: usize,
    /// Last axis to join.
    pub end_dim: usize,
}

/// Joins axes of a sample into one. PyTorch: `torch.nn.Flatten`; SpikingJelly: `layer.Flatten`.
#[derive(Debug)]
pub struct Flatten {
    name: String,
    config: FlattenConfig,
}

impl Stateless for Flatten {
    type Config = FlattenConfig;

    fn build(scope: &Scope<'_>, config: FlattenConfig) -> Result<Self> {
        Ok(Flatten { name: scope.name().to_string(), config })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        x.f_flatten(self.config.start_dim as i64, self.config.end_dim as i64).map_err(Error::in_layer(&self.name))
    }
}

/// Gives what it gets. PyTorch: `torch.nn.Identity`.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Stateless for Identity {
    type Config = ();

    fn build(_: &Scope<'_>, (): ()) -> Result<Self> {
        Ok(Identity)
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Ok(x.shallow_clone())
    }
}
