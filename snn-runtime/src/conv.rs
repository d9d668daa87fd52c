//! `Conv1d`, `Conv2d`, `Conv3d`. In: `[N, in_channels, ..]` with one to three axes of space; out: `[N, out_channels, ..]`.

use tch::Tensor;

pub use snn_infer::{Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvConfig, PaddingMode};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::report::probe::{self, Geometry};
use crate::scope::Scope;
use crate::space;
use crate::spike_conv;
use crate::weights::{dims, uniform};

/// Convolution (cross-correlation) over `D` axes of space; steps are images of their own.
///
/// PyTorch equivalent: `torch.nn.Conv2d(..)`; SpikingJelly: `layer.Conv2d(..)`. Where at most half of the inputs are 1 and all others 0, in `f32` on the CPU, with
/// a stride of 1, one group and at most two axes, only the weights of those are read and added up, and a bit of each input is kept for the backward pass;
/// gradients of gradients (`create_graph`) are an error there.
///
/// # Shapes
///
/// `[N, in_channels, H, W]` to `[N, out_channels, H', W']`, see [`snn_shape::conv`]. Weights from U(-b, b) with
/// b = 1 / sqrt(in_channels / groups * kernel height * kernel width).
#[derive(Debug)]
pub struct Conv<const D: usize> {
    /// `[out_channels, in_channels / groups, kernel height, kernel width]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    config: ConvConfig<D>,
    name: String,
}

/// [`Conv`] of series: `[N, in_channels, L]` to `[N, out_channels, L']`. SpikingJelly: `layer.Conv1d(..)`.
pub type Conv1d = Conv<1>;
/// [`Conv`] of images: `[N, in_channels, H, W]` to `[N, out_channels, H', W']`. SpikingJelly: `layer.Conv2d(..)`.
pub type Conv2d = Conv<2>;
/// [`Conv`] of volumes: `[N, in_channels, D, H, W]` to `[N, out_channels, D', H', W']`. SpikingJelly: `layer.Conv3d(..)`.
pub type Conv3d = Conv<3>;

impl<const D: usize> Conv<D> {
    /// What it was built with.
    pub fn config(&self) -> &ConvConfig<D> {
        &self.config
    }

    /// The convolution with `weight` in the place of its own.
    pub(crate) fn with_weight(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        self.check(x)?;
        self.convolve(x, weight)
    }

    /// Does the kernel fit?
    fn check(&self, x: &Tensor) -> Result<()> {
        let c = &self.config;
        let size = space::sizes::<D>(&self.name, x, Some(c.in_channels))?;
        if c.output_size(size).is_some() {
            return Ok(());
        }
        let (wants, help) = c.misfit();
        Err(Error::shape(&self.name, wants, &x.size(), help))
    }

    fn convolve(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let c = &self.config;
        // The kernels add zeros themselves, if as many on either side.
        if c.padding_mode == PaddingMode::Zeros && c.padding.iter().all(|[low, high]| low == high) {
            return self.padded(x, weight, c.padding.map(|[low, _]| low));
        }
        let mode = match c.padding_mode {
            PaddingMode::Zeros => "constant",
            PaddingMode::Reflect => "reflect",
            PaddingMode::Replicate => "replicate",
            PaddingMode::Circular => "circular",
        };
        // The last axis comes first.
        let padding: Vec<usize> = c.padding.iter().rev().flatten().copied().collect();
        let x = x.f_pad(dims(&padding), mode, None).map_err(Error::in_layer(&self.name))?;
        self.padded(&x, weight, [0; D])
    }

    /// With so many zeros on either side.
    fn padded(&self, x: &Tensor, weight: &Tensor, padding: [usize; D]) -> Result<Tensor> {
        let (c, bias) = (&self.config, self.bias.as_ref());
        let of_spikes = match c.groups == 1 && c.stride == [1; D] {
            true => spike_conv::convolution(&self.name, x, weight, bias, padding, c.dilation)?,
            false => None,
        };
        let (stride, padding, dilation, groups) = (dims(&c.stride), dims(&padding), dims(&c.dilation), c.groups as i64);
        let y = match of_spikes {
            Some(y) => y,
            None => x
                .f_convolution(weight, bias, &stride[..], &padding[..], &dilation[..], false, [0; D], groups)
                .map_err(Error::in_layer(&self.name))?,
        };
        let geometry = Geometry { stride: &stride, padding: &padding, dilation: &dilation, output_padding: None, groups };
        probe::convolution(&self.name, x, weight, &y, geometry).map_err(Error::in_layer(&self.name))?;
        Ok(y)
    }
}

impl<const D: usize> Stateless for Conv<D> {
    type Config = ConvConfig<D>;

    fn build(scope: &Scope<'_>, c: ConvConfig<D>) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        let fan_in = snn_shape::fan_in(c.in_channels, c.groups, &c.kernel_size);
        let sizes = [&[c.out_channels, c.in_channels / c.groups], &c.kernel_size[..]].concat();
        let weight = uniform(scope, "weight", &sizes, fan_in)?;
        let bias = if c.bias { Some(uniform(scope, "bias", &[c.out_channels], fan_in)?) } else { None };
        Ok(Conv { weight, bias, config: c, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.with_weight(x, &self.weight)
    }
}
