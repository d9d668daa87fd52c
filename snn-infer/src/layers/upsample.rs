//! `Upsample`. In: arguments, and a value `[C, ..]` with one to three axes of space; out: `[C, ..]` with more cells, or fewer.

use std::sync::Arc;

use snn_kernels::Refused;
use snn_kernels::frozen::{Axis, Windows};

use super::dense::{Call, DenseKernel, DenseLayer};
use super::{Frozen, space};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Op, Value};

/// How [`Upsample`] finds the value between cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpsampleMode {
    /// The cell it lies in; over any number of axes.
    #[default]
    Nearest,
    /// On the line between two cells of a series.
    Linear,
    /// Between four cells of an image.
    Bilinear,
    /// On the cubic through sixteen cells of an image.
    Bicubic,
    /// Between eight cells of a volume.
    Trilinear,
}

impl UpsampleMode {
    /// The axes of space it works on; `None`: one to three.
    pub fn axes(self) -> Option<usize> {
        match self {
            UpsampleMode::Nearest => None,
            UpsampleMode::Linear => Some(1),
            UpsampleMode::Bilinear | UpsampleMode::Bicubic => Some(2),
            UpsampleMode::Trilinear => Some(3),
        }
    }
}

/// Arguments of [`Upsample`], in torch's words. One of `size` and `scale_factor` is given; one value in either serves all axes of
/// space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpsampleConfig {
    /// Cells that go out.
    pub size: Option<Vec<usize>>,
    /// Cells that go out for one that comes in, rounded down in all.
    pub scale_factor: Option<Vec<f64>>,
    /// How values between cells are found.
    pub mode: UpsampleMode,
    /// Do the outermost cells lie on each other, centre on centre? Else their edges do. Not for `Nearest`.
    pub align_corners: Option<bool>,
    /// Does the factor follow from the sizes, where rounding down has changed it?
    pub recompute_scale_factor: Option<bool>,
}

impl UpsampleConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        match (&self.size, &self.scale_factor) {
            (Some(_), Some(_)) => return Err(Refused::new("scale_factor", "is given beside `size`", "give one of the two")),
            (None, None) => return Err(Refused::new("size", "is not given, and `scale_factor` is not either", "give one of the two")),
            (Some(sizes), None) if sizes.is_empty() => return Err(Refused::new("size", "is empty", "")),
            (Some(sizes), None) => space::all_positive(&[("size", sizes)])?,
            (None, Some(factors)) => {
                if factors.is_empty() || !factors.iter().all(|&f| f > 0.0 && f.is_finite()) {
                    return Err(Refused::new("scale_factor", format!("must be greater than 0, but is {factors:?}"), ""));
                }
            }
        }
        if self.mode == UpsampleMode::Nearest && self.align_corners.is_some() {
            return Err(Refused::new("align_corners", "has no meaning for the nearest cell", "remove it"));
        }
        if self.size.is_some() && self.recompute_scale_factor == Some(true) {
            return Err(Refused::new("recompute_scale_factor", "has no meaning where `size` is given", "remove it"));
        }
        Ok(())
    }

    /// Sizes in space that go out for those that come in, and the factors they follow from.
    ///
    /// # Errors
    ///
    /// What it wants instead.
    pub fn target(&self, size: &[usize]) -> Result<(Vec<usize>, Vec<Option<f64>>), String> {
        let axes = size.len();
        if !(1..=3).contains(&axes) || self.mode.axes().is_some_and(|want| want != axes) {
            let names = match self.mode.axes() {
                None => "L], [N, C, H, W] or [N, C, D, H, W",
                Some(1) => "L",
                Some(2) => "H, W",
                Some(_) => "D, H, W",
            };
            return Err(format!("[N, C, {names}]"));
        }
        let given = self.size.as_ref().map(Vec::len).or(self.scale_factor.as_ref().map(Vec::len)).unwrap_or(0);
        if given != 1 && given != axes {
            return Err(format!("{given} axes of space behind batch and channels, one for each size it was given"));
        }
        if let Some(sizes) = &self.size {
            return Ok(((0..axes).map(|i| sizes[i % given]).collect(), vec![None; axes]));
        }
        let factor = |i: usize| self.scale_factor.as_ref().map_or(1.0, |f| f[i % given]);
        let out = (0..axes).map(|i| snn_shape::upsample(size[i], factor(i))).collect::<Option<Vec<_>>>();
        let out = out.ok_or_else(|| "so many cells that one is left on each axis".to_string())?;
        let recomputed = self.recompute_scale_factor == Some(true);
        Ok((out, (0..axes).map(|i| (!recomputed).then(|| factor(i))).collect()))
    }
}

/// Frozen upsampling. To the nearest cell spikes stay bits.
#[derive(Debug)]
pub enum Upsample {}

impl Frozen for Upsample {
    type Config = UpsampleConfig;

