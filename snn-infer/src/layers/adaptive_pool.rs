//! `AdaptiveAvgPool1d`, `AdaptiveAvgPool2d`, `AdaptiveAvgPool3d`. In: arguments, and a value `[C, ..]` of any size; out: `[C, ..]` of one size.

use std::sync::Arc;

use snn_kernels::Refused;

use super::Frozen;
use super::dense::Average;
use super::space::{self, sizes};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Value};
use snn_kernels::frozen::Axis;

/// Arguments of [`AdaptiveAvgPool`], in torch's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdaptiveAvgPoolConfig<const D: usize> {
    /// Cells that go out, for each axis of space; `None`: as many as come in.
    pub output_size: [Option<usize>; D],
}

/// Arguments of [`AdaptiveAvgPool1d`].
pub type AdaptiveAvgPool1dConfig = AdaptiveAvgPoolConfig<1>;
/// Arguments of [`AdaptiveAvgPool2d`].
pub type AdaptiveAvgPool2dConfig = AdaptiveAvgPoolConfig<2>;
/// Arguments of [`AdaptiveAvgPool3d`].
pub type AdaptiveAvgPool3dConfig = AdaptiveAvgPoolConfig<3>;

impl<const D: usize> AdaptiveAvgPoolConfig<D> {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&self.output_size.map(|n| ("output_size", n.unwrap_or(1))))
    }

    /// The sizes in space that go out, see [`snn_shape::adaptive_pool`]; `None`: there is no cell.
    pub fn output_sizes(&self, size: [usize; D]) -> Option<[usize; D]> {
        space::each(|i| snn_shape::adaptive_pool(size[i], self.output_size[i].unwrap_or(size[i])))
    }
}

/// Frozen adaptive average pool.
#[derive(Debug)]
pub enum AdaptiveAvgPool<const D: usize> {}

/// [`AdaptiveAvgPool`] of series.
pub type AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
/// [`AdaptiveAvgPool`] of images.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
/// [`AdaptiveAvgPool`] of volumes.
pub type AdaptiveAvgPool3d = AdaptiveAvgPool<3>;

impl<const D: usize> Frozen for AdaptiveAvgPool<D> {
    type Config = AdaptiveAvgPoolConfig<D>;

    fn freeze(b: &mut Builder, label: &str, c: AdaptiveAvgPoolConfig<D>, args: &[Value]) -> Result<Value> {
        let place = b.place(label, space::named::<D>(["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"]), &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x);
        let size = sizes::<D>(&place.full, &fact.shape, None)?;
        let axis = |i: usize, len| Axis::adaptive_pool(len, c.output_size[i].unwrap_or(len));
        let out = c.output_sizes(size);
        let kernel = std::array::from_fn(|i| out.map_or(1, |out| (size[i].div_ceil(out[i]) + 1).min(size[i])));
        let Some((out, windows)) = space::windows(&place.full, size, out, kernel, axis)? else {
            return Err(Error::shape(&place.full, "at least one cell on each axis of space", &fact.shape, ""));
        };
        let fact = Fact::new(&[&[fact.layout.channels], &out[..]].concat(), fact.time);
        let divisors =
            (0..windows.outputs()).map(|o| (0..windows.taps()).filter(|tap| windows.cell(*tap, o).is_some()).count() as f32).collect();
        Ok(b.push(place, Op::Dense(Arc::new(Average { windows, divisors })), &[x], fact))
    }
}
