//! Pools over one to three axes of space. In: arguments, and a value `[C, ..]`; out: `[C, ..]` with fewer cells.

use std::sync::Arc;

use snn_kernels::Refused;

use super::Frozen;
use super::dense::Average;
use super::space::{self, axes, by, sizes};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Value};
use snn_kernels::frozen::Axis;

/// Arguments of `MaxPool` and `MaxPoolWithIndices`, in torch's words. One value per axis of space: two are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPoolConfig<const D: usize> {
    /// The window.
    pub kernel_size: [usize; D],
    /// Cells from one window to the next; torch's default is the window itself.
    pub stride: [usize; D],
    /// Cells added on each side, at most half the window. They never win.
    pub padding: [usize; D],
    /// Cells from one window element to the next.
    pub dilation: [usize; D],
    /// May the last window hang over the edge?
    pub ceil_mode: bool,
}

impl<const D: usize> MaxPoolConfig<D> {
    /// torch's defaults for the rest: windows side by side.
    pub fn new(kernel_size: [usize; D]) -> Self {
        MaxPoolConfig { kernel_size, stride: kernel_size, padding: [0; D], dilation: [1; D], ceil_mode: false }
    }
}

/// Arguments of [`MaxPool1d`].
pub type MaxPool1dConfig = MaxPoolConfig<1>;
/// Arguments of [`MaxPool2d`].
pub type MaxPool2dConfig = MaxPoolConfig<2>;
/// Arguments of [`MaxPool3d`].
pub type MaxPool3dConfig = MaxPoolConfig<3>;

/// Arguments of [`AvgPool`], in torch's words. One value per axis of space: two are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvgPoolConfig<const D: usize> {
    /// The window.
    pub kernel_size: [usize; D],
    /// Cells from one window to the next; torch's default is the window itself.
    pub stride: [usize; D],
    /// Zeros added on each side, at most half the window.
    pub padding: [usize; D],
    /// May the last window hang over the edge?
    pub ceil_mode: bool,
    /// Do added zeros count as cells?
    pub count_include_pad: bool,
    /// Divide by this instead of the number of cells.
    pub divisor_override: Option<usize>,
}

impl<const D: usize> AvgPoolConfig<D> {
    /// torch's defaults for the rest: windows side by side.
    pub fn new(kernel_size: [usize; D]) -> Self {
        let (stride, padding) = (kernel_size, [0; D]);
        AvgPoolConfig { kernel_size, stride, padding, ceil_mode: false, count_include_pad: true, divisor_override: None }
    }
}

/// Arguments of [`AvgPool1d`].
pub type AvgPool1dConfig = AvgPoolConfig<1>;
/// Arguments of [`AvgPool2d`].
pub type AvgPool2dConfig = AvgPoolConfig<2>;
/// Arguments of [`AvgPool3d`].
pub type AvgPool3dConfig = AvgPoolConfig<3>;

impl<const D: usize> MaxPoolConfig<D> {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        check(&self.kernel_size, &self.stride, &self.padding, &self.dilation)
    }

    /// The sizes in space that go out, see [`snn_shape::pool`]; `None`: the window does not fit.
    pub fn output_size(&self, size: [usize; D]) -> Option<[usize; D]> {
        space::each(|i| snn_shape::pool(size[i], self.kernel_size[i], self.stride[i], self.padding[i], self.dilation[i], self.ceil_mode))
    }
}

impl<const D: usize> AvgPoolConfig<D> {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("divisor_override", self.divisor_override.unwrap_or(1))])?;
        check(&self.kernel_size, &self.stride, &self.padding, &[1; D])
    }

    /// The sizes in space that go out, see [`snn_shape::pool`] and [`snn_shape::avg_pool3d`]; `None`: the window does not fit.
    pub fn output_size(&self, size: [usize; D]) -> Option<[usize; D]> {
        space::each(|i| {
            let (kernel, stride, pad) = (self.kernel_size[i], self.stride[i], self.padding[i]);
            match D {
                3 => snn_shape::avg_pool3d(size[i], kernel, stride, pad, self.ceil_mode),
                _ => snn_shape::pool(size[i], kernel, stride, pad, 1, self.ceil_mode),
            }
        })
    }

    /// What the sum of window `o` of an axis counts as: cells, or the padding under it, too.
    fn divisor(&self, axis: usize, len: usize, o: usize) -> usize {
        let (kernel, pad) = (self.kernel_size[axis], self.padding[axis]);
        let start = o * self.stride[axis];
        // In padded cells: the window ends with the padding behind the input, whatever hangs over.
        let (low, high) = if self.count_include_pad { (0, len + 2 * pad) } else { (pad, pad + len) };
        (start + kernel).min(high).saturating_sub(start.max(low)).max(1) // of nothing it is 0
    }
}

