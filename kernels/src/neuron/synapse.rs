//! A synapse filter as a neuron that sends its current and never spikes: the loops over time of neurons are its own, on any device.

use super::{Adjoint, Charged, Finished, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron, Per};
use crate::synapse_filter::next;
use crate::{DeterministicPass, Real, Refused, Surrogate};

/// i\[t\] = i\[t-1\] - (1 - x\[t\]) i\[t-1\] q + x\[t\], and sends i (SpikingJelly `SynapseFilter`): q = 1 / tau, or if it is `LEARNED`
/// q = sigmoid(w), which starts there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynapseCurrent<const LEARNED: bool> {
    /// The time constant in steps, greater than 1.
    pub tau: f64,
}

impl<const LEARNED: bool> Neuron for SynapseCurrent<LEARNED> {
    const NAME: &'static str = "SynapseFilter";
    const STATES: &'static [&'static str] = &["out_i"];
    const LEARNED: &'static [Learned] = if LEARNED { &[Learned { name: "w", per: Per::Layer, trained: true }] } else { &[] };
    const CONSTANTS: usize = 1;
    const LEARNED_CONSTANTS: usize = LEARNED as usize;
    const FIRES: usize = 0;
    const KEPT: usize = 0;
    const CUDA: &'static str = r"
template <typename F, unsigned LEARNED> struct SynapseFilter {
    static constexpr int STATES = 1, CONSTANTS = 1, LEARNED_CONSTANTS = LEARNED, FIRES = 0, KEPT = 0;
    SNN_DEVICE static void charge(const F*, const F*, F, F*, F*) {}
    SNN_DEVICE static void finish(const F* c, const F* s, F x, const F*, const F*, F* next, F* y) {
        *y = next[0] = add(sub(s[0], mul(mul(sub(F(1), x), s[0]), c[0])), x);
    }
    SNN_DEVICE static void adjoint(const F* c, const F* s, F x, const F*, const F*, const F*, F grad_y, const F* grad_states, F* grad_x,
                                   F* grad_s, F* grad_c) {
        const F grad = add(grad_y, grad_states[0]), none = sub(F(1), x);
        if constexpr (LEARNED) grad_c[0] = -mul(mul(grad, none), s[0]);
        *grad_x = mul(grad, add(F(1), mul(s[0], c[0])));
        grad_s[0] = mul(grad, sub(F(1), mul(none, c[0])));
    }
};
";

    fn check(&self) -> Result<(), Refused> {
        if self.tau > 1.0 && self.tau.is_finite() {
            return Ok(());
        }
        let problem = format!("must be greater than 1, but is {:?}", self.tau);
        Err(Refused::new("tau", problem, "it counts the steps in which a current decays"))
    }

    /// It is never called.
    fn surrogate(&self) -> Surrogate {
        DeterministicPass::default().into()
    }

    fn flags(&self) -> u32 {
        u32::from(LEARNED)
    }

    fn learned_start(&self, out: &mut [f64; MAX_LEARNED]) {
        out[0] = -(self.tau - 1.0).ln();
    }

    fn constants(&self, learned: &[f64; MAX_LEARNED], out: &mut [f64; MAX_CONSTANTS]) {
        out[0] = if LEARNED { 1.0 / (1.0 + (-learned[0]).exp()) } else { 1.0 / self.tau };
    }

    fn constants_gradient(&self, learned: &[f64; MAX_LEARNED], upstream: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_LEARNED]) {
        let mut constants = [0.0; MAX_CONSTANTS];
        self.constants(learned, &mut constants);
        out[0] = constants[0] * (1.0 - constants[0]) * upstream[0];
    }

    fn start(&self, _: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_STATES]) {
        out[0] = 0.0;
    }

    #[inline(always)]
    fn charge<F: Real>(&self, _: &[F; MAX_CONSTANTS], _: &[F; MAX_STATES], _: F) -> Charged<F> {
        Charged { over: [F::ZERO; MAX_FIRES], kept: [F::ZERO; MAX_KEPT] }
    }

    #[inline(always)]
    fn finish<F: Real>(&self, c: &[F; MAX_CONSTANTS], s: &[F; MAX_STATES], x: F, _: &[F; MAX_KEPT], _: &[F; MAX_FIRES]) -> Finished<F> {
        let i = next(c[0], s[0], x);
        let mut states = [F::ZERO; MAX_STATES];
        states[0] = i;
        Finished { states, y: i }
    }

    #[inline(always)]
    fn adjoint<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        x: F,
        _: &[F; MAX_KEPT],
        _: &[F; MAX_FIRES],
        _: &[F; MAX_FIRES],
        grad_y: F,
        grad_states: &[F; MAX_STATES],
    ) -> Adjoint<F> {
        let (grad, none) = (grad_y + grad_states[0], F::ONE - x);
        let (mut states, mut constants) = ([F::ZERO; MAX_STATES], [F::ZERO; MAX_CONSTANTS]);
        states[0] = grad * (F::ONE - none * c[0]);
        constants[0] = -(grad * none * s[0]);
        Adjoint { x: grad * (F::ONE + s[0] * c[0]), states, constants }
    }
}

crate::compiled!(SynapseCurrent<false>);
crate::compiled!(SynapseCurrent<true>);
