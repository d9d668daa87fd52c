//! Neurons with rate-coded gradients: kernels against plain loops, and each regime by hand.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_near, seeded};
use super::same_bits::{arches, with_threads};
use crate::{Dsr, DsrLeak, Real};

fn forward<F: Real>(arch: Arch, dsr: Dsr<F>, steps: usize, neurons: usize, x: &[F]) -> (Vec<F>, Vec<u8>) {
    let (mut spikes, mut regime) = (vec![F::of(f64::NAN); x.len()], vec![u8::MAX; neurons]);
    dsr.forward_on(arch, steps, x, &mut spikes, &mut regime).unwrap();
    (spikes, regime)
}

fn backward<F: Real>(dsr: Dsr<F>, steps: usize, grad: &[F], regime: &[u8]) -> (Vec<F>, f64) {
    let mut out = vec![F::of(f64::NAN); regime.len()];
    let threshold = dsr.backward(steps, grad, regime, &mut out).unwrap();
    (out, threshold)
}

/// Spikes, dL/dx of one step and dL/d(threshold), by the definition.
fn reference(dsr: Dsr<f64>, steps: usize, neurons: usize, x: &[f64], grad: &[f64]) -> (Vec<f64>, Vec<f64>, f64) {
    let (mut spikes, mut grad_x, mut grad_threshold) = (vec![0.0; x.len()], vec![0.0; neurons], 0.0);
    for k in 0..neurons {
        let mut v = 0.0;
        for t in 0..steps {
            let x = x[t * neurons + k];
            v = match dsr.leak {
                None => v + x,
                Some(DsrLeak { tau, delta_t }) => (-delta_t / tau).exp() * v + (1.0 - (-delta_t / tau).exp()) * x,
            };
            let s = if v >= dsr.alpha * dsr.v_threshold { dsr.v_threshold } else { 0.0 };
            v -= s;
            spikes[t * neurons + k] = s / dsr.leak.map_or(1.0, |leak| leak.delta_t);
        }
        let weight = |t: usize| dsr.leak.map_or(1.0, |DsrLeak { tau, delta_t }| (-delta_t * (steps - 1 - t) as f64 / tau).exp());
        let rate = |series: &[f64]| {
            let sum: f64 = (0..steps).map(|t| weight(t) * series[t * neurons + k]).sum();
            sum / (0..steps).map(weight).sum::<f64>()
        };
        let (input, output) = (rate(x), rate(grad) * steps as f64);
        let most = dsr.leak.map_or(dsr.v_threshold, |DsrLeak { tau, delta_t }| dsr.v_threshold / delta_t * tau);
        if input > most {
            grad_threshold += output * dsr.leak.map_or(1.0, |leak| leak.delta_t);
        } else if input > 0.0 {
            grad_x[k] = output / steps as f64 / dsr.leak.map_or(1.0, |leak| leak.tau);
        }
    }
    (spikes, grad_x, grad_threshold)
}

fn neurons() -> impl Strategy<Value = Dsr<f64>> {
    let leaks = prop_oneof![Just(None), Just(Some(DsrLeak { tau: 2.0, delta_t: 0.05 })), Just(Some(DsrLeak { tau: 0.7, delta_t: 0.5 }))];
    (leaks, 0.1..1.5f64, 0.1..1.0f64).prop_map(|(leak, v_threshold, alpha)| Dsr { v_threshold, alpha, leak })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn spikes_and_gradients(dsr in neurons(), steps in 1..8usize, count in 1..150usize, seed: u64) {
        let (x, grad) = (seeded(seed, 0, steps * count), seeded(seed, 1, steps * count));
        let (spikes, regime) = forward(Arch::new(), dsr, steps, count, &x);
        let (grad_x, grad_threshold) = backward(dsr, steps, &grad, &regime);
        let want = reference(dsr, steps, count, &x, &grad);
        assert_near("spikes", &spikes, &want.0, 1e-9);
        assert_near("grad x", &grad_x, &want.1, 1e-9);
        assert_near("grad threshold", &[grad_threshold], &[want.2], 1e-9);
    }

    #[test]
    fn the_same_bits(dsr in neurons(), steps in 1..8usize, count in 1..20_000usize, seed: u64) {
        let dsr = Dsr { v_threshold: dsr.v_threshold as f32, alpha: dsr.alpha as f32, leak: dsr.leak };
        let x: Vec<f32> = seeded(seed, 0, steps * count).into_iter().map(f32::of).collect();
        let run = |arch| forward(arch, dsr, steps, count, &x);
        let want = run(Arch::Scalar);
        let threads = [1, 3].map(|threads| with_threads(threads, || run(Arch::new())));
        for got in arches().into_iter().map(run).chain(threads) {
            assert_bits("spikes", &got.0, &want.0);
            prop_assert_eq!(&got.1, &want.1);
        }
    }
}

/// Rates of exactly 0 and exactly the threshold: part of the line without a leak, not with one.
#[test]
fn the_ends_of_the_line() {
    let ends = |dsr: Dsr<f64>, most: f64| {
        let (_, regime) = forward(Arch::new(), dsr, 1, 2, &[0.0, most]);
        backward(dsr, 1, &[1.0, 1.0], &regime)
    };
    let plain = Dsr { v_threshold: 0.5, alpha: 0.5, leak: None };
    assert_eq!(ends(plain, 0.5), (vec![1.0, 1.0], 0.0));
    assert_eq!(ends(Dsr { leak: Some(DsrLeak { tau: 2.0, delta_t: 0.5 }), ..plain }, 2.0), (vec![0.0, 0.0], 0.0));
}
