//! `Conv2d`. In: `[N, in_channels, H, W]`; out: `[N, out_channels, H', W']`.

use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::weights::{dims, image, positive, uniform};

/// What stands outside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The image mirrored at its edge, the edge itself not repeated.
    Reflect,
    /// The edge, again and again.
    Replicate,
    /// The opposite side.
    Circular,
}

/// Arguments of [`Conv2d`], in torch's words. Two values are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Channels that come in.
    pub in_channels: usize,
    /// Channels that go out.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Cells from one output to the next.
    pub stride: [usize; 2],
    /// Cells added before and after, for each axis: torch's `padding = p` is `[[p, p], [p, p]]`.
    pub padding: [[usize; 2]; 2],
    /// Cells from one kernel element to the next.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Is something learned added to each output channel?
    pub bias: bool,
    /// What the added cells hold.
    pub padding_mode: PaddingMode,
}

impl Conv2dConfig {
    /// torch's defaults for the rest: `Conv2dConfig { stride: [2, 2], ..Conv2dConfig::new(3, 64, [7, 7]) }`.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: [usize; 2]) -> Self {
        Conv2dConfig {
            in_channels,
            out_channels,
            kernel_size,
            stride: [1, 1],
            padding: [[0, 0], [0, 0]],
            dilation: [1, 1],
            groups: 1,
            bias: true,
            padding_mode: PaddingMode::Zeros,
        }
    }
}

/// Convolution (cross-correlation) of images; steps are images of their own.
///
/// PyTorch equivalent: `torch.nn.Conv2d(..)`; SpikingJelly: `layer.Conv2d(..)`.
///
/// # Shapes
///
/// `[N, in_channels, H, W]` to `[N, out_channels, H', W']`, see [`snn_shape::conv`]. Weights from U(-b, b) with
/// b = 1 / sqrt(in_channels / groups * kernel height * kernel width).
#[derive(Debug)]
pub struct Conv2d {
    /// `[out_channels, in_channels / groups, kernel height, kernel width]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    config: Conv2dConfig,
    name: String,
}

impl Conv2d {
    /// What it was built with.
    pub fn config(&self) -> &Conv2dConfig {
        &self.config
    }

    /// Does the kernel fit?
    fn check(&self, x: &Tensor) -> Result<()> {
        let c = &self.config;
        let size = image(&self.name, x, Some(c.in_channels))?;
        for (axis, &len) in size.iter().enumerate() {
            let [low, high] = c.padding[axis];
            if snn_shape::conv(len, c.kernel_size[axis], c.stride[axis], low + high, c.dilation[axis]).is_none() {
                let reach = c.kernel_size.map(|k| k.to_string()).join("x");
                let wants = format!("at least the {reach} kernel's reach in height and width");
                return Err(Error::shape(&self.name, wants, &x.size(), "use a smaller kernel, or more padding"));
            }
        }
        Ok(())
    }

    fn convolve(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let c = &self.config;
        let [[top, bottom], [left, right]] = c.padding.map(|p| p.map(|n| n as i64));
        let (bias, dilation) = (self.bias.as_ref(), dims(&c.dilation));
        let run =
            |x: &Tensor, padding: [i64; 2]| x.f_conv2d(&self.weight, bias, dims(&c.stride), padding, dilation.as_slice(), c.groups as i64);
        // libtorch's convolution adds zeros itself, if as many on either side.
        if c.padding_mode == PaddingMode::Zeros && top == bottom && left == right {
            return run(x, [top, left]);
        }
        let mode = match c.padding_mode {
            PaddingMode::Zeros => "constant",
            PaddingMode::Reflect => "reflect",
            PaddingMode::Replicate => "replicate",
            PaddingMode::Circular => "circular",
        };
        // The last axis comes first.
        run(&x.f_pad([left, right, top, bottom], mode, None)?, [0, 0])
    }
}

impl Stateless for Conv2d {
    type Config = Conv2dConfig;

    fn build(scope: &Scope<'_>, c: Conv2dConfig) -> Result<Self> {
        let [[kh, kw], [sh, sw], [dh, dw]] = [c.kernel_size, c.stride, c.dilation];
        let [kernel, stride, dilation] = ["kernel_size", "stride", "dilation"];
        positive(scope, &[("in_channels", c.in_channels), ("out_channels", c.out_channels), ("groups", c.groups)])?;
        positive(scope, &[(kernel, kh), (kernel, kw), (stride, sh), (stride, sw), (dilation, dh), (dilation, dw)])?;
        for (argument, channels) in [("in_channels", c.in_channels), ("out_channels", c.out_channels)] {
            if snn_shape::divide(channels, c.groups).is_none() {
                let problem = format!("must be a multiple of `groups = {}`, but is {channels}", c.groups);
                return Err(Error::argument(scope.name(), argument, problem, ""));
            }
        }
        let fan_in = snn_shape::fan_in(c.in_channels, c.groups, &c.kernel_size);
        let weight = uniform(scope, "weight", &[c.out_channels, c.in_channels / c.groups, kh, kw], fan_in)?;
        let bias = if c.bias { Some(uniform(scope, "bias", &[c.out_channels], fan_in)?) } else { None };
        Ok(Conv2d { weight, bias, config: c, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.check(x)?;
        self.convolve(x).map_err(Error::in_layer(&self.name))
    }
}
