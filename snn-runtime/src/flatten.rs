//! `Flatten` and `Identity`. In: any shape; out: axes joined, or the same tensor.

use tch::Tensor;

pub use snn_infer::FlattenConfig;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

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
        config.check().map_err(Error::refused(scope))?;
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
