//! What most programs need: `use snn::prelude::*;`.

pub use crate::error::{Error, Result};
pub use crate::layer::{Cx, Layer};
pub use crate::recording::Recording;
pub use crate::rng::manual_seed;
pub use crate::state::State;
pub use crate::tensor::{Seq, Static, Steps};
pub use crate::{load, save, snn_net, snn_neuron};
pub use tch::nn::OptimizerConfig;
pub use tch::{Device, Kind, Tensor, nn, no_grad};
