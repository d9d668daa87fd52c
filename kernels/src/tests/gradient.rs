//! The backward kernel against the recurrence, against finite differences, and what must hold between backward passes.

use proptest::prelude::*;
use pulp::Arch;

use super::case::{Backward, Case, Kind, assert_close, cases, surrogates};
use crate::Real;

/// Sums a per-step gradient over the steps, as for a static input.
fn over_time<F: Real>(case: &Case, grad: &[F]) -> Vec<F> {
    if !case.is_static {
        return grad.to_vec();
    }
    let sum = |n: usize| grad.iter().skip(n).step_by(case.neurons).fold(F::ZERO, |sum, &g| sum + g);
    (0..case.neurons).map(sum).collect()
}

fn assert_equals_reference<F: Real>(case: &Case, tolerance: f64) {
    let (got, want) = (case.backward::<F>(Arch::new()), case.reference_backward::<F>());
    let scale = f64::from(2.5f32).powi(2) * case.steps as f64; // gradients grow along the recurrence
    assert_close("x", &got.x, &over_time(case, &want.x), tolerance * scale);
    assert_close("v0", &got.v0, &want.v0, tolerance * scale);
    if matches!(case.kind, Kind::Plif { .. }) {
        let terms = (case.steps * case.neurons) as f64;
        assert_close("params", &got.params, &want.params, tolerance * terms);
    } else {
        assert!(got.params.is_empty());
    }
}

/// sum(grad_spikes * spikes) + sum(grad_v * v): the loss whose gradients the backward pass is given.
fn loss(case: &Case, x: &[f64], v0: Option<&[f64]>) -> f64 {
    let out = case.forward_of(Arch::new(), x, v0);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&out.spikes, &case.grad_spikes()) + dot(&out.v, &case.grad_v())
}

/// The central difference of `f` with element `i` of `at` moved.
fn difference(at: &[f64], i: usize, f: impl Fn(&[f64]) -> f64) -> f64 {
    const EPS: f64 = 1e-6;
    let moved = |by: f64| {
        let mut at = at.to_vec();
        at[i] += by;
        f(&at)
    };
    (moved(EPS) - moved(-EPS)) / (2.0 * EPS)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn equals_the_recurrence(case in cases(40, 200)) {
        assert_equals_reference::<f64>(&case, 1e-12);
    }

    #[test]
    fn equals_the_recurrence_in_f32(case in cases(8, 150)) {
        assert_equals_reference::<f32>(&case, 1e-5);
    }

    /// Without spikes the forward pass is smooth, and the backward pass its true gradient (not with `detach_reset`, which cuts it).
    #[test]
    fn equals_finite_differences(case in cases(6, 5)) {
        let case = Case { spiking: false, detach_reset: false, with_v0: true, ..case };
        let (x, v0) = (case.x::<f64>(), case.v0::<f64>().unwrap());
        let got = case.backward::<f64>(Arch::new());
        for i in 0..x.len() {
            let want = difference(&x, i, |x| loss(&case, x, Some(&v0)));
            prop_assert!((got.x[i] - want).abs() < 1e-4 * (1.0 + want.abs()), "x[{}]: {} instead of {}", i, got.x[i], want);
        }
        for i in 0..v0.len() {
            let want = difference(&v0, i, |v0| loss(&case, &x, Some(v0)));
            prop_assert!((got.v0[i] - want).abs() < 1e-4 * (1.0 + want.abs()), "v0[{}]: {} instead of {}", i, got.v0[i], want);
        }
        if let Kind::Plif { w } = case.kind {
            let want = difference(&[w], 0, |w| loss(&Case { kind: Kind::Plif { w: w[0] }, ..case.clone() }, &x, Some(&v0)));
            prop_assert!((got.params[0] - want).abs() < 1e-4 * (1.0 + want.abs()), "w: {} instead of {}", got.params[0], want);
        }
    }

    #[test]
    fn two_calls_equal_one(case in cases(16, 100), split in 0.0..1.0f64) {
        let case = Case { is_static: false, ..case };
        let whole = case.backward::<f64>(Arch::new());
        let (x, grad_spikes, v0) = (case.x::<f64>(), case.grad_spikes::<f64>(), case.v0::<f64>());
        let first = Case { steps: (case.steps as f64 * split) as usize, ..case.clone() };
        let second = Case { steps: case.steps - first.steps, ..case.clone() };
        let cut = first.steps * case.neurons;
        let middle = first.forward_of(Arch::new(), &x[..cut], v0.as_deref()).v;
        let b = second.backward_of(Arch::new(), &x[cut..], Some(&middle), &grad_spikes[cut..], &case.grad_v());
        let a = first.backward_of(Arch::new(), &x[..cut], v0.as_deref(), &grad_spikes[..cut], &b.v0);
        assert_close("x", &[a.x, b.x].concat(), &whole.x, 1e-12);
        assert_close("v0", &a.v0, &whole.v0, 1e-12);
        let sum: Vec<f64> = a.params.iter().zip(&b.params).map(|(a, b)| a + b).collect();
        assert_close("params", &sum, &whole.params, 1e-10);
    }

    #[test]
    fn a_static_input_sums_its_repetition(case in cases(20, 100)) {
        let case = Case { is_static: true, ..case };
        let got: Backward<f64> = case.backward(Arch::new());
        let repeated = Case { is_static: false, ..case.clone() };
        let want =
            repeated.backward_of(Arch::new(), &case.x_sequence(), case.v0().as_deref(), &case.grad_spikes(), &case.grad_v());
        assert_close("x", &got.x, &over_time(&case, &want.x), 1e-12);
        assert_close("v0", &got.v0, &want.v0, 1e-12);
        assert_close("params", &got.params, &want.params, 1e-10);
    }

    #[test]
    fn a_surrogate_is_the_slope_of_its_primitive(surrogate in surrogates(), x in -3.0..3.0f64) {
        let primitive = |x: f64| { let mut x = [x]; surrogate.primitive(&mut x); x[0] };
        let mut got = [x];
        surrogate.derivative(&mut got);
        let want = (primitive(x + 1e-6) - primitive(x - 1e-6)) / 2e-6;
        prop_assert!((got[0] - want).abs() < 1e-5, "{} instead of {}", got[0], want);
    }
}

#[test]
fn no_steps_and_no_neurons() {
    let none = Case { is_static: true, ..Case::lif(0, 3) };
    let grad = none.backward::<f32>(Arch::new());
    assert_eq!(grad.x, [0.0; 3]);
    assert_eq!(grad.v0, none.grad_v::<f32>());
    let none = Case { kind: Kind::Plif { w: 0.0 }, ..Case::lif(4, 0) };
    assert_eq!(none.backward::<f32>(Arch::new()).params, [0.0]);
}
