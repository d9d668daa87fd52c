//! What `snn_neuron!` writes for a surrogate function.

use std::fmt::Debug;

use crate::{Real, Refused};

/// The most constants of a [`SurrogateFunction`].
pub const MAX_SURROGATE_CONSTANTS: usize = 8;

/// A surrogate function, as `snn_neuron!` writes it: a spike, and what stands in for its derivative. The implementing type holds the
/// arguments, among them `spiking`.
///
/// Constants are computed once per call in `f64`, and rounded to the element type once. Mark `spike`, `derivative` and `primitive`
/// `#[inline(always)]`: they are the body of vector loops.
pub trait SurrogateFunction: Copy + Debug + Send + Sync + 'static {
    /// Its name: `ATan`.
    const NAME: &'static str;
    /// Its formulas as CUDA C++ source.
    const CUDA: &'static str;
    /// Is there a function that `derivative` is the slope of?
    const HAS_PRIMITIVE: bool;
    /// Is [`spike`](SurrogateFunction::spike) the step from 0 to 1 at 0?
    const HEAVISIDE: bool = true;

    /// Send spikes? Else the primitive.
    fn spiking(&self) -> bool;

    /// Are these arguments that it can work with?
    ///
    /// # Errors
    /// The first that is not.
    fn check(&self) -> Result<(), Refused>;

    /// What the formulas need of the arguments.
    fn constants(&self) -> [f64; MAX_SURROGATE_CONSTANTS];

    /// The spike of x = h - v_threshold.
    #[inline(always)]
    fn spike<F: Real>(&self, _: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        x.heaviside()
    }

    /// What stands in for the derivative of the spike.
    fn derivative<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F;

    /// The exact derivative of `primitive`, which [`derivative`](SurrogateFunction::derivative) may replace by a simpler one, or by
    /// another one at a corner.
    #[inline(always)]
    fn slope<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        self.derivative(c, x)
    }

    /// The function that `derivative` is the slope of.
    fn primitive<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F;
}
