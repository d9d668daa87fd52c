//! The runtime of snn: layers, neurons, state, typed tensors and the autograd bridge, on libtorch through `tch`.
//!
//! Models are written with [`snn_net!`]; everything else here is what they are made of.

#[macro_use]
mod macros;

pub mod autograd;
mod batchnorm;
mod buffer;
mod conv;
mod dropout;
mod error;
mod flatten;
pub mod io;
mod layer;
mod linear;
pub mod monitor;
mod neuron;
pub mod ops;
mod pool;
mod random;
mod record;
mod scope;
mod state;
mod summary;
pub mod surrogate;
mod tensor;
mod voting;
mod weights;

pub use batchnorm::{BatchNorm2d, BatchNorm2dConfig, Running};
pub use conv::{Conv2d, Conv2dConfig, PaddingMode};
pub use dropout::{Dropout, DropoutConfig};
pub use error::{Error, Result};
pub use flatten::{Flatten, FlattenConfig, Identity};
pub use layer::{Cx, Layer, Record, Stateless};
pub use linear::{Linear, LinearConfig};
pub use neuron::{IFNode, IFNodeConfig, LIFNode, LIFNodeConfig, ParametricLIFNode, ParametricLIFNodeConfig};
pub use pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig, MaxPool2dWithIndices};
pub use random::manual_seed;
pub use record::{Spikes, SpikesAndVoltage, Tap, Voltage};
pub use scope::Scope;
pub use state::{DropoutState, NeuronState, State};
pub use summary::{Summary, SummaryRow};
pub use tch::{Device, Kind, Tensor, nn};
pub use tensor::{Seq, Shape, Shape0, Shape1, Shape2, Shape3, Shape4, Shape5, Static, Steps};
pub use voting::{VotingLayer, VotingLayerConfig};

/// What generated code names; no part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::record::{finish, taps_between};
    pub use crate::state::{check_batch, check_steps, named_tensors, visit_inside};
    pub use crate::*;
    pub use snn_macros::snn_net as snn_net_impl;
    pub use snn_shape as shape;

    /// Brings what a function of the user's own gives to a tensor: it may give a `Tensor` or a `Result` of one.
    pub trait IntoResult {
        /// The tensor, or why there is none.
        fn into_result(self) -> Result<Tensor>;
    }

    impl IntoResult for Tensor {
        fn into_result(self) -> Result<Tensor> {
            Ok(self)
        }
    }

    impl<E: Into<Error>> IntoResult for Result<Tensor, E> {
        fn into_result(self) -> Result<Tensor> {
            self.map_err(Into::into)
        }
    }

    /// The result of a function of the user's own.
    pub fn own(value: impl IntoResult) -> Result<Tensor> {
        value.into_result()
    }
}
