//! `IFNode`: h = v + x.

use super::{Adjoint, Charged, Finished, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron};
use crate::{Real, Refused, Surrogate};

/// Arguments of `IFNode`, in SpikingJelly's words. The default has SpikingJelly's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IFNodeConfig {
    /// The potential at which it fires.
    pub v_threshold: f64,
    /// The potential after a spike; `None`: the threshold is subtracted.
    pub v_reset: Option<f64>,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
    /// Is the spike a constant in the reset, when gradients are taken?
    pub detach_reset: bool,
}

impl Default for IFNodeConfig {
    fn default() -> Self {
        IFNodeConfig { v_threshold: 1.0, v_reset: Some(0.0), surrogate_function: Surrogate::default(), detach_reset: false }
    }
}

impl Neuron for IFNodeConfig {
    const NAME: &'static str = "IFNode";
    const STATES: &'static [&'static str] = &["v"];
    const LEARNED: &'static [Learned] = &[];
    const CONSTANTS: usize = 3;
    const LEARNED_CONSTANTS: usize = 0;
    const FIRES: usize = 1;
    const KEPT: usize = 1;
    const CUDA: &'static str = "";

    fn check(&self) -> Result<(), Refused> {
        Refused::threshold_and_reset(self.v_threshold, self.v_reset)
    }

    fn surrogate(&self) -> Surrogate {
        self.surrogate_function
    }

    fn learned_start(&self, out: &mut [f64; MAX_LEARNED]) {
        let _ = out;
    }

    fn constants(&self, learned: &[f64; MAX_LEARNED], out: &mut [f64; MAX_CONSTANTS]) {
        let _ = learned;
        out[1] = self.v_threshold;
        out[2] = self.v_reset.unwrap_or(0.0);
    }

    fn constants_gradient(&self, learned: &[f64; MAX_LEARNED], upstream: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_LEARNED]) {
        let _ = (learned, upstream, out);
    }

    fn start(&self, _: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_STATES]) {
        out[0] = self.v_reset.unwrap_or(0.0);
    }

    #[inline(always)]
    fn charge<F: Real>(&self, c: &[F; MAX_CONSTANTS], s: &[F; MAX_STATES], x: F) -> Charged<F> {
        let v = s[0];
        let h = v + x;
        Charged { over: [h - c[1], F::ZERO], kept: [h, F::ZERO, F::ZERO, F::ZERO] }
    }

    #[inline(always)]
    fn finish<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        _: &[F; MAX_STATES],
        _: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
    ) -> Finished<F> {
        let (h, spike) = (kept[0], spikes[0]);
        let v = match self.v_reset {
            Some(_) => spike * c[2] + (F::ONE - spike) * h,
            None => h - spike * c[1],
        };
        Finished { states: [v, F::ZERO, F::ZERO, F::ZERO], y: spike }
    }

    #[inline(always)]
    fn adjoint<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        x: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
        slopes: &[F; MAX_FIRES],
        grad_y: F,
        grad_states: &[F; MAX_STATES],
    ) -> Adjoint<F> {
        let (h, spike, grad_v) = (kept[0], spikes[0], grad_states[0]);
        let (keep, jump) = match self.v_reset {
            Some(_) => (F::ONE - spike, c[2] - h),
            None => (F::ONE, -c[1]),
        };
        let through = if self.detach_reset { F::ZERO } else { grad_v * jump };
        let grad_h = slopes[0] * (grad_y + through) + grad_v * keep;
        let _ = (s, x);
        Adjoint { x: grad_h, states: [grad_h, F::ZERO, F::ZERO, F::ZERO], constants: [F::ZERO; MAX_CONSTANTS] }
    }
}

crate::compiled!(IFNodeConfig);
