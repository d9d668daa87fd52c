//! The autograd bridge: one graph node whose backward is a Rust closure. In: small operations written with `attach`; out: the
//! promises of the module, one test each.

mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use snn_runtime::autograd::{Gradients, Save, attach, recorded};
use snn_runtime::{Device, Kind, Tensor};
use support::distance;

const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

fn leaf(n: i64) -> Tensor {
    Tensor::randn([n], F64).set_requires_grad(true)
}

/// Counts how many of its guards are gone: a closure that owns one tells when it is dropped.
#[derive(Clone, Default)]
struct Dropped(Arc<AtomicUsize>);

struct Guard(Arc<AtomicUsize>);

impl Dropped {
    fn guard(&self) -> Guard {
        Guard(self.0.clone())
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// sin(x) * y, and an integer beside it, which has no gradient.
fn sin_mul(x: &Tensor, y: &Tensor, dropped: &Dropped) -> Vec<Tensor> {
    let outputs = tch_no_grad(|| vec![x.sin() * y, x.ge(0.0).to_kind(Kind::Int64)]);
    let guard = dropped.guard();
    attach("SinMul", &[x, y], outputs, &[Save::Tensor(x), Save::Tensor(y), Save::Nothing], move |b| {
        let _ = &guard;
        assert!(b.saved[2].is_none() && b.grads.len() == 2 && b.grads[1].is_none());
        let (Some(g), Some(x), Some(y)) = (&b.grads[0], &b.saved[0], &b.saved[1]) else { return Ok(vec![None, None]) };
        Ok(vec![b.needs[0].then(|| g * x.cos() * y), b.needs[1].then(|| g * x.sin())])
    })
    .unwrap()
}

fn tch_no_grad<T>(f: impl FnOnce() -> T) -> T {
    let _guard = tch::no_grad_guard();
    f()
}

/// A node that passes its gradient on.
fn identity(x: &Tensor, backward: impl FnMut(Vec<Option<Tensor>>) -> Gradients + Send + 'static) -> Tensor {
    let mut backward = backward;
    attach("Same", &[x], vec![x.detach() * 1.0], &[], move |b| backward(b.grads)).unwrap().remove(0)
}

fn sum(t: &Tensor) -> Tensor {
    t.sum(Kind::Double)
}

#[test]
fn gradients_agree_with_finite_differences() {
    let (x, y, weight) = (leaf(7), leaf(7), Tensor::randn([7], F64));
    let f = |x: &Tensor, y: &Tensor| sum(&(&sin_mul(x, y, &Dropped::default())[0] * &weight));
    f(&x, &y).backward();
    let eps = 1e-6;
    for i in 0..7 {
        let shift = Tensor::zeros([7], F64);
        let _ = shift.get(i).fill_(eps);
        let numeric = |plus: Tensor, minus: Tensor| (plus - minus).double_value(&[]) / (2.0 * eps);
        let (dx, dy) =
            tch_no_grad(|| (numeric(f(&(&x + &shift), &y), f(&(&x - &shift), &y)), numeric(f(&x, &(&y + &shift)), f(&x, &(&y - &shift)))));
        assert!((dx - x.grad().double_value(&[i])).abs() < 1e-8);
        assert!((dy - y.grad().double_value(&[i])).abs() < 1e-8);
    }
}

#[test]
fn an_integer_output_has_no_gradient() {
    let out = sin_mul(&leaf(3), &leaf(3), &Dropped::default());
    assert!(out[0].requires_grad() && !out[1].requires_grad());
}

#[test]
fn the_closure_goes_after_backward_and_a_second_backward_is_refused() {
    let dropped = Dropped::default();
    let (x, y) = (leaf(3), leaf(3));
    let loss = sum(&sin_mul(&x, &y, &dropped)[0]);
    assert_eq!(dropped.count(), 0);
    loss.backward();
    assert_eq!(dropped.count(), 1, "the graph is alive, its memory is not needed any more");
    let e = loss.f_backward().unwrap_err().to_string();
    assert!(e.contains("second time"), "{e}");
    assert!(distance(&x.grad(), &(x.cos() * &y)) < 1e-12 && distance(&y.grad(), &x.sin()) < 1e-12);
}

/// Without saved tensors, only the node itself can tell that it has been used.
#[test]
fn a_second_backward_is_refused_where_nothing_was_saved() {
    let loss = sum(&identity(&leaf(3), Ok));
    loss.backward();
    let e = loss.f_backward().unwrap_err().to_string();
    assert!(e.contains("second time"), "{e}");
}

#[test]
fn retain_graph_keeps_the_closure_for_more_backwards() {
    let dropped = Dropped::default();
    let (x, y) = (leaf(3), leaf(3));
    let loss = sum(&sin_mul(&x, &y, &dropped)[0]);
    let first = Tensor::run_backward(&[&loss], &[&x], true, false);
    assert_eq!(dropped.count(), 0);
    let second = Tensor::run_backward(&[&loss], &[&x], true, false);
    assert_eq!(distance(&first[0], &second[0]), 0.0);
    loss.backward();
    assert_eq!(dropped.count(), 1);
    assert_eq!(distance(&first[0], &x.grad()), 0.0);
}

#[test]
fn the_closure_goes_with_the_graph() {
    let dropped = Dropped::default();
    let out = sin_mul(&leaf(3), &leaf(3), &dropped);
    let kept = sum(&out[0]);
    drop(out);
    assert_eq!(dropped.count(), 0, "a later tensor still holds the graph");
    drop(kept);
    assert_eq!(dropped.count(), 1);
}

#[test]
fn nothing_is_kept_where_nothing_is_recorded() {
    let dropped = Dropped::default();
    let (x, y) = (leaf(3), leaf(3));
    assert!(recorded(&[&x]) && !recorded(&[&x.detach()]) && !tch_no_grad(|| recorded(&[&x])));
    assert!(!tch_no_grad(|| sin_mul(&x, &y, &dropped))[0].requires_grad());
    assert_eq!(dropped.count(), 1);
    assert!(!sin_mul(&x.detach(), &y.detach(), &dropped)[0].requires_grad());
    assert_eq!(dropped.count(), 2);
}

#[test]
fn only_wanted_gradients_are_asked_for() {
    let (x, y) = (leaf(3), leaf(3).detach());
    sum(&sin_mul(&x, &y, &Dropped::default())[0]).backward();
    assert!(x.grad().defined() && !y.grad().defined());
    let seen: Arc<Mutex<Vec<Vec<bool>>>> = Arc::default();
    let (log, y) = (seen.clone(), leaf(3));
    let out = attach("Two", &[&x, &y], vec![&x.detach() + &y.detach()], &[], move |b| {
        log.lock().unwrap().push(b.needs.to_vec());
        Ok(vec![b.grads[0].as_ref().map(Tensor::shallow_clone), None])
    })
    .unwrap();
    let _ = Tensor::run_backward(&[sum(&out[0])], &[&x], true, false);
    sum(&out[0]).backward();
    assert_eq!(*seen.lock().unwrap(), [[true, false], [true, true]]);
    assert!(!y.grad().defined(), "None stands for zero");
}

#[test]
fn an_output_without_gradient_arrives_as_none() {
    let x = leaf(3);
    let seen: Arc<Mutex<Vec<[bool; 2]>>> = Arc::default();
    let log = seen.clone();
    let out = attach("Two", &[&x], vec![x.detach() * 2.0, x.detach() * 3.0], &[], move |b| {
        log.lock().unwrap().push([b.grads[0].is_some(), b.grads[1].is_some()]);
        Ok(vec![b.grads[1].as_ref().map(|g| g * 3.0)])
    })
    .unwrap();
    sum(&out[1]).backward();
    assert_eq!(*seen.lock().unwrap(), [[false, true]]);
    assert_eq!(x.grad().double_value(&[0]), 3.0);
}

#[test]
fn panics_and_errors_become_errors_of_backward() {
    let x = leaf(3);
    type Case = (&'static str, fn() -> Gradients);
    let cases: [Case; 5] = [
        ("Bad: its backward panicked: boom 1", || panic!("boom {}", 1)),
        ("Bad: its backward panicked: no message", || std::panic::panic_any(7)),
        ("Bad: soft failure", || Err("soft failure".into())),
        ("Bad: its backward gives 0 gradients for 1 inputs", || Ok(vec![])),
        ("invalid gradient at index 0", || Ok(vec![Some(Tensor::zeros([9], F64))])),
    ];
    for (message, gradients) in cases {
        let dropped = Dropped::default();
        let guard = dropped.guard();
        let out = attach("Bad", &[&x], vec![x.detach() * 2.0], &[Save::Tensor(&x)], move |_| {
            let _ = &guard;
            gradients()
        });
        let loss = sum(&out.unwrap()[0]);
        let e = loss.f_backward().unwrap_err().to_string();
        assert!(e.contains(message), "{message}: {e}");
        drop(loss);
        assert_eq!(dropped.count(), 1, "{message}");
    }
    assert!(!x.grad().defined());
    sum(&(&x * 2.0)).backward();
    assert_eq!(x.grad().double_value(&[0]), 2.0, "the engine is still usable");
}

#[test]
fn attach_refuses_what_it_cannot_hook_in() {
    let (x, dropped) = (leaf(3), Dropped::default());
    for (label, save) in [("nul\0", Save::Nothing), ("Out of range", Save::Output(1))] {
        let guard = dropped.guard();
        let refused = attach(label, &[&x], vec![x.detach()], &[save], move |b| {
            let _ = &guard;
            Ok(b.grads)
        });
        assert!(refused.is_err());
    }
    assert_eq!(dropped.count(), 2);
}

#[test]
fn a_second_derivative_is_refused_with_a_clear_message() {
    let (x, y) = (leaf(3), leaf(3));
    let loss = sum(&sin_mul(&x, &y, &Dropped::default())[0]);
    let first = Tensor::run_backward(&[&loss], &[&x], true, true);
    assert!(distance(&first[0], &(x.cos() * &y)) < 1e-12);
    let e = sum(&first[0]).f_backward().unwrap_err().to_string();
    assert!(e.contains("SinMul: it can be differentiated once"), "{e}");
}

#[test]
fn a_saved_tensor_changed_in_place_is_detected() {
    let (x, y) = (leaf(3), leaf(3));
    let mut h = &x * 1.0;
    let loss = sum(&sin_mul(&h, &y, &Dropped::default())[0]);
    let _ = h.fill_(3.0);
    let e = loss.f_backward().unwrap_err().to_string();
    assert!(e.contains("modified by an inplace operation"), "{e}");
}

#[test]
fn a_saved_output_makes_no_cycle() {
    let (x, dropped) = (leaf(4), Dropped::default());
    let exp = |guard: Guard| {
        attach("Exp", &[&x], vec![x.detach().exp()], &[Save::Output(0)], move |b| {
            let _ = &guard;
            let (Some(g), Some(y)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
            Ok(vec![Some(g * y)])
        })
        .unwrap()
    };
    drop(exp(dropped.guard()));
    assert_eq!(dropped.count(), 1, "no backward ran, and nothing is left");
    let out = exp(dropped.guard());
    sum(&out[0]).backward();
    assert!(distance(&x.grad(), &x.exp()) < 1e-12);
    drop(out);
    assert_eq!(dropped.count(), 2);
}

#[test]
fn an_input_given_back_as_output_keeps_its_own_history() {
    let x = leaf(2);
    let out = attach("Same", &[&x], vec![x.shallow_clone()], &[], |b| Ok(vec![b.grads[0].as_ref().map(|g| g * 5.0)])).unwrap();
    assert!(x.is_leaf() && !out[0].is_leaf());
    sum(&out[0]).backward();
    assert_eq!(x.grad().double_value(&[0]), 5.0);
}

#[test]
fn a_deep_graph_is_freed_without_overflowing_the_stack() {
    let (x, dropped, depth) = (leaf(1), Dropped::default(), 100_000);
    let chain = || {
        (0..depth).fold(x.shallow_clone(), |h, _| {
            let guard = dropped.guard();
            identity(&h, move |grads| {
                let _ = &guard;
                Ok(grads)
            })
        })
    };
    chain().backward();
    assert_eq!(dropped.count(), depth);
    drop(chain());
    assert_eq!(dropped.count(), 2 * depth);
}

#[test]
fn backward_may_run_on_another_thread() {
    let (x, y, dropped) = (leaf(3), leaf(3), Dropped::default());
    let loss = sum(&sin_mul(&x, &y, &dropped)[0]);
    std::thread::spawn(move || loss.backward()).join().unwrap();
    assert!(distance(&x.grad(), &(x.cos() * &y)) < 1e-12);
    assert_eq!(dropped.count(), 1);
}

/// Deeper than the engine's limit of 60 nested backwards, libtorch goes on in threads of its own.
#[test]
fn backward_inside_backward_reaches_the_engines_workers() {
    type Threads = Arc<Mutex<HashSet<std::thread::ThreadId>>>;
    fn nest(depth: usize, threads: Threads) -> f64 {
        let x = leaf(1);
        let out = identity(&x, move |grads| {
            threads.lock().unwrap().insert(std::thread::current().id());
            if depth > 0 {
                // Recording is off inside a node; an inner graph needs it.
                tch::with_grad(|| nest(depth - 1, threads.clone()));
            }
            Ok(grads)
        });
        sum(&out).backward();
        x.grad().double_value(&[0])
    }
    let threads = Threads::default();
    assert_eq!(nest(150, threads.clone()), 1.0);
    assert!(threads.lock().unwrap().len() > 1);
}
