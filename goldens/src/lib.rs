//! Recorded cases of SpikingJelly against nets of this library. In: generated nets and a plan that says which case each of
//! them runs (`cargo xtask goldens` writes both); out: what differs, as lines of JSON.
//!
//! The format of the cases is described in `tests/goldens/GOLDENS.md`.

mod attempt;
mod case;
mod check;
mod compare;
mod drive;
mod fresh;
mod functional;
mod lone;
mod runner;
mod session;

pub use lone::lone;
pub use runner::{Function, Open, run};
pub use session::{Inputs, Outputs, Recorded, Session};

/// What generated code names.
#[doc(hidden)]
pub mod __private {
    pub use anyhow::Result;
    pub use snn;
    pub use tch;
}
