//! `ConvTranspose1d`, `ConvTranspose2d`, `ConvTranspose3d`. In: `[N, in_channels, ..]` with one to three axes of space; out:
//! `[N, out_channels, ..]`, larger where `stride` is.

use tch::{TchError, Tensor};

pub use snn_infer::{ConvTranspose1dConfig, ConvTranspose2dConfig, ConvTranspose3dConfig, ConvTransposeConfig};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::report::probe::{self, Geometry};
use crate::scope::Scope;
use crate::space;
use crate::weights::{dims, uniform};

/// Transposed convolution over `D` axes of space: what [`Conv`](crate::Conv) does to gradients. Each input cell adds the kernel,
/// times its value, to the output.
///
/// PyTorch equivalent: `torch.nn.ConvTranspose2d(..)`; SpikingJelly: `layer.ConvTranspose2d(..)`. What lies outside is always
/// zero: there is no `padding_mode`.
///
/// # Shapes
///
/// `[N, in_channels, H, W]` to `[N, out_channels, H', W']`, see [`snn_shape::conv_transpose`]. Weights from U(-b, b) with
/// b = 1 / sqrt(out_channels / groups * kernel height * kernel width).
#[derive(Debug)]
pub struct ConvTranspose<const D: usize> {
    /// `[in_channels, out_channels / groups, kernel height, kernel width]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    config: ConvTransposeConfig<D>,
    name: String,
}

/// [`ConvTranspose`] of series: `[N, in_channels, L]` to `[N, out_channels, L']`. SpikingJelly: `layer.ConvTranspose1d(..)`.
pub type ConvTranspose1d = ConvTranspose<1>;
/// [`ConvTranspose`] of images: `[N, in_channels, H, W]` to `[N, out_channels, H', W']`. SpikingJelly:
/// `layer.ConvTranspose2d(..)`.
pub type ConvTranspose2d = ConvTranspose<2>;
/// [`ConvTranspose`] of volumes: `[N, in_channels, D, H, W]` to `[N, out_channels, D', H', W']`. SpikingJelly:
/// `layer.ConvTranspose3d(..)`.
pub type ConvTranspose3d = ConvTranspose<3>;

impl<const D: usize> ConvTranspose<D> {
    /// What it was built with.
    pub fn config(&self) -> &ConvTransposeConfig<D> {
        &self.config
    }

    /// Is something left once the padding is cut off?
    fn check(&self, x: &Tensor) -> Result<()> {
        let c = &self.config;
        let size = space::sizes::<D>(&self.name, x, Some(c.in_channels))?;
        if c.output_size(size).is_some() {
            return Ok(());
        }
        let (wants, help) = c.misfit();
        Err(Error::shape(&self.name, wants, &x.size(), help))
    }
}

impl<const D: usize> Stateless for ConvTranspose<D> {
    type Config = ConvTransposeConfig<D>;

    fn build(scope: &Scope<'_>, c: ConvTransposeConfig<D>) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        // torch takes the second axis of the weight for the fan-in, as it does for a convolution.
        let fan_in = snn_shape::fan_in(c.out_channels, c.groups, &c.kernel_size);
        let sizes = [&[c.in_channels, c.out_channels / c.groups], &c.kernel_size[..]].concat();
        let weight = uniform(scope, "weight", &sizes, fan_in)?;
        let bias = if c.bias { Some(uniform(scope, "bias", &[c.out_channels], fan_in)?) } else { None };
        Ok(ConvTranspose { weight, bias, config: c, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.check(x)?;
        let c = &self.config;
        let (stride, padding, dilation, added) = (dims(&c.stride), dims(&c.padding), dims(&c.dilation), dims(&c.output_padding));
        let groups = c.groups as i64;
        let run = || -> Result<Tensor, TchError> {
            let (weight, bias) = (&self.weight, self.bias.as_ref());
            let y = x.f_convolution(weight, bias, &stride[..], &padding[..], &dilation[..], true, &added[..], groups)?;
            let geometry = Geometry { stride: &stride, padding: &padding, dilation: &dilation, output_padding: Some(&added), groups };
            probe::convolution(&self.name, x, weight, &y, geometry)?;
            Ok(y)
        };
        run().map_err(Error::in_layer(&self.name))
    }
}
