//! Encoders. In: numbers from 0 to 1; out: spikes that say the same, step by step, in pieces or at once, from the start again after
//! a reset.

mod support;

use std::sync::Mutex;

use proptest::prelude::*;
use snn_runtime::encoding::{Latency, LatencyEncoder, LatencyEncoderConfig, PeriodicEncoder, PeriodicEncoderConfig, PoissonEncoder};
use snn_runtime::encoding::{WeightedPhaseEncoder, WeightedPhaseEncoderConfig, latency, weighted_phase};
use snn_runtime::{Device, Kind, Layer, State, Tensor, manual_seed, named_tensors, nn};
use support::{EVAL, TRAIN, assert_same, assert_says, build, lone, rand};

/// The seed belongs to the process: tests that set it take turns.
static SEED: Mutex<()> = Mutex::new(());

fn numbers(sizes: &[i64]) -> Tensor {
    rand(sizes, Kind::Float)
}

fn late(steps: usize) -> LatencyEncoder {
    lone(LatencyEncoderConfig { T: steps, enc_function: Latency::Linear })
}

#[test]
fn latency_fires_first_for_the_largest_number() {
    let x = Tensor::from_slice(&[0.0f32, 0.5, 1.0]).unsqueeze(0);
    let spikes = late(5).repeat(&x, 5, &mut late(5).state(), &EVAL).unwrap();
    assert_same(&spikes.argmax(0, false), &Tensor::from_slice(&[4i64, 2, 0]).unsqueeze(0), "times");
    assert_same(&spikes.sum_dim_intlist(0, false, Kind::Float), &x.ones_like(), "one spike each");
    assert_same(&spikes, &latency(&x, 5, Latency::Linear).unwrap(), "the function");
}

#[test]
fn the_digits_of_a_number_are_worth_the_number() {
    let x = Tensor::from_slice(&[0.0, 0.375, 0.9375]).unsqueeze(0);
    let layer: WeightedPhaseEncoder = lone(WeightedPhaseEncoderConfig { K: 4 });
    let spikes = layer.repeat(&x, 4, &mut layer.state(), &EVAL).unwrap();
    let worth = Tensor::from_slice(&[0.5, 0.25, 0.125, 0.0625]).reshape([4, 1, 1]);
    assert_same(&(&spikes * worth).sum_dim_intlist(0, false, Kind::Double), &x, "sum of digits");
    assert_same(&spikes, &weighted_phase(&x, 4).unwrap(), "the function");
}

#[test]
fn given_spikes_come_back() {
    let spike = numbers(&[3, 2, 4]).round();
    let layer: PeriodicEncoder = lone(PeriodicEncoderConfig { spike: spike.copy() });
    let mut s = layer.state();
    let y = layer.repeat(&spike.get(0), 7, &mut s, &EVAL).unwrap();
    for t in 0..7 {
        assert_same(&y.get(t), &spike.get(t % 3), "a round of three");
    }
    assert_says(layer.step(&numbers(&[2, 5]), &mut s, &EVAL), &["Net.layer: its state has sizes [2, 4]"]);
}

#[test]
fn poisson_spikes_are_as_frequent_as_the_numbers() {
    let layer: PoissonEncoder = lone(());
    let rate =
        |p: f64| f64::try_from(layer.step(&Tensor::full([100_000], p, (Kind::Float, Device::Cpu)), &mut (), &EVAL).unwrap().mean(None));
    assert_eq!((rate(0.0).unwrap(), rate(1.0).unwrap()), (0.0, 1.0));
    assert!((rate(0.2).unwrap() - 0.2).abs() < 0.01);
    let x = numbers(&[2, 3]).set_requires_grad(true);
    assert!(!layer.step(&x, &mut (), &TRAIN).unwrap().requires_grad());
}

#[test]
fn poisson_steps_give_what_a_sequence_gives() {
    let _turn = SEED.lock();
    let vs = nn::VarStore::new(Device::Cpu);
    let layer: PoissonEncoder = build(&vs, "encoder", ()).unwrap();
    let x = numbers(&[4, 3, 50]);
    manual_seed(5);
    let whole = layer.sequence(&x, &mut (), &EVAL).unwrap();
    manual_seed(5);
    let steps: Vec<Tensor> = (0..4).map(|t| layer.step(&x.get(t), &mut (), &EVAL).unwrap()).collect();
    assert_same(&Tensor::stack(&steps, 0), &whole, "spikes");
    assert!(!layer.sequence(&x, &mut (), &EVAL).unwrap().equal(&whole), "every call draws anew");
}

#[test]
fn what_no_code_can_say_is_told() {
    let x = Tensor::from_slice(&[0.2f32, 1.5]).unsqueeze(0);
    assert_says(late(5).step(&x, &mut late(5).state(), &EVAL), &["Net.layer: `x` has values from 0.2"]);
    assert_says(weighted_phase(&Tensor::from_slice(&[0.9]), 2), &["but the code has spikes for values from 0 to 0.75 only"]);
    assert_says(latency(&Tensor::from_slice(&[f64::NAN]), 2, Latency::Log), &["latency: `x` has values from NaN"]);
    assert_says(latency(&x, 0, Latency::Log), &["latency: `steps` must be at least 1"]);
    let vs = nn::VarStore::new(Device::Cpu);
    assert_says(build::<LatencyEncoder>(&vs, "e", LatencyEncoderConfig { T: 0, enc_function: Latency::Log }), &["`T` must be at least 1"]);
    let spike = Tensor::from_slice(&[1.0]);
    assert_says(build::<PeriodicEncoder>(&vs, "p", PeriodicEncoderConfig { spike }), &["wants `spike` of [T, N, ..]"]);
    let mut s = late(5).state();
    let _ = late(5).step(&numbers(&[2, 3]), &mut s, &EVAL).unwrap();
    assert_says(late(5).step(&numbers(&[4, 3]), &mut s, &EVAL), &["its state is for a batch of 2, but gets 4"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn pieces_give_what_the_whole_gives(round in 1usize..6, steps in 1i64..12, cut in 0i64..12) {
        let layer = late(round);
        let x = numbers(&[steps, 2, 3]);
        let (mut whole, mut pieces, mut single) = (layer.state(), layer.state(), layer.state());
        let want = layer.sequence(&x, &mut whole, &EVAL).unwrap();
        let cut = cut % steps;
        let parts: Vec<Tensor> = [(0, cut), (cut, steps - cut)]
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .map(|(from, n)| layer.sequence(&x.narrow(0, from, n), &mut pieces, &EVAL).unwrap())
            .collect();
        prop_assert!(Tensor::cat(&parts, 0).equal(&want));
        let by_step: Vec<Tensor> = (0..steps).map(|t| layer.step(&x.get(t), &mut single, &EVAL).unwrap()).collect();
        prop_assert!(Tensor::stack(&by_step, 0).equal(&want));
        for s in [&pieces, &single] {
            let (a, b) = (named_tensors(s), named_tensors(&whole));
            prop_assert!(a.iter().zip(&b).all(|((n, a), (m, b))| n == m && a.equal(b)) && a.len() == 2);
        }
        // Only the first step is looked at, and a reset starts the round again.
        let again = layer.repeat(&x.get(0), steps, &mut layer.state(), &EVAL).unwrap();
        prop_assert!(again.equal(&want));
        whole.reset();
        whole.reset();
        prop_assert!(named_tensors(&whole).is_empty());
        prop_assert!(layer.sequence(&x, &mut whole, &EVAL).unwrap().equal(&want));
    }
}
