//! Pools. In: `[N, C, H, W]`; out: `[N, C, H', W']`, and where the maxima were.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless, split};
use crate::scope::Scope;
use crate::weights::{dims, image, positive};

/// Arguments of [`MaxPool2d`] and [`MaxPool2dWithIndices`], in torch's words. Two values are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool2dConfig {
    /// The window.
    pub kernel_size: [usize; 2],
    /// Cells from one window to the next; torch's default is the window itself.
    pub stride: [usize; 2],
    /// Cells added on each side, at most half the window. They never win.
    pub padding: [usize; 2],
    /// Cells from one window element to the next.
    pub dilation: [usize; 2],
    /// May the last window hang over the edge?
    pub ceil_mode: bool,
}

impl MaxPool2dConfig {
    /// torch's defaults for the rest: windows side by side.
    pub fn new(kernel_size: [usize; 2]) -> Self {
        MaxPool2dConfig { kernel_size, stride: kernel_size, padding: [0, 0], dilation: [1, 1], ceil_mode: false }
    }
}

/// Arguments of [`AvgPool2d`], in torch's words. Two values are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvgPool2dConfig {
    /// The window.
    pub kernel_size: [usize; 2],
    /// Cells from one window to the next; torch's default is the window itself.
    pub stride: [usize; 2],
    /// Zeros added on each side, at most half the window.
    pub padding: [usize; 2],
    /// May the last window hang over the edge?
    pub ceil_mode: bool,
    /// Do added zeros count as cells?
    pub count_include_pad: bool,
    /// Divide by this instead of the number of cells.
    pub divisor_override: Option<usize>,
}

impl AvgPool2dConfig {
    /// torch's defaults for the rest: windows side by side.
    pub fn new(kernel_size: [usize; 2]) -> Self {
        let (stride, padding) = (kernel_size, [0, 0]);
        AvgPool2dConfig { kernel_size, stride, padding, ceil_mode: false, count_include_pad: true, divisor_override: None }
    }
}

/// The sliding window that all pools have.
#[derive(Debug)]
struct Window {
    name: String,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    ceil_mode: bool,
}

impl Window {
    fn build(self) -> Result<Self> {
        for axis in 0..2 {
            let sizes = [("kernel_size", self.kernel[axis]), ("stride", self.stride[axis]), ("dilation", self.dilation[axis])];
            if let Some((argument, _)) = sizes.iter().find(|(_, n)| *n == 0) {
                return Err(Error::argument(&self.name, argument, "must be at least 1, but is 0", ""));
            }
            let (pad, most) = (self.padding[axis], self.kernel[axis] / 2);
            if pad > most {
                let problem = format!("must be at most half the window, {most}, but is {pad}");
                return Err(Error::argument(&self.name, "padding", problem, ""));
            }
        }
        Ok(self)
    }

    fn check(&self, x: &Tensor) -> Result<()> {
        let size = image(&self.name, x, None)?;
        let fits = |i: usize| {
            snn_shape::pool(size[i], self.kernel[i], self.stride[i], self.padding[i], self.dilation[i], self.ceil_mode).is_some()
        };
        if fits(0) && fits(1) {
            return Ok(());
        }
        let wants = format!("at least the {}x{} window in height and width", self.kernel[0], self.kernel[1]);
        Err(Error::shape(&self.name, wants, &x.size(), "use a smaller window"))
    }
}

