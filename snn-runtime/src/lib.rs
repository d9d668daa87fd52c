//! The runtime of snn: what the code that `snn_net!` writes is made of. In: tensors and a `VarStore`; out: layers, neurons,
//! state, typed tensors, and gradients through fused kernels.
//!
//! Users depend on the facade `snn`, which re-exports all of this.
//!
//! ```
//! use snn_runtime::prelude::*;
//! use snn_runtime::{LIFNode, LIFNodeConfig, Scope, surrogate::ATan};
//!
//! snn_runtime::manual_seed(0);
//! let vs = nn::VarStore::new(Device::Cpu);
//! let config = LIFNodeConfig { surrogate_function: ATan::default().into(), ..Default::default() };
//! let neuron = LIFNode::build(&Scope::root("neuron", &vs.root()), config)?;
//!
//! let x = (Tensor::rand([16, 8, 100], (Kind::Float, Device::Cpu)) * 3.0).set_requires_grad(true); // [T, N, features]
//! let mut state = neuron.state();
//! let spikes = neuron.sequence(&x, &mut state, &Cx::TRAIN)?;
//! spikes.sum(Kind::Float).backward(); // one node for all 16 steps
//! assert_eq!(x.grad().size(), [16, 8, 100]);
//! # Ok::<(), snn_runtime::Error>(())
//! ```

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod activation;
mod adaptive_pool;
mod attention;
pub mod autograd;
mod batchnorm;
mod checkpoint;
mod container;
mod conv;
mod conv_transpose;
mod cuda;
pub mod data;
mod delay;
mod drop_connect;
mod drop_connect_state;
mod dropout;
mod elements;
pub mod encoding;
mod error;
mod flatten;
mod frozen;
pub mod functional;
mod groupnorm;
pub mod io;
mod layer;
pub mod lif;
mod linear;
mod max_pool;
pub mod monitor;
mod multi_dimensional_attention;
mod neunorm;
pub mod neuron;
pub mod ops;
#[cfg(feature = "plot")]
pub mod plot;
mod pool;
pub mod prelude;
mod print_shape;
mod random_state;
mod recording;
pub mod report;
mod rng;
pub mod rnn;
mod scope;
mod slots;
mod space;
mod spike_conv;
mod spikes;
mod spiking_attention;
mod state;
mod summary;
pub mod surrogate;
mod synapse_filter;
mod table;
mod tap;
mod temporal_norm;
mod temporal_wise_attention;
mod tensor;
pub mod tensorboard;
pub mod train;
mod unpool;
mod upsample;
mod voting;
mod weight_standard;
mod weights;

