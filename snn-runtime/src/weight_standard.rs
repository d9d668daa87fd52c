//! `WSConv2d` and `WSLinear`: the weight of each output is standardised whenever it is used. In: `[N, in_channels, H, W]` or
//! `[.., in_features]`; out: as of `Conv2d` and `Linear`.

pub use snn_infer::{WSConv2dConfig, WSLinearConfig};
use tch::nn::Init;
use tch::{TchError, Tensor};

use crate::conv::Conv2d;
use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::linear::Linear;
use crate::scope::Scope;
use crate::weights::learnable;

/// (W - mean) / sqrt(var * fan_in + eps) * gain, with the mean and the unbiased variance of the weights of each output.
fn standardised(weight: &Tensor, gain: Option<&Tensor>, eps: f64) -> Result<Tensor, TchError> {
    let inputs: Vec<i64> = (1..weight.dim() as i64).collect();
    let fan_in: i64 = weight.size()[1..].iter().product();
    let mean = weight.f_mean_dim(inputs.as_slice(), true, None)?;
    let var = weight.f_var_dim(inputs.as_slice(), true, true)?;
    let deviation = var.f_mul_scalar(fan_in)?.f_add_scalar(eps)?.f_sqrt()?;
    let weight = weight.f_sub(&mean)?.f_div(&deviation)?;
    match gain {
        Some(gain) => weight.f_mul(gain),
        None => Ok(weight),
    }
}

/// What both layers have besides the layer that they are.
fn build_gain(scope: &Scope<'_>, weight: &Tensor, gain: bool) -> Result<Option<Tensor>> {
    let sizes: Vec<usize> = weight.size().iter().enumerate().map(|(i, &n)| if i == 0 { n as usize } else { 1 }).collect();
    if gain { learnable(scope, "gain", &sizes, Init::Const(1.0)).map(Some) } else { Ok(None) }
}

/// [`Conv2d`] with weight standardisation, from "Micro-Batch Training with Batch-Channel Normalization and Weight Standardization"
/// (Qiao et al., 2019): the convolution's weight is (W - mean) / sqrt(var * fan_in + eps) * gain, with the mean and the unbiased
/// variance of each output channel.
///
/// SpikingJelly equivalent: `layer.WSConv2d(..)`, which takes a `padding_mode` and ignores it.
///
/// # Shapes
///
/// As of [`Conv2d`].
#[derive(Debug)]
pub struct WSConv2d {
    /// The convolution, under this layer's own names: `weight`, `bias`.
    pub conv: Conv2d,
    /// `[out_channels, 1, 1, 1]`, starts at 1.
    pub gain: Option<Tensor>,
    eps: f64,
    name: String,
}

impl Stateless for WSConv2d {
    type Config = WSConv2dConfig;

    fn build(scope: &Scope<'_>, c: WSConv2dConfig) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        let conv = <Conv2d as Stateless>::build(scope, c.conv)?;
        let gain = build_gain(scope, &conv.weight, c.gain)?;
        Ok(WSConv2d { conv, gain, eps: c.eps, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let weight = standardised(&self.conv.weight, self.gain.as_ref(), self.eps).map_err(Error::in_layer(&self.name))?;
        self.conv.with_weight(x, &weight)
    }
}

/// [`Linear`] with weight standardisation, as in [`WSConv2d`], for each output.
///
/// SpikingJelly equivalent: `layer.WSLinear(..)`.
///
/// # Shapes
///
/// As of [`Linear`].
#[derive(Debug)]
pub struct WSLinear {
    /// The linear layer, under this layer's own names: `weight`, `bias`.
    pub linear: Linear,
    /// `[out_features, 1]`, starts at 1.
    pub gain: Option<Tensor>,
    eps: f64,
    name: String,
}

impl Stateless for WSLinear {
    type Config = WSLinearConfig;

    fn build(scope: &Scope<'_>, c: WSLinearConfig) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        let linear = <Linear as Stateless>::build(scope, c.linear)?;
        let gain = build_gain(scope, &linear.weight, c.gain)?;
        Ok(WSLinear { linear, gain, eps: c.eps, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        let weight = standardised(&self.linear.weight, self.gain.as_ref(), self.eps).map_err(Error::in_layer(&self.name))?;
        self.linear.with_weight(x, &weight, cx)
    }
}
