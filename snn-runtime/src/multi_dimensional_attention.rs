//! `MultiDimensionalAttention`. In: a sequence `[T, N, C, H, W]`; out: the same, each element times a gate of its step, one of its channel and
//! one of its pixel.

use std::sync::Once;

use snn_kernels::AttentionSizes;
use tch::Tensor;

use crate::attention::{Gates, reduced, shared_mlp};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::weights::{positive, uniform};

/// Arguments of [`MultiDimensionalAttention`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(non_snake_case, reason = "SpikingJelly's names")]
pub struct MultiDimensionalAttentionConfig {
    /// Time steps of every sequence.
    pub T: usize,
    /// Channels that come in.
    pub C: usize,
    /// How many times narrower the hidden layer over time is, from 1 to `T`.
    pub reduction_t: usize,
    /// How many times narrower the hidden layer over channels is, from 1 to `C`.
    pub reduction_c: usize,
    /// Size of the convolution over space: 3 or 7.
    pub kernel_size: usize,
    /// Is there a gate per step?
    pub use_temporal: bool,
    /// Is there a gate per channel?
    pub use_channel: bool,
    /// Is there a gate per pixel?
    pub use_spatial: bool,
}

impl MultiDimensionalAttentionConfig {
    /// With SpikingJelly's reductions of 16, kernel of 3 and all three stages.
    #[allow(non_snake_case, reason = "SpikingJelly's names")]
    pub fn new(T: usize, C: usize) -> Self {
        let (use_temporal, use_channel, use_spatial) = (true, true, true);
        MultiDimensionalAttentionConfig { T, C, reduction_t: 16, reduction_c: 16, kernel_size: 3, use_temporal, use_channel, use_spatial }
    }
}

/// Weighs the steps, then the channels, then the pixels of a sequence, and cuts off what is negative: relu(x g_t g_c g_p).
///
/// A step's and a channel's gate is sigmoid(P(mean) + P(max)), of mean and maximum over all the rest of a sample, with a perceptron P over
/// time or channels; a pixel's is the sigmoid of a convolution of mean and maximum over steps and channels. From "Attention Spiking Neural
/// Networks" (Yao et al., TPAMI 2023). SpikingJelly equivalent: `layer.MultiDimensionalAttention(..)`. Step mode 'm' only.
///
/// # Shapes
///
/// `[T, N, C, H, W]` to the same.
#[derive(Debug)]
pub struct MultiDimensionalAttention {
    /// `[T / reduction_t, T, 1, 1, 1]` and back: `ta.sharedMLP.0.weight`, `ta.sharedMLP.2.weight`.
    pub ta: Option<[Tensor; 2]>,
    /// `[C / reduction_c, C, 1, 1, 1]` and back: `ca.sharedMLP.0.weight`, `ca.sharedMLP.2.weight`.
    pub ca: Option<[Tensor; 2]>,
    /// `[1, 2, kernel_size, kernel_size]`: `sa.conv.weight`.
    pub sa: Option<Tensor>,
    config: MultiDimensionalAttentionConfig,
    name: String,
    /// Said which kernels it has on a device?
    told: Once,
}

impl MultiDimensionalAttention {
    /// What it was built with.
    pub fn config(&self) -> &MultiDimensionalAttentionConfig {
        &self.config
    }
}

impl Layer for MultiDimensionalAttention {
    type Config = MultiDimensionalAttentionConfig;
    type State = ();

    fn build(scope: &Scope<'_>, c: MultiDimensionalAttentionConfig) -> Result<Self> {
        positive(scope, &[("T", c.T), ("C", c.C)])?;
        if ![3, 7].contains(&c.kernel_size) {
            return Err(Error::argument(scope.name(), "kernel_size", format!("must be 3 or 7, but is {}", c.kernel_size), ""));
        }
        if !(c.use_temporal || c.use_channel || c.use_spatial) {
            let problem = "is off, and so are `use_channel` and `use_spatial`: no stage is left";
            return Err(Error::argument(scope.name(), "use_temporal", problem, "leave one of the three on"));
        }
        let gate = |name: &str, of: &str, size: usize, by: &str, divisor: usize| {
            let hidden = reduced(scope, of, size, by, divisor)?;
            shared_mlp(&scope.child(name), size, hidden, &[1, 1, 1])
        };
        let ta = if c.use_temporal { Some(gate("ta", "T", c.T, "reduction_t", c.reduction_t)?) } else { None };
        let ca = if c.use_channel { Some(gate("ca", "C", c.C, "reduction_c", c.reduction_c)?) } else { None };
        let k = c.kernel_size;
        let sa = if c.use_spatial { Some(uniform(&scope.child("sa.conv"), "weight", &[1, 2, k, k], 2 * k * k)?) } else { None };
        Ok(MultiDimensionalAttention { ta, ca, sa, config: c, name: scope.name().to_string(), told: Once::new() })
    }

    fn state(&self) {}

    fn step(&self, _: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.name.clone() })
    }

    fn sequence(&self, x: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        let (sizes, c) = (x.size(), &self.config);
        let &[steps, samples, channels, height, width] = &sizes[..] else {
            return Err(Error::shape(&self.name, format!("[{}, N, {}, H, W]", c.T, c.C), &sizes, ""));
        };
        if [steps, channels] != [c.T, c.C].map(|n| n as i64) {
            return Err(Error::shape(&self.name, format!("[{}, N, {}, H, W]", c.T, c.C), &sizes, "its weights are for those sizes"));
        }
        let [samples, height, width] = [samples, height, width].map(|n| n as usize);
        let sizes = AttentionSizes { steps: c.T, samples, channels: c.C, height, width };
        let label = "MultiDimensionalAttention";
        let (temporal, channel, spatial) = (self.ta.as_ref(), self.ca.as_ref(), self.sa.as_ref());
        Gates { layer: &self.name, label, temporal, channel, spatial, relu: true, told: &self.told }.run(x, sizes)
    }
}
