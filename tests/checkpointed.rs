//! `#[checkpoint]`: the same net with and without it. In: weights, inputs, seeds; out: outputs, states, gradients and running statistics are equal to
//! the bit, and less memory is held.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use snn::prelude::*;
use snn::{Cx, Layer, NeuronState, Scope, nn, snn_net};
use support::{input, shake, store};

/// Adds noise of torch's generator; a layer of the user's own.
#[derive(Debug)]
pub struct Noise;

impl snn::Stateless for Noise {
    type Config = ();
    fn build(_: &Scope<'_>, (): ()) -> snn::Result<Self> {
        Ok(Noise)
    }
    fn forward(&self, x: &Tensor, cx: &Cx) -> snn::Result<Tensor> {
        Ok(if cx.train { x * (x.rand_like() + 0.5) } else { x.shallow_clone() })
    }
}

/// Learns a gain, which stands in its own struct, and remembers; a layer of the user's own.
#[derive(Debug)]
pub struct Gain {
    gain: Tensor,
}

impl Layer for Gain {
    type Config = ();
    type State = NeuronState;
    fn build(scope: &Scope<'_>, (): ()) -> snn::Result<Self> {
        Ok(Gain { gain: scope.path().f_ones("gain", &[1])? })
    }
    fn state(&self) -> NeuronState {
        NeuronState::default()
    }
    fn step(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> snn::Result<Tensor> {
        let v = match &s.v {
            Some(v) => v * 0.5 + x,
            None => x.shallow_clone(),
        };
        s.v = Some(v.shallow_clone());
        Ok(v * &self.gain)
    }
}

/// The same net twice: `$mark` is `#[checkpoint]`, or nothing.
macro_rules! nets {
    ($module:ident, $($mark:tt)*) => {
        pub(crate) mod $module {
            #![allow(dead_code, reason = "not every part of a net is used")]
            use snn::snn_net;

            snn_net! {
                use super::super::{Gain, Noise};

                block Residual(c) {
                    conv: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_)],
                    #[record(spikes, voltage)]
                    sn: ParametricLIFNode(init_tau = 2.0),
                    drop: Dropout(0.3),
                    forward(x) {
                        sew_add(drop(sn(conv(x))), x)
                    }
                }

                pub(crate) net Images(x: [2, 6, 6]) -> [3] {
                    T = 4;
                    step_mode = 'm';
                    surrogate = ATan;
                    $($mark)*
                    stem: [Conv2d(_, 4, 3, padding = 1), BatchNorm2d(_), IFNode()],
                    $($mark)*
                    layers: [Residual(4); 3],
                    $($mark)*
                    pairs: [[Residual(4); 2]; 2],
                    $($mark)*
                    end: [Flatten(), Noise(), Linear(_, 3), MeanOverTime()],
                }

                pub(crate) net Series(x: [T, 5]) -> [T, 4] {
                    T = 6;
                    step_mode = 's';
                    $($mark)*
                    first: [Linear(_, 8), Gain(), LIFNode(tau = 2.0), [$($mark)* [Linear(_, 8), LIFNode(), SynapseFilter(tau = 4.0), Dropout(0.2)]; 2]],
                    rec: ElementWiseRecurrentContainer([$($mark)* [Linear(_, 8), IFNode()]], |y, x| y * 0.5 + x),
                    $($mark)*
                    last: [Linear(_, 4), DropConnectLinear(4, 4), LIFNode(v_reset = None)],
                }

                pub(crate) net Two(a: [T, 4], b: [T, 4]) -> (sum: [T, 4], rest: [T, 4]) {
                    T = 3;
                    step_mode = 'm';
                    $($mark)*
                    both: Both(),
                    forward(a, b) {
                        let (s, d) = both(a, b);
                        (s, d)
                    }
                }

                block Both() {
                    fa: Linear(_, 4), na: MPBNLIFNode(out_features = 4, mpbn = true),
                    fb: Linear(_, 4), nb: LIFNode(),
                    forward(a, b) {
                        let x = na(fa(a));
                        let y = nb(fb(b));
                        (add(x, y), mul(x, y))
                    }
                }
            }
        }
    };
}

mod nets {
    nets! { plain, }
    nets! { checkpointed, #[checkpoint] }
}
use nets::{checkpointed, plain};

/// Seeds belong to the process: tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that a run leaves, by name.
type Left = Vec<(String, Tensor)>;

/// Every variable and its gradient.
fn variables(vs: &nn::VarStore, left: &mut Left) {
    let mut all: Vec<_> = vs.variables().into_iter().collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, v) in all {
        if v.requires_grad() {
            assert!(v.grad().defined(), "{name} has no gradient");
            left.push((format!("gradient of {name}"), v.grad()));
        }
        left.push((name, v.detach()));
    }
}

