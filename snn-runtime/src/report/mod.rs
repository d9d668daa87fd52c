//! Reports on a net. In: its table, known at compile time, and what it did on some samples; out: operations and energy per layer, and the
//! memory that training takes.
//!
//! ```
//! use snn_runtime::{Device, Kind, Tensor, nn, snn_net};
//!
//! snn_net! {
//!     net Tiny(x: [T, 40]) -> [10] {
//!         T = 8;
//!         step_mode = 'm';
//!         fc1: Linear(_, 64), sn1: LIFNode(),
//!         fc2: Linear(_, 10), sn2: LIFNode(),
//!         MeanOverTime(),
//!     }
//! }
//!
//! let vs = nn::VarStore::new(Device::Cpu);
//! let net = Tiny::new(&vs.root())?;
//! let x = Tiny::input(Tensor::rand([8, 32, 40], (Kind::Float, Device::Cpu)))?;
//!
//! let activity = net.measure(&x)?;
//! let report = net.ops_report(&activity);
//! assert_eq!(report.macs(), 8.0 * 40.0 * 64.0, "the first layer multiplies");
//! println!("{report}");
//! println!("{}", activity.firing_rates()?);
//! # Ok::<(), snn_runtime::Error>(())
//! ```

mod activity;
mod memory;
mod ops;
pub(crate) mod probe;

pub use activity::{Activity, Input};
pub use memory::{Optimizer, TrainingMemory};
pub use ops::{Energy, OpsReport, OpsRow, Work};

use crate::error::Result;

/// Runs `run`, which gives `samples` samples to a net, and measures what arrives at each layer with weights and how often neurons fire.
/// `net.measure(&x)` does it for one forward pass; this one is for `forward_chunk` and the like.
///
/// Only layers called on this thread are seen, without gradients.
///
/// # Errors
///
/// Those of `run`, or libtorch cannot read an input.
pub fn measure<R>(samples: i64, run: impl FnOnce() -> Result<R>) -> Result<(R, Activity)> {
    let (result, activity) = probe::watch(run)?;
    Ok((result, activity.of(samples)))
}
