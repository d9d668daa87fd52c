//! Data for spiking networks, without a tensor library. In: files of event cameras, cochleas and images; out: events, frames made of
//! them, and batches from several threads in an order that only a seed decides.
//!
//! | file | reader | for example |
//! |---|---|---|
//! | `.bin`, `.bs2`, 5 bytes an event | [`atis_bin`] | N-MNIST, N-Caltech101 |
//! | AEDAT 2.0 | [`aedat_v2`] | CIFAR10-DVS |
//! | AEDAT 3.1 | [`aedat_v3`] | DVS128 Gesture |
//! | `.npz` with `t`, `x`, `y`, `p` | [`npz`] | SpikingJelly's `events_np` folders |
//! | `.h5` with variable-length arrays | [`Shd`] | SHD, SSC |
//! | IDX, plain or gzip | [`Idx`] | MNIST, Fashion-MNIST |
//!
//! A file that is cut, damaged or of another kind is an error that names the place, what is wanted there and what is found.
//!
//! ```no_run
//! use snn_data::{Sensor, SplitBy, atis_bin, integrate_events_by_fixed_frames_number};
//!
//! let events = atis_bin::read("Train/5/00001.bin", Sensor::N_MNIST)?;
//! let mut frames = vec![0f32; 10 * events.sensor().frame_len()]; // [T, 2, 34, 34]
//! integrate_events_by_fixed_frames_number(&events, SplitBy::Number, 10, &mut frames)?;
//! # Ok::<(), snn_data::Error>(())
//! ```

pub mod aedat_v2;
pub mod aedat_v3;
pub mod atis_bin;
mod error;
mod events;
mod frames;
mod idx;
mod loader;
mod npy;
pub mod npz;
mod number;
mod order;
mod saccades;
mod shd;
#[cfg(test)]
mod testing;

pub use error::{Error, Result};
pub use events::{Event, Events, Sensor};
pub use frames::{
    Count, Length, SplitBy, fixed_duration_frames_num, integrate_events_by_fixed_duration, integrate_events_by_fixed_frames_number,
};
pub use idx::Idx;
pub use loader::{Loader, LoaderConfig, Samples};
pub use order::permutation;
pub use saccades::{SaccadesConfig, saccades};
pub use shd::Shd;
