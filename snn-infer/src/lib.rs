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

mod builder;
mod error;
mod file;
mod graph;
mod layers;
mod model;
mod plan;
mod run;
mod state;
mod weights;

pub use builder::Builder;
pub use error::{Error, Result};
pub use graph::{Graph, Value};
pub use layers::Frozen;
pub use layers::adaptive_pool::{AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig, AdaptiveAvgPoolConfig};
pub use layers::batchnorm::{BatchNorm1dConfig, BatchNorm2dConfig, BatchNorm3dConfig, BatchNormConfig};
pub use layers::conv::{Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvConfig, PaddingMode};
pub use layers::conv_transpose::{ConvTranspose1dConfig, ConvTranspose2dConfig, ConvTranspose3dConfig, ConvTransposeConfig};
pub use layers::flatten::FlattenConfig;
pub use layers::linear::LinearConfig;
pub use layers::pool::{
    AvgPool1dConfig, AvgPool2dConfig, AvgPool3dConfig, AvgPoolConfig, MaxPool1dConfig, MaxPool2dConfig, MaxPool3dConfig, MaxPoolConfig,
};
pub use model::Model;
pub use state::State;

/// What the training side of a layer shares. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::file::write_whole;
    pub use crate::layers::pool::pool_misfit;
    pub use crate::layers::space::{axes, by};
}

/// The layers that have a frozen form, by their names.
pub mod frozen {
    pub use crate::layers::adaptive_pool::{AdaptiveAvgPool, AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d};
    pub use crate::layers::batchnorm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d};
    pub use crate::layers::conv::{Conv, Conv1d, Conv2d, Conv3d};
    pub use crate::layers::conv_transpose::{ConvTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d};
    pub use crate::layers::flatten::{Flatten, Identity};
    pub use crate::layers::linear::Linear;
    pub use crate::layers::neuron::*;
    pub use crate::layers::pool::{AvgPool, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool, MaxPool1d, MaxPool2d, MaxPool3d};
}
