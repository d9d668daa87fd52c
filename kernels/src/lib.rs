//! CPU kernels for spiking neural networks, without libtorch: input currents in, spikes out, and gradients the way back.
//!
//! # Layout
//! A sequence is `[steps, neurons]`, contiguous, time outermost; `neurons` is everything else (batch, channels, space) flattened.
//! Elements are `f32` or `f64` ([`Real`]).
//!
//! # What a step costs
//! All steps of a tile of neurons run before the next tile, so potentials never leave the cache and memory sees, per neuron and step:
//!
//! | | reads | writes | f32 bytes |
//! | --- | --- | --- | --- |
//! | [`forward`] | x | spikes | 8 |
//! | [`forward`], [`Input::Static`] | (x once for all steps) | spikes | 4 |
//! | [`backward`] | x, grad of spikes | grad of x | 12 |
//!
//! and v0, v and their gradients once for all steps. The backward pass saves nothing but replays the forward from x.
//!
//! # Results
//! The same bits on any number of threads and with any instruction set (scalar, AVX2, AVX-512). The forward pass does the f32 operations
//! of SpikingJelly 2.0.0's `IFNode`, `LIFNode` and `ParametricLIFNode` in their order.
//!
//! ```
//! use snn_kernels::{ATan, Fire, ForwardOut, Input, Lif, Reset, forward};
//!
//! let fire = Fire { v_threshold: 1.0f32, reset: Reset::Hard(0.0), detach_reset: false, surrogate: ATan::default().into(), spiking: true };
//! let lif = Lif { tau: 2.0, decay_input: true, rest: 0.0 };
//! let x = [1.0, 3.0, /* second step */ 1.8, 0.5];
//! let (mut spikes, mut v) = ([0.0; 4], [0.0; 2]);
//! forward(&lif, &fire, 2, Input::Sequence(&x), None, ForwardOut { spikes: &mut spikes, v: &mut v, v_seq: None })?;
//! assert_eq!(spikes, [0.0, 1.0, 1.0, 0.0]);
//! assert_eq!(v, [0.0, 0.25]);
//! # Ok::<(), snn_kernels::Error>(())
//! ```

mod activation;
mod attention;
mod backward;
mod dropout;
mod error;
mod fire;
mod forward;
mod input;
mod lanes;
mod math;
mod neunorm;
mod neuron;
mod par;
mod philox;
mod real;
mod refused;
mod rows;
mod surrogate;
mod synapse_filter;
#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use attention::{Attention, AttentionGrads, AttentionKept, AttentionSizes, Perceptron, Planes, attention, attention_backward};
pub use backward::{BackwardOut, backward};
pub use dropout::dropout_mask;
pub use error::Error;
pub use fire::{Fire, Reset};
pub use forward::{ForwardOut, forward};
pub use input::Input;
pub use neunorm::{NeuNorm, NeuNormGrads, NeuNormOut, NeuNormSizes, neunorm, neunorm_backward};
pub use neuron::{
    Adjoint, Charge, Charged, Finished, If, Learned, Lif, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_PARAMS, MAX_STATES, Neuron,
    Per, Plif,
};
pub use philox::philox4x32;
pub use real::Real;
pub use refused::Refused;
pub use rows::gather_rows;
pub use surrogate::{ATan, MAX_SURROGATE_CONSTANTS, PiecewiseQuadratic, Sigmoid, Surrogate, SurrogateFunction};
pub use synapse_filter::{SynapseFilter, SynapseFilterGrads, synapse_filter, synapse_filter_backward};