/// Equal to the bit; gradients of what is used at several steps up to the order in which their parts are added.
fn equal(a: &Left, b: &Left, order: f64) {
    assert_eq!(a.len(), b.len());
    let gradients = a.iter().filter(|(name, _)| name.starts_with("gradient"));
    let dead: Vec<&str> =
        gradients.clone().filter(|(_, g)| g.abs().max().double_value(&[]) == 0.0).map(|(name, _)| name.as_str()).collect();
    assert!(2 * dead.len() < gradients.count(), "most gradients are 0: {dead:?}");
    for ((name, a), (other, b)) in a.iter().zip(b) {
        assert_eq!(name, other);
        if order > 0.0 && name.starts_with("gradient") {
            let apart = ((a - b).abs() / (a.abs().max() + 1e-30)).max().double_value(&[]);
            assert!(apart <= order, "{name}: {apart:e} apart");
        } else {
            assert!(a.equal(b), "{name} differs: {a:?} {b:?}");
        }
    }
}

/// Weights that are the same for both nets.
macro_rules! built {
    ($net:ty) => {{
        snn::manual_seed(5);
        let vs = store();
        let net = <$net>::new(&vs.root()).unwrap();
        support::reseed(1);
        shake(&vs);
        (vs, net)
    }};
}

/// Two training steps of images, recorded, with and without a gradient of the input.
macro_rules! images {
    ($nets:ident) => {{
        let (vs, net) = built!($nets::Images);
        let mut left = Left::new();
        for wants in [false, true] {
            let x = input(&[3, 2, 6, 6]).set_requires_grad(wants);
            let (y, rec) = net.forward_recorded(&$nets::Images::input(x.shallow_clone()).unwrap(), true).unwrap();
            (y.square().sum(Kind::Float)).backward();
            left.push(("output".into(), y.detach()));
            left.push(("voltage".into(), rec.layers[1].sn.voltage.shallow_clone()));
            left.push(("spikes".into(), rec.layers[2].sn.spikes.shallow_clone()));
            left.push(("spikes".into(), rec.pairs[1][0].sn.spikes.shallow_clone()));
            if wants {
                left.push(("gradient of x".into(), x.grad()));
            }
        }
        variables(&vs, &mut left);
        left
    }};
}

#[test]
fn whole_sequences() {
    let _turn = turn();
    let (plain, marked) = (images!(plain), images!(checkpointed));
    assert!(plain.iter().any(|(name, t)| name.ends_with("num_batches_tracked") && t.int64_value(&[]) == 2));
    equal(&plain, &marked, 0.0);
}

/// Three pieces of a recording from one state, with a gradient through all of them, then one behind a cut.
macro_rules! series {
    ($nets:ident) => {{
        let (vs, net) = built!($nets::Series);
        let mut left = Left::new();
        let mut s = net.state(2);
        let x: Vec<Tensor> = (0..4).map(|_| input(&[6, 2, 5]).set_requires_grad(true)).collect();
        let run = |i: usize, s: &mut _| net.forward_from(&$nets::Series::input(x[i].shallow_clone()).unwrap(), s, true).unwrap();
        let y: Vec<Tensor> = (0..3).map(|i| run(i, &mut s).into_tensor()).collect();
        s.detach();
        let last = run(3, &mut s).into_tensor();
        let ends: Tensor = s.named_tensors().iter().map(|(_, t)| t.sum(Kind::Float)).sum();
        (y[0].sum(Kind::Float) + y[2].square().sum(Kind::Float)).backward();
        (last.sum(Kind::Float) + ends * 0.1).backward();
        left.extend(y.iter().map(|y| ("output".to_string(), y.detach())));
        left.push(("output".into(), last.detach()));
        left.extend(x.iter().map(|x| ("gradient of x".to_string(), x.grad())));
        left.extend(s.named_tensors().into_iter().map(|(name, t)| (name, t.detach())));
        variables(&vs, &mut left);
        left
    }};
}

#[test]
fn step_by_step_from_a_state() {
    let _turn = turn();
    equal(&series!(plain), &series!(checkpointed), 1e-6);
}

macro_rules! two {
    ($nets:ident) => {{
        let (vs, net) = built!($nets::Two);
        let (a, b) = (input(&[3, 2, 4]), input(&[3, 2, 4]));
        let (a, b) = $nets::Two::input(a, b).unwrap();
        let y = net.forward_t(&a, &b, true).unwrap();
        // One of the two outputs alone, as well.
        y.rest.square().sum(Kind::Float).backward();
        let y2 = net.forward_t(&a, &b, true).unwrap();
        (y2.sum.sum(Kind::Float) + y2.rest.square().sum(Kind::Float)).backward();
        let mut left = vec![("sum".into(), y.sum.detach()), ("rest".into(), y.rest.detach())];
        variables(&vs, &mut left);
        left
    }};
}

#[test]
fn several_inputs_and_outputs() {
    let _turn = turn();
    equal(&two!(plain), &two!(checkpointed), 0.0);
}

