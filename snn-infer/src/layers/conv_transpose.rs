//! `ConvTranspose1d`, `ConvTranspose2d`, `ConvTranspose3d`. In: arguments, and a value `[in_channels, ..]` with one to three axes of space;
//! out: `[out_channels, ..]`, larger where `stride` is.

use std::sync::Arc;

use snn_kernels::Refused;

use super::Frozen;
use super::space::{self, axes, by, sizes};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Project, Value};
use snn_kernels::frozen::Axis;

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

impl<const D: usize> ConvTransposeConfig<D> {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        let ConvTransposeConfig { in_channels, out_channels, groups, kernel_size, stride, dilation, .. } = self;
        space::positive(&[("in_channels", *in_channels), ("out_channels", *out_channels), ("groups", *groups)])?;
        space::all_positive(&[("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)])?;
        space::groups_divide(*groups, &[("in_channels", *in_channels), ("out_channels", *out_channels)])?;
        for axis in 0..D {
            let (added, stride, dilation) = (self.output_padding[axis], stride[axis], dilation[axis]);
            if added >= stride.max(dilation) {
                let problem = format!("must be smaller than `stride`, {stride}, or `dilation`, {dilation}, but is {added}");
                return Err(Refused::new("output_padding", problem, ""));
            }
        }
        Ok(())
    }

    /// The sizes in space that go out, see [`snn_shape::conv_transpose`]; `None`: nothing is left once the padding is cut off.
    pub fn output_size(&self, size: [usize; D]) -> Option<[usize; D]> {
        space::each(|i| {
            let (kernel, stride, pad) = (self.kernel_size[i], self.stride[i], self.padding[i].saturating_mul(2));
            snn_shape::conv_transpose(size[i], kernel, stride, pad, self.dilation[i], self.output_padding[i])
        })
    }

    /// What it says to an input of which nothing is left: what it wants, and the fix.
    pub fn misfit(&self) -> (String, &'static str) {
        let wants = format!("enough cells in {} to cut {} off each side", axes::<D>().join(", "), by(&self.padding));
        (wants, "use less padding, or a larger kernel")
    }
}

/// Frozen transposed convolution: a convolution whose windows are those of the input cells that reach an output cell.
#[derive(Debug)]
pub enum ConvTranspose<const D: usize> {}

/// [`ConvTranspose`] of series.
pub type ConvTranspose1d = ConvTranspose<1>;
/// [`ConvTranspose`] of images.
pub type ConvTranspose2d = ConvTranspose<2>;
/// [`ConvTranspose`] of volumes.
pub type ConvTranspose3d = ConvTranspose<3>;

impl<const D: usize> Frozen for ConvTranspose<D> {
    type Config = ConvTransposeConfig<D>;

    fn freeze(b: &mut Builder, label: &str, c: ConvTransposeConfig<D>, args: &[Value]) -> Result<Value> {
        let place = b.place(label, space::named::<D>(["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]), &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x);
        let size = sizes::<D>(&place.full, &fact.shape, Some(c.in_channels))?;
        let axis =
            |i: usize, len| Axis::conv_transpose(len, c.kernel_size[i], c.stride[i], c.padding[i], c.dilation[i], c.output_padding[i]);
        let Some((out, windows)) = space::windows(&place.full, size, c.output_size(size), c.kernel_size, axis)? else {
            let (wants, help) = c.misfit();
            return Err(Error::shape(&place.full, wants, &fact.shape, help));
        };
        let fact = Fact::new(&[&[c.out_channels], &out[..]].concat(), fact.time);
        let project = Project {
            windows: Arc::new(windows),
            groups: c.groups,
            out_channels: c.out_channels,
            transposed: true,
            standardise: None,
            weight: place.weight("weight", &[&[c.in_channels, c.out_channels / c.groups], &c.kernel_size[..]].concat()),
            bias: c.bias.then(|| place.weight("bias", &[c.out_channels])),
            norms: Vec::new(),
            neuron: None,
        };
        Ok(b.push(place, Op::Project(project), &[x], fact))
    }
}
