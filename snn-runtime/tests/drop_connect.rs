//! `DropConnectLinear`. In: rows, in training and evaluation; out: a linear layer under masks that nobody stored.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use proptest::prelude::*;
use snn_runtime::{
    Activation, Device, DropConnectLinear, DropConnectLinearConfig, Error, Kind, Layer, State, Tensor, manual_seed, named_tensors, nn,
};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, rand, randn};

/// The seed belongs to the process: tests that set it take turns.
fn seeded(seed: i64) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    manual_seed(seed);
    turn
}

fn config(bias: bool, invariant: bool, activation: Activation) -> DropConnectLinearConfig {
    DropConnectLinearConfig { bias, invariant, activation, ..DropConnectLinearConfig::new(70, 5) }
}

const ACTIVATIONS: [Activation; 4] = [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid];

fn applied(activation: Activation, y: Tensor) -> Tensor {
    match activation {
        Activation::Relu => y.relu(),
        Activation::Tanh => y.tanh(),
        Activation::Sigmoid => y.sigmoid(),
        _ => y,
    }
}

/// One step with masks in memory, `[N, out, in]` and `[N, out]`.
fn masked(layer: &DropConnectLinear, x: &Tensor, mask_w: &Tensor, mask_b: &Tensor) -> Tensor {
    let w = layer.weight.to_kind(x.kind()) * mask_w.to_kind(x.kind());
    let y = w.matmul(&x.unsqueeze(-1)).squeeze_dim(-1);
    let y = match &layer.bias {
        Some(b) => y + b.to_kind(x.kind()) * mask_b.to_kind(x.kind()),
        None => y,
    };
    applied(layer.config().activation, y)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Masks put into the state, and the same in torch's operations.
    #[test]
    fn under_given_masks_it_is_a_masked_linear_layer(steps in 1..4i64, n in 1..4i64, bias: bool, invariant: bool, which in 0..4usize, wide: bool) {
        let kind = if wide { Kind::Double } else { Kind::Float };
        let layer: DropConnectLinear = lone(config(bias, invariant, ACTIVATIONS[which]));
        let x = randn(&[steps, n, 70], kind).set_requires_grad(true);
        let draws = if invariant { 1 } else { steps };
        let mask_w = rand(&[draws, n, 5, 70], Kind::Float).ge(0.4).to_kind(Kind::Float);
        let mask_b = rand(&[draws, n, 5], Kind::Float).ge(0.4).to_kind(Kind::Float);
        let mut s = layer.state();
        (s.mask_w, s.mask_b) = (Some(mask_w.shallow_clone()), bias.then(|| mask_b.shallow_clone()));
        let y = layer.sequence(&x, &mut s, &TRAIN).unwrap();
        let at = |t: i64| if invariant { 0 } else { t };
        let want: Vec<Tensor> = (0..steps).map(|t| masked(&layer, &x.get(t), &mask_w.get(at(t)), &mask_b.get(at(t)))).collect();
        let want = Tensor::stack(&want, 0);
        assert_near(&y, &want, 1e-5, "output");
        let mut wrt = vec![&x, &layer.weight];
        wrt.extend(&layer.bias);
        let weight = randn(&y.size(), kind);
        for (a, b) in grads(&y, &weight, &wrt).iter().zip(&grads(&want, &weight, &wrt)) {
            assert_near(a, b, 1e-5, "gradient");
        }
        let last = named_tensors(&s);
        prop_assert_eq!(last.len(), 1 + usize::from(bias));
        assert_same(&last[0].1, &(&layer.weight * mask_w.get(at(steps - 1))), "dropped_w");
    }

    /// Drawn masks: what the state shows is what the layer did; the same seed, in steps and in a sequence, gives the same.
    #[test]
    fn drawn_masks_can_be_looked_at(n in 1..4i64, invariant: bool, bias: bool) {
        let layer: DropConnectLinear = lone(config(bias, invariant, Activation::Relu));
        let x = randn(&[3, n, 70], Kind::Float).set_requires_grad(true);
        let run = |how: &dyn Fn() -> Vec<Tensor>| {
            let _turn = seeded(3);
            how()
        };
        let steps = run(&|| {
            let mut s = layer.state();
            let step = |t: i64| {
                let y = layer.step(&x.get(t), &mut s, &TRAIN).unwrap();
                let seen: Vec<Tensor> = named_tensors(&s).into_iter().map(|(_, t)| t).collect();
                let w = seen[0].matmul(&x.get(t).unsqueeze(-1)).squeeze_dim(-1);
                assert_near(&y, &if bias { w + &seen[1] } else { w }.relu(), 1e-5, "the state shows the mask");
                y
            };
            (0..3).map(step).collect()
        });
        let whole = run(&|| vec![layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap()]);
        let parts = run(&|| {
            let mut s = layer.state();
            x.split_with_sizes([1, 2], 0).iter().map(|x| layer.sequence(x, &mut s, &TRAIN).unwrap()).collect()
        });
        assert_same(&Tensor::stack(&steps, 0), &whole[0], "in steps");
        assert_same(&Tensor::cat(&parts, 0), &whole[0], "in two parts");
        let weight = randn(&[3, n, 5], Kind::Float);
        let (a, b) = (grads(&Tensor::stack(&steps, 0), &weight, &[&x, &layer.weight]), grads(&whole[0], &weight, &[&x, &layer.weight]));
        a.iter().zip(&b).for_each(|(a, b)| assert_near(a, b, 1e-5, "gradients"));
    }
}

