//! Training data. In: files in the IDX format of MNIST, packed with gzip or not; out: shuffled mini-batches of tensors.
//!
//! ```no_run
//! use snn_runtime::data::Dataset;
//!
//! let (train, _test) = Dataset::mnist_like("data/fmnist-small")?;
//! for batch in train.shuffled(64, 1, 0)? {
//!     let (images, labels) = batch?; // [64, 1, 28, 28] floats, [64] classes
//! }
//! # Ok::<(), snn_runtime::Error>(())
//! ```

mod batches;
mod idx;

pub use batches::{Batches, Dataset};
pub use idx::Idx;
