//! `ThresholdDependentBatchNorm1d`, `ThresholdDependentBatchNorm2d`, `ThresholdDependentBatchNorm3d`. In: arguments, and a value `[C, ..]`; out:
//! the same shape.

use snn_kernels::Refused;

use super::batchnorm::{self, BatchNormConfig};
use super::{Frozen, space};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::Value;

/// Arguments of [`ThresholdDependentBatchNorm`].
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdDependentBatchNormConfig {
    /// A factor for the place in the net: 1 in a chain, 1 / sqrt(2) where two branches add up.
    pub alpha: f64,
    /// The threshold of the neuron that follows.
    pub v_th: f64,
    /// What a batch normalisation is built with; affine.
    pub bn: BatchNormConfig,
}

/// Arguments of [`ThresholdDependentBatchNorm1d`].
pub type ThresholdDependentBatchNorm1dConfig = ThresholdDependentBatchNormConfig;
/// Arguments of [`ThresholdDependentBatchNorm2d`].
pub type ThresholdDependentBatchNorm2dConfig = ThresholdDependentBatchNormConfig;
/// Arguments of [`ThresholdDependentBatchNorm3d`].
pub type ThresholdDependentBatchNorm3dConfig = ThresholdDependentBatchNormConfig;

impl ThresholdDependentBatchNormConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        if !self.bn.affine {
            let problem = "must be `true`: `alpha * v_th` is where the weight starts";
            return Err(Refused::new("affine", problem, "use a plain `BatchNorm` for one without weight"));
        }
        self.bn.check()
    }
}

/// Frozen tdBN: once trained it is a batch normalisation like any other, and goes into the weights before it.
#[derive(Debug)]
pub enum ThresholdDependentBatchNorm<const D: usize> {}

/// [`ThresholdDependentBatchNorm`] of features or series.
pub type ThresholdDependentBatchNorm1d = ThresholdDependentBatchNorm<1>;
/// [`ThresholdDependentBatchNorm`] of images.
pub type ThresholdDependentBatchNorm2d = ThresholdDependentBatchNorm<2>;
/// [`ThresholdDependentBatchNorm`] of volumes.
pub type ThresholdDependentBatchNorm3d = ThresholdDependentBatchNorm<3>;

impl<const D: usize> Frozen for ThresholdDependentBatchNorm<D> {
    type Config = ThresholdDependentBatchNormConfig;

    fn freeze(b: &mut Builder, label: &str, c: ThresholdDependentBatchNormConfig, args: &[Value]) -> Result<Value> {
        let names = ["ThresholdDependentBatchNorm1d", "ThresholdDependentBatchNorm2d", "ThresholdDependentBatchNorm3d"];
        let place = b.place(label, space::named::<D>(names), &c);
        c.check().map_err(Error::refused(&place.full))?;
        batchnorm::freeze::<D>(b, place, &c.bn, args)
    }
}
