//! `GroupNorm`. In: `[N, C, ..]`; out: the same shape, each sample normalised by groups of its channels.

use tch::Tensor;
use tch::nn::Init;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::weights::{learnable, not_negative, positive};

/// Arguments of [`GroupNorm`], in torch's words.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNormConfig {
    /// Groups of channels; it divides `num_channels`.
    pub num_groups: usize,
    /// Channels.
    pub num_channels: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Are a scale and a shift per channel learned?
    pub affine: bool,
}

impl GroupNormConfig {
    /// torch's defaults for the rest: `eps` 1e-5, affine.
    pub fn new(num_groups: usize, num_channels: usize) -> Self {
        GroupNormConfig { num_groups, num_channels, eps: 1e-5, affine: true }
    }
}

/// Group normalisation, from "Group Normalization" (Wu and He, ECCV 2018): (x - mean) / sqrt(var + eps) * weight + bias, with the
/// mean and the biased variance of each group of channels of each sample. Training and evaluation are the same.
///
/// PyTorch equivalent: `torch.nn.GroupNorm(..)`; SpikingJelly: `layer.GroupNorm(..)`. Each step is a sample of its own.
///
/// # Shapes
///
/// `[N, C, ..]` to the same.
#[derive(Debug)]
pub struct GroupNorm {
    /// `[num_channels]`, starts at 1.
    pub weight: Option<Tensor>,
    /// `[num_channels]`, starts at 0.
    pub bias: Option<Tensor>,
    config: GroupNormConfig,
    name: String,
}

impl GroupNorm {
    /// What it was built with.
    pub fn config(&self) -> &GroupNormConfig {
        &self.config
    }
}

impl Stateless for GroupNorm {
    type Config = GroupNormConfig;

    fn build(scope: &Scope<'_>, c: GroupNormConfig) -> Result<Self> {
        positive(scope, &[("num_groups", c.num_groups), ("num_channels", c.num_channels)])?;
        if snn_shape::divide(c.num_channels, c.num_groups).is_none() {
            let problem = format!("must be a multiple of `num_groups = {}`, but is {}", c.num_groups, c.num_channels);
            return Err(Error::argument(scope.name(), "num_channels", problem, ""));
        }
        not_negative(scope, "eps", c.eps)?;
        let channels = [c.num_channels];
        let affine = |name, value| if c.affine { learnable(scope, name, &channels, Init::Const(value)).map(Some) } else { Ok(None) };
        let (weight, bias) = (affine("weight", 1.0)?, affine("bias", 0.0)?);
        Ok(GroupNorm { weight, bias, config: c, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let c = &self.config;
        if x.size().get(1) != Some(&(c.num_channels as i64)) {
            return Err(Error::shape(&self.name, format!("[N, {}, ..]", c.num_channels), &x.size(), ""));
        }
        x.f_group_norm(c.num_groups as i64, self.weight.as_ref(), self.bias.as_ref(), c.eps, true).map_err(Error::in_layer(&self.name))
    }
}
