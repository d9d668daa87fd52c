//! Batch normalisations that know of time. In: sequences `[T, N, C, ..]`; out: the same shape.
//!
//! `ThresholdDependentBatchNorm` starts where a neuron's threshold wants it, `TemporalEffectiveBatchNorm` learns a scale for each
//! step, `BatchNormThroughTime` is another normalisation at each step.

pub use snn_infer::{
    ThresholdDependentBatchNorm1dConfig, ThresholdDependentBatchNorm2dConfig, ThresholdDependentBatchNorm3dConfig,
    ThresholdDependentBatchNormConfig,
};
use tch::Tensor;
use tch::nn::Init;

use crate::batchnorm::{BatchNorm, BatchNormConfig};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer, Stateless};
use crate::scope::Scope;
use crate::state::State;
use crate::weights::{learnable, positive};

/// tdBN, from "Going Deeper With Directly-Trained Larger Spiking Neural Networks" (Zheng et al., AAAI 2021): [`BatchNorm`] over
/// steps and batch, whose weight starts at alpha * v_th. From there on the weight is learned like any other.
///
/// SpikingJelly equivalent: `layer.ThresholdDependentBatchNorm2d(..)`.
///
/// # Shapes
///
/// `[T, N, C, H, W]` to the same; over one axis `[T, N, C, L]` or `[T, N, C]`. It needs the whole sequence: a single step is an
/// error.
#[derive(Debug)]
pub struct ThresholdDependentBatchNorm<const D: usize> {
    /// The normalisation, under this layer's own names: `weight`, `running_mean`, ..
    pub bn: BatchNorm<D>,
}

/// [`ThresholdDependentBatchNorm`] of features or series. SpikingJelly: `layer.ThresholdDependentBatchNorm1d(..)`.
pub type ThresholdDependentBatchNorm1d = ThresholdDependentBatchNorm<1>;
/// [`ThresholdDependentBatchNorm`] of images. SpikingJelly: `layer.ThresholdDependentBatchNorm2d(..)`.
pub type ThresholdDependentBatchNorm2d = ThresholdDependentBatchNorm<2>;
/// [`ThresholdDependentBatchNorm`] of volumes. SpikingJelly: `layer.ThresholdDependentBatchNorm3d(..)`.
pub type ThresholdDependentBatchNorm3d = ThresholdDependentBatchNorm<3>;

impl<const D: usize> Layer for ThresholdDependentBatchNorm<D> {
    type Config = ThresholdDependentBatchNormConfig;
    type State = ();

    fn build(scope: &Scope<'_>, c: ThresholdDependentBatchNormConfig) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        Ok(ThresholdDependentBatchNorm { bn: BatchNorm::starting(scope, c.bn, c.alpha * c.v_th, true)? })
    }

    fn state(&self) {}

    fn step(&self, _: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.bn.name().to_string() })
    }

    fn sequence(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.bn.forward_sequence(x, cx)
    }

    fn repeat(&self, x: &Tensor, steps: i64, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.bn.repeat(x, steps, &mut (), cx)
    }
}

/// Arguments of [`TemporalEffectiveBatchNorm`].
#[derive(Clone, Debug, PartialEq)]
pub struct TemporalEffectiveBatchNormConfig {
    /// Time steps of a sequence (SpikingJelly: `T`).
    pub steps: usize,
    /// What a batch normalisation is built with.
    pub bn: BatchNormConfig,
}

/// Arguments of [`TemporalEffectiveBatchNorm1d`].
pub type TemporalEffectiveBatchNorm1dConfig = TemporalEffectiveBatchNormConfig;
/// Arguments of [`TemporalEffectiveBatchNorm2d`].
pub type TemporalEffectiveBatchNorm2dConfig = TemporalEffectiveBatchNormConfig;
/// Arguments of [`TemporalEffectiveBatchNorm3d`].
pub type TemporalEffectiveBatchNorm3dConfig = TemporalEffectiveBatchNormConfig;

/// TEBN, from "Temporal Effective Batch Normalization in Spiking Neural Networks" (Duan et al., NeurIPS 2022): [`BatchNorm`] over
/// steps and batch, then step t times `scale[t]`, which is learned.
///
/// SpikingJelly equivalent: `layer.TemporalEffectiveBatchNorm2d(..)`. It takes sequences of exactly `steps` steps, where
/// SpikingJelly lets a single scale serve any number.
///
/// # Shapes
///
/// `[T, N, C, H, W]` to the same; over one axis `[T, N, C, L]` or `[T, N, C]`. It needs the whole sequence: a single step is an
/// error.
#[derive(Debug)]
pub struct TemporalEffectiveBatchNorm<const D: usize> {
    /// The normalisation, under this layer's own names: `weight`, `running_mean`, ..
    pub bn: BatchNorm<D>,
    /// `[steps]`, starts at 1.
    pub scale: Tensor,
}

/// [`TemporalEffectiveBatchNorm`] of features or series. SpikingJelly: `layer.TemporalEffectiveBatchNorm1d(..)`.
pub type TemporalEffectiveBatchNorm1d = TemporalEffectiveBatchNorm<1>;
/// [`TemporalEffectiveBatchNorm`] of images. SpikingJelly: `layer.TemporalEffectiveBatchNorm2d(..)`.
pub type TemporalEffectiveBatchNorm2d = TemporalEffectiveBatchNorm<2>;
/// [`TemporalEffectiveBatchNorm`] of volumes. SpikingJelly: `layer.TemporalEffectiveBatchNorm3d(..)`.
pub type TemporalEffectiveBatchNorm3d = TemporalEffectiveBatchNorm<3>;

