//! `BatchNorm1d`, `BatchNorm2d`, `BatchNorm3d`. In: `[N, C, ..]`; out: the same shape, normalised per channel; in training the
//! running statistics move on.

use snn_kernels::{Channels, Moments};
use tch::nn::Init;
use tch::{Kind, TchError, Tensor};

pub use snn_infer::{BatchNorm1dConfig, BatchNorm2dConfig, BatchNorm3dConfig, BatchNormConfig};

use crate::checkpoint::recomputing;
use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::neuron::normalised::{Norm, moments};
use crate::scope::Scope;
use crate::space;
use crate::weights::{buffer, learnable};

/// Batch normalisation, from "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift"
/// (Ioffe and Szegedy, ICML 2015): (x - mean) / sqrt(var + eps) * weight + bias.
///
/// PyTorch equivalent: `torch.nn.BatchNorm2d(..)`; SpikingJelly: `layer.BatchNorm2d(..)`. A sequence is one batch of T * N
/// samples: statistics are of all steps, and the running ones move once.
///
/// # Shapes
///
/// `[N, C, H, W]` to the same; over one axis `[N, C, L]` or `[N, C]`. In training a batch needs more than one value per channel.
#[derive(Debug)]
pub struct BatchNorm<const D: usize> {
    /// `[num_features]`, starts at 1.
    pub weight: Option<Tensor>,
    /// `[num_features]`, starts at 0.
    pub bias: Option<Tensor>,
    /// Statistics for evaluation.
    pub running: Option<RunningStats>,
    config: BatchNormConfig,
    name: String,
}

/// [`BatchNorm`] of features `[N, C]` or series `[N, C, L]`. SpikingJelly: `layer.BatchNorm1d(..)`.
pub type BatchNorm1d = BatchNorm<1>;
/// [`BatchNorm`] of images `[N, C, H, W]`. SpikingJelly: `layer.BatchNorm2d(..)`.
pub type BatchNorm2d = BatchNorm<2>;
/// [`BatchNorm`] of volumes `[N, C, D, H, W]`. SpikingJelly: `layer.BatchNorm3d(..)`.
pub type BatchNorm3d = BatchNorm<3>;

/// What [`BatchNorm`] has learned of its input. Stored with the weights, and not trained.
#[derive(Debug)]
pub struct RunningStats {
    /// `[num_features]`: `running_mean`, starts at 0.
    pub mean: Tensor,
    /// `[num_features]`: `running_var`, unbiased, starts at 1.
    pub var: Tensor,
    /// One number, `Int64`: training batches so far.
    pub num_batches_tracked: Tensor,
}

impl RunningStats {
    /// The share of the next batch in the statistics.
    fn share(&self, momentum: Option<f64>) -> Result<f64, TchError> {
        match momentum {
            Some(share) => Ok(share),
            // Read only where it is needed: on a GPU reading waits.
            None => Ok(1.0 / (self.num_batches_tracked.f_double_value(&[])? + 1.0)),
        }
    }

    /// As numbers.
    fn moments(&self) -> Result<Vec<Moments>, TchError> {
        let numbers = |t: &Tensor| tch::no_grad(|| Vec::<f64>::try_from(t.f_to_kind(Kind::Double)?));
        Ok(numbers(&self.mean)?.into_iter().zip(numbers(&self.var)?).map(|(mean, variance)| Moments { mean, variance }).collect())
    }

    /// Moves on with a batch of `values` per channel, and counts it.
    fn follow(&self, batch: &[Moments], values: usize, momentum: Option<f64>) -> Result<(), TchError> {
        let share = self.share(momentum)?;
        let unbiased = values as f64 / (values as f64 - 1.0);
        let go = |of: &Tensor, batch: Vec<f64>| {
            let batch = Tensor::f_from_slice(&batch)?.f_to_kind(of.kind())?.f_to_device(of.device())?;
            tch::no_grad(|| of.shallow_clone().f_lerp_(&batch, share)).map(drop)
        };
        go(&self.mean, batch.iter().map(|m| m.mean).collect())?;
        go(&self.var, batch.iter().map(|m| m.variance * unbiased).collect())?;
        self.count()
    }

    /// One batch more.
    fn count(&self) -> Result<(), TchError> {
        let _counted = tch::no_grad(|| self.num_batches_tracked.shallow_clone().f_add_scalar_(1))?;
        Ok(())
    }
}

impl<const D: usize> BatchNorm<D> {
    /// What it was built with.
    pub fn config(&self) -> &BatchNormConfig {
        &self.config
    }

