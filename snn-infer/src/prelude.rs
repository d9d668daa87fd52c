//! What most programs need: `use snn::prelude::*;`.

pub use crate::error::{Error, Result};
pub use crate::model::Model;
pub use crate::state::State;
pub use crate::{snn_net, snn_neuron};
