//! Sigmoid: SpikingJelly `surrogate.Sigmoid(alpha=4.0)`, the default of its neurons.

use super::{MAX_SURROGATE_CONSTANTS, SurrogateFunction};
use crate::{Real, Refused};

/// alpha s (1 - s), the derivative of s = sigmoid(alpha x).
///
/// SpikingJelly equivalent: `surrogate.Sigmoid(alpha=4.0)`, the default of its neurons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigmoid {
    /// Sharpness: alpha / 4 is the derivative at the threshold.
    pub alpha: f64,
    /// Send spikes? Else the function's own value.
    pub spiking: bool,
}

impl Default for Sigmoid {
    fn default() -> Self {
        Sigmoid { alpha: 4.0, spiking: true }
    }
}

impl SurrogateFunction for Sigmoid {
    const NAME: &'static str = "Sigmoid";
    const CUDA: &'static str = "";
    const HAS_PRIMITIVE: bool = true;

    fn spiking(&self) -> bool {
        self.spiking
    }

    fn check(&self) -> Result<(), Refused> {
        Refused::positive("alpha", self.alpha)
    }

    fn constants(&self) -> [f64; MAX_SURROGATE_CONSTANTS] {
        [self.alpha, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn derivative<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        let s = (c[0] * x).sigmoid();
        (F::ONE - s) * s * c[0]
    }

    #[inline(always)]
    fn primitive<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        (c[0] * x).sigmoid()
    }
}
