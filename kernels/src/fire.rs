//! Firing and reset, common to all neurons: the charged potential h in, spike and next potential out.

use crate::{Real, Surrogate};

/// What happens to the potential when a neuron fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reset<F> {
    /// v = s v_reset + (1 - s) h, and the potential starts at `v_reset` (SpikingJelly: a float `v_reset`).
    Hard(F),
    /// v = h - s v_threshold, and the potential starts at 0 (SpikingJelly: `v_reset=None`).
    Soft,
}

impl<F: Real> Reset<F> {
    /// Where the potential starts: `v_reset`, or 0 for a soft reset.
    pub fn start(&self) -> F {
        match *self {
            Reset::Hard(v_reset) => v_reset,
            Reset::Soft => F::ZERO,
        }
    }
}

/// Threshold, reset and surrogate of a neuron. s = 1 where h - v_threshold >= 0 (a NaN never fires).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fire<F> {
    /// The potential at which the neuron fires. Gets no gradient.
    pub v_threshold: F,
    /// What firing does to the potential.
    pub reset: Reset<F>,
    /// Whether the spike counts as a constant in the reset when gradients are taken.
    pub detach_reset: bool,
    /// Stands in for the Heaviside's derivative in the backward pass.
    pub surrogate: Surrogate,
    /// True: spikes are 0 or 1. False: the output is the surrogate's primitive at h - v_threshold, which the reset then uses, too.
    pub spiking: bool,
}

/// A [`Reset`] whose kind is a type, so that the kernels' inner loops know it.
pub(crate) trait Rule<F>: Copy + Send + Sync {
    /// The potential after the reset.
    fn next(self, s: F, h: F) -> F;
    /// dv/dh with s held constant.
    fn keep(self, s: F) -> F;
    /// dv/ds.
    fn jump(self, h: F) -> F;
}

#[derive(Clone, Copy)]
pub(crate) struct HardReset<F>(pub(crate) F);

#[derive(Clone, Copy)]
pub(crate) struct SoftReset<F> {
    pub(crate) v_threshold: F,
}

impl<F: Real> Rule<F> for HardReset<F> {
    // Arithmetic as SpikingJelly does it, not a selection: an infinite h gives NaN (0 * inf), and h = -0.0 gives 0.0.
    #[inline(always)]
    fn next(self, s: F, h: F) -> F {
        s * self.0 + (F::ONE - s) * h
    }

    #[inline(always)]
    fn keep(self, s: F) -> F {
        F::ONE - s
    }

    #[inline(always)]
    fn jump(self, h: F) -> F {
        self.0 - h
    }
}

impl<F: Real> Rule<F> for SoftReset<F> {
    #[inline(always)]
    fn next(self, s: F, h: F) -> F {
        h - s * self.v_threshold
    }

    #[inline(always)]
    fn keep(self, _: F) -> F {
        F::ONE
    }

    #[inline(always)]
    fn jump(self, _: F) -> F {
        -self.v_threshold
    }
}