    fn freeze(b: &mut Builder, label: &str, c: UpsampleConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "Upsample", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let x = b.only(&place, args)?;
        let x = b.canonical(x);
        let fact = b.fact(x);
        let size = fact.shape.get(1..).unwrap_or_default();
        let (out, factors) = c.target(size).map_err(|wants| Error::shape(&place.full, wants.replace("[N, ", "["), &fact.shape, ""))?;
        space::room(&place.full, &fact.shape, &out, &[1])?;
        let sizes = || size.iter().zip(&out).zip(&factors).map(|((len, out), by)| (*len, *out, *by));
        if c.mode != UpsampleMode::Nearest {
            let corners = c.align_corners == Some(true);
            let axes = sizes().map(|(len, out, by)| between(len, out, by, corners, c.mode == UpsampleMode::Bicubic));
            let (layer, fact) = (Interpolate::new(axes), Fact::new(&[&[fact.layout.channels], &out[..]].concat(), fact.time));
            return Ok(b.push(place, Op::Dense(Arc::new(layer)), &[x], fact));
        }
        let axes = sizes().map(|(len, out, by)| nearest(len, out, by)).collect::<Vec<_>>();
        let fact = Fact::new(&[&[fact.layout.channels], &out[..]].concat(), fact.time);
        // The largest of one cell is that cell.
        Ok(b.push(place, Op::MaxPool(Arc::new(Windows::new(&axes))), &[x], fact))
    }
}

/// torch's nearest cell, in its arithmetic: `f32`, and exact for the same size and for twice as many.
fn nearest(len: usize, out: usize, factor: Option<f64>) -> Axis {
    let step = factor.map_or(len as f32 / out as f32, |factor| (1.0 / factor) as f32);
    Axis::new(len, out, 1, |_, o| {
        let from = match out {
            _ if out == len => o,
            _ if out == len.saturating_mul(2) => o / 2,
            _ => (o as f32 * step) as usize,
        };
        Some(from.min(len - 1))
    })
}

/// What an output cell is the sum of: input cells, and the weight of each.
type Shares = Vec<(usize, f32)>;

/// torch's cells on both sides of where each output lies, in its arithmetic: two on a line, or four on a cubic through them, a = -0.75.
fn between(len: usize, out: usize, factor: Option<f64>, corners: bool, cubic: bool) -> (usize, Vec<Shares>) {
    let step = match (corners, factor) {
        (true, _) if out > 1 => (len - 1) as f32 / (out - 1) as f32,
        (true, _) => 0.0,
        (false, Some(factor)) => (1.0 / factor) as f32,
        (false, None) => len as f32 / out as f32,
    };
    let shares = |o: usize| -> Shares {
        let at = if corners { o as f32 * step } else { (o as f32 + 0.5) * step - 0.5 };
        if cubic {
            let (first, t) = (at.floor(), at - at.floor());
            let near = |t: f32| (1.25 * t - 2.25) * t * t + 1.0;
            let far = |t: f32| ((-0.75 * t + 3.75) * t - 6.0) * t + 3.0;
            let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
            let cell = |i: usize| (first as isize + i as isize - 1).clamp(0, len as isize - 1) as usize;
            return weights.into_iter().enumerate().map(|(i, w)| (cell(i), w)).collect();
        }
        let at = at.max(0.0);
        let first = (at as usize).min(len - 1);
        let t = (at - first as f32).clamp(0.0, 1.0);
        vec![(first, 1.0 - t), ((first + 1).min(len - 1), t)]
    };
    (len, (0..out).map(shares).collect())
}

/// Each output cell a weighted sum of input cells.
#[derive(Clone, Debug)]
struct Interpolate {
    /// By output cell.
    cells: Vec<Shares>,
}

impl Interpolate {
    /// All axes together, the last fastest.
    fn new(axes: impl Iterator<Item = (usize, Vec<Shares>)>) -> Interpolate {
        let cells = axes.fold(vec![vec![(0, 1.0)]], |outer, (len, axis)| {
            let both = |far: &Shares, near: &Shares| -> Shares {
                far.iter().flat_map(|(i, v)| near.iter().map(move |(j, w)| (i * len + j, v * w))).collect()
            };
            outer.iter().flat_map(|far| axis.iter().map(move |near| both(far, near))).collect()
        });
        Interpolate { cells }
    }
}

impl DenseLayer for Interpolate {
    fn kernel(&self, _: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        Box::new(self.clone())
    }
}

impl DenseKernel for Interpolate {
    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let channels = call.layout.channels;
        let samples = call.x.chunks_exact(call.layout.len()).zip(call.out.chunks_exact_mut(self.cells.len() * channels));
        for (x, y) in samples {
            for (y, shares) in y.chunks_exact_mut(channels).zip(&self.cells) {
                y.fill(0.0);
                for (cell, w) in shares {
                    y.iter_mut().zip(&x[cell * channels..][..channels]).for_each(|(y, x)| *y += w * x);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_cell_is_torchs() {
        let cells = |len, out, by| {
            let windows = Windows::new(&[nearest(len, out, by)]);
            (0..out).map(|o| windows.cell(0, o).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(cells(3, 6, Some(2.0)), [0, 0, 1, 1, 2, 2]);
        assert_eq!(cells(5, 7, Some(1.5)), [0, 0, 1, 2, 2, 3, 4]);
        assert_eq!(cells(5, 7, None), [0, 0, 1, 2, 2, 3, 4]);
        assert_eq!(cells(4, 2, None), [0, 2]);
    }
}