impl<const D: usize> TemporalEffectiveBatchNorm<D> {
    /// There is a scale for each of so many steps.
    fn check(&self, steps: i64) -> Result<()> {
        let want = self.scale.size()[0];
        match steps == want {
            true => Ok(()),
            false => {
                let problem = format!("is {want}, one scale for each step, but the sequence has {steps} steps");
                Err(Error::argument(self.bn.name(), "T", problem, "give it the whole sequence at once"))
            }
        }
    }

    /// `[T, N, ..]`, step t times `scale[t]`; a time axis of 1 becomes T.
    fn scaled(&self, y: &Tensor) -> Result<Tensor> {
        let mut sizes = vec![1; y.dim()];
        sizes[0] = -1;
        self.scale.f_reshape(sizes).and_then(|scale| y.f_mul(&scale)).map_err(Error::in_layer(self.bn.name()))
    }
}

impl<const D: usize> Layer for TemporalEffectiveBatchNorm<D> {
    type Config = TemporalEffectiveBatchNormConfig;
    type State = ();

    fn build(scope: &Scope<'_>, c: TemporalEffectiveBatchNormConfig) -> Result<Self> {
        positive(scope, &[("T", c.steps)])?;
        let bn = BatchNorm::starting(scope, c.bn, 1.0, true)?;
        let scale = learnable(scope, "scale", &[c.steps], Init::Const(1.0))?;
        Ok(TemporalEffectiveBatchNorm { bn, scale })
    }

    fn state(&self) {}

    fn step(&self, _: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.bn.name().to_string() })
    }

    fn sequence(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.check(x.size().first().copied().unwrap_or(0))?;
        self.scaled(&self.bn.forward_sequence(x, cx)?)
    }

    fn repeat(&self, x: &Tensor, steps: i64, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.check(steps)?;
        self.scaled(&self.bn.forward(x, cx)?.f_unsqueeze(0)?)
    }
}

/// Arguments of [`BatchNormThroughTime`].
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormThroughTimeConfig {
    /// Time steps of a sequence (SpikingJelly: `T`).
    pub steps: usize,
    /// What the batch normalisation of each step is built with.
    pub bn: BatchNormConfig,
}

/// Arguments of [`BatchNormThroughTime1d`].
pub type BatchNormThroughTime1dConfig = BatchNormThroughTimeConfig;
/// Arguments of [`BatchNormThroughTime2d`].
pub type BatchNormThroughTime2dConfig = BatchNormThroughTimeConfig;
/// Arguments of [`BatchNormThroughTime3d`].
pub type BatchNormThroughTime3dConfig = BatchNormThroughTimeConfig;

/// BNTT, from "Revisiting Batch Normalization for Training Low-Latency Deep Spiking Neural Networks From Scratch" (Kim and Panda,
/// Frontiers in Neuroscience 2021): a [`BatchNorm`] without bias for each step, with statistics of its own.
///
/// SpikingJelly equivalent: `layer.BatchNormThroughTime2d(..)`. Its state counts the steps; a step after the last is an error
/// until the state is reset.
///
/// # Shapes
///
/// `[N, C, H, W]` to the same at each step; over one axis `[N, C, L]` or `[N, C]`.
#[derive(Debug)]
pub struct BatchNormThroughTime<const D: usize> {
    /// One for each step, under the names `bn_list.0`, `bn_list.1`, ..
    pub bn_list: Vec<BatchNorm<D>>,
    name: String,
}

/// [`BatchNormThroughTime`] of features or series. SpikingJelly: `layer.BatchNormThroughTime1d(..)`.
pub type BatchNormThroughTime1d = BatchNormThroughTime<1>;
/// [`BatchNormThroughTime`] of images. SpikingJelly: `layer.BatchNormThroughTime2d(..)`.
pub type BatchNormThroughTime2d = BatchNormThroughTime<2>;
/// [`BatchNormThroughTime`] of volumes. SpikingJelly: `layer.BatchNormThroughTime3d(..)`.
pub type BatchNormThroughTime3d = BatchNormThroughTime<3>;

/// Where [`BatchNormThroughTime`] is in its sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchNormThroughTimeState {
    /// The last step taken, from 0; `None` before the first (SpikingJelly: -1).
    pub t: Option<usize>,
}

impl State for BatchNormThroughTimeState {
    fn reset(&mut self) {
        self.t = None;
    }

    fn detach(&mut self) {}

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        if let Some(t) = self.t {
            f("t", &Tensor::from(t as i64));
        }
    }

    fn visit_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}

    fn shallow_clone(&self) -> Self {
        *self
    }
}

impl<const D: usize> Layer for BatchNormThroughTime<D> {
    type Config = BatchNormThroughTimeConfig;
    type State = BatchNormThroughTimeState;

    fn build(scope: &Scope<'_>, c: BatchNormThroughTimeConfig) -> Result<Self> {
        positive(scope, &[("T", c.steps)])?;
        let one = |t| BatchNorm::starting(&scope.child(format!("bn_list.{t}")), c.bn.clone(), 1.0, false);
        Ok(BatchNormThroughTime { bn_list: (0..c.steps).map(one).collect::<Result<_>>()?, name: scope.name().to_string() })
    }

    fn state(&self) -> BatchNormThroughTimeState {
        BatchNormThroughTimeState::default()
    }

    fn step(&self, x: &Tensor, s: &mut BatchNormThroughTimeState, cx: &Cx) -> Result<Tensor> {
        let t = s.t.map_or(0, |t| t + 1);
        let Some(bn) = self.bn_list.get(t) else {
            let problem = format!("is {}, a normalisation for each step, but this is one step more", self.bn_list.len());
            return Err(Error::argument(&self.name, "T", problem, "`reset()` the state before the next sequence"));
        };
        let y = bn.forward(x, cx)?;
        // A step that failed was none.
        s.t = Some(t);
        Ok(y)
    }
}
