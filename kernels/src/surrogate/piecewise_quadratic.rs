//! PiecewiseQuadratic: SpikingJelly `surrogate.PiecewiseQuadratic(alpha=1.0)`, a triangle as derivative.

use super::{MAX_SURROGATE_CONSTANTS, SurrogateFunction};
use crate::{Real, Refused};

/// max(0, alpha - alpha^2 |x|), a triangle, from "Spatio-Temporal Backpropagation for Training High-Performance Spiking
/// Neural Networks" (Wu et al., 2018).
///
/// SpikingJelly equivalent: `surrogate.PiecewiseQuadratic(alpha=1.0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PiecewiseQuadratic {
    /// Sharpness: the derivative at the threshold, and one over half the width.
    pub alpha: f64,
    /// Send spikes? Else the function's own value.
    pub spiking: bool,
}

impl Default for PiecewiseQuadratic {
    fn default() -> Self {
        PiecewiseQuadratic { alpha: 1.0, spiking: true }
    }
}

impl SurrogateFunction for PiecewiseQuadratic {
    const NAME: &'static str = "PiecewiseQuadratic";
    const CUDA: &'static str = "";
    const HAS_PRIMITIVE: bool = true;

    fn spiking(&self) -> bool {
        self.spiking
    }

    fn check(&self) -> Result<(), Refused> {
        Refused::positive("alpha", self.alpha)
    }

    fn constants(&self) -> [f64; MAX_SURROGATE_CONSTANTS] {
        let a = self.alpha;
        [a, a * a, 1.0 / a, -a * a / 2.0, 0.0, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn derivative<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        let inside = c[0] - c[1] * x.abs();
        if x.abs() > c[2] { F::ZERO } else { inside }
    }

    #[inline(always)]
    fn primitive<F: Real>(&self, c: &[F; MAX_SURROGATE_CONSTANTS], x: F) -> F {
        let inside = c[3] * x * x.abs() + c[0] * x + F::of(0.5);
        let below = if x < -c[2] { F::ZERO } else { inside };
        if x > c[2] { F::ONE } else { below }
    }
}
