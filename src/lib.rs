//! The facade of snn: what users depend on. In: nothing of its own; out: everything public in `snn-runtime`.
pub use snn_runtime::*;
