//! Pools, by libtorch. In: `[N, C, H, W]`; out: `[N, C, H', W']`.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless, leading};
use crate::scope::Scope;

/// Arguments of [`MaxPool2d`].
#[derive(Clone, Debug)]
pub struct MaxPool2dConfig {
    /// Height and width of the window.
    pub kernel_size: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Cells of minus infinity on both sides of each axis.
    pub padding: [usize; 2],
    /// Distance between a window's cells.
    pub dilation: [usize; 2],
    /// Keeps a last window that hangs over the end.
    pub ceil_mode: bool,
}

fn ints(a: [usize; 2]) -> [i64; 2] {
    a.map(|n| n as i64)
}

/// The maximum of each window; equal values count as the first of them, for the gradient too.
///
/// PyTorch: `torch.nn.MaxPool2d`; SpikingJelly: `layer.MaxPool2d`.
#[derive(Debug)]
pub struct MaxPool2d {
    name: String,
    config: MaxPool2dConfig,
}

impl Stateless for MaxPool2d {
    type Config = MaxPool2dConfig;

    fn build(scope: &Scope<'_>, config: MaxPool2dConfig) -> Result<Self> {
        Ok(MaxPool2d { name: scope.name().to_string(), config })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let c = &self.config;
        x.f_max_pool2d(ints(c.kernel_size), ints(c.stride), ints(c.padding), ints(c.dilation), c.ceil_mode)
            .map_err(Error::in_layer(&self.name))
    }
}

/// [`MaxPool2d`] with `return_indices = true`: the maxima, and where each was found, as a flat `i64` index into the plane of
/// its sample and channel.
#[derive(Debug)]
pub struct MaxPool2dWithIndices {
    name: String,
    config: MaxPool2dConfig,
}

impl MaxPool2dWithIndices {
    /// Builds it; there are no weights.
    ///
    /// # Errors
    ///
    /// None today; the signature is that of every layer.
    pub fn build(scope: &Scope<'_>, config: MaxPool2dConfig) -> Result<Self> {
        Ok(MaxPool2dWithIndices { name: scope.name().to_string(), config })
    }

    /// One step: `[N, C, H, W]` to maxima and indices.
    ///
    /// # Errors
    ///
    /// libtorch refuses.
    pub fn step(&self, x: &Tensor, _: &Cx) -> Result<(Tensor, Tensor)> {
        let c = &self.config;
        x.f_max_pool2d_with_indices(ints(c.kernel_size), ints(c.stride), ints(c.padding), ints(c.dilation), c.ceil_mode)
            .map_err(Error::in_layer(&self.name))
    }

    /// A whole sequence, `[T, N, C, H, W]`.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn sequence(&self, x: &Tensor, cx: &Cx) -> Result<(Tensor, Tensor)> {
        let (steps, batch) = leading(x)?;
        let (y, indices) = self.step(&x.f_flatten(0, 1)?, cx)?;
        Ok((y.f_unflatten(0, [steps, batch])?, indices.f_unflatten(0, [steps, batch])?))
    }
}

/// Arguments of [`AvgPool2d`].
#[derive(Clone, Debug)]
pub struct AvgPool2dConfig {
    /// Height and width of the window.
    pub kernel_size: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Zeros on both sides of each axis.
    pub padding: [usize; 2],
    /// Keeps a last window that hangs over the end.
    pub ceil_mode: bool,
    /// Padding counts as cells.
    pub count_include_pad: bool,
    /// Divides by this instead of the number of cells.
    pub divisor_override: Option<usize>,
}

/// The mean of each window. PyTorch: `torch.nn.AvgPool2d`; SpikingJelly: `layer.AvgPool2d`.
#[derive(Debug)]
pub struct AvgPool2d {
    name: String,
    config: AvgPool2dConfig,
}

impl Stateless for AvgPool2d {
    type Config = AvgPool2dConfig;

    fn build(scope: &Scope<'_>, config: AvgPool2dConfig) -> Result<Self> {
        if config.divisor_override == Some(0) {
            return Err(Error::argument(scope.name(), "divisor_override", "must not be 0", ""));
        }
        Ok(AvgPool2d { name: scope.name().to_string(), config })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let c = &self.config;
        let divisor = c.divisor_override.map(|n| n as i64);
        x.f_avg_pool2d(ints(c.kernel_size), ints(c.stride), ints(c.padding), c.ceil_mode, c.count_include_pad, divisor)
            .map_err(Error::in_layer(&self.name))
    }
}
