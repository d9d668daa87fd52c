//! IF: SpikingJelly `IFNode`.

use super::Charge;
use crate::Real;

/// Integrate-and-fire: h = v + x.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct If;

impl<F: Real> Charge<F> for If {
    const PARAMS: usize = 0;

    #[inline(always)]
    fn charge(&self, v: F, x: F) -> F {
        v + x
    }

    #[inline(always)]
    fn dv(&self, _: F, _: F) -> F {
        F::ONE
    }

    #[inline(always)]
    fn dx(&self, _: F, _: F) -> F {
        F::ONE
    }

    #[inline(always)]
    fn dparam(&self, _: usize, _: F, _: F) -> F {
        F::ZERO
    }
}
