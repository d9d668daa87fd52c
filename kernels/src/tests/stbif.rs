//! Bipolar spikes: the kernel against plain loops, and what its spikes add up to.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::seeded;
use super::same_bits::{arches, with_threads};
use crate::{Real, Stbif, StbifState};

struct Run<F> {
    spikes: Vec<F>,
    q: Vec<F>,
    acc_q: Vec<F>,
    cur_output: Vec<F>,
}

fn run<F: Real>(arch: Arch, stbif: Stbif<F>, steps: usize, x: &[F]) -> Run<F> {
    let neurons = x.len() / steps;
    let zeros = || vec![F::ZERO; neurons];
    let mut run = Run { spikes: vec![F::of(f64::NAN); x.len()], q: vec![F::of(0.5); neurons], acc_q: zeros(), cur_output: zeros() };
    let state = StbifState { q: &mut run.q, acc_q: &mut run.acc_q, cur_output: &mut run.cur_output };
    stbif.forward_on(arch, steps, x, state, &mut run.spikes).unwrap();
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_is_one_neuron_after_the_other(steps in 1..10usize, neurons in 1..150usize, sym: bool, seed: u64) {
        let (pos_max, neg_min) = if sym { (3.0, -4.0) } else { (7.0, 0.0) };
        let x = seeded(seed, 0, steps * neurons);
        let got = run(Arch::new(), Stbif { q_threshold: 0.25, pos_max, neg_min }, steps, &x);
        for k in 0..neurons {
            let (mut q, mut acc) = (0.5, 0.0);
            for t in 0..steps {
                q += x[t * neurons + k] / 0.25;
                let c = if q >= 1.0 && acc < pos_max { 1.0 } else if q < 0.0 && acc > neg_min { -1.0 } else { 0.0 };
                acc += c;
                q -= c;
                prop_assert_eq!(got.spikes[t * neurons + k], c * 0.25);
                if t + 1 == steps {
                    prop_assert_eq!((got.q[k], got.acc_q[k], got.cur_output[k]), (q, acc, c));
                }
            }
        }
    }

    /// An input that comes at the first step only is worked off, spike by spike, until its quantised value is out.
    #[test]
    fn in_the_end_it_has_sent_the_quantised_input(x in -3.0..3.0f64) {
        let stbif = Stbif { q_threshold: 0.25, pos_max: 3.0, neg_min: -4.0 };
        let mut series = vec![0.0; 20];
        series[0] = x;
        let sent: f64 = run(Arch::new(), stbif, 20, &series).spikes.iter().sum();
        prop_assert_eq!(sent, ((x / 0.25 + 0.5).floor()).clamp(-4.0, 3.0) * 0.25);
    }

    #[test]
    fn the_same_bits(steps in 1..8usize, neurons in 1..20_000usize, seed: u64) {
        let x: Vec<f32> = seeded(seed, 0, steps * neurons).into_iter().map(f32::of).collect();
        let run = |arch| run(arch, Stbif { q_threshold: 0.3, pos_max: 7.0, neg_min: -2.0 }, steps, &x);
        let want = run(Arch::Scalar);
        let threads = [1, 3].map(|threads| with_threads(threads, || run(Arch::new())));
        for got in arches().into_iter().map(run).chain(threads) {
            assert_bits("spikes", &got.spikes, &want.spikes);
            assert_bits("q", &got.q, &want.q);
        }
    }
}
