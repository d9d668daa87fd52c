//! `Dropout`. In: numbers, in training and evaluation; out: a mask that stays for all steps until a reset, right on average,
//! and the same for the same seed.

mod support;

use std::sync::Mutex;

use snn_runtime::{Device, Dropout, DropoutConfig, DropoutState, Error, Kind, Layer, State, Tensor, manual_seed, nn};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, lone, randn};

/// The seed belongs to the process: tests that set it take turns.
static SEED: Mutex<()> = Mutex::new(());

fn ones(sizes: &[i64]) -> Tensor {
    Tensor::ones(sizes, (Kind::Float, Device::Cpu))
}

fn dropout(p: f64) -> Dropout {
    lone(DropoutConfig { p })
}

#[test]
fn one_mask_for_all_steps_until_a_reset() {
    let (layer, x, mut s) = (dropout(0.5), randn(&[4, 3, 50], Kind::Float), DropoutState::default());
    let y = layer.sequence(&x, &mut s, &TRAIN).unwrap();
    let mask = s.mask.as_ref().unwrap().copy();
    assert_eq!(mask.size(), [3, 50]);
    assert_same(&y, &(&x * &mask), "the same mask at every step");
    assert_same(&layer.step(&x.get(0), &mut s, &TRAIN).unwrap(), &y.get(0), "and in later calls");
    assert_same(&layer.repeat(&x.get(2), 2, &mut s, &TRAIN).unwrap().get(1), &y.get(2), "and for a static input");
    s.detach();
    assert_same(&layer.step(&x.get(0), &mut s, &TRAIN).unwrap(), &y.get(0), "and after detach");
    s.reset();
    assert!(s.mask.is_none());
    let _ = layer.step(&x.get(0), &mut s, &TRAIN).unwrap();
    assert!(!s.mask.unwrap().equal(&mask), "a new one after a reset");
}

#[test]
fn steps_give_what_a_sequence_gives() {
    let _turn = SEED.lock();
    let x = randn(&[4, 3, 50], Kind::Float);
    let vs = nn::VarStore::new(Device::Cpu);
    let layer: Dropout = build(&vs, "drop", DropoutConfig { p: 0.3 }).unwrap();
    manual_seed(3);
    let whole = layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap();
    manual_seed(3);
    let mut s = layer.state();
    let steps: Vec<Tensor> = (0..4).map(|t| layer.step(&x.get(t), &mut s, &TRAIN).unwrap()).collect();
    assert_same(&Tensor::stack(&steps, 0), &whole, "outputs");
}

#[test]
fn the_mask_is_0_or_1_over_1_minus_p_and_1_on_average() {
    for p in [0.0, 0.1, 0.5, 0.9] {
        for kind in [Kind::Float, Kind::Double] {
            let n = 200_000;
            let y = dropout(p).step(&Tensor::ones([n], (kind, Device::Cpu)), &mut DropoutState::default(), &TRAIN).unwrap();
            assert_eq!(y.kind(), kind);
            let kept = y.ne(0.0);
            let value = Tensor::full([n], 1.0 / (1.0 - p), (kind, Device::Cpu));
            assert_same(&y, &(value * kept.to_kind(kind)), "0 or 1 / (1 - p)");
            let share = kept.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
            // Five standard deviations of a binomial.
            assert!((share - (1.0 - p)).abs() <= 5.0 * (p * (1.0 - p) / n as f64).sqrt(), "{p}: {share}");
        }
    }
}

#[test]
fn smaller_kinds_get_a_mask_of_their_own() {
    for kind in [Kind::Half, Kind::BFloat16] {
        let y = dropout(0.5).step(&Tensor::ones([1000], (kind, Device::Cpu)), &mut DropoutState::default(), &TRAIN).unwrap();
        assert_eq!(y.kind(), kind);
        assert!(y.to_kind(Kind::Float).sum(Kind::Float).double_value(&[]) > 500.0);
    }
}

#[test]
fn samples_and_features_are_dropped_one_by_one() {
    let mut s = DropoutState::default();
    let _ = dropout(0.5).step(&ones(&[64, 64]), &mut s, &TRAIN).unwrap();
    let mask = s.mask.unwrap();
    let rows = mask.sum_dim_intlist(0, false, None);
    assert!(rows.min().double_value(&[]) > 0.0 && rows.max().double_value(&[]) < 128.0);
    assert!(!mask.get(0).equal(&mask.get(1)));
}

