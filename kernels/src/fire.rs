//! Firing and reset, common to all neurons: the charged potential h in, spike and next potential out.

use crate::lanes::{LANES, lanes};
use crate::real::Real;
use crate::surrogate::Surrogate;

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

impl<F: Real> Fire<F> {
    /// The potentials after the reset of neurons with spikes `s` and charged potentials `h`.
    #[inline(always)]
    pub(crate) fn next(&self, s: [F; LANES], h: [F; LANES]) -> [F; LANES] {
        match self.reset {
            // Arithmetic as SpikingJelly does it, not a selection: an infinite h gives NaN (0 * inf), and h = -0.0 gives 0.0.
            Reset::Hard(v_reset) => lanes(|k| s[k] * v_reset + (F::ONE - s[k]) * h[k]),
            Reset::Soft => lanes(|k| h[k] - s[k] * self.v_threshold),
        }
    }

    /// The derivatives of [`next`](Fire::next): with respect to h while s is held constant, and with respect to s.
    #[inline(always)]
    pub(crate) fn slopes(&self, s: [F; LANES], h: [F; LANES]) -> ([F; LANES], [F; LANES]) {
        match (self.reset, self.detach_reset) {
            (Reset::Hard(_), true) => (lanes(|k| F::ONE - s[k]), [F::ZERO; LANES]),
            (Reset::Hard(v_reset), false) => (lanes(|k| F::ONE - s[k]), lanes(|k| v_reset - h[k])),
            (Reset::Soft, true) => ([F::ONE; LANES], [F::ZERO; LANES]),
            (Reset::Soft, false) => ([F::ONE; LANES], [-self.v_threshold; LANES]),
        }
    }
}
