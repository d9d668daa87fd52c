//! Pools over one to three axes of space. In: `[N, C, ..]`; out: `[N, C, ..]` with fewer cells, and where the maxima were.

use std::sync::Once;

use snn_infer::__private::pool_misfit;
pub use snn_infer::{
    AvgPool1dConfig, AvgPool2dConfig, AvgPool3dConfig, AvgPoolConfig, MaxPool1dConfig, MaxPool2dConfig, MaxPool3dConfig, MaxPoolConfig,
};
use snn_kernels::PoolSizes;
use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless, split};
use crate::max_pool;
use crate::scope::Scope;
use crate::space::{self, lowered, raised, raised_dims};

/// Cells of a window that a byte can tell apart.
const PLACES: usize = 256;

/// The sliding window that all pools have.
#[derive(Debug)]
struct Window<const D: usize> {
    name: String,
    kernel: [usize; D],
    stride: [usize; D],
    padding: [usize; D],
    dilation: [usize; D],
    ceil_mode: bool,
    /// Said which kernel it has on a device?
    told: Once,
}

impl<const D: usize> Window<D> {
    fn check(&self, x: &Tensor) -> Result<()> {
        self.check_by(x, |i, len| snn_shape::pool(len, self.kernel[i], self.stride[i], self.padding[i], self.dilation[i], self.ceil_mode))
    }

    /// libtorch's `avg_pool3d` asks for more than its kin.
    fn check_avg(&self, x: &Tensor) -> Result<()> {
        match D {
            3 => self.check_by(x, |i, len| snn_shape::avg_pool3d(len, self.kernel[i], self.stride[i], self.padding[i], self.ceil_mode)),
            _ => self.check(x),
        }
    }

    fn check_by(&self, x: &Tensor, length: impl Fn(usize, usize) -> Option<usize>) -> Result<()> {
        let size = space::sizes::<D>(&self.name, x, None)?;
        if size.iter().enumerate().all(|(i, &len)| length(i, len).is_some()) {
            return Ok(());
        }
        let (wants, help) = pool_misfit(&self.kernel);
        Err(Error::shape(&self.name, wants, &x.size(), help))
    }

    /// Cells of padding before and after each axis, an overhang included, if windows lie in them alone: their elements are further apart
    /// than the input is long.
    fn blind(&self, x: &Tensor) -> Result<Option<[[i64; 2]; D]>> {
        let size = space::sizes::<D>(&self.name, x, None)?;
        if size.contains(&0) {
            return Ok(None); // which libtorch refuses
        }
        let (mut blind, mut around) = (false, [[0; 2]; D]);
        for i in 0..D {
            let (kernel, stride, pad, dilation) = (self.kernel[i], self.stride[i], self.padding[i], self.dilation[i]);
            let Some(out) = snn_shape::pool(size[i], kernel, stride, pad, dilation, self.ceil_mode) else { return Ok(None) };
            blind |= !snn_shape::windows_see(size[i], kernel, stride, pad, dilation, out);
            let end = (out - 1) * stride + dilation * (kernel - 1) + 1;
            around[i] = [pad as i64, end.saturating_sub(pad + size[i]) as i64];
        }
        Ok(blind.then_some(around))
    }

    /// Kernel, stride and padding of a window on [`raised`] inputs.
    fn raised(&self) -> [Vec<i64>; 3] {
        [raised_dims(&self.kernel, 1), raised_dims(&self.stride, 1), raised_dims(&self.padding, 0)]
    }

    /// The sizes of [`raised`] inputs, if the kernel for planes can pool them.
    fn planes(&self, x: &Tensor) -> Result<Option<PoolSizes>> {
        let dense = max_pool::serves(x.device(), x.kind()) && !x.is_sparse() && !x.is_mkldnn();
        if D == 3 || !dense || self.dilation != [1; D] || snn_shape::product(&self.kernel) > PLACES {
            return Ok(None);
        }
        let size = space::sizes::<D>(&self.name, x, None)?;
        let length = |i: usize| snn_shape::pool(size[i], self.kernel[i], self.stride[i], self.padding[i], 1, self.ceil_mode);
        let Some(output) = (0..D).map(length).collect::<Option<Vec<usize>>>() else { return Ok(None) };
        // The last two axes; of a series, a plane of height 1.
        let plane = |sizes: &[usize], height| match *sizes {
            [width] => [height, width],
            _ => [sizes[0], sizes[1]],
        };
        let cells: usize = size.iter().product();
        Ok((cells > 0).then(|| PoolSizes {
            planes: x.numel() / cells,
            input: plane(&size, 1),
            output: plane(&output, 1),
            kernel: plane(&self.kernel, 1),
            stride: plane(&self.stride, 1),
            padding: plane(&self.padding, 0),
        }))
    }

