//! Sigmoid: SpikingJelly `surrogate.Sigmoid(alpha=4.0)`, the default of its neurons.

use crate::Real;

/// alpha s (1 - s) with s = sigmoid(alpha x)
#[inline(always)]
pub(super) fn derivative<F: Real>(alpha: f64, x: F) -> F {
    let s = primitive(alpha, x);
    (F::ONE - s) * s * F::of(alpha)
}

/// sigmoid(alpha x)
#[inline(always)]
pub(super) fn primitive<F: Real>(alpha: f64, x: F) -> F {
    (F::of(alpha) * x).sigmoid()
}
