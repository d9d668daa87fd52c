//! Attention made of spikes: no softmax, no division. In: sequences of tokens or images; out: the same shape, through heads that
//! compare queries, keys and values of 0 and 1.
//!
//! Each is a small net of convolutions with one-cell kernels, batch normalisations over all steps, and [`LIFNode`]s; whole sequences
//! only, as its statistics are of all steps.

mod query_key;
mod self_attention;
mod spike_driven;

pub use query_key::{
    ChannelQKAttention, ChannelQKAttentionConfig, QKAttention, QKAttentionState, TokenQKAttention, TokenQKAttentionConfig,
};
pub use self_attention::{SpikingSelfAttention, SpikingSelfAttentionConfig, SpikingSelfAttentionState};
pub use spike_driven::{SpikeDrivenSelfAttention, SpikeDrivenSelfAttentionConfig, SpikeDrivenSelfAttentionState};

use tch::Tensor;

use crate::batchnorm::{BatchNorm, BatchNormConfig};
use crate::conv::{Conv, ConvConfig};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer, Stateless};
use crate::neuron::{LIFNode, LIFNodeConfig};
use crate::scope::Scope;
use crate::surrogate::Surrogate;
use crate::weights::positive;

/// Arguments of the attention layers of spikes: channels, heads, and what all their neurons are given.
#[derive(Clone, Debug, PartialEq)]
pub struct SpikingAttentionConfig {
    /// Channels, in and out.
    pub dim: usize,
    /// Heads, each of which sees `dim / num_heads` channels.
    pub num_heads: usize,
    /// Membrane time constant in steps, greater than 1.
    pub tau: f64,
    /// Is the input divided by `tau`, too?
    pub decay_input: bool,
    /// The potential at which all neurons fire; `None`: 1, and 0.5 for the neuron behind the attention itself.
    pub v_threshold: Option<f64>,
    /// The potential after a spike; `None`: the threshold is subtracted.
    pub v_reset: Option<f64>,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
    /// Is the spike a constant in the reset, when gradients are taken?
    pub detach_reset: bool,
}

impl SpikingAttentionConfig {
    /// SpikingJelly's defaults for the rest: 8 heads, `tau` 2, `detach_reset`.
    pub fn new(dim: usize) -> Self {
        let LIFNodeConfig { tau, decay_input, v_reset, surrogate_function, .. } = LIFNodeConfig::default();
        SpikingAttentionConfig { dim, num_heads: 8, tau, decay_input, v_threshold: None, v_reset, surrogate_function, detach_reset: true }
    }

    fn check(&self, scope: &Scope<'_>) -> Result<()> {
        positive(scope, &[("dim", self.dim), ("num_heads", self.num_heads)])?;
        match snn_shape::divide(self.dim, self.num_heads) {
            Some(_) => Ok(()),
            None => {
                let problem = format!("must be a multiple of `num_heads = {}`, but is {}", self.num_heads, self.dim);
                Err(Error::argument(scope.name(), "dim", problem, ""))
            }
        }
    }

    /// A neuron, whose threshold is `v_threshold` unless one is given for all of them.
    fn neuron(&self, scope: &Scope<'_>, name: &str, v_threshold: f64) -> Result<LIFNode> {
        let SpikingAttentionConfig { tau, decay_input, v_reset, surrogate_function, detach_reset, .. } = *self;
        let v_threshold = self.v_threshold.unwrap_or(v_threshold);
        let config = LIFNodeConfig { tau, decay_input, v_threshold, v_reset, surrogate_function, detach_reset };
        LIFNode::build(&scope.child(name), config)
    }
}

/// What is remembered of a neuron.
type Lif = <LIFNode as Layer>::State;

/// The threshold of most neurons, and that of the one behind the attention.
const FIRES: f64 = 1.0;
const ATTENDS: f64 = 0.5;

/// A state of several neurons, each under its name.
macro_rules! neurons {
    ($(#[$doc:meta])* $state:ident { $($neuron:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $state {
            $(
                /// Of the neuron of that name.
                pub $neuron: super::Lif,
            )+
        }

        impl $crate::State for $state {
            fn reset(&mut self) {
                $(self.$neuron.reset();)+
            }

            fn detach(&mut self) {
                $(self.$neuron.detach();)+
            }

            fn visit(&self, f: &mut dyn FnMut(&str, &tch::Tensor)) {
                $($crate::state::visit_inside(stringify!($neuron), &self.$neuron, f);)+
            }

            fn visit_mut(&mut self, f: &mut dyn FnMut(&mut tch::Tensor)) {
                $(self.$neuron.visit_mut(f);)+
            }

            fn shallow_clone(&self) -> Self {
                $state { $($neuron: self.$neuron.shallow_clone(),)+ }
            }
        }
    };
}
use neurons;

/// A convolution with a one-cell kernel, which mixes channels, and the batch normalisation behind it.
#[derive(Debug)]
pub struct ConvNorm<const D: usize> {
    /// Mixes channels.
    pub conv: Conv<D>,
    /// Statistics over all steps.
    pub norm: BatchNorm<D>,
}

impl<const D: usize> ConvNorm<D> {
    /// `names` are those of the two.
    fn build(scope: &Scope<'_>, names: [&str; 2], channels: [usize; 2], bias: bool) -> Result<Self> {
        let config = ConvConfig { bias, ..ConvConfig::new(channels[0], channels[1], [1; D]) };
        Ok(ConvNorm {
            conv: <Conv<D> as Stateless>::build(&scope.child(names[0]), config)?,
            norm: <BatchNorm<D> as Stateless>::build(&scope.child(names[1]), BatchNormConfig::new(channels[1]))?,
        })
    }

    fn sequence(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.norm.forward_sequence(&self.conv.forward_sequence(x, cx)?, cx)
    }
}

/// `[T, N, dim, ..]` with so many axes behind the channels.
fn check_input(layer: &str, x: &Tensor, dim: usize, space: &str) -> Result<()> {
    let sizes = x.size();
    let axes = 3 + space.split(", ").count();
    if sizes.len() == axes && sizes[2] == dim as i64 && sizes[0] > 0 {
        return Ok(());
    }
    let help = if sizes.len() + 1 == axes { "it works on whole sequences: time comes first" } else { "" };
    Err(Error::shape(layer, format!("[T, N, {dim}, {space}]"), &sizes, help))
}
