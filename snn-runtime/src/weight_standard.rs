//! `WSConv2d` and `WSLinear`: the weight of each output is standardised whenever it is used. In: `[N, in_channels, H, W]` or
//! `[.., in_features]`; out: as of `Conv2d` and `Linear`.

use tch::nn::Init;
use tch::{TchError, Tensor};

use crate::conv::{Conv2d, Conv2dConfig, PaddingMode};
use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::linear::{Linear, LinearConfig};
use crate::scope::Scope;
use crate::weights::{learnable, not_negative};

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
fn build_gain(scope: &Scope<'_>, weight: &Tensor, gain: bool, eps: f64) -> Result<Option<Tensor>> {
    not_negative(scope, "eps", eps)?;
    if weight.size()[1..].iter().product::<i64>() < 2 {
        let problem = "leaves one weight per output, which has no variance";
        return Err(Error::argument(scope.name(), "weight", problem, "use a plain `Conv2d` or `Linear`"));
    }
    let sizes: Vec<usize> = weight.size().iter().enumerate().map(|(i, &n)| if i == 0 { n as usize } else { 1 }).collect();
    if gain { learnable(scope, "gain", &sizes, Init::Const(1.0)).map(Some) } else { Ok(None) }
}

/// Arguments of [`WSConv2d`].
#[derive(Clone, Debug, PartialEq)]
pub struct WSConv2dConfig {
    /// What a convolution is built with; its padding is zeros.
    pub conv: Conv2dConfig,
    /// Is a factor learned for each output channel?
    pub gain: bool,
    /// Added to the variance; SpikingJelly's default is 1e-4.
    pub eps: f64,
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
        if c.conv.padding_mode != PaddingMode::Zeros {
            let problem = format!("must be zeros, but is {:?}", c.conv.padding_mode);
            return Err(Error::argument(scope.name(), "padding_mode", problem, "SpikingJelly's `WSConv2d` ignores it"));
        }
        let conv = <Conv2d as Stateless>::build(scope, c.conv)?;
        let gain = build_gain(scope, &conv.weight, c.gain, c.eps)?;
        Ok(WSConv2d { conv, gain, eps: c.eps, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let weight = standardised(&self.conv.weight, self.gain.as_ref(), self.eps).map_err(Error::in_layer(&self.name))?;
        self.conv.with_weight(x, &weight)
    }
}

/// Arguments of [`WSLinear`].
#[derive(Clone, Debug, PartialEq)]
pub struct WSLinearConfig {
    /// What a linear layer is built with.
    pub linear: LinearConfig,
    /// Is a factor learned for each output?
    pub gain: bool,
    /// Added to the variance; SpikingJelly's default is 1e-4.
    pub eps: f64,
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
        let linear = <Linear as Stateless>::build(scope, c.linear)?;
        let gain = build_gain(scope, &linear.weight, c.gain, c.eps)?;
        Ok(WSLinear { linear, gain, eps: c.eps, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let weight = standardised(&self.linear.weight, self.gain.as_ref(), self.eps).map_err(Error::in_layer(&self.name))?;
        self.linear.with_weight(x, &weight)
    }
}
