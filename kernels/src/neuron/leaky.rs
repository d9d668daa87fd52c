//! LIF: SpikingJelly `LIFNode`.

use super::Charge;
use crate::Real;

/// Leaky integrate-and-fire: h = v + (x - (v - rest)) / tau with `decay_input`, else h = v - (v - rest) / tau + x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lif<F> {
    /// Membrane time constant in steps, > 1. SpikingJelly's default is 2.
    pub tau: F,
    /// Whether the input is divided by tau, too. SpikingJelly's default is true.
    pub decay_input: bool,
    /// The potential it leaks towards: `v_reset`, or 0 with a soft reset.
    pub rest: F,
}

impl<F: Real> Charge<F> for Lif<F> {
    const PARAMS: usize = 0;

    #[inline(always)]
    fn charge(&self, v: F, x: F) -> F {
        // The order of SpikingJelly's operations, so that the bits are its own. A true division: the loop waits for memory, and
        // multiplying where tau is a power of two was no faster.
        if self.decay_input { v + (x - (v - self.rest)) / self.tau } else { v - (v - self.rest) / self.tau + x }
    }

    #[inline(always)]
    fn dv(&self, _: F, _: F) -> F {
        F::ONE - F::ONE / self.tau
    }

    #[inline(always)]
    fn dx(&self, _: F, _: F) -> F {
        if self.decay_input { F::ONE / self.tau } else { F::ONE }
    }

    #[inline(always)]
    fn dparam(&self, _: usize, _: F, _: F) -> F {
        F::ZERO
    }
}
