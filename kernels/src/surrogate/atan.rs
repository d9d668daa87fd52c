//! ATan: SpikingJelly `surrogate.ATan(alpha=2.0)`, from "Incorporating Learnable Membrane Time Constant to Enhance Learning of
//! Spiking Neural Networks" (Fang et al., ICCV 2021).

use std::f64::consts::{FRAC_1_PI, FRAC_PI_2};

use super::{MAX_SURROGATE_CONSTANTS, SurrogateFunction};
use crate::{Real, Refused};

/// (alpha / 2) / (1 + (pi / 2 alpha x)^2), the derivative of atan(pi / 2 alpha x) / pi + 1 / 2, from "Incorporating
/// Learnable Membrane Time Constant to Enhance Learning of Spiking Neural Networks" (Fang et al., ICCV 2021).
///
/// SpikingJelly equivalent: `surrogate.ATan(alpha=2.0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ATan {
    /// Sharpness: alpha / 2 is the derivative at the threshold.
    pub alpha: f64,
    /// Send spikes? Else the function's own value.
    pub spiking: bool,
}

impl Default for ATan {
    fn default() -> Self {
        ATan { alpha: 2.0, spiking: true }
    }
}

impl SurrogateFunction for ATan {
    const NAME: &'static str = "ATan";
    const CUDA: &'static str = "";
    const HAS_PRIMITIVE: bool = true;

    fn spiking(&self) -> bool {
        self.spiking
    }

    fn check(&self) -> Result<(), Refused> {
        Refused::positive("alpha", self.alpha)
    }

    fn constants(&self) -> [f64; MAX_SURROGATE_CONSTANTS] {
        [FRAC_PI_2 * self.alpha, self.alpha / 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn derivative<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        let y = c[0] * x;
        c[1] / (F::ONE + y * y)
    }

    #[inline(always)]
    fn primitive<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        (c[0] * x).atan() * F::of(FRAC_1_PI) + F::of(0.5)
    }
}
