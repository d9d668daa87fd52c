//! CPU kernels for spiking neural networks, without libtorch: input currents in, spikes out, and gradients the way back. [`cuda`] has the
//! sources of some of them for CUDA devices.
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
//! | [`synapse_filter`] | x | currents | 8 |
//! | [`neunorm`], and its backward pass | x; grad of y | y; grad of x | 8; 8 |
//! | [`attention`], and its backward pass | x two or three times; x and grad of y as often | y; grad of x | 12 or 16; 20 or 28 |
//!
//! and first and last states and their gradients once for all steps. The backward pass saves nothing but replays the forward from x.
//!
//! # Results
//! The same bits on any number of threads and with any instruction set (scalar, AVX2, AVX-512). The forward pass does the f32 operations
//! of SpikingJelly 2.0.0's neurons in their order.
//!
//! ```
//! use snn_kernels::{Channels, Constants, Draw, ForwardOut, Input, LIFNodeConfig, Pass, forward};
//!
//! let lif = LIFNodeConfig::default();
//! let constants = Constants::new(&lif, &[], Channels::ONE)?;
//! let x = [1.0f32, 3.0, /* second step */ 1.8, 0.5];
//! let pass = Pass { steps: 2, neurons: 2, x: Input::Sequence(&x), scale: None, start: &[], constants: &constants, draw: Draw::default() };
//! let (mut spikes, mut v) = ([0.0; 4], [0.0; 2]);
//! forward(&lif, pass, ForwardOut { y: &mut spikes, states: vec![&mut v], sequences: vec![] })?;
//! assert_eq!(spikes, [0.0, 1.0, 1.0, 0.0]);
//! assert_eq!(v, [0.0, 0.25]);
//! # Ok::<(), snn_kernels::Error>(())
//! ```

mod activation;
mod adam;
mod arch;
mod attention;
mod backward;
mod block;
mod compiled;
mod constants;
pub mod cuda;
mod drop_connect;
mod dropout;
mod dsr;
mod encode;
mod error;
mod forward;
pub mod frozen;
mod gated_lif;
mod gates;
mod input;
mod lanes;
mod math;
mod max_pool;
mod moments;
mod mpbn;
mod neunorm;
mod neuron;
mod non_spiking;
mod par;
mod philox;
mod psn;
mod random;
mod real;
mod refused;
mod rows;
mod scale;
mod slots;
mod spikes;
mod stbif;
mod surrogate;
mod sweep;
mod synapse_filter;
#[cfg(test)]
mod tests;
mod transpose;

pub use activation::Activation;
pub use adam::{AdamStep, adam};
pub use attention::{Attention, AttentionGrads, AttentionKept, AttentionSizes, Perceptron, Planes, attention, attention_backward};
pub use backward::{BackwardOut, Upstream, backward};
pub use compiled::Compiled;
pub use constants::{Channels, Constants, learned_gradient};
pub use drop_connect::{
    DropConnectGrads, DropConnectSizes, Inference, MaskSource, Masks, Noise, Weights, drop_connect, drop_connect_backward,
    drop_connect_infer, drop_connect_masks,
};
pub use dropout::dropout_mask;
pub use dsr::{Dsr, DsrLeak};
pub use encode::{Latency, latency, poisson, weighted_phase};
pub use error::Error;
pub use forward::{ForwardOut, Pass, forward};
pub use gated_lif::{GATED_LIF_CONSTANTS, GatedLif, GatedLifGradients};
pub use gates::{Cell, Gates, GatesGrads, GatesIn, GatesOut};
pub use input::Input;
pub use max_pool::{PoolSizes, max_pool, max_pool_backward};
pub use moments::{Moments, moments};
pub use mpbn::{Mpbn, MpbnGradients, MpbnOut, MpbnParameters, Normalise, Statistics};
pub use neunorm::{NeuNorm, NeuNormGrads, NeuNormOut, NeuNormSizes, neunorm, neunorm_backward};
pub use neuron::frameworks;
pub use neuron::{
    ActivationAwareIFNodeConfig, Adjoint, CUBALIFNodeConfig, Charged, ComplementaryLIFNodeConfig, EIFNodeConfig, Feedback, Finished,
    HalfThresholdIFNodeConfig, IFNodeConfig, ILIFNodeConfig, IzhikevichNodeConfig, Join, KLIFNodeConfig, LIAFNodeConfig, LIFNodeConfig,
    Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron, ParametricLIFNodeConfig, Per, QIFNodeConfig,
    RAFNodeConfig, SimpleIFNodeConfig, SimpleLIFNodeConfig, SynapseCurrent, TernaryIFNodeConfig, TernaryLIFNodeConfig,
};
pub use non_spiking::{Decode, NonSpiking};
pub use philox::philox4x32;
pub use psn::{Psn, PsnGradients, TimeWeights, psn_backward, psn_forward};
pub use random::Draw;
pub use real::Real;
pub use refused::Refused;
pub use rows::gather_rows;
pub use scale::{Scale, add_scaled};
pub use slots::{count_to_slots, sum_slots};
pub use spikes::{SpikeConv, SpikeMatrix};
pub use stbif::{Stbif, StbifState};
pub use surrogate::{
    ATan, DeterministicPass, Erf, FakeNumericalGradient, LeakyKReLU, LogTailedReLU, MAX_SURROGATE_CONSTANTS, MultiLevelSpikeCount,
    NonzeroSignLogAbs, PiecewiseExp, PiecewiseLeakyReLU, PiecewiseQuadratic, PoissonPass, QPseudoSpike, Rect, S2NN, Sigmoid, SoftSign,
    SquarewaveFourierSeries, SuperSpike, Surrogate, SurrogateFunction,
};
pub use synapse_filter::{SynapseFilter, synapse_filter};