#[test]
fn with_nothing_dropped_it_is_a_linear_layer() {
    let layer: DropConnectLinear = lone(DropConnectLinearConfig { p: 0.0, ..config(true, false, Activation::Identity) });
    let x = randn(&[3, 4, 70], Kind::Float);
    let want = x.linear(&layer.weight, layer.bias.as_ref());
    assert_near(&layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap(), &want, 1e-5, "training");
    // SpikingJelly stops here with an error: the distribution has no spread.
    assert_near(&layer.sequence(&x, &mut layer.state(), &EVAL).unwrap(), &want, 1e-5, "evaluation");
}

#[test]
fn masks_are_new_at_every_step_unless_invariant() {
    let _turn = seeded(1);
    let x = Tensor::ones([1, 200], (Kind::Float, Device::Cpu)).expand([4, 3, 200], false).contiguous();
    let run = |invariant| {
        let layer: DropConnectLinear =
            lone(DropConnectLinearConfig { invariant, activation: Activation::Identity, ..DropConnectLinearConfig::new(200, 10) });
        let mut s = layer.state();
        let y = layer.sequence(&x, &mut s, &TRAIN).unwrap();
        let again = layer.step(&x.get(0), &mut s, &TRAIN).unwrap();
        s.reset();
        (y, again, layer.step(&x.get(0), &mut s, &TRAIN).unwrap())
    };
    let (y, again, _) = run(false);
    assert!((0..3).all(|t| !y.get(t).equal(&y.get(t + 1))) && !again.equal(&y.get(3)));
    assert!(!y.get(0).get(0).equal(&y.get(0).get(1)), "each sample has its own");
    let (y, again, other) = run(true);
    assert!((0..3).all(|t| y.get(t).equal(&y.get(t + 1))) && again.equal(&y.get(3)));
    assert!(!other.equal(&again), "until a reset");
}

#[test]
fn evaluation_is_near_the_mean_over_masks_and_has_no_gradient() {
    let _turn = seeded(2);
    let layer: DropConnectLinear = lone(DropConnectLinearConfig { p: 0.3, ..config(true, false, Activation::Identity) });
    let x = randn(&[2, 4, 70], Kind::Float).set_requires_grad(true);
    let y = layer.sequence(&x, &mut layer.state(), &EVAL).unwrap();
    assert!(!y.requires_grad());
    let mean = x.linear(&layer.weight, layer.bias.as_ref()) * 0.7;
    let spread = (x.square().linear(&layer.weight.square(), layer.bias.as_ref().map(Tensor::square).as_ref()) * 0.21).sqrt();
    // Six standard deviations of a mean of 1024.
    assert!(((&y - mean) / spread).abs().max().double_value(&[]) < 6.0 / 32.0);
    assert!(!layer.sequence(&x, &mut layer.state(), &EVAL).unwrap().equal(&y), "it is random");
    assert!(named_tensors(&layer.state()).is_empty());
    let deep = layer.step(&randn(&[4, 3, 70], Kind::Float), &mut layer.state(), &EVAL).unwrap();
    assert_eq!(deep.size(), [4, 3, 5]);
    let silent = layer.step(&Tensor::zeros([4, 70], (Kind::Float, Device::Cpu)), &mut layer.state(), &EVAL).unwrap();
    assert_eq!(silent.size(), [4, 5]);
}

#[test]
fn a_row_without_spikes_and_bias_is_quiet() {
    let layer: DropConnectLinear = lone(config(false, false, Activation::Sigmoid));
    let y = layer.step(&Tensor::zeros([4, 70], (Kind::Float, Device::Cpu)), &mut layer.state(), &EVAL).unwrap();
    assert_same(&y, &y.full_like(0.5), "sigmoid(0)");
}