#[test]
fn evaluation_is_the_identity_and_keeps_the_mask() {
    let (layer, x, mut s) = (dropout(0.5), randn(&[4, 3, 50], Kind::Float), DropoutState::default());
    assert_same(&layer.sequence(&x, &mut s, &EVAL).unwrap(), &x, "evaluation");
    assert!(s.mask.is_none(), "nothing was drawn");
    let y = layer.sequence(&x, &mut s, &TRAIN).unwrap();
    assert_same(&layer.sequence(&x, &mut s, &EVAL).unwrap(), &x, "evaluation");
    // Another batch may be evaluated in between.
    assert_eq!(layer.sequence(&randn(&[4, 7, 50], Kind::Float), &mut s, &EVAL).unwrap().size(), [4, 7, 50]);
    assert_same(&layer.sequence(&x, &mut s, &TRAIN).unwrap(), &y, "training goes on with its mask");
}

#[test]
fn the_gradient_goes_through_the_mask() {
    let (layer, mut s) = (dropout(0.5), DropoutState::default());
    let x = randn(&[4, 3, 50], Kind::Float).set_requires_grad(true);
    layer.sequence(&x, &mut s, &TRAIN).unwrap().sum(Kind::Float).backward();
    assert_near(&x.grad(), &s.mask.unwrap().unsqueeze(0).expand([4, 3, 50], false).contiguous(), 0.0, "gradient");
}

#[test]
fn the_same_seed_gives_the_same_masks_and_another_gives_others() {
    let _turn = SEED.lock();
    // Two layers, two draws each.
    let masks = |seed: i64| -> Vec<Tensor> {
        manual_seed(seed);
        let vs = nn::VarStore::new(Device::Cpu);
        let mut masks = Vec::new();
        for name in ["drop1", "drop2"] {
            let layer: Dropout = build(&vs, name, DropoutConfig { p: 0.5 }).unwrap();
            for _ in 0..2 {
                masks.push(layer.step(&ones(&[100]), &mut layer.state(), &TRAIN).unwrap());
            }
        }
        masks
    };
    let (a, b, c) = (masks(1), masks(1), masks(2));
    for i in 0..4 {
        assert_same(&a[i], &b[i], "the same seed");
        assert!(!a[i].equal(&c[i]), "another seed");
        for j in 0..i {
            assert!(!a[i].equal(&a[j]), "layers and draws differ: {i} and {j}");
        }
    }
}

#[test]
fn threads_do_not_change_the_mask() {
    let _turn = SEED.lock();
    let draw = || {
        manual_seed(5);
        dropout(0.5).step(&ones(&[100_000]), &mut DropoutState::default(), &TRAIN).unwrap()
    };
    let here = draw();
    assert_same(&std::thread::spawn(draw).join().unwrap(), &here, "another thread");
}

#[test]
fn p_is_a_share_below_one() {
    let vs = nn::VarStore::new(Device::Cpu);
    for p in [-0.1, 1.0, 1.5, f64::NAN, f64::INFINITY] {
        assert_says(build::<Dropout>(&vs, "drop", DropoutConfig { p }), &["Net.drop", "`p`"]);
    }
}

#[test]
fn another_batch_needs_a_reset() {
    let layer: Dropout = build(&nn::VarStore::new(Device::Cpu), "drop", DropoutConfig { p: 0.5 }).unwrap();
    for first in [3, 1] {
        let mut s = layer.state();
        let _ = layer.step(&ones(&[first, 5]), &mut s, &TRAIN).unwrap();
        let e = assert_says(layer.sequence(&ones(&[4, 2, 5]), &mut s, &TRAIN), &["Net.drop", "gets 2"]);
        assert!(matches!(e, Error::Batch { .. }), "{e:?}");
        assert_says(
            layer.step(&ones(&[first, 6]), &mut s, &TRAIN),
            &["Net.drop", "[1, 6]"].map(|t| if first == 3 && t != "Net.drop" { "[3, 6]" } else { t }),
        );
        s.reset();
        let _ = layer.sequence(&ones(&[4, 2, 5]), &mut s, &TRAIN).unwrap();
    }
}

#[test]
fn odd_inputs_are_errors_or_fine_but_no_panic() {
    let layer: Dropout = build(&nn::VarStore::new(Device::Cpu), "drop", DropoutConfig { p: 0.5 }).unwrap();
    let run = |x: &Tensor| layer.sequence(x, &mut layer.state(), &TRAIN);
    assert!(run(&Tensor::from(1.0f32)).is_err(), "no step");
    assert!(run(&ones(&[0, 2, 3])).is_err(), "no step");
    assert_eq!(run(&ones(&[4, 0, 3])).unwrap().size(), [4, 0, 3]);
    assert_says(run(&Tensor::ones([4, 2, 3], (Kind::Int64, Device::Cpu))), &["Net.drop", "Int64"]);
}
