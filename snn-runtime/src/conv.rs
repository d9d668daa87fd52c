//! `Conv2d`, by libtorch. In: `[N, C, H, W]`; out: `[N, out_channels, H', W']`.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::weights::{Start, bound, learnable};

/// What a convolution sees beyond the border. PyTorch: `padding_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    Zeros,
    /// The image mirrored, without the border cell itself.
    Reflect,
    /// The border cell again.
    Replicate,
    /// The other side.
    Circular,
}

/// Arguments of [`Conv2d`].
#[derive(Clone, Debug)]
pub struct Conv2dConfig {
    /// Channels that arrive.
    pub in_channels: usize,
    /// Channels that leave.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Distance between outputs.
    pub stride: [usize; 2],
    /// Cells added (before, after) each axis; `"same"` is resolved by the macro.
    pub padding: [[usize; 2]; 2],
    /// Distance between kernel cells.
    pub dilation: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
    /// Adds a learnable `bias`.
    pub bias: bool,
    /// What is padded with.
    pub padding_mode: PaddingMode,
}

/// Cross-correlation over images.
///
/// `weight` `[out_channels, in_channels / groups, kH, kW]` and `bias` `[out_channels]` start uniform within
/// `1 / sqrt(in_channels / groups * kH * kW)`. PyTorch: `torch.nn.Conv2d`; SpikingJelly: `layer.Conv2d`.
#[derive(Debug)]
pub struct Conv2d {
    name: String,
    config: Conv2dConfig,
    /// `[out_channels, in_channels / groups, kH, kW]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
}

impl Conv2d {
    fn convolve(&self, x: &Tensor) -> Result<Tensor, tch::TchError> {
        let c = &self.config;
        let [[top, bottom], [left, right]] = c.padding.map(|p| p.map(|n| n as i64));
        let symmetric = top == bottom && left == right;
        let (x, padding) = if c.padding_mode == PaddingMode::Zeros && symmetric {
            (x.shallow_clone(), [top, left])
        } else if [top, bottom, left, right] == [0; 4] {
            (x.shallow_clone(), [0, 0])
        } else {
            let mode = match c.padding_mode {
                PaddingMode::Zeros => "constant",
                PaddingMode::Reflect => "reflect",
                PaddingMode::Replicate => "replicate",
                PaddingMode::Circular => "circular",
            };
            // libtorch counts from the last axis.
            (x.f_pad([left, right, top, bottom], mode, None)?, [0, 0])
        };
        let [stride, dilation] = [c.stride, c.dilation].map(|a| a.map(|n| n as i64));
        x.f_conv2d(&self.weight, self.bias.as_ref(), stride, padding, dilation, c.groups as i64)
    }
}

impl Stateless for Conv2d {
    type Config = Conv2dConfig;

    fn build(scope: &Scope<'_>, config: Conv2dConfig) -> Result<Self> {
        let start = Start::Uniform(bound(snn_shape::fan_in(config.in_channels, config.groups, &config.kernel_size)));
        let [kh, kw] = config.kernel_size;
        let weight = [config.out_channels, config.in_channels / config.groups.max(1), kh, kw];
        Ok(Conv2d {
            name: scope.name().to_string(),
            weight: learnable(scope, "weight", &weight, start)?,
            bias: if config.bias { Some(learnable(scope, "bias", &[config.out_channels], start)?) } else { None },
            config,
        })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.convolve(x).map_err(Error::in_layer(&self.name))
    }
}
