//! Training. In: small nets, tch's own optimisers and losses; out: a gradient at every weight, a loss that falls, and what
//! training must leave alone.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use snn::{Kind, Result, Tensor, nn, nn::OptimizerConfig, snn_net};
use support::frozen::frozen;
use support::{input, rand, store};

/// Fresh weights come from torch's generator, which belongs to the process: tests take turns, each from the same seed.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    snn::manual_seed(0);
    turn
}

snn_net! {
    /// Every layer with weights.
    net All(x: [2, 8, 8]) -> [4] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        conv1: Conv2d(_, 4, 3, padding = 1), BatchNorm2d(_), sn1: IFNode(), MaxPool2d(2),
        conv2: Conv2d(_, 4, 3, padding = 1, bias = false), BatchNorm2d(_), sn2: ParametricLIFNode(init_tau = 2.0), AvgPool2d(2),
        Flatten(), Dropout(0.1),
        fc1: Linear(_, 40), sn3: LIFNode(tau = 2.0), VotingLayer(10),
        MeanOverTime(),
    }

    /// The same, step by step.
    net AllS(x: [2, 8, 8]) -> [4] {
        T = 4;
        step_mode = 's';
        surrogate = Sigmoid;

        conv1: Conv2d(_, 4, 3, padding = 1), BatchNorm2d(_), sn1: IFNode(), MaxPool2d(2),
        conv2: Conv2d(_, 4, 3, padding = 1, bias = false), BatchNorm2d(_), sn2: ParametricLIFNode(init_tau = 2.0), AvgPool2d(2),
        Flatten(), Dropout(0.1),
        fc1: Linear(_, 40), sn3: LIFNode(tau = 2.0), VotingLayer(10),
        MeanOverTime(),
    }
}

/// Four classes: which quarter of the image is bright.
fn quarters(n: i64) -> (Tensor, Tensor) {
    let labels: Vec<i64> = (0..n).map(|i| i % 4).collect();
    let x = rand(&[n, 2, 8, 8]) * 0.3;
    for (i, class) in labels.iter().enumerate() {
        let quarter = x.get(i as i64).narrow(1, class / 2 * 4, 4).narrow(2, class % 2 * 4, 4);
        let _ = quarter.shallow_clone().g_add_scalar_(1.0);
    }
    (x, Tensor::from_slice(&labels))
}

macro_rules! learns {
    ($net:ident) => {{
        let vs = store();
        let net = $net::new(&vs.root())?;
        let (x, labels) = quarters(32);
        let x = $net::input(x)?;
        let mut opt = nn::Adam::default().build(&vs, 0.03)?;
        let loss = |train: bool| -> Result<Tensor> { Ok((net.forward_t(&x, train)?.tensor() * 4.0).cross_entropy_for_logits(&labels)) };
        let first = loss(true)?.double_value(&[]);
        for _ in 0..25 {
            opt.backward_step(&loss(true)?);
        }
        let last = loss(true)?.double_value(&[]);
        assert!(last < 0.75 * first, "the loss went from {first} to {last}");
        let right = net.forward(&x)?.argmax(1, false).eq_tensor(&labels).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        assert!(right > 0.6, "{right} of the samples are right; 0.25 is chance");
    }};
}

#[test]
fn whole_sequences_learn() -> Result<()> {
    let _turn = turn();
    learns!(All);
    Ok(())
}

#[test]
fn steps_learn() -> Result<()> {
    let _turn = turn();
    learns!(AllS);
    Ok(())
}

#[test]
fn the_gradient_reaches_every_weight_and_the_input() -> Result<()> {
    let _turn = turn();
    let vs = store();
    let net = All::new(&vs.root())?;
    let x = input(&[6, 2, 8, 8]).set_requires_grad(true);
    let weight = rand(&[6, 4]);
    (net.forward_t(&All::input(x.shallow_clone())?, true)?.tensor() * weight).sum(Kind::Float).backward();
    for (name, t) in vs.variables() {
        if t.requires_grad() {
            assert!(t.grad().defined() && t.grad().abs().max().double_value(&[]) > 0.0, "{name} is not reached");
        }
    }
    assert!(x.grad().abs().max().double_value(&[]) > 0.0);
    Ok(())
}

#[test]
fn evaluation_without_gradient_records_nothing() -> Result<()> {
    let _turn = turn();
    let vs = store();
    let net = All::new(&vs.root())?;
    let x = All::input(input(&[3, 2, 8, 8]))?;
    let (with, without) = (net.forward(&x)?, snn::no_grad(|| net.forward(&x))?);
    assert!(with.requires_grad() && !without.requires_grad());
    assert!(with.tensor().equal(without.tensor()));
    Ok(())
}

#[test]
fn an_optimiser_moves_weights_and_leaves_statistics_to_the_forward_pass() -> Result<()> {
    let _turn = turn();
    let vs = store();
    let net = All::new(&vs.root())?;
    let x = All::input(input(&[6, 2, 8, 8]))?;
    let mut opt = nn::Sgd::default().build(&vs, 0.5)?;
    let loss = (net.forward_t(&x, true)?.tensor() * rand(&[6, 4])).sum(Kind::Float);
    let before: Vec<(String, Tensor)> = vs.variables().into_iter().map(|(name, t)| (name, t.detach().copy())).collect();
    opt.backward_step(&loss);
    let after = vs.variables();
    for (name, t) in before {
        let moved = !t.equal(&after[&name]);
        let buffer = name.contains("running") || name.contains("tracked");
        assert!(!(moved && buffer), "{name} was moved by the optimiser");
        if name.ends_with("fc1.weight") || name.ends_with("sn2.w") || name.ends_with("conv1.weight") {
            assert!(moved, "{name} was not moved");
        }
    }
    Ok(())
}

#[test]
fn a_single_sample_without_space_left_cannot_be_normalised() -> Result<()> {
    let _turn = turn();
    snn_net! {
        /// One value per channel reaches the norm.
        net Point(x: [T, 2, 1, 1]) -> [T, 2, 1, 1] {
            T = 1;
            step_mode = 'm';
            bn: BatchNorm2d(_),
        }
    }
    let vs = store();
    let net = Point::new(&vs.root())?;
    let x = Point::input(input(&[1, 1, 2, 1, 1]))?;
    support::assert_says(net.forward_t(&x, true), &["Point.bn", "one value per channel"]);
    let _ = net.forward(&x)?;
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(All, AllFrozen, x: still [2, 2, 8, 8]);
    frozen!(AllS, AllSFrozen, x: still [2, 2, 8, 8]);
    Ok(())
}
