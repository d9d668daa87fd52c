//! ATan: SpikingJelly `surrogate.ATan(alpha=2.0)`, from "Incorporating Learnable Membrane Time Constant to Enhance Learning of
//! Spiking Neural Networks" (Fang et al., ICCV 2021).

use std::f64::consts::{FRAC_1_PI, FRAC_PI_2};

use crate::Real;

/// (alpha / 2) / (1 + (pi/2 alpha x)^2)
#[inline(always)]
pub(super) fn derivative<F: Real>(alpha: f64, x: F) -> F {
    let y = F::of(FRAC_PI_2 * alpha) * x;
    F::of(alpha / 2.0) / (F::ONE + y * y)
}

/// atan(pi/2 alpha x) / pi + 1/2
#[inline(always)]
pub(super) fn primitive<F: Real>(alpha: f64, x: F) -> F {
    (F::of(FRAC_PI_2 * alpha) * x).atan() * F::of(FRAC_1_PI) + F::of(0.5)
}
