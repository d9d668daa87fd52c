//! A sequence cut in pieces. In: a layer with a memory and a sequence; out: whether it matters where the sequence is cut.

use snn_runtime::{Layer, State, Tensor, named_tensors};

use super::{TRAIN, assert_near, assert_same};

/// Runs `x` in slices of the given lengths on one state; outputs joined, and the state.
pub(crate) fn sliced<L: Layer>(layer: &L, x: &Tensor, lengths: &[i64]) -> (Tensor, L::State) {
    let mut s = layer.state();
    let slices = x.split_with_sizes(lengths, 0);
    let y: Vec<Tensor> = slices.iter().map(|x| layer.sequence(x, &mut s, &TRAIN).unwrap()).collect();
    (Tensor::cat(&y, 0), s)
}

pub(crate) fn stepped<L: Layer>(layer: &L, x: &Tensor) -> (Tensor, L::State) {
    let mut s = layer.state();
    let y: Vec<Tensor> = (0..x.size()[0]).map(|t| layer.step(&x.get(t), &mut s, &TRAIN).unwrap()).collect();
    (Tensor::stack(&y, 0), s)
}

/// Outputs, the state, and the gradients of a loss of both.
pub(crate) fn everything(x: &Tensor, weights: &[&Tensor], y: Tensor, state: &dyn State) -> Vec<Tensor> {
    let mut all = vec![y];
    state.visit(&mut |_, t| all.push(t.shallow_clone()));
    let loss = all.iter().enumerate().map(|(i, t)| (t * (t.detach() + i as f64 + 1.0)).sum(t.kind()));
    let loss = loss.reduce(|a, b| a + b).unwrap();
    let gradients = Tensor::run_backward(&[loss], &[&[x], weights].concat(), false, false);
    all.into_iter().map(|t| t.detach()).chain(gradients).collect()
}

/// The whole, any two parts, and step by step give the same outputs, states and gradients; a fresh state is one that was reset.
#[track_caller]
pub(crate) fn is_the_same_however_it_is_cut<L: Layer>(layer: &L, weights: &[&Tensor], x: &Tensor, cut: i64) {
    let x = x.detach().set_requires_grad(true);
    let steps = x.size()[0];
    let (y, mut s) = sliced(layer, &x, &[steps]);
    let whole = everything(&x, weights, y, &s);
    for (what, (y, s)) in [("in two", sliced(layer, &x, &[cut, steps - cut])), ("in steps", stepped(layer, &x))] {
        let parts = everything(&x, weights, y, &s);
        assert_eq!(parts.len(), whole.len(), "{what}");
        parts.iter().zip(&whole).for_each(|(a, b)| assert_near(a, b, 1e-6, what));
    }
    s.detach();
    assert!(named_tensors(&s).iter().all(|(_, t)| !t.requires_grad()));
    s.reset();
    s.reset();
    assert!(named_tensors(&s).is_empty());
    assert_same(&layer.sequence(&x, &mut s, &TRAIN).unwrap(), &sliced(layer, &x, &[steps]).0, "after a reset");
}