pub use activation::{ReLU, Sigmoid, Tanh};
pub use adaptive_pool::{
    AdaptiveAvgPool, AdaptiveAvgPool1d, AdaptiveAvgPool1dConfig, AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3d,
    AdaptiveAvgPool3dConfig, AdaptiveAvgPoolConfig,
};
pub use batchnorm::{
    BatchNorm, BatchNorm1d, BatchNorm1dConfig, BatchNorm2d, BatchNorm2dConfig, BatchNorm3d, BatchNorm3dConfig, BatchNormConfig,
    RunningStats,
};
pub use checkpoint::{Checkpointed, recomputing};
pub use conv::{Conv, Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvConfig, PaddingMode};
pub use conv_transpose::{
    ConvTranspose, ConvTranspose1d, ConvTranspose1dConfig, ConvTranspose2d, ConvTranspose2dConfig, ConvTranspose3d, ConvTranspose3dConfig,
    ConvTransposeConfig,
};
pub use delay::{Delay, DelayConfig};
pub use drop_connect::{DropConnectLinear, DropConnectLinearConfig};
pub use drop_connect_state::DropConnectState;
pub use dropout::{Dropout, Dropout2d, Dropout2dConfig, DropoutConfig};
pub use encoding::{LatencyEncoder, LatencyEncoderConfig, PoissonEncoder, WeightedPhaseEncoder, WeightedPhaseEncoderConfig};
pub use error::{Error, Result, WeightsMismatch};
pub use flatten::{Flatten, FlattenConfig, Identity};
pub use groupnorm::{GroupNorm, GroupNormConfig};
pub use io::{load, load_with, save};
pub use layer::{Cx, Layer, Record, Stateless};
pub use linear::{Linear, LinearConfig};
pub use multi_dimensional_attention::{MultiDimensionalAttention, MultiDimensionalAttentionConfig};
pub use neunorm::{NeuNorm, NeuNormConfig};
pub use neuron::{
    ActivationAwareIFNode, ActivationAwareIFNodeConfig, CUBALIFNode, CUBALIFNodeConfig, ComplementaryLIFNode, ComplementaryLIFNodeConfig,
    DSRIFNode, DSRIFNodeConfig, DSRLIFNode, DSRLIFNodeConfig, Decode, EIFNode, EIFNodeConfig, GatedLIFNode, GatedLIFNodeConfig,
    GatedLIFState, HalfThresholdIFNode, HalfThresholdIFNodeConfig, IFNode, IFNodeConfig, ILIFNode, ILIFNodeConfig, IzhikevichNode,
    IzhikevichNodeConfig, KLIFNode, KLIFNodeConfig, LIAFNode, LIAFNodeConfig, LIFNode, LIFNodeConfig, MPBNLIFNode, MPBNLIFNodeConfig,
    MaskedPSN, MaskedPSNConfig, MaskedPSNState, NeuronState, Node, NonSpikingIFNode, NonSpikingIFNodeConfig, NonSpikingLIFNode,
    NonSpikingLIFNodeConfig, PSN, PSNConfig, ParametricLIFNode, ParametricLIFNodeConfig, PotentialNorm, QIFNode, QIFNodeConfig, RAFNode,
    RAFNodeConfig, STBIFNode, STBIFNodeConfig, STBIFState, SimpleIFNode, SimpleIFNodeConfig, SimpleLIFNode, SimpleLIFNodeConfig,
    SlidingPSN, SlidingPSNConfig, TernaryIFNode, TernaryIFNodeConfig, TernaryLIFNode, TernaryLIFNodeConfig,
};
pub use pool::{
    AvgPool, AvgPool1d, AvgPool1dConfig, AvgPool2d, AvgPool2dConfig, AvgPool3d, AvgPool3dConfig, AvgPoolConfig, MaxPool, MaxPool1d,
    MaxPool1dConfig, MaxPool1dWithIndices, MaxPool2d, MaxPool2dConfig, MaxPool2dWithIndices, MaxPool3d, MaxPool3dConfig,
    MaxPool3dWithIndices, MaxPoolConfig, MaxPoolWithIndices,
};
pub use print_shape::{PrintShapeModule, PrintShapeModuleConfig};
pub use recording::{Recorded, Recording};
pub use report::{Activity, OpsReport};
pub use rng::{initial_seed, manual_seed};
pub use rnn::{SpikingGRU, SpikingGRUConfig, SpikingLSTM, SpikingLSTMConfig, SpikingVanillaRNN, SpikingVanillaRNNConfig};
pub use scope::Scope;
pub use slots::{SpikeCountToBinary, SpikeCountToBinaryConfig, TemporalBinSum, TemporalBinSumConfig};
pub use snn_infer as infer;
pub use snn_kernels::Activation;
pub use spiking_attention::{
    ChannelQKAttention, ChannelQKAttentionConfig, ConvNorm, QKAttention, QKAttentionState, SpikeDrivenSelfAttention,
    SpikeDrivenSelfAttentionConfig, SpikeDrivenSelfAttentionState, SpikingAttentionConfig, SpikingSelfAttention,
    SpikingSelfAttentionConfig, SpikingSelfAttentionState, TokenQKAttention, TokenQKAttentionConfig,
};
pub use state::{DropoutState, NeuNormState, QueueState, State, SynapseFilterState, named_tensors};
pub use summary::{Summary, SummaryRow};
pub use synapse_filter::{SynapseFilter, SynapseFilterConfig};
pub use tap::{FromTap, Spikes, SpikesAndVoltage, Tap, Voltage};
pub use tch::{Device, Kind, TchError, Tensor, nn, no_grad};
pub use temporal_norm::{
    BatchNormThroughTime, BatchNormThroughTime1d, BatchNormThroughTime1dConfig, BatchNormThroughTime2d, BatchNormThroughTime2dConfig,
    BatchNormThroughTime3d, BatchNormThroughTime3dConfig, BatchNormThroughTimeConfig, BatchNormThroughTimeState,
    TemporalEffectiveBatchNorm, TemporalEffectiveBatchNorm1d, TemporalEffectiveBatchNorm1dConfig, TemporalEffectiveBatchNorm2d,
    TemporalEffectiveBatchNorm2dConfig, TemporalEffectiveBatchNorm3d, TemporalEffectiveBatchNorm3dConfig, TemporalEffectiveBatchNormConfig,
    ThresholdDependentBatchNorm, ThresholdDependentBatchNorm1d, ThresholdDependentBatchNorm1dConfig, ThresholdDependentBatchNorm2d,
    ThresholdDependentBatchNorm2dConfig, ThresholdDependentBatchNorm3d, ThresholdDependentBatchNorm3dConfig,
    ThresholdDependentBatchNormConfig,
};
pub use temporal_wise_attention::{TemporalWiseAttention, TemporalWiseAttentionConfig};
pub use tensor::{Chunks, Seq, Shape, Shape0, Shape1, Shape2, Shape3, Shape4, Shape5, Static, Steps};
pub use unpool::{
    MaxUnpool, MaxUnpool1d, MaxUnpool1dConfig, MaxUnpool2d, MaxUnpool2dConfig, MaxUnpool3d, MaxUnpool3dConfig, MaxUnpoolConfig,
};
pub use upsample::{Upsample, UpsampleConfig, UpsampleMode};
pub use voting::{VotingLayer, VotingLayerConfig};
pub use weight_standard::{WSConv2d, WSConv2dConfig, WSLinear, WSLinearConfig};

