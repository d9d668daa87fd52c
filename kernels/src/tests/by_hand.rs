//! A neuron written by hand, as `snn_neuron!` would write it: LIF with `decay_input`, and with a learned time constant.

use crate::neuron::{Adjoint, Charged, Finished, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron, Per};
use crate::{Real, Refused, Surrogate};

/// h = v + (x - (v - v_reset)) / tau, or multiplied by sigmoid(w).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ByHand<const LEARNED: bool> {
    pub(super) tau: f64,
    pub(super) v_threshold: f64,
    pub(super) v_reset: Option<f64>,
    pub(super) surrogate_function: Surrogate,
    pub(super) detach_reset: bool,
}

/// Constants: 0: 1 / tau, learned or not; 1: v_threshold; 2: v_reset or 0; 3: tau.
impl<const LEARNED: bool> Neuron for ByHand<LEARNED> {
    const NAME: &'static str = "ByHand";
    const STATES: &'static [&'static str] = &["v"];
    const LEARNED: &'static [Learned] = if LEARNED { &[Learned { name: "w", per: Per::Layer, trained: true }] } else { &[] };
    const CONSTANTS: usize = 4;
    const LEARNED_CONSTANTS: usize = LEARNED as usize;
    const FIRES: usize = 1;
    const KEPT: usize = 1;
    const CUDA: &'static str = "";

    fn check(&self) -> Result<(), Refused> {
        Refused::time_constant("tau", self.tau)?;
        Refused::threshold_and_reset(self.v_threshold, self.v_reset)
    }

    fn surrogate(&self) -> Surrogate {
        self.surrogate_function
    }

    fn learned_start(&self, out: &mut [f64; MAX_LEARNED]) {
        out[0] = -(self.tau - 1.0).ln();
    }

    fn constants(&self, learned: &[f64; MAX_LEARNED], out: &mut [f64; MAX_CONSTANTS]) {
        out[0] = if LEARNED { 1.0 / (1.0 + (-learned[0]).exp()) } else { 1.0 / self.tau };
        out[1] = self.v_threshold;
        out[2] = self.v_reset.unwrap_or(0.0);
        out[3] = self.tau;
    }

    fn constants_gradient(&self, learned: &[f64; MAX_LEARNED], upstream: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_LEARNED]) {
        let q = 1.0 / (1.0 + (-learned[0]).exp());
        out[0] = upstream[0] * q * (1.0 - q);
    }

    fn start(&self, constants: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_STATES]) {
        out[0] = constants[2];
    }

    #[inline(always)]
    fn charge<F: Real>(&self, c: &[F; MAX_CONSTANTS], s: &[F; MAX_STATES], x: F) -> Charged<F> {
        let leak = x - (s[0] - c[2]);
        let h = s[0] + if LEARNED { leak * c[0] } else { leak / c[3] };
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
        let mut constants = [F::ZERO; MAX_CONSTANTS];
        constants[0] = grad_h * (x - (s[0] - c[2]));
        Adjoint { x: grad_h * c[0], states: [grad_h * (F::ONE - c[0]), F::ZERO, F::ZERO, F::ZERO], constants }
    }
}

#[test]
fn its_adjoint_is_the_slope_of_its_step() {
    let neuron =
        ByHand::<true> { tau: 2.5, v_threshold: 1.0, v_reset: Some(-0.25), surrogate_function: Surrogate::default(), detach_reset: false };
    let w = {
        let mut w = [0.0; MAX_LEARNED];
        neuron.learned_start(&mut w);
        w
    };
    let step = |w: f64, v: f64, x: f64| {
        let (mut learned, mut c) = ([0.0; MAX_LEARNED], [0.0; MAX_CONSTANTS]);
        learned[0] = w;
        neuron.constants(&learned, &mut c);
        let s = [v, 0.0, 0.0, 0.0];
        let charged = neuron.charge(&c, &s, x);
        let mut spike = [charged.over[0]];
        neuron.surrogate().primitive(&mut spike);
        let spikes = [spike[0], 0.0];
        (c, s, charged, spikes, neuron.finish(&c, &s, x, &charged.kept, &spikes))
    };
    let (v, x) = (0.3, 1.2);
    let loss = |w: f64, v: f64, x: f64| {
        let (.., out) = step(w, v, x);
        0.7 * out.y - 1.3 * out.states[0]
    };
    let (c, s, charged, spikes, _) = step(w[0], v, x);
    let mut slope = [charged.over[0]];
    neuron.surrogate().derivative(&mut slope);
    let got = neuron.adjoint(&c, &s, x, &charged.kept, &spikes, &[slope[0], 0.0], 0.7, &[-1.3, 0.0, 0.0, 0.0]);
    let mut grad_w = [0.0; MAX_LEARNED];
    neuron.constants_gradient(&w, &got.constants, &mut grad_w);
    let eps = 1e-6;
    let difference = |f: &dyn Fn(f64) -> f64| (f(eps) - f(-eps)) / (2.0 * eps);
    assert!((got.x - difference(&|e| loss(w[0], v, x + e))).abs() < 1e-8);
    assert!((got.states[0] - difference(&|e| loss(w[0], v + e, x))).abs() < 1e-8);
    assert!((grad_w[0] - difference(&|e| loss(w[0] + e, v, x))).abs() < 1e-8);
}