fn check(kernel: &[usize], stride: &[usize], padding: &[usize], dilation: &[usize]) -> Result<(), Refused> {
    space::all_positive(&[("kernel_size", kernel), ("stride", stride), ("dilation", dilation)])?;
    for (pad, kernel) in padding.iter().zip(kernel) {
        if *pad > kernel / 2 {
            return Err(Refused::new("padding", format!("must be at most half the window, {}, but is {pad}", kernel / 2), ""));
        }
    }
    Ok(())
}

/// What a pool says to an input that its window does not fit: what it wants, and the fix.
pub fn pool_misfit<const D: usize>(kernel_size: &[usize; D]) -> (String, &'static str) {
    (format!("at least the {} window in {}", by(kernel_size), axes::<D>().join(", ")), "use a smaller window")
}

/// Frozen max pool. Of spikes it is an OR.
#[derive(Debug)]
pub enum MaxPool<const D: usize> {}

/// [`MaxPool`] of series.
pub type MaxPool1d = MaxPool<1>;
/// [`MaxPool`] of images.
pub type MaxPool2d = MaxPool<2>;
/// [`MaxPool`] of volumes.
pub type MaxPool3d = MaxPool<3>;

impl<const D: usize> Frozen for MaxPool<D> {
    type Config = MaxPoolConfig<D>;

    fn freeze(b: &mut Builder, label: &str, c: MaxPoolConfig<D>, args: &[Value]) -> Result<Value> {
        let place = b.place(label, space::named::<D>(["MaxPool1d", "MaxPool2d", "MaxPool3d"]), &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x);
        let size = sizes::<D>(&place.full, &fact.shape, None)?;
        let axis = |i: usize, len| Axis::pool(len, c.kernel_size[i], c.stride[i], c.padding[i], c.dilation[i], c.ceil_mode);
        let Some((out, windows)) = space::windows(&place.full, size, c.output_size(size), c.kernel_size, axis)? else {
            let (wants, help) = pool_misfit(&c.kernel_size);
            return Err(Error::shape(&place.full, wants, &fact.shape, help));
        };
        let fact = Fact::new(&[&[fact.layout.channels], &out[..]].concat(), fact.time);
        Ok(b.push(place, Op::MaxPool(Arc::new(windows)), &[x], fact))
    }
}

/// Frozen average pool.
#[derive(Debug)]
pub enum AvgPool<const D: usize> {}

/// [`AvgPool`] of series.
pub type AvgPool1d = AvgPool<1>;
/// [`AvgPool`] of images.
pub type AvgPool2d = AvgPool<2>;
/// [`AvgPool`] of volumes.
pub type AvgPool3d = AvgPool<3>;

impl<const D: usize> Frozen for AvgPool<D> {
    type Config = AvgPoolConfig<D>;

    fn freeze(b: &mut Builder, label: &str, c: AvgPoolConfig<D>, args: &[Value]) -> Result<Value> {
        let place = b.place(label, space::named::<D>(["AvgPool1d", "AvgPool2d", "AvgPool3d"]), &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x);
        let size = sizes::<D>(&place.full, &fact.shape, None)?;
        let axis = |i: usize, len| Axis::pool(len, c.kernel_size[i], c.stride[i], c.padding[i], 1, c.ceil_mode);
        let Some((out, windows)) = space::windows(&place.full, size, c.output_size(size), c.kernel_size, axis)? else {
            let (wants, help) = pool_misfit(&c.kernel_size);
            return Err(Error::shape(&place.full, wants, &fact.shape, help));
        };
        let fact = Fact::new(&[&[fact.layout.channels], &out[..]].concat(), fact.time);
        let divisors =
            space::cells(out).map(|at| c.divisor_override.unwrap_or_else(|| (0..D).map(|i| c.divisor(i, size[i], at[i])).product()) as f32);
        let average = Average { windows, divisors: divisors.collect() };
        Ok(b.push(place, Op::Dense(Arc::new(average)), &[x], fact))
    }
}
