//! Adam beside libtorch's. In: a store of variables, gradients from step to step; out: the same weights.

mod support;

use snn_runtime::train::{Adam, AdamConfig};
use snn_runtime::{Device, Kind, Tensor, nn};
use support::{assert_near, assert_says, randn};
use tch::nn::OptimizerConfig as _;

/// Two variables that learn, the second without a gradient at first, and one that does not.
fn store() -> nn::VarStore {
    let vs = nn::VarStore::new(Device::Cpu);
    let _ = vs.root().var("a", &[30, 41], nn::Init::Const(0.5));
    let _ = vs.root().var("b", &[7], nn::Init::Const(-0.25));
    let _ = vs.root().zeros_no_train("c", &[5]);
    vs
}

fn loss(vs: &nn::VarStore, x: &Tensor, with_b: bool) -> Tensor {
    let variables = vs.variables();
    let loss = (&variables["a"] * x).square().sum(Kind::Float);
    if with_b { loss + variables["b"].exp().sum(Kind::Float) } else { loss }
}

#[test]
fn steps_are_libtorchs() {
    snn_runtime::manual_seed(3);
    let config = AdamConfig { lr: 0.02, betas: [0.8, 0.95], eps: 1e-3, weight_decay: 0.1, ..Default::default() };
    for decoupled in [false, true] {
        let (ours, theirs) = (store(), store());
        let mut adam = Adam::new(&ours, AdamConfig { decoupled_weight_decay: decoupled, ..config }).unwrap();
        let (beta1, beta2, eps, wd) = (config.betas[0], config.betas[1], config.eps, config.weight_decay);
        let mut reference = match decoupled {
            false => nn::Adam { beta1, beta2, wd, eps, amsgrad: false }.build(&theirs, config.lr),
            true => nn::AdamW { beta1, beta2, wd, eps, amsgrad: false }.build(&theirs, config.lr),
        }
        .unwrap();
        for step in 0..6 {
            let x = randn(&[30, 41], Kind::Float);
            if step == 4 {
                adam.set_lr(0.005);
                reference.set_lr(0.005);
            }
            adam.zero_grad();
            reference.zero_grad();
            loss(&ours, &x, step > 1).backward();
            loss(&theirs, &x, step > 1).backward();
            adam.step().unwrap();
            reference.step();
            for (name, got) in ours.variables() {
                assert_near(&got, &theirs.variables()[&name], 1e-6, &format!("{name}, step {step}, decoupled {decoupled}"));
            }
        }
    }
}

#[test]
fn gradients_are_forgotten_and_not_zeroed() {
    let vs = store();
    let mut adam = Adam::new(&vs, AdamConfig::default()).unwrap();
    loss(&vs, &Tensor::from(1.0f32), true).backward();
    adam.zero_grad();
    assert!(vs.trainable_variables().iter().all(|w| !w.grad().defined()));
    adam.step().unwrap();
    assert_near(&vs.variables()["b"], &Tensor::full([7], -0.25, (Kind::Float, Device::Cpu)), 0.0, "no gradient, no step");
}

/// As with any in-place change.
#[test]
fn a_graph_notices_that_its_weights_have_moved() {
    let vs = store();
    let mut adam = Adam::new(&vs, AdamConfig::default()).unwrap();
    let old = vs.variables()["a"].square().sum(Kind::Float);
    loss(&vs, &Tensor::from(1.0f32), true).backward();
    adam.step().unwrap();
    let e = old.f_backward().unwrap_err().to_string();
    assert!(e.contains("modified by an inplace operation"), "{e}");
}

#[test]
fn arguments_are_checked() {
    let new = |config: AdamConfig| Adam::new(&store(), config);
    assert_says(new(AdamConfig { lr: -1.0, ..Default::default() }), &["Adam", "`lr`", "-1.0"]);
    assert_says(new(AdamConfig { eps: f64::NAN, ..Default::default() }), &["`eps`", "NaN"]);
    assert_says(new(AdamConfig { betas: [0.9, 1.0], ..Default::default() }), &["`betas`", "1.0"]);
    let mut adam = new(AdamConfig::default()).unwrap();
    adam.set_lr(f64::INFINITY);
    assert_says(adam.step(), &["`lr`", "inf"]);
}
