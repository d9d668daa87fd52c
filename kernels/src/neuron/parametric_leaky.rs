//! Parametric LIF: SpikingJelly `ParametricLIFNode`, from "Incorporating Learnable Membrane Time Constant to Enhance Learning of
//! Spiking Neural Networks" (Fang et al., ICCV 2021).

use super::Charge;
use crate::Real;

/// LIF with a learnable leak: h = v + (x - (v - rest)) q with `decay_input`, else h = v - (v - rest) q + x.
///
/// Its one parameter gradient is dL/dq. The layer's parameter is w with q = sigmoid(w), so dL/dw = q (1 - q) dL/dq.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plif<F> {
    /// 1 / tau = sigmoid(w), in (0, 1).
    pub q: F,
    /// Whether the input is multiplied by q, too. SpikingJelly's default is true.
    pub decay_input: bool,
    /// The potential it leaks towards: `v_reset`, or 0 with a soft reset.
    pub rest: F,
}

impl<F: Real> Charge<F> for Plif<F> {
    const PARAMS: usize = 1;

    #[inline(always)]
    fn charge(&self, v: F, x: F) -> F {
        if self.decay_input { v + (x - (v - self.rest)) * self.q } else { v - (v - self.rest) * self.q + x }
    }

    #[inline(always)]
    fn dv(&self, _: F, _: F) -> F {
        F::ONE - self.q
    }

    #[inline(always)]
    fn dx(&self, _: F, _: F) -> F {
        if self.decay_input { self.q } else { F::ONE }
    }

    #[inline(always)]
    fn dparam(&self, _: usize, v: F, x: F) -> F {
        if self.decay_input { x - (v - self.rest) } else { -(v - self.rest) }
    }
}
