//! PiecewiseQuadratic: SpikingJelly `surrogate.PiecewiseQuadratic(alpha=1.0)`, a triangle as derivative, from "Spatio-Temporal
//! Backpropagation for Training High-Performance Spiking Neural Networks" (Wu et al., 2018).

use crate::Real;

/// 0 where |x| > 1/alpha, else alpha - alpha^2 |x|
#[inline(always)]
pub(super) fn derivative<F: Real>(alpha: f64, x: F) -> F {
    let inside = F::of(alpha) - F::of(alpha * alpha) * x.abs();
    if x.abs() > F::of(1.0 / alpha) { F::ZERO } else { inside }
}

/// 0 below -1/alpha, 1 above 1/alpha, else -alpha^2/2 x |x| + alpha x + 1/2
#[inline(always)]
pub(super) fn primitive<F: Real>(alpha: f64, x: F) -> F {
    let edge = F::of(1.0 / alpha);
    let inside = F::of(-alpha * alpha / 2.0) * x * x.abs() + F::of(alpha) * x + F::of(0.5);
    let below = if x < -edge { F::ZERO } else { inside };
    if x > edge { F::ONE } else { below }
}
