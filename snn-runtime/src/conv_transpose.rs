//! `ConvTranspose1d`, `ConvTranspose2d`, `ConvTranspose3d`. In: `[N, in_channels, ..]` with one to three axes of space; out:
//! `[N, out_channels, ..]`, larger where `stride` is.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::space::{self, by};
use crate::weights::{dims, groups_divide, positive, uniform};

/// Arguments of [`ConvTranspose`], in torch's words. One value per axis of space: two are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTransposeConfig<const D: usize> {
    /// Channels that come in.
    pub in_channels: usize,
    /// Channels that go out.
    pub out_channels: usize,
    /// The kernel's sizes.
    pub kernel_size: [usize; D],
    /// Cells of the output from one input cell to the next.
    pub stride: [usize; D],
    /// Cells of the output cut off on each side.
    pub padding: [usize; D],
    /// Cells added at the far end; smaller than `stride` or `dilation`.
    pub output_padding: [usize; D],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Is something learned added to each output channel?
    pub bias: bool,
    /// Cells from one kernel element to the next.
    pub dilation: [usize; D],
}

impl<const D: usize> ConvTransposeConfig<D> {
    /// torch's defaults for the rest.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: [usize; D]) -> Self {
        ConvTransposeConfig {
            in_channels,
            out_channels,
            kernel_size,
            stride: [1; D],
            padding: [0; D],
            output_padding: [0; D],
            groups: 1,
            bias: true,
            dilation: [1; D],
        }
    }
}

/// Arguments of [`ConvTranspose1d`].
pub type ConvTranspose1dConfig = ConvTransposeConfig<1>;
/// Arguments of [`ConvTranspose2d`].
pub type ConvTranspose2dConfig = ConvTransposeConfig<2>;
/// Arguments of [`ConvTranspose3d`].
pub type ConvTranspose3dConfig = ConvTransposeConfig<3>;

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
        for (axis, &len) in size.iter().enumerate() {
            let (kernel, stride, pad) = (c.kernel_size[axis], c.stride[axis], 2 * c.padding[axis]);
            if snn_shape::conv_transpose(len, kernel, stride, pad, c.dilation[axis], c.output_padding[axis]).is_none() {
                let wants = format!("enough cells in {} to cut {} off each side", space::axes::<D>().join(", "), by(&c.padding));
                return Err(Error::shape(&self.name, wants, &x.size(), "use less padding, or a larger kernel"));
            }
        }
        Ok(())
    }
}

impl<const D: usize> Stateless for ConvTranspose<D> {
    type Config = ConvTransposeConfig<D>;

    fn build(scope: &Scope<'_>, c: ConvTransposeConfig<D>) -> Result<Self> {
        positive(scope, &[("in_channels", c.in_channels), ("out_channels", c.out_channels), ("groups", c.groups)])?;
        for (argument, sizes) in [("kernel_size", c.kernel_size), ("stride", c.stride), ("dilation", c.dilation)] {
            positive(scope, &sizes.map(|n| (argument, n)))?;
        }
        groups_divide(scope, c.groups, &[("in_channels", c.in_channels), ("out_channels", c.out_channels)])?;
        for axis in 0..D {
            let (added, stride, dilation) = (c.output_padding[axis], c.stride[axis], c.dilation[axis]);
            if added >= stride.max(dilation) {
                let problem = format!("must be smaller than `stride`, {stride}, or `dilation`, {dilation}, but is {added}");
                return Err(Error::argument(scope.name(), "output_padding", problem, ""));
            }
        }
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
        x.f_convolution(&self.weight, self.bias.as_ref(), stride, padding, dilation, true, added, c.groups as i64)
            .map_err(Error::in_layer(&self.name))
    }
}
