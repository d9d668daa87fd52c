//! Frozen inference of snn: a trained net without libtorch. In: a graph of layers, as `snn_net!` writes it, and the weights by name; out: a
//! [`Model`] that runs it.
//!
//! Freezing folds batch normalisations into the weights before them, and lays every value out once. Users depend on the facade `snn`.
//!
//! ```
//! use snn_infer::{Builder, Frozen, LinearConfig, Model, frozen};
//! use snn_kernels::IFNodeConfig;
//!
//! let mut b = Builder::new("Tiny", 3);
//! let x = b.input("x", &[2], false);
//! let current = frozen::Linear::freeze(&mut b, "fc", LinearConfig { bias: false, ..LinearConfig::new(2, 1) }, &[x])?;
//! let spikes = frozen::IFNode::freeze(&mut b, "sn", IFNodeConfig::default(), &[current])?;
//! b.output("y", spikes);
//!
//! let weights = |name: &str| (name == "fc.weight").then(|| (vec![1, 2], vec![0.5, 0.25]));
//! let mut model = Model::new(b.finish(), weights)?;
//! let mut y = [0.0; 3]; // three steps of one sample
//! model.infer(&[&[1.0, 1.0]], &mut [&mut y])?;
//! assert_eq!(y, [0.0, 1.0, 0.0]); // 0.75, 1.5, and 0.75 after the reset
//! # Ok::<(), snn_infer::Error>(())
//! ```

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod builder;
mod error;
mod file;
mod folded;
mod graph;
mod layers;
mod model;
#[cfg(feature = "nir")]
mod nir;
mod plan;
pub mod prelude;
mod run;
mod state;
pub mod surrogate;
mod weights;

pub use builder::Builder;
pub use error::{Error, Result};
pub use graph::{Graph, Value};
pub use layers::Frozen;
pub use layers::adaptive_pool::{AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig, AdaptiveAvgPoolConfig};
pub use layers::batchnorm::{BatchNorm1dConfig, BatchNorm2dConfig, BatchNorm3dConfig, BatchNormConfig};
pub use layers::conv::{Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvConfig, PaddingMode};
pub use layers::conv_transpose::{ConvTranspose1dConfig, ConvTranspose2dConfig, ConvTranspose3dConfig, ConvTransposeConfig};
pub use layers::delay::DelayConfig;
pub use layers::dropout::{Dropout2dConfig, DropoutConfig};
pub use layers::flatten::{FlattenConfig, PrintShapeModuleConfig};
pub use layers::groupnorm::GroupNormConfig;
pub use layers::linear::LinearConfig;
pub use layers::non_spiking::{NonSpikingIFNodeConfig, NonSpikingLIFNodeConfig};
pub use layers::pool::{
    AvgPool1dConfig, AvgPool2dConfig, AvgPool3dConfig, AvgPoolConfig, MaxPool1dConfig, MaxPool2dConfig, MaxPool3dConfig, MaxPoolConfig,
};
pub use layers::psn::{MaskedPSNConfig, PSNConfig, SlidingPSNConfig};
pub use layers::synapse_filter::SynapseFilterConfig;
pub use layers::temporal_norm::{
    ThresholdDependentBatchNorm1dConfig, ThresholdDependentBatchNorm2dConfig, ThresholdDependentBatchNorm3dConfig,
    ThresholdDependentBatchNormConfig,
};
pub use layers::upsample::{UpsampleConfig, UpsampleMode};
pub use layers::voting::VotingLayerConfig;
pub use layers::weight_standard::{WSConv2dConfig, WSLinearConfig};
pub use model::Model;
pub use snn_kernels::{
    Activation, ActivationAwareIFNodeConfig, CUBALIFNodeConfig, ComplementaryLIFNodeConfig, Decode, EIFNodeConfig,
    HalfThresholdIFNodeConfig, IFNodeConfig, ILIFNodeConfig, IzhikevichNodeConfig, KLIFNodeConfig, LIAFNodeConfig, LIFNodeConfig,
    ParametricLIFNodeConfig, QIFNodeConfig, RAFNodeConfig, SimpleIFNodeConfig, SimpleLIFNodeConfig, TernaryIFNodeConfig,
    TernaryLIFNodeConfig,
};
pub use state::State;

/// The layers that have a frozen form, by their names.
pub mod frozen {
    pub use crate::layers::activation::{ReLU, Sigmoid, Tanh};
    pub use crate::layers::adaptive_pool::{AdaptiveAvgPool, AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d};
    pub use crate::layers::batchnorm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d};
    pub use crate::layers::conv::{Conv, Conv1d, Conv2d, Conv3d};
    pub use crate::layers::conv_transpose::{ConvTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d};
    pub use crate::layers::delay::Delay;
    pub use crate::layers::dropout::{Dropout, Dropout2d};
    pub use crate::layers::flatten::{Flatten, Identity, PrintShapeModule};
    pub use crate::layers::groupnorm::GroupNorm;
    pub use crate::layers::linear::Linear;
    pub use crate::layers::neuron::*;
    pub use crate::layers::non_spiking::{NonSpikingIFNode, NonSpikingLIFNode};
    pub use crate::layers::pool::{AvgPool, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool, MaxPool1d, MaxPool2d, MaxPool3d};
    pub use crate::layers::psn::{MaskedPSN, PSN, SlidingPSN};
    pub use crate::layers::synapse_filter::SynapseFilter;
    pub use crate::layers::temporal_norm::{
        ThresholdDependentBatchNorm, ThresholdDependentBatchNorm1d, ThresholdDependentBatchNorm2d, ThresholdDependentBatchNorm3d,
    };
    pub use crate::layers::upsample::Upsample;
    pub use crate::layers::voting::VotingLayer;
    pub use crate::layers::weight_standard::{WSConv2d, WSLinear};
}

/// The frozen model of a spiking network, checked and generated at compile time; that of the training library, when it is there, gives the same.
///
/// ```
/// use snn_infer::snn_net;
///
/// snn_net! {
///     /// Three layers, four steps.
///     pub net Tiny(x: [1, 8, 8]) -> [10] {
///         T = 4;
///         step_mode = 'm';
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
/// let missing = TinyFrozen::load("tiny.safetensors"); // what `Tiny::freeze` gave and `save` wrote
/// assert!(missing.is_err());
/// ```
#[macro_export]
macro_rules! snn_net {
    ($($t:tt)*) => {
        $crate::__private::snn_net_impl! { ($crate) $($t)* }
    };
}

/// A pointwise spiking neuron of your own, written once, for nets that are frozen: the definition that the training library was given. A net
/// that names it is trained there, and runs here.
///
/// ```standalone_crate
/// use snn_infer::prelude::*;
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
/// snn_net! {
///     use crate::GainNode;
///
///     net Gain(x: [T, 4]) -> [T, 2] {
///         T = 5;
///         step_mode = 'm';
///         fc: Linear(_, 2),
///         sn: GainNode(tau = 3.0),
///     }
/// }
///
/// fn main() {
///     let missing = GainFrozen::load("gain.safetensors"); // what `Gain::freeze` gave and `save` wrote
///     assert!(missing.is_err());
/// }
/// ```
#[macro_export]
macro_rules! snn_neuron {
    ($($t:tt)*) => {
        $crate::__private::snn_neuron_impl! { ($crate) $($t)* }
    };
}