/// A spiking network, checked and generated at compile time.
///
/// Layers are declared like struct fields and wired in an optional `forward`; shapes, time axis, step modes and state are
/// checked, and every mistake is reported at once, on its token. The language is described in `docs/language.md`.
///
/// ```
/// use snn_runtime::{Device, Kind, Tensor, nn, snn_net};
///
/// snn_net! {
///     /// Three layers, four steps.
///     pub net Tiny(x: [1, 8, 8]) -> [10] {
///         T = 4;
///         step_mode = 'm';
///         surrogate = ATan;
///
///         conv: Conv2d(_, 4, kernel_size = 3, padding = 1),
///         sn: IFNode(),
///         MaxPool2d(2),
///         Flatten(),
///         fc: Linear(_, 10),
///         MeanOverTime(),
///     }
/// }
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let net = Tiny::new(&vs.root())?;
/// let x = Tiny::input(Tensor::rand([2, 1, 8, 8], (Kind::Float, Device::Cpu)))?;
/// let y = net.forward(&x)?;
/// assert_eq!(y.size(), [2, 10]);
/// println!("{}", Tiny::SUMMARY);
/// # Ok::<(), snn_runtime::Error>(())
/// ```
#[macro_export]
macro_rules! snn_net {
    ($($t:tt)*) => {
        $crate::__private::snn_net_impl! { ($crate) $($t)* }
    };
}

/// A pointwise spiking neuron, written once: arguments, states, and one step.
///
/// The step is differentiated symbolically, and forward and backward run over all steps as one fused kernel, as those of the neurons of this
/// library, which are written the same way. The language is described in `docs/language.md`.
///
/// ```
/// use snn_runtime::prelude::*;
/// use snn_runtime::Scope;
///
/// snn_neuron! {
///     /// A leaky neuron with a learned gain.
///     pub neuron GainNode {
///         /// Membrane time constant in steps, greater than 1.
///         tau: f64 = 2.0 where tau > 1.0;
///         base;
///         learn gain = 1.0;
///
///         step(x) {
///             let h = v + (gain * x - (v - rest)) / tau;
///             let s = spike(h - v_threshold);
///             v = reset(h, s);
///             s
///         }
///     }
/// }
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let neuron = GainNode::build(&Scope::root("neuron", &vs.root()), GainNodeConfig { tau: 3.0, ..Default::default() })?;
/// let x = Tensor::from_slice(&[5.0f32, 1.0]).view([2, 1]); // [T, N]
/// let spikes = neuron.sequence(&x, &mut neuron.state(), &Cx::TRAIN)?;
/// assert_eq!(Vec::<f32>::try_from(spikes.view([2]))?, [1.0, 0.0]);
/// spikes.sum(Kind::Float).backward();
/// assert!(vs.trainable_variables()[0].grad().double_value(&[]) > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! snn_neuron {
    ($($t:tt)*) => {
        $crate::__private::snn_neuron_impl! { ($crate) $($t)* }
    };
}
