//! The plain reference: one neuron at a time, one step after the other, written from SEMANTICS.md sections 3 and 4 and sharing no code
//! with the kernels but the element type (and `exp`, `atan` where bits are compared).

use crate::{ATan, PiecewiseQuadratic, Real, Sigmoid, Surrogate};

use super::case::{Backward, Case, Forward, Kind};

const PI: f64 = std::f64::consts::PI;

fn logistic(w: f64) -> f64 {
    1.0 / (1.0 + (-w).exp())
}

fn derivative<F: Real>(surrogate: Surrogate, x: F) -> F {
    match surrogate {
        Surrogate::ATan(ATan { alpha, .. }) => {
            let y = F::of(PI / 2.0 * alpha) * x;
            F::of(alpha / 2.0) / (F::ONE + y * y)
        }
        Surrogate::Sigmoid(Sigmoid { alpha, .. }) => {
            let s = F::ONE / (F::ONE + (-(F::of(alpha) * x)).exp());
            F::of(alpha) * s * (F::ONE - s)
        }
        Surrogate::PiecewiseQuadratic(PiecewiseQuadratic { alpha, .. }) => {
            if x.abs() > F::of(1.0 / alpha) {
                F::ZERO
            } else {
                F::of(alpha) - F::of(alpha * alpha) * x.abs()
            }
        }
        other => unreachable!("{other:?} is not among the cases"),
    }
}

fn primitive<F: Real>(surrogate: Surrogate, x: F) -> F {
    match surrogate {
        Surrogate::ATan(ATan { alpha, .. }) => (F::of(PI / 2.0 * alpha) * x).atan() / F::of(PI) + F::of(0.5),
        Surrogate::Sigmoid(Sigmoid { alpha, .. }) => F::ONE / (F::ONE + (-(F::of(alpha) * x)).exp()),
        Surrogate::PiecewiseQuadratic(PiecewiseQuadratic { alpha, .. }) => {
            if x > F::of(1.0 / alpha) {
                F::ONE
            } else if x < F::of(-1.0 / alpha) {
                F::ZERO
            } else {
                F::of(-alpha * alpha / 2.0) * x * x.abs() + F::of(alpha) * x + F::of(0.5)
            }
        }
        other => unreachable!("{other:?} is not among the cases"),
    }
}

impl Case {
    fn charge<F: Real>(&self, v: F, x: F) -> F {
        let r0 = F::of(self.v_reset.unwrap_or(0.0));
        match (self.kind, self.decay_input) {
            (Kind::If, _) => v + x,
            (Kind::Lif { tau }, true) => v + (x - (v - r0)) / F::of(tau),
            (Kind::Lif { tau }, false) => v - (v - r0) / F::of(tau) + x,
            (Kind::Plif { w }, true) => v + (x - (v - r0)) * F::of(logistic(w)),
            (Kind::Plif { w }, false) => v - (v - r0) * F::of(logistic(w)) + x,
        }
    }

    /// dh/dv, dh/dx, dh/dw.
    fn charge_gradient<F: Real>(&self, v: F, x: F) -> (F, F, F) {
        let v = v - F::of(self.v_reset.unwrap_or(0.0));
        let (rate, slope) = match self.kind {
            Kind::If => return (F::ONE, F::ONE, F::ZERO),
            Kind::Lif { tau } => (F::ONE / F::of(tau), F::ZERO),
            Kind::Plif { w } => {
                let q = logistic(w);
                (F::of(q), F::of(q * (1.0 - q)) * if self.decay_input { x - v } else { -v })
            }
        };
        (F::ONE - rate, if self.decay_input { rate } else { F::ONE }, slope)
    }

    fn spike<F: Real>(&self, h: F) -> F {
        let over = h - F::of(self.v_threshold);
        if !self.spiking {
            return primitive(self.surrogate, over);
        }
        if over >= F::ZERO { F::ONE } else { F::ZERO }
    }

    fn reset<F: Real>(&self, s: F, h: F) -> F {
        match self.v_reset {
            Some(v_reset) => s * F::of(v_reset) + (F::ONE - s) * h,
            None => h - s * F::of(self.v_threshold),
        }
    }

    fn first<F: Real>(&self, n: usize) -> F {
        self.v0().map_or(F::of(self.v_reset.unwrap_or(0.0)), |v0| v0[n])
    }

    pub(super) fn reference_forward<F: Real>(&self) -> Forward<F> {
        let x = self.x_sequence::<F>();
        let zeros = |len: usize| vec![F::ZERO; len];
        let mut out = Forward { spikes: zeros(x.len()), v: zeros(self.neurons), v_seq: zeros(x.len()) };
        for n in 0..self.neurons {
            let mut v = self.first::<F>(n);
            for t in 0..self.steps {
                let i = t * self.neurons + n;
                let h = self.charge(v, x[i]);
                out.spikes[i] = self.spike(h);
                v = self.reset(out.spikes[i], h);
                out.v_seq[i] = v;
            }
            out.v[n] = v;
        }
        out
    }

    /// The recurrence of section 3.1; x's gradient per step even for a static input.
    pub(super) fn reference_backward<F: Real>(&self) -> Backward<F> {
        let (x, grad_spikes, grad_v) = (self.x_sequence::<F>(), self.grad_spikes::<F>(), self.grad_v::<F>());
        let mut out = Backward { x: vec![F::ZERO; x.len()], v0: vec![F::ZERO; self.neurons], params: vec![0.0] };
        let v_threshold = F::of(self.v_threshold);
        for n in 0..self.neurons {
            let mut trace = Vec::new();
            let mut v = self.first::<F>(n);
            for t in 0..self.steps {
                let h = self.charge(v, x[t * self.neurons + n]);
                let s = self.spike(h);
                trace.push((v, h, s));
                v = self.reset(s, h);
            }
            let mut grad = grad_v[n];
            for (t, &(v, h, s)) in trace.iter().enumerate().rev() {
                let i = t * self.neurons + n;
                let g = derivative(self.surrogate, h - v_threshold);
                let (keep, jump) = self.v_reset.map_or((F::ONE, -v_threshold), |v_reset| (F::ONE - s, F::of(v_reset) - h));
                let through = if self.detach_reset { F::ZERO } else { grad * jump };
                let grad_h = g * (grad_spikes[i] + through) + grad * keep;
                let (dv, dx, dw) = self.charge_gradient(v, x[i]);
                out.x[i] = grad_h * dx;
                grad = grad_h * dv;
                out.params[0] += (grad_h * dw).to_f64();
            }
            out.v0[n] = grad;
        }
        out
    }
}