    /// For messages: `Csnn.bn1`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// One that starts with `weight`, and with a bias or without.
    pub(crate) fn starting(scope: &Scope<'_>, c: BatchNormConfig, weight: f64, bias: bool) -> Result<Self> {
        let features = [c.num_features];
        c.check().map_err(Error::refused(scope))?;
        let affine = |name, value, wanted: bool| match c.affine && wanted {
            true => learnable(scope, name, &features, Init::Const(value)).map(Some),
            false => Ok(None),
        };
        let (weight, bias) = (affine("weight", weight, true)?, affine("bias", 0.0, bias)?);
        let running = match c.track_running_stats {
            false => None,
            true => Some(RunningStats {
                mean: buffer(scope, "running_mean", &features, 0, scope.path().kind())?,
                var: buffer(scope, "running_var", &features, 1, scope.path().kind())?,
                num_batches_tracked: buffer(scope, "num_batches_tracked", &[], 0, Kind::Int64)?,
            }),
        };
        Ok(BatchNorm { weight, bias, running, config: c, name: scope.name().to_string() })
    }

    /// Channels and sizes are the layer's, and there are values enough to take statistics of.
    fn check(&self, x: &Tensor, train: bool) -> Result<()> {
        let (size, features) = (x.size(), self.config.num_features);
        match size[..] {
            // Features alone are a series of length 1.
            [_, c] if D == 1 && c == features as i64 => {}
            [_, _] if D == 1 => return Err(Error::shape(&self.name, format!("[N, {features}] or [N, {features}, L]"), &size, "")),
            _ => {
                space::sizes::<D>(&self.name, x, Some(features))?;
            }
        }
        if x.numel() <= features && (train || self.running.is_none()) {
            let help = "use a larger batch, or `forward`, which evaluates with running statistics";
            return Err(Error::shape(&self.name, "more than one value per channel to take statistics of", &size, help));
        }
        Ok(())
    }

    /// The statistics that `[T, N, C, ..]` is normalised with; in training the running ones move on, once.
    pub(crate) fn statistics(&self, x: &Tensor, cx: &Cx) -> Result<Norm> {
        let sizes = x.size();
        let [steps, batch, _, ref space @ ..] = sizes[..] else {
            return Err(Error::shape(&self.name, "[T, N, C, ..]", &sizes, "time comes first, then the batch"));
        };
        self.check(&x.f_flatten(0, 1)?, cx.train).map_err(|e| e.of_sequence(sizes.clone()))?;
        let channels = Channels { count: self.config.num_features, inner: space.iter().product::<i64>() as usize };
        let values = (steps * batch) as usize * channels.inner;
        let moving = self.running.as_ref().filter(|_| cx.train && !recomputing());
        let of_batch = cx.train || self.running.is_none();
        let statistics = match (&self.running, of_batch) {
            (Some(running), false) => running.moments().map_err(Error::in_layer(&self.name))?,
            _ => moments(&self.name, x, channels)?,
        };
        if let Some(running) = moving {
            running.follow(&statistics, values, self.config.momentum).map_err(Error::in_layer(&self.name))?;
        }
        Ok(Norm {
            weight: self.weight.as_ref().map(Tensor::shallow_clone),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
            mean: statistics.iter().map(|m| m.mean).collect(),
            inverse: statistics.iter().map(|m| 1.0 / (m.variance + self.config.eps).sqrt()).collect(),
            of_batch,
            channels,
            values,
        })
    }

    fn normalise(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        // Who moves on with this batch.
        let moving = self.running.as_ref().filter(|_| train && !recomputing());
        let share = moving.map_or(Ok(0.0), |r| r.share(self.config.momentum))?;
        let of_batch = train || self.running.is_none();
        // In training they are given to move on.
        let given = if train { moving } else { self.running.as_ref() };
        let (mean, var) = given.map(|r| (&r.mean, &r.var)).unzip();
        let y = x.f_batch_norm(self.weight.as_ref(), self.bias.as_ref(), mean, var, of_batch, share, self.config.eps, true)?;
        // Only a batch that went through counts.
        moving.map_or(Ok(()), RunningStats::count)?;
        Ok(y)
    }
}

impl<const D: usize> Stateless for BatchNorm<D> {
    type Config = BatchNormConfig;

    fn build(scope: &Scope<'_>, config: BatchNormConfig) -> Result<Self> {
        BatchNorm::starting(scope, config, 1.0, true)
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.check(x, cx.train)?;
        self.normalise(x, cx.train).map_err(Error::in_layer(&self.name))
    }
}
