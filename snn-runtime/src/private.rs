//! What generated code names, as `$crate::__private::X`. No part of the public interface: it may change with any version.

pub use snn_infer::__private::{freeze, unfrozen};
pub use snn_kernels as kernels;
pub use snn_kernels::Join;
pub use snn_macros::snn_net as snn_net_impl;
pub use snn_macros::snn_neuron as snn_neuron_impl;
pub use snn_shape as shape;
pub use tch;

pub use crate::container::{as_one_batch, fed_back, remembers_nothing, time_first, time_last};
pub use crate::frozen::{Weights, freeze_own};
pub use crate::neuron::normalised::{Norm, Normalise, TakesNorm, normalised, normalised_recorded};
pub use crate::ops::own;
pub use crate::recording::visit_recorded;
pub use crate::report::measure;
pub use crate::state::{check_batch, check_steps, visit_inside};
pub use crate::tap::{finish, taps_between};
pub use crate::*;
