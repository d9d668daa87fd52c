//! `AdaptiveAvgPool1d`, `AdaptiveAvgPool2d`, `AdaptiveAvgPool3d`. In: `[N, C, ..]` of any size; out: `[N, C, ..]` of one size.

use tch::Tensor;

pub use snn_infer::{AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig, AdaptiveAvgPoolConfig};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::space::{self, lowered, raised, raised_dims};

/// The mean of as many windows as asked for. Of L cells, cell i of O averages those from floor(i L / O) up to, not including,
/// ceil((i + 1) L / O): windows overlap where O does not divide L, and repeat cells where O is larger.
///
/// PyTorch equivalent: `torch.nn.AdaptiveAvgPool2d(..)`; SpikingJelly: `layer.AdaptiveAvgPool2d(..)`.
///
/// # Shapes
///
/// `[N, C, H, W]` to `[N, C, H', W']`, see [`snn_shape::adaptive_pool`].
#[derive(Debug)]
pub struct AdaptiveAvgPool<const D: usize> {
    config: AdaptiveAvgPoolConfig<D>,
    name: String,
}

/// [`AdaptiveAvgPool`] of series: `[N, C, L]` to `[N, C, L']`. SpikingJelly: `layer.AdaptiveAvgPool1d(..)`.
pub type AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
/// [`AdaptiveAvgPool`] of images: `[N, C, H, W]` to `[N, C, H', W']`. SpikingJelly: `layer.AdaptiveAvgPool2d(..)`.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
/// [`AdaptiveAvgPool`] of volumes: `[N, C, D, H, W]` to `[N, C, D', H', W']`. SpikingJelly: `layer.AdaptiveAvgPool3d(..)`.
pub type AdaptiveAvgPool3d = AdaptiveAvgPool<3>;

impl<const D: usize> Stateless for AdaptiveAvgPool<D> {
    type Config = AdaptiveAvgPoolConfig<D>;

    fn build(scope: &Scope<'_>, config: AdaptiveAvgPoolConfig<D>) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        Ok(AdaptiveAvgPool { config, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let size = space::sizes::<D>(&self.name, x, None)?;
        let Some(out) = self.config.output_sizes(size) else {
            return Err(Error::shape(&self.name, "at least one cell on each axis of space", &x.size(), ""));
        };
        let out = raised_dims(&out, 1);
        let y = match D {
            3 => x.f_adaptive_avg_pool3d(out),
            _ => raised::<D>(x).and_then(|x| lowered::<D>(&x.f_adaptive_avg_pool2d(out)?)),
        };
        y.map_err(Error::in_layer(&self.name))
    }
}