#[test]
fn what_was_dropped_stays_what_it_was() {
    let layer: DropConnectLinear = lone(config(true, false, Activation::Relu));
    let x = randn(&[4, 70], Kind::Float);
    let mut s = layer.state();
    drop(layer.step(&x, &mut s, &TRAIN).unwrap());
    let before: Vec<(String, Tensor)> = named_tensors(&s).into_iter().map(|(name, t)| (name, t.detach().copy())).collect();
    // What an optimiser does.
    tch::no_grad(|| [&layer.weight, layer.bias.as_ref().unwrap()].map(|t| drop(t.shallow_clone().g_mul_scalar_(-2.0))));
    // And a step that is refused, for a batch of 5, leaves it alone.
    s.mask_w = Some(Tensor::ones([1, 4, 5, 70], (Kind::Float, Device::Cpu)));
    assert_says(layer.step(&randn(&[5, 70], Kind::Float), &mut s, &TRAIN), &["`mask_w`"]);
    let after = named_tensors(&s);
    assert_eq!(after.len(), before.len());
    for ((name, after), (_, before)) in after.iter().zip(&before) {
        assert_same(after, before, name);
    }
}

#[test]
fn a_reset_keeps_masks_that_wait() {
    let layer: DropConnectLinear = lone(config(false, true, Activation::Identity));
    let x = randn(&[4, 70], Kind::Float);
    let masks = rand(&[2, 4, 5, 70], Kind::Float).ge(0.4).to_kind(Kind::Float);
    let mut s = layer.state();
    s.mask_w = Some(masks.shallow_clone());
    for draw in 0..2 {
        drop(layer.step(&x, &mut s, &TRAIN).unwrap());
        assert_same(&named_tensors(&s)[0].1, &(&layer.weight * masks.get(draw)), "one for every reset");
        s.reset();
        assert!(named_tensors(&s).is_empty());
    }
    assert_says(layer.step(&x, &mut s, &TRAIN), &["`mask_w`", "at least [1, 4, 5, 70]"]);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let layer: DropConnectLinear = build(&nn::VarStore::new(Device::Cpu), "fc", config(true, true, Activation::Relu)).unwrap();
    let train = |sizes: &[i64]| layer.step(&rand(sizes, Kind::Float), &mut layer.state(), &TRAIN);
    for sizes in [&[4, 5, 70][..], &[70], &[4, 69]] {
        let _ = assert_says(train(sizes), &["Net.fc", "[N, 70]"]);
    }
    let mut s = layer.state();
    let _ = layer.step(&rand(&[4, 70], Kind::Float), &mut s, &TRAIN).unwrap();
    let told = assert_says(layer.step(&rand(&[5, 70], Kind::Float), &mut s, &TRAIN), &["Net.fc", "batch of 4", "gets 5", "reset"]);
    assert!(matches!(told, Error::Batch { .. }));
    let mut s = layer.state();
    s.mask_w = Some(Tensor::ones([1, 4, 5, 69], (Kind::Float, Device::Cpu)));
    let _ = assert_says(layer.step(&rand(&[4, 70], Kind::Float), &mut s, &TRAIN), &["Net.fc", "`mask_w`", "[1, 4, 5, 70]"]);
    s.mask_w = Some(Tensor::ones([1, 4, 5, 70], (Kind::Float, Device::Cpu)));
    let _ = assert_says(layer.step(&rand(&[4, 70], Kind::Float), &mut s, &TRAIN), &["Net.fc", "`mask_b`"]);
    s.eps = Some(Tensor::ones([1, 1024, 4, 5], (Kind::Float, Device::Cpu)));
    let _ = assert_says(layer.sequence(&rand(&[2, 4, 70], Kind::Float), &mut s, &EVAL), &["Net.fc", "`eps`", "[2, 1024, 4, 5]"]);

    let vs = nn::VarStore::new(Device::Cpu);
    for p in [1.0, 1.5, -0.1, f64::NAN] {
        let _ = assert_says(
            build::<DropConnectLinear>(&vs, "fc", DropConnectLinearConfig { p, ..DropConnectLinearConfig::new(3, 2) }),
            &["`p`"],
        );
    }
    let config = DropConnectLinearConfig { samples_num: 0, ..DropConnectLinearConfig::new(3, 2) };
    let _ = assert_says(build::<DropConnectLinear>(&vs, "fc", config), &["`samples_num`"]);
}
