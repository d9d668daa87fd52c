//! Layers with a memory: `SynapseFilter`, `NeuNorm`, `Delay`, `Dropout2d`. In: random sequences; out: what their definitions in torch's own
//! operations give, gradients included, however the sequence is cut.

mod support;

use proptest::prelude::*;
use snn_runtime::{
    Delay, DelayConfig, Device, Dropout2d, Dropout2dConfig, Error, Kind, Layer, NeuNorm, NeuNormConfig, State, SynapseFilter,
    SynapseFilterConfig, Tensor, functional, nn,
};
use support::cut::{everything, is_the_same_however_it_is_cut, sliced};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, rand, randn};

fn filter(tau: f64, learnable: bool) -> SynapseFilter {
    lone(SynapseFilterConfig { tau, learnable })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_filter_is_its_equation(steps in 2..7i64, n in 1..4i64, tau in 1.1..50.0, cut in 1..6i64, learnable: bool) {
        for kind in [Kind::Float, Kind::Double] {
            let layer = filter(tau, learnable);
            let x = rand(&[steps, n, 5], kind).set_requires_grad(true);
            let weights: Vec<&Tensor> = layer.w.iter().collect();
            let (y, s) = sliced(&layer, &x, &[steps]);
            let got = everything(&x, &weights, y, &s);
            let q = match &layer.w {
                Some(w) => w.sigmoid().to_kind(kind),
                None => Tensor::from(1.0 / tau).to_kind(kind),
            };
            let (mut i, mut y) = (x.get(0).zeros_like(), Vec::new());
            for t in 0..steps {
                i = &i - (1.0 - x.get(t)) * &i * &q + x.get(t);
                y.push(i.shallow_clone());
            }
            let s = snn_runtime::SynapseFilterState { out_i: Some(i) };
            let want = everything(&x, &weights, Tensor::stack(&y, 0), &s);
            got.iter().zip(&want).for_each(|(a, b)| assert_near(a, b, 1e-5, "filter"));
            is_the_same_however_it_is_cut(&layer, &weights, &x, cut.min(steps - 1));
        }
    }

    #[test]
    fn neunorm_is_its_equation(steps in 2..6i64, n in 1..4i64, c in 1..5usize, k in 0.0..1.0, cut in 1..5i64, shared: bool) {
        let (height, width) = (3, 4);
        let layer: NeuNorm = lone(NeuNormConfig { k, shared_across_channels: shared, ..NeuNormConfig::new(c, height, width) });
        prop_assert_eq!(layer.w.size(), [if shared { 1 } else { c as i64 }, 3, 4]);
        let x = rand(&[steps, n, c as i64, 3, 4], Kind::Float).ge(0.5).to_kind(Kind::Float).set_requires_grad(true);
        let (y, s) = sliced(&layer, &x, &[steps]);
            let got = everything(&x, &[&layer.w], y, &s);
        let (mut u, mut y) = (Tensor::zeros([n, 1, 3, 4], (Kind::Float, Device::Cpu)), Vec::new());
        for t in 0..steps {
            u = u * k + x.get(t).sum_dim_intlist(1, true, Kind::Float) * ((1.0 - k) / (c * c) as f64);
            y.push(x.get(t) - &layer.w * &u);
        }
        prop_assert_eq!(got[1].size(), [n, 1, 3, 4]);
        let want = everything(&x, &[&layer.w], Tensor::stack(&y, 0), &snn_runtime::NeuNormState { x: Some(u) });
        got.iter().zip(&want).for_each(|(a, b)| assert_near(a, b, 1e-5, "neunorm"));
        is_the_same_however_it_is_cut(&layer, &[&layer.w], &x, cut.min(steps - 1));
    }

    /// Also where the delay is longer than the sequence.
    #[test]
    fn a_delay_is_the_function_of_that_name(steps in 2..7i64, delay_steps in 0..9usize, cut in 1..6i64) {
        let layer: Delay = lone(DelayConfig { delay_steps });
        let x = randn(&[steps, 2, 3], Kind::Float).set_requires_grad(true);
        let (y, s) = sliced(&layer, &x, &[steps]);
        let want = functional::delay(&x, delay_steps).unwrap();
        assert_same(&y, &want, "delayed");
        if delay_steps < steps as usize {
            let weight = randn(&y.size(), Kind::Float);
            assert_same(&grads(&y, &weight, &[&x])[0], &grads(&want, &weight, &[&x])[0], "its gradient");
        }
        // What is on its way are the last steps, oldest first.
        let queued = delay_steps.min(steps as usize);
        prop_assert_eq!(s.queue.len(), queued);
        for (i, t) in s.queue.iter().enumerate() {
            assert_same(t, &x.get(steps - (queued - i) as i64), "queue");
        }
        is_the_same_however_it_is_cut(&layer, &[], &x, cut.min(steps - 1));
    }

    /// A channel is kept or dropped as one, at every step, and the same until a reset.
    #[test]
    fn dropout_of_channels(steps in 1..4i64, n in 1..4i64, p in 0.1..0.9) {
        let layer: Dropout2d = lone(Dropout2dConfig { p });
        let mut s = layer.state();
        let x = randn(&[steps, n, 40, 2, 3], Kind::Float).abs() + 0.1;
        let y = layer.sequence(&x, &mut s, &TRAIN).unwrap();
        let factor = &y / &x;
        let first = factor.get(0).slice(2, 0, 1, 1).slice(3, 0, 1, 1);
        assert_near(&factor, &first.expand([steps, n, 40, 2, 3], false).contiguous(), 1e-6, "one number per channel");
        assert_same(&layer.step(&x.get(0), &mut s, &TRAIN).unwrap(), &y.get(0), "in later calls");
        let mask = s.mask.as_ref().unwrap();
        prop_assert_eq!(mask.size(), [n, 40, 2, 3]);
        let kept = mask.ne(0.0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        // Six standard deviations of a share among n * 40 channels.
        prop_assert!((kept - (1.0 - p)).abs() < 6.0 * (p * (1.0 - p) / (n * 40) as f64).sqrt(), "kept {}", kept);
    }
}

#[test]
fn a_static_input_is_a_sequence_of_itself() {
    let layer = filter(3.0, true);
    let x = rand(&[2, 5], Kind::Float).set_requires_grad(true);
    let repeated = layer.repeat(&x, 4, &mut layer.state(), &TRAIN).unwrap();
    let expanded = layer.sequence(&x.unsqueeze(0).expand([4, 2, 5], false), &mut layer.state(), &TRAIN).unwrap();
    assert_same(&repeated, &expanded, "outputs");
    let weight = randn(&[4, 2, 5], Kind::Float);
    let wrt = [&x, layer.w.as_ref().unwrap()];
    let (a, b) = (grads(&repeated, &weight, &wrt), grads(&expanded, &weight, &wrt));
    a.iter().zip(&b).for_each(|(a, b)| assert_near(a, b, 1e-6, "gradients"));
}

#[test]
fn initial_weights() {
    let w = filter(10.0, true).w.unwrap();
    assert_eq!((w.size(), w.double_value(&[])), (vec![], f64::from(-(9.0f64.ln()) as f32)));
    assert!(filter(10.0, false).w.is_none());
    let w = lone::<NeuNorm>(NeuNormConfig::new(30, 4, 5)).w;
    let bound = 1.0 / 20f64.sqrt();
    let (low, high) = (w.min().double_value(&[]), w.max().double_value(&[]));
    assert!(low >= -bound && high <= bound && low < -0.9 * bound && high > 0.9 * bound, "{low} to {high}");
}

#[test]
fn dropout2d_of_features_drops_features() {
    let layer: Dropout2d = lone(Dropout2dConfig { p: 0.5 });
    let y = layer.step(&Tensor::ones([4, 200], (Kind::Float, Device::Cpu)), &mut layer.state(), &TRAIN).unwrap();
    let kept = y.ne(0.0).sum(Kind::Int64).int64_value(&[]);
    assert!((300..500).contains(&kept), "{kept} of 800");
}

/// SpikingJelly starts anew, broadcasts, or answers with the old batch.
#[test]
fn another_batch_needs_a_reset() {
    fn check<L: Layer>(name: &str, config: L::Config, sample: &[i64]) {
        let layer: L = build(&nn::VarStore::new(Device::Cpu), name, config).unwrap();
        let x = |n: i64| rand(&[&[2, n], sample].concat(), Kind::Float);
        for first in [1, 3] {
            let mut s = layer.state();
            let _ = layer.sequence(&x(first), &mut s, &TRAIN).unwrap();
            let told = assert_says(layer.sequence(&x(5), &mut s, &TRAIN), &[&format!("Net.{name}"), "gets 5", "reset"]);
            assert!(matches!(told, Error::Batch { .. }), "{told:?}");
            let _ = assert_says(layer.step(&x(5).get(0), &mut s, &TRAIN), &["gets 5"]);
            s.reset();
            let _ = layer.sequence(&x(5), &mut s, &TRAIN).unwrap();
        }
    }
    check::<SynapseFilter>("syn", SynapseFilterConfig::default(), &[4]);
    check::<NeuNorm>("norm", NeuNormConfig::new(3, 4, 5), &[3, 4, 5]);
    check::<Delay>("late", DelayConfig { delay_steps: 2 }, &[4]);
    check::<Dropout2d>("drop", Dropout2dConfig::default(), &[4, 2, 2]);
}

/// The state of a longer delay has more on its way than this one lets out: the newest of it counts, and all of it has to fit.
#[test]
fn a_delay_takes_the_newest_of_a_longer_one() {
    let (long, short): (Delay, Delay) = (lone(DelayConfig { delay_steps: 5 }), lone(DelayConfig { delay_steps: 2 }));
    let x = rand(&[9, 2, 3], Kind::Float);
    let filled = || {
        let mut s = long.state();
        let _ = long.sequence(&x.narrow(0, 0, 6), &mut s, &EVAL).unwrap();
        assert_eq!(s.queue.len(), 5);
        s
    };
    let mut s = filled();
    assert_same(&short.sequence(&x.narrow(0, 6, 3), &mut s, &EVAL).unwrap(), &x.narrow(0, 4, 3), "as a sequence");
    assert_eq!(s.queue.len(), 2);
    let mut s = filled();
    for t in 6..9 {
        assert_same(&short.step(&x.get(t), &mut s, &EVAL).unwrap(), &x.get(t - 2), "step by step");
        assert_eq!(s.queue.len(), 2);
    }
    // One of the younger ones is of another batch.
    let mut s = filled();
    s.queue[4] = rand(&[4, 3], Kind::Float);
    let told = assert_says(short.step(&x.get(6), &mut s, &EVAL), &["Net.layer", "batch of 4, but gets 2"]);
    assert!(matches!(told, Error::Batch { .. }), "{told:?}");
    let _ = assert_says(short.sequence(&x.narrow(0, 6, 3), &mut s, &EVAL), &["Net.layer", "batch of 4, but gets 2"]);
}

#[test]
fn arguments_that_make_no_sense_are_errors() {
    let vs = nn::VarStore::new(Device::Cpu);
    for tau in [1.0, -2.0, f64::NAN, f64::INFINITY] {
        let _ = assert_says(build::<SynapseFilter>(&vs, "syn", SynapseFilterConfig { tau, learnable: true }), &["Net.syn", "`tau`", "1"]);
    }
    let _ = assert_says(build::<NeuNorm>(&vs, "norm", NeuNormConfig::new(3, 0, 5)), &["Net.norm", "`height`"]);
    let config = NeuNormConfig { k: f64::NAN, ..NeuNormConfig::new(3, 4, 5) };
    let _ = assert_says(build::<NeuNorm>(&vs, "norm", config), &["Net.norm", "`k`"]);
    let _ = assert_says(build::<Dropout2d>(&vs, "drop", Dropout2dConfig { p: 1.0 }), &["Net.drop", "`p`"]);
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let layer: NeuNorm = lone(NeuNormConfig { shared_across_channels: true, ..NeuNormConfig::new(3, 4, 5) });
    let run = |sizes: &[i64]| layer.step(&rand(sizes, Kind::Float), &mut layer.state(), &TRAIN);
    for sizes in [&[2, 3, 5, 4][..], &[2, 7, 4, 5], &[3, 4, 5], &[2, 3, 6, 6]] {
        let _ = assert_says(run(sizes), &["[N, 3, 4, 5]"]);
    }
    let long = layer.sequence(&rand(&[0, 2, 3, 4, 5], Kind::Float), &mut layer.state(), &TRAIN);
    assert!(matches!(long, Err(Error::Steps { .. })));
    let filter = filter(2.0, false);
    let whole = Tensor::ones([2, 2, 3], (Kind::Int64, Device::Cpu));
    let _ = assert_says(filter.sequence(&whole, &mut filter.state(), &TRAIN), &["Int64"]);
    assert_eq!(filter.sequence(&rand(&[3, 0, 4], Kind::Float), &mut filter.state(), &TRAIN).unwrap().size(), [3, 0, 4]);
    let delay: Delay = lone(DelayConfig { delay_steps: 1 });
    assert!(matches!(delay.sequence(&Tensor::from(1.0f32), &mut delay.state(), &TRAIN), Err(Error::Steps { .. })));
}
