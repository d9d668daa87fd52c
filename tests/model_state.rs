//! State of a model: a value that the user holds. In: steps and pieces of sequences; out: a state that can be reset, detached,
//! looked into, and belongs to one batch size.

mod support;

use snn::{Error, Kind, Result, State, Steps, Tensor, nn, snn_net};
use support::frozen::frozen;
use support::{assert_near, assert_says, input, shake, store};

snn_net! {
    /// Neurons at several depths, and dropout.
    pub net Deep(x: [T, 6]) -> [T, 3] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;

        fc1: Linear(_, 8), sn1: LIFNode(tau = 2.0),
        drop: Dropout(0.5),
        pair: [[Linear(_, 8), sn: IFNode()]; 2],
        tail: [Linear(_, 3), ParametricLIFNode(init_tau = 2.0)],
    }
}

snn_net! {
    /// No neuron at all.
    pub net Plain(x: [T, 6]) -> [3] {
        T = 4;
        step_mode = 's';
        Linear(_, 3), MeanOverTime(),
    }
}

fn deep() -> Result<(nn::VarStore, Deep)> {
    let vs = store();
    let net = Deep::new(&vs.root())?;
    shake(&vs);
    Ok((vs, net))
}

fn x(batch: i64) -> Result<Steps<snn::Shape1<6>>> {
    Steps::new(input(&[4, batch, 6]))
}

#[test]
fn a_fresh_state_stores_nothing_and_a_used_one_lists_its_tensors() -> Result<()> {
    let (_vs, net) = deep()?;
    let mut s = net.state(3);
    assert_eq!(s.batch(), 3);
    assert!(s.named_tensors().is_empty());
    let _ = net.forward_chunk(&x(3)?, &mut s, true)?;
    let named: Vec<(String, Vec<i64>)> = s.named_tensors().into_iter().map(|(name, t)| (name, t.size())).collect();
    let want = [("sn1.v", 8), ("drop.mask", 8), ("pair.0.sn.v", 8), ("pair.1.sn.v", 8), ("tail.1.v", 3)];
    assert_eq!(named, want.map(|(name, n)| (name.to_string(), vec![3, n])));
    assert_eq!(s.pair[1].sn.v.as_ref().expect("a potential").size(), [3, 8]);
    Ok(())
}

#[test]
fn reset_makes_it_fresh() -> Result<()> {
    let (_vs, net) = deep()?;
    let (x, mut s) = (x(3)?, net.state(3));
    let first = net.forward_chunk(&x, &mut s, false)?;
    let second = net.forward_chunk(&x, &mut s, false)?;
    assert!(support::distance(&first, &second) > 0.0, "it goes on from where it was");
    s.reset();
    s.reset();
    assert!(s.named_tensors().is_empty());
    assert_eq!(s.batch(), 3);
    assert_near(&*net.forward_chunk(&x, &mut s, false)?, &first, 0.0);
    Ok(())
}

#[test]
fn detach_keeps_values_and_cuts_the_gradient() -> Result<()> {
    let (_vs, net) = deep()?;
    let early = input(&[4, 3, 6]).set_requires_grad(true);
    for detached in [false, true] {
        let mut s = net.state(3);
        let _ = net.forward_chunk(&Steps::new(early.shallow_clone())?, &mut s, false)?;
        let before = s.named_tensors();
        if detached {
            s.detach();
        }
        for ((name, a), (_, b)) in before.iter().zip(s.named_tensors()) {
            assert!(a.equal(&b), "{name} keeps its value");
            assert_eq!(b.requires_grad(), !detached, "{name}");
        }
        let y = net.forward_chunk(&x(3)?, &mut s, false)?;
        let grad = Tensor::run_backward(&[y.sum(Kind::Float)], &[&early], false, false).remove(0);
        assert_eq!(grad.defined(), !detached, "the early input is reached unless the gradient is cut");
    }
    Ok(())
}

/// Truncated backpropagation through time: one backward per piece.
#[test]
fn pieces_can_be_trained_one_by_one() -> Result<()> {
    let (vs, net) = deep()?;
    let mut s = net.state(2);
    for _ in 0..3 {
        net.forward_chunk(&x(2)?, &mut s, true)?.sum(Kind::Float).backward();
        s.detach();
    }
    assert!(vs.variables()["fc1.weight"].grad().defined());
    Ok(())
}

#[test]
fn another_batch_is_an_error_that_says_so() -> Result<()> {
    let (_vs, net) = deep()?;
    let mut s = net.state(3);
    let says = ["Deep", "batch of 3", "gets 5", "reset()", "state(5)"];
    assert_says(net.forward_chunk(&x(5)?, &mut s, false), &says);
    assert_says(net.forward_from(&Deep::input(input(&[4, 5, 6]))?, &mut s, false), &says);
    assert_says(net.step(&snn::Static::new(input(&[5, 6]))?, &mut s), &says);
    assert_says(net.step_t(&snn::Static::new(input(&[5, 6]))?, &mut s, true), &says);
    assert!(matches!(net.forward_chunk(&x(1)?, &mut s, false), Err(Error::Batch { want: 3, got: 1, .. })));
    assert!(s.named_tensors().is_empty(), "nothing ran");
    let _ = net.forward_chunk(&x(3)?, &mut s, false)?;
    Ok(())
}

#[test]
fn a_state_is_a_value() -> Result<()> {
    let (_vs, net) = deep()?;
    let x = x(3)?;
    // Two streams through one net do not disturb each other.
    let (mut a, mut b) = (net.state(3), net.state(3));
    let first = net.forward_chunk(&x, &mut a, false)?;
    assert_near(&*net.forward_chunk(&x, &mut b, false)?, &first, 0.0);
    let second = net.forward_chunk(&x, &mut a, false)?;
    assert_near(&*net.forward_chunk(&x, &mut b, false)?, &second, 0.0);
    // Code for any state works on a net's.
    fn forget(s: &mut impl State) {
        s.reset();
    }
    forget(&mut a);
    assert!(a.named_tensors().is_empty());
    Ok(())
}

#[test]
fn a_net_without_memory_has_a_state_all_the_same() -> Result<()> {
    let vs = store();
    let net = Plain::new(&vs.root())?;
    let x = Plain::input(input(&[4, 3, 6]))?;
    let mut s = net.state(3);
    assert_near(&*net.forward_from(&x, &mut s, false)?, &*net.forward(&x)?, 0.0);
    assert!(s.named_tensors().is_empty());
    assert_says(net.forward_from(&Plain::input(input(&[4, 2, 6]))?, &mut s, false), &["Plain", "batch of 3", "gets 2"]);
    Ok(())
}

/// The mask of dropout is state: the same for all steps of a pass, new for the next.
#[test]
fn dropout_draws_anew_for_every_training_pass() -> Result<()> {
    let (_vs, net) = deep()?;
    let mut s = net.state(3);
    let mask = |s: &DeepState| s.drop.mask.as_ref().expect("a mask").copy();
    let _ = net.forward_chunk(&x(3)?, &mut s, true)?;
    let first = mask(&s);
    let _ = net.forward_chunk(&x(3)?, &mut s, true)?;
    assert!(mask(&s).equal(&first));
    s.reset();
    let _ = net.forward_chunk(&x(3)?, &mut s, true)?;
    assert!(!mask(&s).equal(&first));
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Deep, DeepFrozen, x: seq [4, 5, 6]);
    frozen!(Plain, PlainFrozen, x: seq [4, 5, 6]);
    Ok(())
}
