//! TensorBoard event files, without a tensor library. In: scalars, histograms and images, each with a tag and a step; out: a folder that
//! `tensorboard --logdir` shows.
//!
//! torch equivalent: `torch.utils.tensorboard`.

mod error;
mod histogram;
mod image;
mod proto;
mod record;
mod writer;

pub use error::{Error, Result};
pub use writer::SummaryWriter;
