//! `BatchNorm1d`, `BatchNorm2d`, `BatchNorm3d`. In: arguments, and a value `[C, ..]`; out: the same shape, normalised per channel with running
//! statistics.

use snn_kernels::Refused;

use super::{Frozen, space};
use crate::builder::{Builder, Place};
use crate::error::{Error, Result};
use crate::graph::{Normalise, Op, Value};

/// Arguments of [`BatchNorm`], in torch's words.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Channels.
    pub num_features: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Share of the new batch in the running statistics; `None`: the average of all batches so far.
    pub momentum: Option<f64>,
    /// Are a scale and a shift per channel learned?
    pub affine: bool,
    /// Are running statistics kept, to be used in evaluation? Else the batch's own are, always.
    pub track_running_stats: bool,
}

impl BatchNormConfig {
    /// torch's defaults for the rest: `eps` 1e-5, `momentum` 0.1, affine, with running statistics.
    pub fn new(num_features: usize) -> Self {
        BatchNormConfig { num_features, eps: 1e-5, momentum: Some(0.1), affine: true, track_running_stats: true }
    }
}

/// Arguments of [`BatchNorm1d`].
pub type BatchNorm1dConfig = BatchNormConfig;
/// Arguments of [`BatchNorm2d`].
pub type BatchNorm2dConfig = BatchNormConfig;
/// Arguments of [`BatchNorm3d`].
pub type BatchNorm3dConfig = BatchNormConfig;

impl BatchNormConfig {
    /// Are these arguments that it can work with?
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("num_features", self.num_features)])?;
        space::not_negative("eps", self.eps)?;
        match self.momentum {
            Some(m) if !(0.0..=1.0).contains(&m) => {
                Err(Refused::new("momentum", format!("must be from 0 to 1, but is {m:?}"), "`None` averages over all batches"))
            }
            _ => Ok(()),
        }
    }
}

/// Frozen batch normalisation: a scale and a shift per channel, from running statistics. It goes into the weights of a convolution or linear
/// layer before it.
#[derive(Debug)]
pub enum BatchNorm<const D: usize> {}

/// [`BatchNorm`] of features or series.
pub type BatchNorm1d = BatchNorm<1>;
/// [`BatchNorm`] of images.
pub type BatchNorm2d = BatchNorm<2>;
/// [`BatchNorm`] of volumes.
pub type BatchNorm3d = BatchNorm<3>;

impl<const D: usize> Frozen for BatchNorm<D> {
    type Config = BatchNormConfig;

    fn freeze(b: &mut Builder, label: &str, c: BatchNormConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, space::named::<D>(["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]), &c);
        freeze::<D>(b, place, &c, args)
    }
}

/// A normalisation at `place`.
pub(super) fn freeze<const D: usize>(b: &mut Builder, place: Place, c: &BatchNormConfig, args: &[Value]) -> Result<Value> {
    c.check().map_err(Error::refused(&place.full))?;
    if !c.track_running_stats {
        let problem = "it keeps no running statistics, but normalises each batch by its own";
        return Err(Error::unsupported(&place.full, problem, "train it with `track_running_stats = true`"));
    }
    let x = b.only(&place, args)?;
    let x = b.canonical(x);
    let fact = b.fact(x).clone();
    let channels = c.num_features;
    // Features alone are a series of length 1.
    if !(D == 1 && fact.shape == [channels]) {
        space::sizes::<D>(&place.full, &fact.shape, Some(channels))?;
    }
    let normalise = Normalise {
        eps: c.eps,
        mean: place.weight("running_mean", &[channels]),
        var: place.weight("running_var", &[channels]),
        weight: c.affine.then(|| place.weight("weight", &[channels])),
        bias: c.affine.then(|| place.weight("bias", &[channels])),
    };
    Ok(b.push(place, Op::Normalise(normalise), &[x], fact))
}
