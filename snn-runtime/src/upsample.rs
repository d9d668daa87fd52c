//! `Upsample`. In: `[N, C, ..]` with one to three axes of space; out: `[N, C, ..]` with more cells, or fewer.

use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::space::by;
use crate::weights::{dims, positive};

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
    fn axes(self) -> Option<usize> {
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

/// More cells in space, or fewer, from those that are there.
///
/// PyTorch equivalent: `torch.nn.Upsample(..)`; SpikingJelly: `layer.Upsample(..)`.
///
/// # Shapes
///
/// `[N, C, H, W]` to `[N, C, H', W']`, over one to three axes of space, see [`snn_shape::upsample`].
#[derive(Debug)]
pub struct Upsample {
    config: UpsampleConfig,
    name: String,
}

impl Upsample {
    /// Sizes that go out, and the factors they follow from.
    fn target(&self, x: &Tensor) -> Result<(Vec<usize>, Vec<Option<f64>>)> {
        let (c, size) = (&self.config, x.size());
        let axes = size.len().saturating_sub(2);
        let space = &size[size.len() - axes..];
        let wrong = |wants: String| Error::shape(&self.name, wants, &size, "");
        if !(1..=3).contains(&axes) || c.mode.axes().is_some_and(|want| want != axes) {
            let names = match c.mode.axes() {
                None => "L], [N, C, H, W] or [N, C, D, H, W",
                Some(1) => "L",
                Some(2) => "H, W",
                Some(_) => "D, H, W",
            };
            return Err(wrong(format!("[N, C, {names}]")));
        }
        let given = c.size.as_ref().map(Vec::len).or(c.scale_factor.as_ref().map(Vec::len)).unwrap_or(0);
        if given != 1 && given != axes {
            return Err(wrong(format!("{given} axes of space behind batch and channels, one for each size it was given")));
        }
        if let Some(sizes) = &c.size {
            return Ok(((0..axes).map(|i| sizes[i % given]).collect(), vec![None; axes]));
        }
        let factor = |i: usize| c.scale_factor.as_ref().map_or(1.0, |f| f[i % given]);
        let out = (0..axes).map(|i| snn_shape::upsample(space[i] as usize, factor(i))).collect::<Option<Vec<_>>>();
        let out = out.ok_or_else(|| wrong("so many cells that one is left on each axis".to_string()))?;
        let recomputed = c.recompute_scale_factor == Some(true);
        Ok((out, (0..axes).map(|i| (!recomputed).then(|| factor(i))).collect()))
    }

    fn sample(&self, x: &Tensor, out: &[usize], by: &[Option<f64>]) -> Result<Tensor, TchError> {
        let (out, corners) = (dims(out), self.config.align_corners == Some(true));
        match (self.config.mode, by) {
            (UpsampleMode::Nearest, &[l]) => x.f_upsample_nearest1d(out, l),
            (UpsampleMode::Nearest, &[h, w]) => x.f_upsample_nearest2d(out, h, w),
            (UpsampleMode::Nearest, &[d, h, w]) => x.f_upsample_nearest3d(out, d, h, w),
            (UpsampleMode::Linear, &[l]) => x.f_upsample_linear1d(out, corners, l),
            (UpsampleMode::Bilinear, &[h, w]) => x.f_upsample_bilinear2d(out, corners, h, w),
            (UpsampleMode::Bicubic, &[h, w]) => x.f_upsample_bicubic2d(out, corners, h, w),
            (UpsampleMode::Trilinear, &[d, h, w]) => x.f_upsample_trilinear3d(out, corners, d, h, w),
            (mode, _) => Err(TchError::Shape(format!("{mode:?} over {} axes", by.len()))),
        }
    }
}

impl Stateless for Upsample {
    type Config = UpsampleConfig;

    fn build(scope: &Scope<'_>, c: UpsampleConfig) -> Result<Self> {
        let refuse = |argument, problem: String, help| Err(Error::argument(scope.name(), argument, problem, help));
        match (&c.size, &c.scale_factor) {
            (Some(_), Some(_)) => return refuse("scale_factor", "is given beside `size`".to_string(), "give one of the two"),
            (None, None) => return refuse("size", "is not given, and `scale_factor` is not either".to_string(), "give one of the two"),
            (Some(sizes), None) if sizes.is_empty() => return refuse("size", "is empty".to_string(), ""),
            (Some(sizes), None) => positive(scope, &sizes.iter().map(|&n| ("size", n)).collect::<Vec<_>>())?,
            (None, Some(factors)) => {
                if factors.is_empty() || !factors.iter().all(|&f| f > 0.0 && f.is_finite()) {
                    return refuse("scale_factor", format!("must be greater than 0, but is {factors:?}"), "");
                }
            }
        }
        if c.mode == UpsampleMode::Nearest && c.align_corners.is_some() {
            return refuse("align_corners", "has no meaning for the nearest cell".to_string(), "remove it");
        }
        if c.size.is_some() && c.recompute_scale_factor == Some(true) {
            return refuse("recompute_scale_factor", "has no meaning where `size` is given".to_string(), "remove it");
        }
        Ok(Upsample { config: c, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let (out, factors) = self.target(x)?;
        if x.numel() == 0 {
            return Err(Error::shape(&self.name, format!("a cell to make {} of", by(&out)), &x.size(), ""));
        }
        self.sample(x, &out, &factors).map_err(Error::in_layer(&self.name))
    }
}
