//! Containers in nets. In: each container in both step modes, nested, and by its own definition; out: the same numbers, states
//! under SpikingJelly's names, gradients through time, and steps where there are some.

mod support;

use snn::{Kind, Result, Seq, Shape1, Tensor, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, assert_says, input, names, rand, shake, store};

/// A function of the user's own, (y_prev, x).
pub fn leak(y_prev: &Tensor, x: &Tensor) -> Result<Tensor> {
    Ok(y_prev.f_mul_scalar(0.25)?.f_add(x)?)
}

snn_net! {
    use crate::leak;

    /// One of each, whole sequences.
    net Multi(x: [T, 6]) -> [T, 3] {
        T = 5;
        step_mode = 'm';
        surrogate = ATan;
        one: SeqToANNContainer([Linear(_, 8), fc: [Linear(_, 6), Identity()]]),
        steps: MultiStepContainer([Linear(_, 6), sn: IFNode()]),
        both: StepModeContainer([Linear(_, 6), LIFNode()], stateful = true),
        ew: ElementWiseRecurrentContainer([Linear(_, 6), IFNode(v_reset = None)], |y_prev, x| 0.5 * y_prev + x),
        own: ElementWiseRecurrentContainer(Linear(_, 6), leak),
        rec: LinearRecurrentContainer([fc: Linear(_, 4), sn: ParametricLIFNode()], 6, 4),
        deep: ElementWiseRecurrentContainer(LinearRecurrentContainer([Linear(_, 4)], _, 4, bias = false), sub),
        out: MultiStepContainer([ElementWiseRecurrentContainer([IFNode()], max), Linear(_, 3)]),
    }

    /// The same, step by step.
    net Single(x: [T, 6]) -> [T, 3] {
        T = 5;
        step_mode = 's';
        surrogate = ATan;
        one: [Linear(_, 8), fc: [Linear(_, 6), Identity()]],
        steps: [Linear(_, 6), sn: IFNode()],
        both: StepModeContainer([Linear(_, 6), LIFNode()], stateful = true),
        ew: ElementWiseRecurrentContainer([Linear(_, 6), IFNode(v_reset = None)], |y_prev, x| 0.5 * y_prev + x),
        own: ElementWiseRecurrentContainer(Linear(_, 6), leak),
        rec: LinearRecurrentContainer([fc: Linear(_, 4), sn: ParametricLIFNode()], 6, 4),
        deep: ElementWiseRecurrentContainer(LinearRecurrentContainer([Linear(_, 4)], _, 4, bias = false), sub),
        out: [ElementWiseRecurrentContainer([IFNode()], max), Linear(_, 3)],
    }
}

/// Both nets with the same weights, which fire at every depth.
fn twins() -> Result<(Multi, Single, tch::nn::VarStore)> {
    let (va, mut vb) = (store(), store());
    let (m, s) = (Multi::new(&va.root())?, Single::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    Ok((m, s, va))
}

#[test]
fn weights_and_states_have_spikingjellys_names() -> Result<()> {
    let (net, _, vs) = twins()?;
    let expected = [
        "both.0.bias",
        "both.0.weight",
        "deep.sub_module.rc.weight",
        "deep.sub_module.sub_module.0.bias",
        "deep.sub_module.sub_module.0.weight",
        "ew.sub_module.0.bias",
        "ew.sub_module.0.weight",
    ];
    let found = names(&vs);
    assert!(expected.iter().all(|name| found.iter().any(|n| n == name)), "{found:?}");
    for name in ["rec.rc.weight", "rec.rc.bias", "rec.sub_module.fc.weight", "rec.sub_module.sn.w", "own.sub_module.weight"] {
        assert!(found.iter().any(|n| n == name), "{name} is not in {found:?}");
    }
    let mut s = net.state(2);
    assert!(s.named_tensors().is_empty());
    net.forward_from(&Multi::input(input(&[5, 2, 6]))?, &mut s, true)?;
    let state: Vec<String> = s.named_tensors().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "steps.sn.v",
        "both.1.v",
        "ew.sub_module.1.v",
        "ew.y",
        "own.y",
        "rec.sub_module.sn.v",
        "rec.y",
        "deep.sub_module.y",
        "deep.y",
        "out.0.sub_module.0.v",
        "out.0.y",
    ];
    let sorted = |mut v: Vec<String>| {
        v.sort();
        v
    };
    assert_eq!(sorted(state), sorted(expected.map(String::from).to_vec()));

    Ok(())
}

