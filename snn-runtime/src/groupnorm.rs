//! `GroupNorm`. In: `[N, C, ..]`; out: the same shape, each sample normalised by groups of its channels.

pub use snn_infer::GroupNormConfig;
use tch::Tensor;
use tch::nn::Init;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::weights::learnable;

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
        c.check().map_err(Error::refused(scope))?;
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
