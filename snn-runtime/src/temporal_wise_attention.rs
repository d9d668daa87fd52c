//! `TemporalWiseAttention`. In: a sequence; out: the same, each step of each sample times one gate.

use std::sync::Once;

use snn_kernels::AttentionSizes;
use tch::Tensor;

use crate::attention::{Gates, reduced, shared_mlp};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::weights::positive;

/// Arguments of [`TemporalWiseAttention`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct TemporalWiseAttentionConfig {
    /// Time steps of every sequence.
    pub T: usize,
    /// How many times narrower the hidden layer is, from 1 to `T`.
    pub reduction: usize,
    /// Axes of an input without time: 2 for `[N, features]`, 4 for `[N, C, H, W]`.
    pub dimension: usize,
}

impl TemporalWiseAttentionConfig {
    /// With SpikingJelly's `reduction = 16` and `dimension = 4`.
    #[allow(non_snake_case, reason = "SpikingJelly's name")]
    pub fn new(T: usize) -> Self {
        TemporalWiseAttentionConfig { T, reduction: 16, dimension: 4 }
    }
}

/// Weighs the steps of a sequence: y\[t\] = x\[t\] sigmoid(P(mean)\[t\] + P(max)\[t\]), where mean and max are over everything in a step of a sample, and
/// P is a perceptron over time with `T / reduction` hidden numbers.
///
/// From "Temporal-wise Attention Spiking Neural Networks for Event Streams Classification" (Yao et al., ICCV 2021).
/// SpikingJelly equivalent: `layer.TemporalWiseAttention(..)`. It needs the whole sequence: step mode 'm' only.
///
/// # Shapes
///
/// `[T, N, features]` (`dimension = 2`) or `[T, N, C, H, W]` to the same.
#[derive(Debug)]
pub struct TemporalWiseAttention {
    /// `[T / reduction, T]` and `[T, T / reduction]`: `sharedMLP.0.weight` and `sharedMLP.2.weight`.
    pub shared_mlp: [Tensor; 2],
    config: TemporalWiseAttentionConfig,
    name: String,
    /// Said which kernels it has on a device?
    told: Once,
}

impl TemporalWiseAttention {
    /// What it was built with.
    pub fn config(&self) -> &TemporalWiseAttentionConfig {
        &self.config
    }
}

impl Layer for TemporalWiseAttention {
    type Config = TemporalWiseAttentionConfig;
    type State = ();

    fn build(scope: &Scope<'_>, c: TemporalWiseAttentionConfig) -> Result<Self> {
        positive(scope, &[("T", c.T)])?;
        let hidden = reduced(scope, "T", c.T, "reduction", c.reduction)?;
        if ![2, 4].contains(&c.dimension) {
            return Err(Error::argument(scope.name(), "dimension", format!("must be 2 or 4, but is {}", c.dimension), ""));
        }
        let shared_mlp = shared_mlp(scope, c.T, hidden, &[])?;
        Ok(TemporalWiseAttention { shared_mlp, config: c, name: scope.name().to_string(), told: Once::new() })
    }

    fn state(&self) {}

    fn step(&self, _: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.name.clone() })
    }

    fn sequence(&self, x: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        let sizes = x.size();
        if sizes.len() != self.config.dimension + 1 || sizes[0] != self.config.T as i64 {
            let rest = if self.config.dimension == 2 { "features" } else { "C, H, W" };
            let help = if sizes.len() == self.config.dimension + 1 { "its weights are for that many time steps" } else { "" };
            return Err(Error::shape(&self.name, format!("[{}, N, {rest}]", self.config.T), &sizes, help));
        }
        let features = sizes[2..].iter().product::<i64>() as usize;
        let sizes = AttentionSizes { steps: self.config.T, samples: sizes[1] as usize, channels: 1, height: 1, width: features };
        let label = "TemporalWiseAttention";
        let gates = Gates {
            layer: &self.name,
            label,
            temporal: Some(&self.shared_mlp),
            channel: None,
            spatial: None,
            relu: false,
            told: &self.told,
        };
        gates.run(x, sizes)
    }
}