impl From<(&Scope<'_>, &MaxPool2dConfig)> for Window {
    fn from((scope, c): (&Scope<'_>, &MaxPool2dConfig)) -> Self {
        let MaxPool2dConfig { kernel_size: kernel, stride, padding, dilation, ceil_mode } = c.clone();
        Window { name: scope.name().to_string(), kernel, stride, padding, dilation, ceil_mode }
    }
}

/// The largest value of each window; of equal ones the first, row by row, gets the gradient.
///
/// PyTorch equivalent: `torch.nn.MaxPool2d(..)`; SpikingJelly: `layer.MaxPool2d(..)`.
///
/// # Shapes
///
/// `[N, C, H, W]` to `[N, C, H', W']`, see [`snn_shape::pool`].
#[derive(Debug)]
pub struct MaxPool2d {
    window: Window,
}

impl Stateless for MaxPool2d {
    type Config = MaxPool2dConfig;

    fn build(scope: &Scope<'_>, c: MaxPool2dConfig) -> Result<Self> {
        Ok(MaxPool2d { window: Window::from((scope, &c)).build()? })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let w = &self.window;
        w.check(x)?;
        x.f_max_pool2d(dims(&w.kernel), dims(&w.stride), dims(&w.padding), dims(&w.dilation), w.ceil_mode).map_err(Error::in_layer(&w.name))
    }
}

/// [`MaxPool2d`] that also says where: the flat index of each maximum in its `[H, W]` plane, `Int64`.
///
/// PyTorch equivalent: `torch.nn.MaxPool2d(.., return_indices=True)`. As a [`Layer`](crate::Layer) it gives the values alone.
///
/// # Shapes
///
/// `[N, C, H, W]` to twice `[N, C, H', W']`.
#[derive(Debug)]
pub struct MaxPool2dWithIndices {
    window: Window,
}

impl MaxPool2dWithIndices {
    /// One step: `[N, C, H, W]` to values and indices.
    ///
    /// # Errors
    ///
    /// An input that does not fit, as in [`MaxPool2d`].
    pub fn step(&self, x: &Tensor, _: &Cx) -> Result<(Tensor, Tensor)> {
        let w = &self.window;
        w.check(x)?;
        x.f_max_pool2d_with_indices(dims(&w.kernel), dims(&w.stride), dims(&w.padding), dims(&w.dilation), w.ceil_mode)
            .map_err(Error::in_layer(&w.name))
    }

    /// A sequence: `[T, N, C, H, W]` to values and indices.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn sequence(&self, x: &Tensor, cx: &Cx) -> Result<(Tensor, Tensor)> {
        let sizes = x.size();
        let [steps, batch, _, _, _] = sizes[..] else {
            return Err(Error::shape(&self.window.name, "[T, N, C, H, W]", &sizes, ""));
        };
        let (values, indices) = self.step(&x.f_flatten(0, 1)?, cx).map_err(|e| e.of_sequence(sizes))?;
        let apart = |y| split(&self.window.name, y, steps, batch);
        Ok((apart(&values)?, apart(&indices)?))
    }
}

impl Stateless for MaxPool2dWithIndices {
    type Config = MaxPool2dConfig;

    fn build(scope: &Scope<'_>, c: MaxPool2dConfig) -> Result<Self> {
        Ok(MaxPool2dWithIndices { window: Window::from((scope, &c)).build()? })
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.step(x, cx).map(|(values, _)| values)
    }
}

/// The mean of each window.
///
/// PyTorch equivalent: `torch.nn.AvgPool2d(..)`; SpikingJelly: `layer.AvgPool2d(..)`.
///
/// # Shapes
///
/// `[N, C, H, W]` to `[N, C, H', W']`, see [`snn_shape::pool`].
#[derive(Debug)]
pub struct AvgPool2d {
    window: Window,
    count_include_pad: bool,
    divisor_override: Option<usize>,
}

impl Stateless for AvgPool2d {
    type Config = AvgPool2dConfig;

    fn build(scope: &Scope<'_>, c: AvgPool2dConfig) -> Result<Self> {
        let AvgPool2dConfig { kernel_size: kernel, stride, padding, ceil_mode, count_include_pad, divisor_override } = c;
        positive(scope, &[("divisor_override", divisor_override.unwrap_or(1))])?;
        let window = Window { name: scope.name().to_string(), kernel, stride, padding, dilation: [1, 1], ceil_mode }.build()?;
        Ok(AvgPool2d { window, count_include_pad, divisor_override })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let w = &self.window;
        w.check(x)?;
        let divisor = self.divisor_override.map(|n| n as i64);
        x.f_avg_pool2d(dims(&w.kernel), dims(&w.stride), dims(&w.padding), w.ceil_mode, self.count_include_pad, divisor)
            .map_err(Error::in_layer(&w.name))
    }
}
