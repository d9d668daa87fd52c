//! `BatchNorm2d`, by libtorch. In: `[N, C, H, W]`; out: the same shape.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::weights::{Start, buffer, learnable};

/// Arguments of [`BatchNorm2d`].
#[derive(Clone, Debug)]
pub struct BatchNorm2dConfig {
    /// Channels.
    pub num_features: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Weight of a new batch in the running statistics; `None`: the average of all batches.
    pub momentum: Option<f64>,
    /// Learnable `weight` and `bias`.
    pub affine: bool,
    /// Keeps running statistics for evaluation; otherwise every batch is normalised by its own.
    pub track_running_stats: bool,
}

/// Batch normalisation per channel: `(x - mean) / sqrt(var + eps) * weight + bias`.
///
/// In `'m'` the statistics run over time, batch and space, and the running statistics move once per call; in `'s'` once per
/// step. Buffers `running_mean`, `running_var` and `num_batches_tracked` are saved with the weights.
/// Ioffe and Szegedy, ICML 2015. PyTorch: `torch.nn.BatchNorm2d`; SpikingJelly: `layer.BatchNorm2d`.
#[derive(Debug)]
pub struct BatchNorm2d {
    name: String,
    config: BatchNorm2dConfig,
    /// `[num_features]`, starts at 1.
    pub weight: Option<Tensor>,
    /// `[num_features]`, starts at 0.
    pub bias: Option<Tensor>,
    /// The running statistics, if tracked.
    pub running: Option<Running>,
}

/// Running statistics of a batch normalisation.
#[derive(Debug)]
pub struct Running {
    /// `[num_features]`, starts at 0.
    pub mean: Tensor,
    /// `[num_features]`, unbiased, starts at 1.
    pub var: Tensor,
    /// Training calls so far; an `i64` scalar.
    pub num_batches_tracked: Tensor,
}

impl BatchNorm2d {
    /// The share of the new batch in the running statistics, after counting it.
    fn momentum(&self, running: &Running) -> Result<f64, tch::TchError> {
        let mut count = running.num_batches_tracked.shallow_clone();
        let _ = tch::no_grad(|| count.f_add_scalar_(1))?;
        match self.config.momentum {
            Some(m) => Ok(m),
            None => Ok(1.0 / running.num_batches_tracked.f_int64_value(&[])? as f64),
        }
    }

    fn normalise(&self, x: &Tensor, cx: &Cx) -> Result<Tensor, tch::TchError> {
        let c = &self.config;
        let batch = cx.train || self.running.is_none();
        let momentum = match &self.running {
            Some(running) if cx.train => self.momentum(running)?,
            _ => 0.0,
        };
        // Without gradient in between: libtorch moves the running statistics in place.
        let (mean, var) = match &self.running {
            Some(r) => (Some(&r.mean), Some(&r.var)),
            None => (None, None),
        };
        x.f_batch_norm(self.weight.as_ref(), self.bias.as_ref(), mean, var, batch, momentum, c.eps, false)
    }
}

impl Stateless for BatchNorm2d {
    type Config = BatchNorm2dConfig;

    fn build(scope: &Scope<'_>, config: BatchNorm2dConfig) -> Result<Self> {
        if config.eps < 0.0 || config.eps.is_nan() {
            return Err(Error::argument(scope.name(), "eps", format!("must not be negative, but is {}", config.eps), ""));
        }
        let n = &[config.num_features];
        let (weight, bias) = match config.affine {
            true => (Some(learnable(scope, "weight", n, Start::Const(1.0))?), Some(learnable(scope, "bias", n, Start::Const(0.0))?)),
            false => (None, None),
        };
        let running = match config.track_running_stats {
            true => Some(Running {
                mean: buffer(scope, "running_mean", n, 0.0, Kind::Float)?,
                var: buffer(scope, "running_var", n, 1.0, Kind::Float)?,
                num_batches_tracked: buffer(scope, "num_batches_tracked", &[], 0.0, Kind::Int64)?,
            }),
            false => None,
        };
        Ok(BatchNorm2d { name: scope.name().to_string(), config, weight, bias, running })
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        let per_channel = x.numel() / self.config.num_features.max(1);
        if cx.train && per_channel == 1 {
            let problem = "cannot be normalised in training: it has one value per channel, and no variance";
            return Err(Error::argument(&self.name, "x", problem, "use a larger batch, or evaluate: `forward(&x)`"));
        }
        self.normalise(x, cx).map_err(Error::in_layer(&self.name))
    }
}
