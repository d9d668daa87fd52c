//! Training data. In: images in the IDX format of MNIST, recordings of event cameras; out: shuffled mini-batches of tensors.
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
//!
//! The readers, frames and the [`Loader`] are those of the crate `snn-data`, which needs no libtorch; [`stack_frames`] makes a tensor of
//! what a loader gives. `examples/nmnist` has it all.

mod batches;
mod frames;

pub use batches::{Batches, Dataset};
pub use frames::stack_frames;
pub use snn_data::{
    Count, Error, Event, Events, Idx, Length, Loader, LoaderConfig, SaccadesConfig, Samples, Sensor, Shd, SplitBy, aedat_v2, aedat_v3,
    atis_bin, fixed_duration_frames_num, integrate_events_by_fixed_duration, integrate_events_by_fixed_frames_number, npz, permutation,
    saccades,
};
