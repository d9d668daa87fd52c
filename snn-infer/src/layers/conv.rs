//! `Conv1d`, `Conv2d`, `Conv3d`. In: arguments, and a value `[in_channels, ..]` with one to three axes of space; out: `[out_channels, ..]`.

use std::sync::Arc;

use snn_kernels::Refused;

use super::Frozen;
use super::space::{self, axes, by, sizes};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Project, Standardise, Value};
use snn_kernels::frozen::{Axis, Border};

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

/// Arguments of [`Conv`], in torch's words. One value per axis of space: two are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvConfig<const D: usize> {
    /// Channels that come in.
    pub in_channels: usize,
    /// Channels that go out.
    pub out_channels: usize,
    /// The kernel's sizes.
    pub kernel_size: [usize; D],
    /// Cells from one output to the next.
    pub stride: [usize; D],
    /// Cells added before and after, for each axis: torch's `padding = p` is `[[p, p], ..]`.
    pub padding: [[usize; 2]; D],
    /// Cells from one kernel element to the next.
    pub dilation: [usize; D],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Is something learned added to each output channel?
    pub bias: bool,
    /// What the added cells hold.
    pub padding_mode: PaddingMode,
}

impl<const D: usize> ConvConfig<D> {
    /// torch's defaults for the rest: `Conv2dConfig { stride: [2, 2], ..Conv2dConfig::new(3, 64, [7, 7]) }`.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: [usize; D]) -> Self {
        ConvConfig {
            in_channels,
            out_channels,
            kernel_size,
            stride: [1; D],
            padding: [[0, 0]; D],
            dilation: [1; D],
            groups: 1,
            bias: true,
            padding_mode: PaddingMode::Zeros,
        }
    }
}

/// Arguments of [`Conv1d`].
pub type Conv1dConfig = ConvConfig<1>;
/// Arguments of [`Conv2d`].
pub type Conv2dConfig = ConvConfig<2>;
/// Arguments of [`Conv3d`].
pub type Conv3dConfig = ConvConfig<3>;

impl<const D: usize> ConvConfig<D> {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        let ConvConfig { in_channels, out_channels, groups, kernel_size, stride, dilation, .. } = self;
        space::positive(&[("in_channels", *in_channels), ("out_channels", *out_channels), ("groups", *groups)])?;
        space::all_positive(&[("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)])?;
        space::groups_divide(*groups, &[("in_channels", *in_channels), ("out_channels", *out_channels)])
    }

    /// The sizes in space that go out, see [`snn_shape::conv`]; `None`: the kernel does not fit.
    pub fn output_size(&self, size: [usize; D]) -> Option<[usize; D]> {
        space::each(|i| {
            let [low, high] = self.padding[i];
            snn_shape::conv(size[i], self.kernel_size[i], self.stride[i], low.saturating_add(high), self.dilation[i])
        })
    }

    /// What a convolution says to an input that its kernel does not fit: what it wants, and the fix.
    pub fn misfit(&self) -> (String, &'static str) {
        let wants = format!("at least the {} kernel's reach in {}", by(&self.kernel_size), axes::<D>().join(", "));
        (wants, "use a smaller kernel, or more padding")
    }

    /// Padding that mirrors or repeats the input cannot reach further than the input does; torch refuses it.
    fn too_much_padding(&self, size: [usize; D]) -> Option<String> {
        let (most, than) = match self.padding_mode {
            PaddingMode::Zeros | PaddingMode::Replicate => return None,
            PaddingMode::Reflect => (1, "more cells than"),
            PaddingMode::Circular => (0, "at least as many cells as"),
        };
        let beyond = |i: usize| self.padding[i].iter().any(|pad| pad + most > size[i]);
        (0..D).any(beyond).then(|| format!("{than} the padding of {:?} in {}", self.padding, axes::<D>().join(", ")))
    }

    /// What its outputs see along an axis of `len` cells.
    fn axis(&self, i: usize, len: usize) -> Option<Axis> {
        let border = match self.padding_mode {
            PaddingMode::Zeros => Border::Zeros,
            PaddingMode::Reflect => Border::Reflect,
            PaddingMode::Replicate => Border::Replicate,
            PaddingMode::Circular => Border::Circular,
        };
        let [low, high] = self.padding[i];
        Axis::conv(len, self.kernel_size[i], self.stride[i], (low, high), self.dilation[i], border)
    }
}

/// Frozen convolution. A normalisation behind it goes into its weights, and a neuron behind that runs on its currents while they are in
/// the cache.
#[derive(Debug)]
pub enum Conv<const D: usize> {}

/// [`Conv`] of series.
pub type Conv1d = Conv<1>;
/// [`Conv`] of images.
pub type Conv2d = Conv<2>;
/// [`Conv`] of volumes.
pub type Conv3d = Conv<3>;

impl<const D: usize> Frozen for Conv<D> {
    type Config = ConvConfig<D>;

    fn freeze(b: &mut Builder, label: &str, c: ConvConfig<D>, args: &[Value]) -> Result<Value> {
        freeze(b, label, space::named::<D>(["Conv1d", "Conv2d", "Conv3d"]), &c, None, args)
    }
}

/// A convolution, its weights standardised first if that is asked for: with an `eps`, and a gain or without.
pub(super) fn freeze<const D: usize>(
    b: &mut Builder,
    label: &str,
    layer: &'static str,
    c: &ConvConfig<D>,
    standardise: Option<(f64, bool)>,
    args: &[Value],
) -> Result<Value> {
    let place = b.place(label, layer, &(c, standardise));
    c.check().map_err(Error::refused(&place.full))?;
    let x = b.only(&place, args)?;
    let x = b.canonical(x);
    let fact = b.fact(x);
    let size = sizes::<D>(&place.full, &fact.shape, Some(c.in_channels))?;
    let Some((out, windows)) = space::windows(&place.full, size, c.output_size(size), c.kernel_size, |i, len| c.axis(i, len))? else {
        let (wants, help) = c.misfit();
        return Err(Error::shape(&place.full, wants, &fact.shape, help));
    };
    if let Some(wants) = c.too_much_padding(size) {
        return Err(Error::shape(&place.full, wants, &fact.shape, "use less padding"));
    }
    let fact = Fact::new(&[&[c.out_channels], &out[..]].concat(), fact.time);
    let project = Project {
        windows: Arc::new(windows),
        groups: c.groups,
        out_channels: c.out_channels,
        transposed: false,
        standardise: standardise.map(|(eps, gain)| Standardise {
            eps,
            gain: gain.then(|| place.weight("gain", &[&[c.out_channels], &[1; D][..], &[1]].concat())),
        }),
        weight: place.weight("weight", &[&[c.out_channels, c.in_channels / c.groups], &c.kernel_size[..]].concat()),
        bias: c.bias.then(|| place.weight("bias", &[c.out_channels])),
        norms: Vec::new(),
        neuron: None,
    };
    Ok(b.push(place, Op::Project(project), &[x], fact))
}