    /// libtorch sends the gradient of a window without a cell somewhere, not always inside the tensor: there the padding is written
    /// down, and takes it.
    fn max(&self, x: &Tensor) -> Result<Tensor> {
        let blind = self.blind(x)?;
        if let (None, Some(sizes)) = (&blind, self.planes(x)?) {
            let y = max_pool::pooled(&self.name, &self.told, &raised::<D>(x).map_err(Error::in_layer(&self.name))?, sizes)?;
            return lowered::<D>(&y).map_err(Error::in_layer(&self.name));
        }
        let pool = || {
            let ([kernel, stride, padding], dilation) = (self.raised(), raised_dims(&self.dilation, 1));
            let (x, padding, ceil_mode) = match blind {
                None => (x.shallow_clone(), padding, self.ceil_mode),
                Some(around) => {
                    let last_axis_first: Vec<i64> = around.into_iter().rev().flatten().collect();
                    (x.f_pad(last_axis_first, "constant", f64::NEG_INFINITY)?, vec![0; padding.len()], false)
                }
            };
            match D {
                3 => x.f_max_pool3d(kernel, stride, padding, dilation, ceil_mode),
                _ => lowered::<D>(&raised::<D>(&x)?.f_max_pool2d(kernel, stride, padding, dilation, ceil_mode)?),
            }
        };
        pool().map_err(Error::in_layer(&self.name))
    }

    /// The indices of a plane of height 1 are those of its only row.
    fn max_with_indices(&self, x: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let ([kernel, stride, padding], dilation) = (self.raised(), raised_dims(&self.dilation, 1));
        if D == 3 {
            return x.f_max_pool3d_with_indices(kernel, stride, padding, dilation, self.ceil_mode);
        }
        let (y, indices) = raised::<D>(x)?.f_max_pool2d_with_indices(kernel, stride, padding, dilation, self.ceil_mode)?;
        Ok((lowered::<D>(&y)?, lowered::<D>(&indices)?))
    }

    fn mean(&self, x: &Tensor, count_include_pad: bool, divisor: Option<usize>) -> Result<Tensor, TchError> {
        let ([kernel, stride, padding], divisor) = (self.raised(), divisor.map(|n| n as i64));
        if D == 3 {
            return x.f_avg_pool3d(kernel, stride, padding, self.ceil_mode, count_include_pad, divisor);
        }
        lowered::<D>(&raised::<D>(x)?.f_avg_pool2d(kernel, stride, padding, self.ceil_mode, count_include_pad, divisor)?)
    }
}