#[test]
fn steps_and_sequences_agree_forward_and_backward() -> Result<()> {
    let (m, s, _) = twins()?;
    let x = input(&[5, 2, 6]);
    let (xa, xb) = (x.copy().set_requires_grad(true), x.copy().set_requires_grad(true));
    let a = m.forward_t(&Multi::input(xa.shallow_clone())?, true)?;
    let b = s.forward_t(&Single::input(xb.shallow_clone())?, true)?;
    assert!(a.abs().max().double_value(&[]) > 0.0);
    assert_near(&a, &b, 1e-5);
    let weights = rand(&[5, 2, 3]);
    (&*a * &weights).sum(Kind::Float).backward();
    (&*b * &weights).sum(Kind::Float).backward();
    assert!(xa.grad().abs().max().double_value(&[]) > 0.0);
    assert_near(&xa.grad(), &xb.grad(), 1e-4);
    assert_near(&m.rec.rc.weight.grad(), &s.rec.rc.weight.grad(), 1e-4);
    Ok(())
}

#[test]
fn a_state_split_anywhere_is_the_whole() -> Result<()> {
    let (net, single, _) = twins()?;
    let x = input(&[5, 2, 6]);
    let whole = net.forward(&Multi::input(x.shallow_clone())?)?;
    for cut in 1..5 {
        let mut s = net.state(2);
        let part = |from: i64, to: i64| snn::Steps::<Shape1<6>>::new(x.slice(0, from, to, 1));
        let a = net.forward_chunk(&part(0, cut)?, &mut s, false)?;
        let b = net.forward_chunk(&part(cut, 5)?, &mut s, false)?;
        assert_near(&Tensor::cat(&[&*a, &*b], 0), &whole, 1e-6);
    }
    // One step at a time, of both nets: containers of sequences have steps.
    let (mut s, mut t) = (net.state(2), single.state(2));
    let seq: Seq<Shape1<6>, 5> = Multi::input(x)?;
    for i in 0..5 {
        let x_t = seq.step(i).expect("five steps");
        assert_near(&*net.step(&x_t, &mut s)?, &whole.get(i as i64), 1e-6);
        assert_near(&*single.step(&x_t, &mut t)?, &whole.get(i as i64), 1e-5);
    }
    s.reset();
    assert!(s.named_tensors().is_empty());
    Ok(())
}

#[test]
fn detach_cuts_the_state_and_leaves_what_was_returned() -> Result<()> {
    let (net, _, _) = twins()?;
    let x = input(&[5, 2, 6]).set_requires_grad(true);
    let mut s = net.state(2);
    let y = net.forward_from(&Multi::input(x.shallow_clone())?, &mut s, true)?;
    s.detach();
    assert!(s.named_tensors().iter().all(|(_, t)| !t.requires_grad()));
    y.sum(Kind::Float).backward();
    assert!(x.grad().abs().max().double_value(&[]) > 0.0, "the output still has its history");
    Ok(())
}

#[test]
fn a_recurrent_container_is_its_definition() -> Result<()> {
    snn_net! {
        net Rec(x: [T, 4]) -> ([T, 3], [T, 4]) {
            T = 6;
            step_mode = 'm';
            rec: LinearRecurrentContainer([Linear(_, 3), Tanh()], 4, 3),
            ew: ElementWiseRecurrentContainer([Linear(_, 4)], sub),
            forward(x) { (rec(x), ew(x)) }
        }
    }
    let vs = store();
    let net = Rec::new(&vs.root())?;
    let x = input(&[6, 2, 4]);
    let (y, z) = net.forward(&Rec::input(x.shallow_clone())?)?;
    let linear = |x: &Tensor, l: &snn::Linear| x.linear(&l.weight, l.bias.as_ref());
    let (mut h, mut g) = (Tensor::zeros([2, 3], support::F32), Tensor::zeros([2, 4], support::F32));
    for t in 0..6 {
        h = linear(&linear(&Tensor::cat(&[x.get(t), h], -1), &net.rec.rc), &net.rec.sub_module.0).tanh();
        assert_near(&y.get(t), &h, 1e-6);
        // (y_prev, x): the order of SpikingJelly's code, not of its documentation.
        g = linear(&(g - x.get(t)), &net.ew.sub_module.0);
        assert_near(&z.get(t), &g, 1e-6);
    }
    frozen!(Rec, RecFrozen, x: seq [6, 2, 4]);
    Ok(())
}

