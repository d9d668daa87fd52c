//! `SpikingSelfAttention`. In: `[T, N, dim, L]`, `L` tokens; out: the same shape, spikes.

use tch::{TchError, Tensor};

use super::{ATTENDS, ConvNorm, FIRES, SpikingAttentionConfig, check_input, neurons};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::neuron::LIFNode;
use crate::scope::Scope;

/// Arguments of [`SpikingSelfAttention`].
pub type SpikingSelfAttentionConfig = SpikingAttentionConfig;

/// What comes out of a head is multiplied by it.
const SCALE: f64 = 0.125;

/// Self-attention on spikes: each head gives (V K^T) Q / 8, whose neuron fires at 0.5.
///
/// From "Spikformer: When Spiking Neural Network Meets Transformer" (Zhou et al., ICLR 2023).
/// SpikingJelly equivalent: `layer.SpikingSelfAttention(..)`. It needs the whole sequence: step mode 'm' only.
///
/// # Shapes
///
/// `[T, N, dim, L]` to the same.
#[derive(Debug)]
pub struct SpikingSelfAttention {
    /// Queries, keys and values, one behind the other.
    pub qkv_conv_bn: ConvNorm<1>,
    /// Makes them spikes.
    pub qkv_lif: LIFNode,
    /// Behind the attention.
    pub attn_lif: LIFNode,
    /// Mixes the heads.
    pub proj_conv_bn: ConvNorm<1>,
    /// The last one.
    pub proj_lif: LIFNode,
    config: SpikingSelfAttentionConfig,
    name: String,
}

neurons! {
    /// The membrane potentials of [`SpikingSelfAttention`].
    SpikingSelfAttentionState { qkv_lif, attn_lif, proj_lif }
}

impl SpikingSelfAttention {
    /// What it was built with.
    pub fn config(&self) -> &SpikingSelfAttentionConfig {
        &self.config
    }

    /// `[T, N, 3 dim, L]` of spikes to `[T, N, heads, dim / heads, L]`.
    fn attend(&self, qkv: &Tensor) -> Result<Tensor, TchError> {
        let (sizes, heads) = (qkv.size(), self.config.num_heads as i64);
        let [steps, batch, channels, tokens] = [sizes[0], sizes[1], sizes[2], sizes[3]];
        let qkv = qkv.f_reshape([steps, batch, 3, heads, channels / 3 / heads, tokens])?;
        let part = |i: i64| qkv.f_select(2, i);
        // First the small matrix, channels by channels: it does not grow with the number of tokens.
        let seen = part(2)?.f_matmul(&part(1)?.f_transpose(-2, -1)?)?;
        seen.f_matmul(&part(0)?)?.f_mul_scalar(SCALE)
    }
}

impl Layer for SpikingSelfAttention {
    type Config = SpikingSelfAttentionConfig;
    type State = SpikingSelfAttentionState;

    fn build(scope: &Scope<'_>, config: SpikingSelfAttentionConfig) -> Result<Self> {
        config.check(scope)?;
        let dim = config.dim;
        Ok(SpikingSelfAttention {
            qkv_conv_bn: ConvNorm::build(scope, ["qkv_conv_bn.0", "qkv_conv_bn.1"], [dim, 3 * dim], false)?,
            qkv_lif: config.neuron(scope, "qkv_lif", FIRES)?,
            attn_lif: config.neuron(scope, "attn_lif", ATTENDS)?,
            proj_conv_bn: ConvNorm::build(scope, ["proj_conv_bn.0", "proj_conv_bn.1"], [dim, dim], false)?,
            proj_lif: config.neuron(scope, "proj_lif", FIRES)?,
            config,
            name: scope.name().to_string(),
        })
    }

    fn state(&self) -> SpikingSelfAttentionState {
        SpikingSelfAttentionState::default()
    }

    fn step(&self, _: &Tensor, _: &mut SpikingSelfAttentionState, _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.name.clone() })
    }

    fn sequence(&self, x: &Tensor, s: &mut SpikingSelfAttentionState, cx: &Cx) -> Result<Tensor> {
        check_input(&self.name, x, self.config.dim, "L")?;
        let qkv = self.qkv_lif.sequence(&self.qkv_conv_bn.sequence(x, cx)?, &mut s.qkv_lif, cx)?;
        let seen = self.attend(&qkv).map_err(Error::in_layer(&self.name))?;
        let seen = self.attn_lif.sequence(&seen, &mut s.attn_lif, cx)?.f_reshape(x.size()).map_err(Error::in_layer(&self.name))?;
        self.proj_lif.sequence(&self.proj_conv_bn.sequence(&seen, cx)?, &mut s.proj_lif, cx)
    }
}