impl<const D: usize> From<(&Scope<'_>, MaxPoolConfig<D>)> for Window<D> {
    fn from((scope, c): (&Scope<'_>, MaxPoolConfig<D>)) -> Self {
        let MaxPoolConfig { kernel_size: kernel, stride, padding, dilation, ceil_mode } = c;
        Window { name: scope.name().to_string(), kernel, stride, padding, dilation, ceil_mode, told: Once::new() }
    }
}

/// The largest value of each window; of equal ones the first, row by row, gets the gradient. Over one or two axes a byte of each window is kept
/// for the backward pass, and x is not.
///
/// A window whose elements all lie in padding, before and behind the input, gives what padding is: -inf, in training and evaluation. Its
/// gradient goes nowhere; torch's may go beside the tensor. [`MaxPoolWithIndices`] refuses such a window.
///
/// PyTorch equivalent: `torch.nn.MaxPool2d(..)`; SpikingJelly: `layer.MaxPool2d(..)`.
///
/// # Shapes
///
/// `[N, C, H, W]` to `[N, C, H', W']`, see [`snn_shape::pool`].
#[derive(Debug)]
pub struct MaxPool<const D: usize> {
    window: Window<D>,
}

/// [`MaxPool`] of series: `[N, C, L]` to `[N, C, L']`. SpikingJelly: `layer.MaxPool1d(..)`.
pub type MaxPool1d = MaxPool<1>;
/// [`MaxPool`] of images: `[N, C, H, W]` to `[N, C, H', W']`. SpikingJelly: `layer.MaxPool2d(..)`.
pub type MaxPool2d = MaxPool<2>;
/// [`MaxPool`] of volumes: `[N, C, D, H, W]` to `[N, C, D', H', W']`. SpikingJelly: `layer.MaxPool3d(..)`.
pub type MaxPool3d = MaxPool<3>;

impl<const D: usize> Stateless for MaxPool<D> {
    type Config = MaxPoolConfig<D>;

    fn build(scope: &Scope<'_>, c: MaxPoolConfig<D>) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        Ok(MaxPool { window: Window::from((scope, c)) })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.window.check(x)?;
        self.window.max(x)
    }
}

/// [`MaxPool`] that also says where: the flat index of each maximum in its `[H, W]` plane, `Int64`.
///
/// PyTorch equivalent: `torch.nn.MaxPool2d(.., return_indices=True)`. As a [`Layer`](crate::Layer) it gives the values alone.
///
/// # Shapes
///
/// `[N, C, H, W]` to twice `[N, C, H', W']`.
#[derive(Debug)]
pub struct MaxPoolWithIndices<const D: usize> {
    window: Window<D>,
}

/// [`MaxPoolWithIndices`] of series. SpikingJelly: `layer.MaxPool1d(.., return_indices=True)`.
pub type MaxPool1dWithIndices = MaxPoolWithIndices<1>;
/// [`MaxPoolWithIndices`] of images. SpikingJelly: `layer.MaxPool2d(.., return_indices=True)`.
pub type MaxPool2dWithIndices = MaxPoolWithIndices<2>;
/// [`MaxPoolWithIndices`] of volumes. SpikingJelly: `layer.MaxPool3d(.., return_indices=True)`.
pub type MaxPool3dWithIndices = MaxPoolWithIndices<3>;

impl<const D: usize> MaxPoolWithIndices<D> {
    /// One step: `[N, C, H, W]` to values and indices.
    ///
    /// # Errors
    ///
    /// An input that does not fit, as in [`MaxPool`], or with a window that lies in padding alone: no index is its own.
    pub fn step(&self, x: &Tensor, _: &Cx) -> Result<(Tensor, Tensor)> {
        self.window.check(x)?;
        if self.window.blind(x)?.is_some() {
            let help = "use less padding, or a smaller `dilation`";
            return Err(Error::shape(&self.window.name, "a cell under each window, to which its index can point,", &x.size(), help));
        }
        self.window.max_with_indices(x).map_err(Error::in_layer(&self.window.name))
    }

    /// A sequence: `[T, N, C, H, W]` to values and indices.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn sequence(&self, x: &Tensor, cx: &Cx) -> Result<(Tensor, Tensor)> {
        let sizes = x.size();
        let [steps, batch, ..] = sizes[..] else {
            let wants = space::shape::<D>(None).replacen("[N", "[T, N", 1);
            return Err(Error::shape(&self.window.name, wants, &sizes, ""));
        };
        let (values, indices) = self.step(&x.f_flatten(0, 1)?, cx).map_err(|e| e.of_sequence(sizes))?;
        let apart = |y| split(&self.window.name, y, steps, batch);
        Ok((apart(&values)?, apart(&indices)?))
    }
}

impl<const D: usize> Stateless for MaxPoolWithIndices<D> {
    type Config = MaxPoolConfig<D>;

    fn build(scope: &Scope<'_>, c: MaxPoolConfig<D>) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        Ok(MaxPoolWithIndices { window: Window::from((scope, c)) })
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.step(x, cx).map(|(values, _)| values)
    }
}

/// The mean of each window.
///
/// PyTorch equivalent: `torch.nn.AvgPool2d(..)`; SpikingJelly: `layer.AvgPool2d(..)`. `divisor_override` serves one axis as well,
/// where torch has none.
///
/// # Shapes
///
/// `[N, C, H, W]` to `[N, C, H', W']`, see [`snn_shape::pool`] and [`snn_shape::avg_pool3d`].
#[derive(Debug)]
pub struct AvgPool<const D: usize> {
    window: Window<D>,
    count_include_pad: bool,
    divisor_override: Option<usize>,
}

/// [`AvgPool`] of series: `[N, C, L]` to `[N, C, L']`. SpikingJelly: `layer.AvgPool1d(..)`.
pub type AvgPool1d = AvgPool<1>;
/// [`AvgPool`] of images: `[N, C, H, W]` to `[N, C, H', W']`. SpikingJelly: `layer.AvgPool2d(..)`.
pub type AvgPool2d = AvgPool<2>;
/// [`AvgPool`] of volumes: `[N, C, D, H, W]` to `[N, C, D', H', W']`. SpikingJelly: `layer.AvgPool3d(..)`.
pub type AvgPool3d = AvgPool<3>;

impl<const D: usize> Stateless for AvgPool<D> {
    type Config = AvgPoolConfig<D>;

    fn build(scope: &Scope<'_>, c: AvgPoolConfig<D>) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        let AvgPoolConfig { kernel_size: kernel, stride, padding, ceil_mode, count_include_pad, divisor_override } = c;
        let window = Window { name: scope.name().to_string(), kernel, stride, padding, dilation: [1; D], ceil_mode, told: Once::new() };
        Ok(AvgPool { window, count_include_pad, divisor_override })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        self.window.check_avg(x)?;
        self.window.mean(x, self.count_include_pad, self.divisor_override).map_err(Error::in_layer(&self.window.name))
    }
}
