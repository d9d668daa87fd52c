//! How a neuron charges: one impl of [`Charge`] per neuron and file. In: the potential and the input of one step; out: the charged
//! potential h and its partial derivatives.

use crate::Real;

mod definition;
mod integrate_and_fire;
mod leaky;
mod parametric_leaky;

pub use definition::{Adjoint, Charged, Finished, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron, Per};
pub use integrate_and_fire::If;
pub use leaky::Lif;
pub use parametric_leaky::Plif;

/// The charge equation h = f(v, x) of a neuron with one state, the potential v, and its derivatives.
///
/// The kernels are generic in it and compiled once per neuron; firing and reset are common to all ([`crate::Fire`]). Mark every method
/// `#[inline(always)]`: they are the body of vector loops.
pub trait Charge<F: Real>: Copy + Send + Sync {
    /// Number of parameters that get a gradient, at most [`MAX_PARAMS`].
    const PARAMS: usize;

    /// The charged potential h; `v` is the potential after the last step's reset, `x` this step's input.
    fn charge(&self, v: F, x: F) -> F;

    /// dh/dv
    fn dv(&self, v: F, x: F) -> F;

    /// dh/dx
    fn dx(&self, v: F, x: F) -> F;

    /// dh/d(parameter number `i`), `i < PARAMS`.
    fn dparam(&self, i: usize, v: F, x: F) -> F;
}

/// The most parameters a [`Charge`] can have.
pub const MAX_PARAMS: usize = 8;
