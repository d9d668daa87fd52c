//! `SpikeDrivenSelfAttention`. In: `[T, N, dim, H, W]`; out: the same shape, its input added.

use tch::{TchError, Tensor};

use super::{ATTENDS, ConvNorm, FIRES, SpikingAttentionConfig, check_input, neurons};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::neuron::LIFNode;
use crate::scope::Scope;

/// Arguments of [`SpikeDrivenSelfAttention`].
pub type SpikeDrivenSelfAttentionConfig = SpikingAttentionConfig;

/// Attention by masks and sums alone: a channel's queries pass if keys and values spike together at enough places.
///
/// The input goes through a neuron, and is added to what comes out, which is no spike.
/// From "Spike-driven Transformer" (Yao et al., NeurIPS 2023).
/// SpikingJelly equivalent: `layer.SpikeDrivenSelfAttention(..)`. It needs the whole sequence: step mode 'm' only.
///
/// # Shapes
///
/// `[T, N, dim, H, W]` to the same.
#[derive(Debug)]
pub struct SpikeDrivenSelfAttention {
    /// Makes the input spikes.
    pub shortcut_lif: LIFNode,
    /// `q_conv`, `q_bn`
    pub q: ConvNorm<2>,
    /// Queries.
    pub q_lif: LIFNode,
    /// `k_conv`, `k_bn`
    pub k: ConvNorm<2>,
    /// Keys.
    pub k_lif: LIFNode,
    /// `v_conv`, `v_bn`
    pub v: ConvNorm<2>,
    /// Values.
    pub v_lif: LIFNode,
    /// Behind the sum over all places: the mask.
    pub attn_lif: LIFNode,
    /// `proj_conv`, `proj_bn`
    pub proj: ConvNorm<2>,
    config: SpikeDrivenSelfAttentionConfig,
    name: String,
}

neurons! {
    /// The membrane potentials of [`SpikeDrivenSelfAttention`].
    SpikeDrivenSelfAttentionState { shortcut_lif, q_lif, k_lif, v_lif, attn_lif }
}

impl SpikeDrivenSelfAttention {
    /// What it was built with.
    pub fn config(&self) -> &SpikeDrivenSelfAttentionConfig {
        &self.config
    }

    /// At how many places keys and values spike together: `[T, N, heads, 1, dim / heads]`.
    fn together(&self, k: &Tensor, v: &Tensor) -> Result<Tensor, TchError> {
        let (sizes, heads) = (k.size(), self.config.num_heads as i64);
        let sum = k.f_mul(v)?.f_flatten(3, 4)?.f_sum_dim_intlist(-1, false, None)?;
        sum.f_reshape([sizes[0], sizes[1], heads, 1, sizes[2] / heads])
    }
}

impl Layer for SpikeDrivenSelfAttention {
    type Config = SpikeDrivenSelfAttentionConfig;
    type State = SpikeDrivenSelfAttentionState;

    fn build(scope: &Scope<'_>, config: SpikeDrivenSelfAttentionConfig) -> Result<Self> {
        config.check(scope)?;
        let pair = |names, bias| ConvNorm::build(scope, names, [config.dim; 2], bias);
        Ok(SpikeDrivenSelfAttention {
            shortcut_lif: config.neuron(scope, "shortcut_lif", FIRES)?,
            q: pair(["q_conv", "q_bn"], false)?,
            q_lif: config.neuron(scope, "q_lif", FIRES)?,
            k: pair(["k_conv", "k_bn"], false)?,
            k_lif: config.neuron(scope, "k_lif", FIRES)?,
            v: pair(["v_conv", "v_bn"], false)?,
            v_lif: config.neuron(scope, "v_lif", FIRES)?,
            attn_lif: config.neuron(scope, "attn_lif", ATTENDS)?,
            proj: pair(["proj_conv", "proj_bn"], true)?,
            config,
            name: scope.name().to_string(),
        })
    }

    fn state(&self) -> SpikeDrivenSelfAttentionState {
        SpikeDrivenSelfAttentionState::default()
    }

    fn step(&self, _: &Tensor, _: &mut SpikeDrivenSelfAttentionState, _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.name.clone() })
    }

    fn sequence(&self, x: &Tensor, s: &mut SpikeDrivenSelfAttentionState, cx: &Cx) -> Result<Tensor> {
        check_input(&self.name, x, self.config.dim, "H, W")?;
        let spikes = self.shortcut_lif.sequence(x, &mut s.shortcut_lif, cx)?;
        let q = self.q_lif.sequence(&self.q.sequence(&spikes, cx)?, &mut s.q_lif, cx)?;
        let k = self.k_lif.sequence(&self.k.sequence(&spikes, cx)?, &mut s.k_lif, cx)?;
        let v = self.v_lif.sequence(&self.v.sequence(&spikes, cx)?, &mut s.v_lif, cx)?;
        let together = self.together(&k, &v).map_err(Error::in_layer(&self.name))?;
        let mask = self.attn_lif.sequence(&together, &mut s.attn_lif, cx)?;
        let sizes = x.size();
        let per_channel = [sizes[0], sizes[1], sizes[2], 1, 1];
        let seen = mask.f_reshape(per_channel).and_then(|mask| q.f_mul(&mask)).map_err(Error::in_layer(&self.name))?;
        self.proj.sequence(&seen, cx)?.f_add(x).map_err(Error::in_layer(&self.name))
    }
}
