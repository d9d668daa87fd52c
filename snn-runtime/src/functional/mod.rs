//! Functions of tensors that belong to no layer (SpikingJelly: `functional`, `learning`). In: sequences, spikes, weights; out:
//! losses, similarities, folded weights, and weight updates without gradients.

mod delay;
mod fold;
mod kernel;
mod loss;
mod rate_loss;
mod spikes;
mod stdp;

pub use delay::delay;
pub use fold::{Folded, Normalisation, fold_conv_bn};
pub use kernel::{Kernel, kernel_dot_product};
pub use loss::{Distance, spike_similar_loss, temporal_efficient_training_cross_entropy};
pub use rate_loss::{count_cross_entropy, count_mse_loss, rate_cross_entropy, rate_mse_loss, tet_loss};
pub use spikes::{first_spike_index, redundant_one_hot};
pub use stdp::{Stdp, Traces, mstdp_linear_step, mstdpet_linear_step, stdp_conv2d_step, stdp_linear_step};

use tch::Tensor;

use crate::error::{Error, Result};

/// A tensor has so many axes; `axes` shows them, `[N, features]`.
fn rank(function: &str, what: &str, x: &Tensor, axes: &str) -> Result<()> {
    let want = axes.split(',').count();
    if x.dim() == want { Ok(()) } else { Err(Error::shape(function, format!("`{what}` of {axes}"), &x.size(), "")) }
}
