//! `Upsample`. In: `[N, C, ..]` with one to three axes of space; out: `[N, C, ..]` with more cells, or fewer.

pub use snn_infer::{UpsampleConfig, UpsampleMode};
use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::space::by;
use crate::weights::dims;

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
        let size = x.size();
        let space: Vec<usize> = size.iter().skip(2).map(|n| *n as usize).collect();
        self.config.target(&space).map_err(|wants| Error::shape(&self.name, wants, &size, ""))
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
        c.check().map_err(Error::refused(scope))?;
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
