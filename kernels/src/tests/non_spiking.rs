//! Neurons that never fire: the kernel against plain sums, and against finite differences.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_gradient, assert_near, dot, seeded};
use super::same_bits::{arches, with_threads};
use crate::{Decode, NonSpiking, Real};

const DECODES: [Decode; 5] = [Decode::Sequence, Decode::Last, Decode::Mean, Decode::Max, Decode::MaxAbs];

fn forward<F: Real>(arch: Arch, neuron: NonSpiking<F>, steps: usize, neurons: usize, x: &[F]) -> (Vec<F>, Vec<u32>) {
    let mut out = vec![F::of(f64::NAN); if neuron.decode.keeps_time() { x.len() } else { neurons }];
    let mut chosen = vec![0; neurons];
    neuron.forward_on(arch, steps, neurons, x, &mut out, Some(&mut chosen)).unwrap();
    (out, chosen)
}

fn reference(neuron: NonSpiking<f64>, neurons: usize, x: &[f64]) -> Vec<f64> {
    let mut v = vec![0.0; neurons];
    let mut series = Vec::new();
    for x in x.chunks(neurons) {
        v.iter_mut().zip(x).for_each(|(v, x)| *v += neuron.tau.map_or(*x, |tau| (x - *v) / tau));
        series.push(v.clone());
    }
    let of = |k: usize| series.iter().map(move |v| v[k]);
    let decoded = |k: usize| match neuron.decode {
        Decode::Sequence => unreachable!("taken below"),
        Decode::Last => series[series.len() - 1][k],
        Decode::Mean => of(k).sum::<f64>() / series.len() as f64,
        Decode::Max => of(k).fold(f64::NEG_INFINITY, f64::max),
        Decode::MaxAbs => {
            let (max, min) = (of(k).fold(f64::NEG_INFINITY, f64::max), of(k).fold(f64::INFINITY, f64::min));
            if max.abs() > min.abs() { max } else { min }
        }
    };
    if neuron.decode.keeps_time() { series.concat() } else { (0..neurons).map(decoded).collect() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn outputs_and_gradients(decode in prop::sample::select(&DECODES), leaks: bool, steps in 1..8usize, neurons in 1..150usize, seed: u64) {
        let neuron = NonSpiking { tau: leaks.then_some(2.5), decode };
        let x = seeded(seed, 0, steps * neurons);
        let (y, chosen) = forward(Arch::new(), neuron, steps, neurons, &x);
        assert_near("y", &y, &reference(neuron, neurons, &x), 1e-9);
        let grad = seeded(seed, 1, y.len());
        let mut got = vec![f64::NAN; x.len()];
        neuron.backward(steps, neurons, &grad, decode.chooses().then_some(&chosen), &mut got).unwrap();
        assert_gradient("x", &x, &got, |x| dot(&forward(Arch::new(), neuron, steps, neurons, x).0, &grad));
    }

    #[test]
    fn the_same_bits(decode in prop::sample::select(&DECODES), steps in 1..8usize, neurons in 1..20_000usize, seed: u64) {
        let neuron = NonSpiking { tau: Some(2.5f32), decode };
        let x: Vec<f32> = seeded(seed, 0, steps * neurons).into_iter().map(f32::of).collect();
        let run = |arch| forward(arch, neuron, steps, neurons, &x);
        let want = run(Arch::Scalar);
        let threads = [1, 3].map(|threads| with_threads(threads, || run(Arch::new())));
        for got in arches().into_iter().map(run).chain(threads) {
            assert_bits("y", &got.0, &want.0);
            prop_assert_eq!(&got.1, &want.1);
        }
    }
}

#[test]
fn of_equal_potentials_the_first_is_chosen_and_a_nan_is_seen() {
    let chosen = |decode, x: &[f64]| {
        let (y, step) = forward(Arch::new(), NonSpiking { tau: None, decode }, x.len(), 1, x);
        (y[0], step[0])
    };
    assert_eq!(chosen(Decode::Max, &[2.0, -1.0, 1.0]), (2.0, 0));
    // The largest, 1, and the smallest, -1, are equally far from 0.
    assert_eq!(chosen(Decode::MaxAbs, &[1.0, -2.0, 2.0]), (-1.0, 1));
    let (y, step) = chosen(Decode::Max, &[5.0, f64::NAN, 9.0]);
    assert!(y.is_nan() && step == 1);
}

#[test]
fn a_choice_without_its_steps_has_no_gradient() {
    let neuron = NonSpiking { tau: None, decode: Decode::Max };
    assert!(neuron.backward(2, 1, &[1.0], None, &mut [0.0; 2]).unwrap_err().to_string().contains("`chosen`"));
}