#[test]
fn a_static_input_enters_at_every_step() -> Result<()> {
    snn_net! {
        net Shown(x: [6]) -> ([T, 4], [T, 6], [3]) {
            T = 4;
            step_mode = 'm';
            rec: LinearRecurrentContainer([Linear(_, 4), IFNode()], _, 4),
            steps: MultiStepContainer([Linear(_, 6), IFNode()]),
            still: SeqToANNContainer([Linear(_, 3)]),
            forward(x) { (rec(x), steps(x), still(x)) }
        }
        net ShownS(x: [6]) -> ([T, 4], [T, 6], [3]) {
            T = 4;
            step_mode = 's';
            rec: LinearRecurrentContainer([Linear(_, 4), IFNode()], _, 4),
            steps: StepModeContainer([Linear(_, 6), IFNode()], stateful = true),
            still: [Linear(_, 3)],
            forward(x) { (rec(x), steps(x), still(x)) }
        }
    }
    let (va, mut vb) = (store(), store());
    let (m, s) = (Shown::new(&va.root())?, ShownS::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let x = input(&[2, 6]);
    let (a, b) = (m.forward(&Shown::input(x.shallow_clone())?)?, s.forward(&ShownS::input(x)?)?);
    assert!(a.0.sum(Kind::Float).double_value(&[]) > 0.0 && a.1.sum(Kind::Float).double_value(&[]) > 0.0);
    for (a, b) in [(&*a.0, &*b.0), (&*a.1, &*b.1), (&*a.2, &*b.2)] {
        assert_near(a, b, 1e-6);
    }
    frozen!(Shown, ShownFrozen, x: still [2, 6]);
    frozen!(ShownS, ShownSFrozen, x: still [2, 6]);
    Ok(())
}

#[test]
fn neurons_inside_are_recorded() -> Result<()> {
    snn_net! {
        net Tapped(x: [T, 6]) -> [T, 6] {
            T = 4;
            step_mode = 'm';
            steps: MultiStepContainer([fc: Linear(_, 6), #[record(spikes, voltage)] sn: IFNode()]),
            rec: ElementWiseRecurrentContainer([Linear(_, 6), #[record(spikes)] IFNode()], add),
        }
    }
    let vs = store();
    let net = Tapped::new(&vs.root())?;
    shake(&vs);
    let (y, rec) = net.forward_recorded(&Tapped::input(input(&[4, 2, 6]))?, false)?;
    assert_near(&rec.rec.sub_module.1.spikes, &y, 0.0);
    assert_eq!(rec.steps.sn.voltage.size(), [4, 2, 6]);
    assert!(rec.steps.sn.spikes.sum(Kind::Float).double_value(&[]) > 0.0);
    frozen!(Tapped, TappedFrozen, x: seq [4, 3, 6]);
    Ok(())
}

#[test]
fn time_in_the_last_axis() -> Result<()> {
    snn_net! {
        net Last(x: [6, 5]) -> ([3, 5], [3, 5]) {
            T = 1;
            step_mode = 'm';
            steps: TLastMultiStepContainer([Linear(_, 3), IFNode()]),
            one: TLastSeqToANNContainer([Linear(_, 3)]),
            forward(x) { (steps(x), one(x)) }
        }
        net First(x: [T, 6]) -> ([T, 3], [T, 3]) {
            T = 5;
            step_mode = 'm';
            steps: MultiStepContainer([Linear(_, 3), IFNode()]),
            one: SeqToANNContainer([Linear(_, 3)]),
            forward(x) { (steps(x), one(x)) }
        }
    }
    let (va, mut vb) = (store(), store());
    let (last, first) = (Last::new(&va.root())?, First::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let x = input(&[2, 6, 5]);
    let a = last.forward(&Last::input(x.shallow_clone())?)?;
    let b = first.forward(&First::input(x.movedim_int(-1, 0))?)?;
    assert!(b.0.sum(Kind::Float).double_value(&[]) > 0.0);
    assert_near(&a.0, &b.0.movedim_int(0, -1), 1e-6);
    assert_near(&a.1, &b.1.movedim_int(0, -1), 1e-6);
    unfrozen!(Last, "Last.steps", "`TLastMultiStepContainer`");
    frozen!(First, FirstFrozen, x: seq [5, 3, 6]);
    Ok(())
}

#[test]
fn a_state_of_another_batch_is_refused() -> Result<()> {
    let (net, _, _) = twins()?;
    let mut s = net.state(2);
    assert_says(net.forward_from(&Multi::input(input(&[5, 3, 6]))?, &mut s, false), &["Multi", "batch of 2", "gets 3"]);
    Ok(())
}

/// Sizes of a net may be numbers of the user's own functions.
pub fn by(x: &Tensor, n: usize) -> Tensor {
    x * (1.0 + 1.0 / n as f64)
}

snn_net! {
    use crate::by;

    /// A block that is recurrent.
    block Loop(c, keep = 0.5) {
        rec: ElementWiseRecurrentContainer([Linear(_, c), IFNode()], |y, x| keep / (c as f64) * y + x),
        norm: SeqToANNContainer([BatchNorm1d(_)]),
        forward(x) { by(norm(rec(x)), c) }
    }

    /// A block with nothing of its own to say about time.
    block Fire(c) { Linear(_, c), IFNode() }

    /// Containers in blocks, blocks in containers, copies of both, of any size.
    net Nested<const H: usize>(x: [T, 6]) -> [T, 2] {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        fc: Linear(_, H),
        loops: [Loop(H); 2],
        other: Loop(H, keep = 0.25),
        fire: MultiStepContainer([Fire(H), [Fire(H); 2]]),
        copies: [LinearRecurrentContainer([Fire(H)], _, H); 2],
        out: [Linear(_, 2), ElementWiseRecurrentContainer(Fire(2), mul)],
    }
}

#[test]
fn containers_and_blocks_nest() -> Result<()> {
    let vs = store();
    let net = Nested::<5>::new(&vs.root())?;
    shake(&vs);
    let found = names(&vs);
    for name in [
        "loops.1.rec.sub_module.0.weight",
        "loops.0.norm.0.running_mean",
        "other.rec.sub_module.0.bias",
        "fire.0.linear1.weight",
        "fire.1.1.linear1.weight",
        "copies.1.rc.weight",
        "copies.0.sub_module.0.linear1.weight",
        "out.1.sub_module.linear1.weight",
    ] {
        assert!(found.iter().any(|n| n == name), "{name} is not in {found:?}");
    }
    assert!(found.contains(&"out.0.weight".to_string()));
    let x = Nested::<5>::input(input(&[3, 2, 6]))?;
    net.forward_t(&x, true)?.sum(Kind::Float).backward();

    let whole = net.forward(&x)?;
    let mut s = net.state(2);
    for t in 0..3 {
        assert_near(&*net.step(&x.step(t).expect("three steps"), &mut s)?, &whole.get(t as i64), 1e-5);
    }
    assert_eq!(s.named_tensors().iter().filter(|(name, _)| name.ends_with(".y")).count(), 6);
    unfrozen!(Nested<5>, "Nested.loops.0.rec", "a function of your own");
    Ok(())
}

snn_net! {
    /// Recurrent neurons whose steps are one kernel, ..
    net OneKernel(x: [T, 5]) -> ([T, 5], [T, 5], [T, 5], [T, 5]) {
        T = 6;
        step_mode = 'm';
        surrogate = ATan;
        a: ElementWiseRecurrentContainer([#[record(spikes, voltage)] IFNode(v_reset = None)], add),
        b: ElementWiseRecurrentContainer(LIFNode(decay_input = false, surrogate_function = ATan(spiking = false)), mul),
        c: ElementWiseRecurrentContainer(ParametricLIFNode(init_tau = 1.5, v_threshold = 0.3), sub),
        d: ElementWiseRecurrentContainer(IFNode(), max),
        forward(x) { (a(x), b(x), c(x), d(x)) }
    }

    /// .. and the same, stepping: closures are not known to the kernels.
    net Stepping(x: [T, 5]) -> ([T, 5], [T, 5], [T, 5], [T, 5]) {
        T = 6;
        step_mode = 'm';
        surrogate = ATan;
        a: ElementWiseRecurrentContainer([#[record(spikes, voltage)] IFNode(v_reset = None)], |y, x| y + x),
        b: ElementWiseRecurrentContainer(LIFNode(decay_input = false, surrogate_function = ATan(spiking = false)), |y, x| y * x),
        c: ElementWiseRecurrentContainer(ParametricLIFNode(init_tau = 1.5, v_threshold = 0.3), |y, x| y - x),
        d: ElementWiseRecurrentContainer(IFNode(), |y, x| y.f_maximum(x)),
        forward(x) { (a(x), b(x), c(x), d(x)) }
    }
}

#[test]
fn a_neuron_that_hears_itself_is_one_kernel_with_the_same_numbers() -> Result<()> {
    let (va, vb) = (store(), store());
    let (one, many) = (OneKernel::new(&va.root())?, Stepping::new(&vb.root())?);
    let x = input(&[6, 3, 5]) * 1.5;
    let (xa, xb) = (x.copy().set_requires_grad(true), x.copy().set_requires_grad(true));
    let (mut sa, mut sb) = (one.state(3), many.state(3));
    // Twice: the second pass starts from the first one's state, and the gradient flows through it.
    let mut losses = Vec::new();
    for _ in 0..2 {
        let a = one.forward_from(&OneKernel::input(xa.shallow_clone())?, &mut sa, true)?;
        let b = many.forward_from(&Stepping::input(xb.shallow_clone())?, &mut sb, true)?;
        for (a, b) in [(&a.0, &b.0), (&a.1, &b.1), (&a.2, &b.2), (&a.3, &b.3)] {
            assert!(a.sum(Kind::Float).double_value(&[]) > 0.0);
            assert_near(a, b, 1e-6);
        }
        let weights = rand(&[6, 3, 5]);
        let sum = |y: [&Tensor; 4]| y.iter().map(|y| (*y * &weights).sum(Kind::Float)).reduce(|a, b| a + b).expect("four outputs");
        losses.push((sum([&a.0, &a.1, &a.2, &a.3]), sum([&b.0, &b.1, &b.2, &b.3])));
    }
    for ((name, a), (other, b)) in sa.named_tensors().iter().zip(&sb.named_tensors()) {
        assert_eq!(name, other);
        assert_near(a, b, 1e-6);
    }
    let (a, b) = losses.into_iter().reduce(|(a, b), (c, d)| (a + c, b + d)).expect("two passes");
    a.f_backward()?;
    b.f_backward()?;
    assert!(xa.grad().abs().max().double_value(&[]) > 0.0);
    assert_near(&xa.grad(), &xb.grad(), 1e-4);
    assert_near(&one.c.sub_module.w().grad(), &many.c.sub_module.w().grad(), 1e-3);

    let (_, a) = one.forward_recorded(&OneKernel::input(x.shallow_clone())?, false)?;
    let (_, b) = many.forward_recorded(&Stepping::input(x)?, false)?;
    assert_near(&a.a.sub_module.0.spikes, &b.a.sub_module.0.spikes, 0.0);
    assert_near(&a.a.sub_module.0.voltage, &b.a.sub_module.0.voltage, 1e-6);
    frozen!(OneKernel, OneKernelFrozen, x: seq [6, 3, 5]);
    unfrozen!(Stepping, "Stepping.a", "a function of your own");
    Ok(())
}

#[test]
fn many_steps_are_a_loop_of_the_same_step() -> Result<()> {
    snn_net! {
        /// More steps than are written out.
        net Looped(x: [T, 4]) -> [T, 4] {
            T = 70;
            step_mode = 'm';
            rec: LinearRecurrentContainer([Linear(_, 4), Tanh()], _, 4),
            steps: MultiStepContainer([Linear(_, 4), Tanh()]),
        }
        /// Those of this one are.
        net Written(x: [T, 4]) -> [T, 4] {
            T = 70;
            step_mode = 'm';
            unroll = true;
            rec: LinearRecurrentContainer([Linear(_, 4), Tanh()], _, 4),
            steps: MultiStepContainer([Linear(_, 4), Tanh()]),
        }
    }
    let (va, mut vb) = (store(), store());
    let (looped, written) = (Looped::new(&va.root())?, Written::new(&vb.root())?);
    vb.copy(&va)?;
    let x = input(&[70, 2, 4]);
    let y = looped.forward(&Looped::input(x.shallow_clone())?)?;
    assert_near(&y, &*written.forward(&Written::input(x)?)?, 0.0);
    assert!(y.get(69).abs().max().double_value(&[]) > 0.0);
    Ok(())
}

#[test]
fn functions_of_the_users_own_have_no_frozen_form() -> Result<()> {
    unfrozen!(Multi, "Multi.ew", "a function of your own");
    unfrozen!(Single, "Single.ew", "a function of your own");
    Ok(())
}
