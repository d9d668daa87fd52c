//! `TokenQKAttention` and `ChannelQKAttention`. In: `[T, N, dim, L]`, `L` tokens; out: the same shape, spikes.

use tch::{TchError, Tensor};

use super::{ATTENDS, ConvNorm, FIRES, SpikingAttentionConfig, check_input, neurons};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::neuron::LIFNode;
use crate::scope::Scope;

/// Arguments of [`TokenQKAttention`].
pub type TokenQKAttentionConfig = SpikingAttentionConfig;
/// Arguments of [`ChannelQKAttention`].
pub type ChannelQKAttentionConfig = SpikingAttentionConfig;

neurons! {
    /// The membrane potentials of [`TokenQKAttention`] and [`ChannelQKAttention`].
    QKAttentionState { qk_lif, attn_lif, proj_lif }
}

/// Both layers; `AXIS` of `[T, N, heads, dim / heads, L]` is summed over.
#[derive(Debug)]
pub struct QKAttention<const AXIS: i64> {
    /// Queries and keys, one behind the other.
    pub qk_conv_bn: ConvNorm<1>,
    /// Makes them spikes.
    pub qk_lif: LIFNode,
    /// Behind the sum of queries: the mask.
    pub attn_lif: LIFNode,
    /// Mixes the heads.
    pub proj_conv_bn: ConvNorm<1>,
    /// The last one.
    pub proj_lif: LIFNode,
    config: SpikingAttentionConfig,
    name: String,
}

/// Attention by a mask of tokens: in each head a token's keys pass if enough of its queries spike.
///
/// From "QKFormer: Hierarchical Spiking Transformer using Q-K Attention" (Zhou et al., NeurIPS 2024).
/// SpikingJelly equivalent: `layer.TokenQKAttention(..)`. It needs the whole sequence: step mode 'm' only.
///
/// # Shapes
///
/// `[T, N, dim, L]` to the same.
pub type TokenQKAttention = QKAttention<3>;

/// Attention by a mask of channels: in each head a channel's keys pass if enough of its queries spike.
///
/// From "QKFormer: Hierarchical Spiking Transformer using Q-K Attention" (Zhou et al., NeurIPS 2024).
/// SpikingJelly equivalent: `layer.ChannelQKAttention(..)`. It needs the whole sequence: step mode 'm' only.
///
/// # Shapes
///
/// `[T, N, dim, L]` to the same.
pub type ChannelQKAttention = QKAttention<4>;

impl<const AXIS: i64> QKAttention<AXIS> {
    /// What it was built with.
    pub fn config(&self) -> &SpikingAttentionConfig {
        &self.config
    }

    /// The sum of queries, and the keys: `[T, N, 2 dim, L]` to two of `[T, N, heads, dim / heads, L]`.
    fn split(&self, qk: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let (sizes, heads) = (qk.size(), self.config.num_heads as i64);
        let [steps, batch, channels, tokens] = [sizes[0], sizes[1], sizes[2], sizes[3]];
        let qk = qk.f_reshape([steps, batch, 2, heads, channels / 2 / heads, tokens])?;
        Ok((qk.f_select(2, 0)?.f_sum_dim_intlist(AXIS, true, None)?, qk.f_select(2, 1)?))
    }
}

impl<const AXIS: i64> Layer for QKAttention<AXIS> {
    type Config = SpikingAttentionConfig;
    type State = QKAttentionState;

    fn build(scope: &Scope<'_>, config: SpikingAttentionConfig) -> Result<Self> {
        config.check(scope)?;
        let dim = config.dim;
        Ok(QKAttention {
            qk_conv_bn: ConvNorm::build(scope, ["qk_conv_bn.0", "qk_conv_bn.1"], [dim, 2 * dim], false)?,
            qk_lif: config.neuron(scope, "qk_lif", FIRES)?,
            attn_lif: config.neuron(scope, "attn_lif", ATTENDS)?,
            proj_conv_bn: ConvNorm::build(scope, ["proj_conv_bn.0", "proj_conv_bn.1"], [dim, dim], false)?,
            proj_lif: config.neuron(scope, "proj_lif", FIRES)?,
            config,
            name: scope.name().to_string(),
        })
    }

    fn state(&self) -> QKAttentionState {
        QKAttentionState::default()
    }

    fn step(&self, _: &Tensor, _: &mut QKAttentionState, _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.name.clone() })
    }

    fn sequence(&self, x: &Tensor, s: &mut QKAttentionState, cx: &Cx) -> Result<Tensor> {
        check_input(&self.name, x, self.config.dim, "L")?;
        let qk = self.qk_lif.sequence(&self.qk_conv_bn.sequence(x, cx)?, &mut s.qk_lif, cx)?;
        let (queries, keys) = self.split(&qk).map_err(Error::in_layer(&self.name))?;
        let mask = self.attn_lif.sequence(&queries, &mut s.attn_lif, cx)?;
        let seen = mask.f_mul(&keys).and_then(|seen| seen.f_reshape(x.size())).map_err(Error::in_layer(&self.name))?;
        self.proj_lif.sequence(&self.proj_conv_bn.sequence(&seen, cx)?, &mut s.proj_lif, cx)
    }
}