#[test]
fn as_any_node_of_the_graph() {
    let _turn = turn();
    let (vs, net) = built!(checkpointed::Images);
    let x = || checkpointed::Images::input(input(&[2, 2, 6, 6])).unwrap();
    let named = |vs: &nn::VarStore| vs.variables().into_keys().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(named(&vs), named(&built!(plain::Images).0), "weights have the names of the net without it");
    assert_eq!(net.stem.0.weight.size(), [4, 2, 3, 3]);

    // A gradient that is asked for is not added to anything.
    let y = net.forward_t(&x(), true).unwrap().sum(Kind::Float);
    let w = net.layers[0].conv.0.weight.shallow_clone();
    let g = Tensor::run_backward(&[&y], &[&w], true, false);
    assert!(g[0].abs().sum(Kind::Float).double_value(&[]) > 0.0 && !w.grad().defined() && !net.stem.0.weight.grad().defined());
    // The graph is kept: once more gives the same.
    let again = Tensor::run_backward(&[&y], &[&w], true, false);
    assert!(g[0].equal(&again[0]));
    let e = Tensor::f_run_backward(&[&y], &[&w], true, true).and_then(|g| g[0].square().sum(Kind::Float).f_backward());
    assert!(e.unwrap_err().to_string().contains("can be differentiated once"));

    // Weights that were changed meanwhile are noticed, as without it.
    let y = net.forward_t(&x(), true).unwrap().sum(Kind::Float);
    tch::no_grad(|| w.shallow_clone().f_add_scalar_(1.0).map(drop)).unwrap();
    let e = y.f_backward().unwrap_err().to_string();
    assert!(e.contains("modified by an inplace operation"), "{e}");

    // Nothing to record.
    let y = tch::no_grad(|| net.forward_t(&x(), true)).unwrap();
    assert!(!y.requires_grad());

    // The graph may outlive the net, and be run by another thread.
    let y = net.forward_t(&x(), true).unwrap().into_tensor().sum(Kind::Float);
    drop(net);
    std::thread::spawn(move || y.backward()).join().unwrap();
    assert!(w.grad().defined());

    // Weights that are not trained have no gradient.
    let (mut vs, net) = built!(checkpointed::Images);
    vs.freeze();
    let x = input(&[2, 2, 6, 6]).set_requires_grad(true);
    net.forward_t(&checkpointed::Images::input(x.shallow_clone()).unwrap(), true).unwrap().sum(Kind::Float).backward();
    assert!(x.grad().defined() && vs.variables().values().all(|v| !v.grad().defined()));
}

/// A function of the user's own that fails when it runs again.
fn once(x: &Tensor) -> Result<Tensor, String> {
    if snn::recomputing() { Err("not a second time".into()) } else { Ok(x * 2.0) }
}

#[test]
fn what_fails_when_it_runs_again_is_named() {
    let _turn = turn();
    snn_net! {
        use crate::once;
        block Odd() {
            fc: Linear(_, 2), sn: IFNode(),
            forward(x) { once(sn(fc(x))) }
        }
        net Fails(x: [T, 3]) -> [T, 2] {
            T = 2;
            step_mode = 'm';
            #[checkpoint]
            odd: Odd(),
        }
    }
    let vs = store();
    let net = Fails::new(&vs.root()).unwrap();
    let y = net.forward_t(&Fails::input(input(&[2, 1, 3])).unwrap(), true).unwrap();
    let e = y.sum(Kind::Float).f_backward().unwrap_err().to_string();
    assert!(e.contains("Checkpoint of `Fails.odd`: not a second time"), "{e}");
}

/// Memory of this process in MiB, without what malloc keeps of what was freed.
fn resident() -> f64 {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> i32;
    }
    // SAFETY: glibc's; it gives free pages back and touches no others.
    unsafe { malloc_trim(0) };
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0 / (1 << 20) as f64
}

macro_rules! deep {
    ($name:ident, $($mark:tt)*) => {
        snn_net! {
            block Basic(c) {
                conv1: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
                conv2: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
                forward(x) { sew_add(conv2(conv1(x)), x) }
            }
            net $name(x: [T, 16, 32, 32]) -> [T, 16, 32, 32] {
                T = 4;
                step_mode = 'm';
                $($mark)*
                layers: [Basic(16); 12],
            }
        }
    };
}
deep! { Deep, }
deep! { DeepMarked, #[checkpoint] }

/// What a training step holds between its forward and its backward pass, in MiB.
macro_rules! held {
    ($net:ident) => {{
        let vs = store();
        let net = $net::new(&vs.root()).unwrap();
        let x = $net::input(input(&[4, 16, 16, 32, 32])).unwrap();
        let before = resident();
        let y = net.forward_t(&x, true).unwrap();
        let held = resident() - before;
        y.sum(Kind::Float).backward();
        held
    }};
}

#[test]
fn less_memory_is_held() {
    let _turn = turn();
    let (marked, plain) = (held!(DeepMarked), held!(Deep));
    println!("12 blocks, 4 MiB a tensor: {marked:.0} MiB held with `#[checkpoint]`, {plain:.0} MiB without");
    assert!(marked < 0.6 * plain, "{marked:.0} MiB with `#[checkpoint]`, {plain:.0} MiB without");
}
