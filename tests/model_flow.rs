//! Wiring in `forward`: functions of two values, joining, several inputs, named and unnamed outputs. In: nets that use them;
//! out: what the same operations on tensors give.

mod support;

use snn::{Kind, Layer, Result, Seq, Shape1, Static, Tensor, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, input, shake, store};

snn_net! {
    /// One of each function of two values, on spikes.
    net Pairs(x: [T, 6]) -> (add: [T, 4], mul: [T, 4], sew_add: [T, 4], and: [T, 4], iand: [T, 4], a: [T, 4], b: [T, 4]) {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        left: [Linear(_, 4), IFNode()],
        right: [Linear(_, 4), LIFNode(tau = 2.0)],
        forward(x) {
            let a = left(x);
            let b = right(x);
            (add(a, b), mul(a, b), sew_add(a, b), sew_and(a, b), sew_iand(a, b), a, b)
        }
    }

    /// The same, step by step.
    net PairsS(x: [T, 6]) -> (add: [T, 4], mul: [T, 4], sew_add: [T, 4], and: [T, 4], iand: [T, 4], a: [T, 4], b: [T, 4]) {
        T = 3;
        step_mode = 's';
        surrogate = ATan;
        left: [Linear(_, 4), IFNode()],
        right: [Linear(_, 4), LIFNode(tau = 2.0)],
        forward(x) {
            let a = left(x);
            let b = right(x);
            (add(a, b), mul(a, b), sew_add(a, b), sew_and(a, b), sew_iand(a, b), a, b)
        }
    }
}

#[test]
fn functions_of_two_values_are_those_of_tensors() -> Result<()> {
    let (va, mut vb) = (store(), store());
    let (m, s) = (Pairs::new(&va.root())?, PairsS::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let x = input(&[3, 2, 6]);
    let y = m.forward(&Pairs::input(x.shallow_clone())?)?;
    let (a, b) = (y.a.tensor(), y.b.tensor());
    assert!(a.sum(Kind::Float).double_value(&[]) > 0.0 && !a.equal(b));
    assert_near(&y.add, &(a + b), 0.0);
    assert_near(&y.mul, &(a * b), 0.0);
    assert_near(&y.sew_add, &(a + b), 0.0);
    assert_near(&y.and, &(a * b), 0.0);
    // IAND: the shortcut, unless the block fires.
    assert_near(&y.iand, &(b - a * b), 0.0);
    let z = s.forward(&PairsS::input(x)?)?;
    let same: [(&Tensor, &Tensor); 7] =
        [(&y.add, &z.add), (&y.mul, &z.mul), (&y.sew_add, &z.sew_add), (&y.and, &z.and), (&y.iand, &z.iand), (&y.a, &z.a), (&y.b, &z.b)];
    for (m, s) in same {
        assert_near(m, s, 0.0);
    }
    Ok(())
}

snn_net! {
    /// Joined along the features, and along a new axis; a still input meets a sequence at every step.
    net Join(x: [T, 6], gate: [3]) -> ([T, 10], [T, 2, 4], [7]) {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        a: [Linear(_, 4), IFNode()],
        b: [Linear(_, 4), IFNode()],
        still: Linear(_, 6),
        forward(x, gate) {
            let u = a(x);
            let v = b(x);
            (cat(u, still(gate)), stack(u, v), mean_over_time(cat(gate, v)))
        }
    }

    /// The same, step by step.
    net JoinS(x: [T, 6], gate: [3]) -> ([T, 10], [T, 2, 4], [7]) {
        T = 3;
        step_mode = 's';
        surrogate = ATan;
        a: [Linear(_, 4), IFNode()],
        b: [Linear(_, 4), IFNode()],
        still: Linear(_, 6),
        forward(x, gate) {
            let u = a(x);
            let v = b(x);
            (cat(u, still(gate)), stack(u, v), mean_over_time(cat(gate, v)))
        }
    }
}

#[test]
fn cat_and_stack_join_samples() -> Result<()> {
    let (va, mut vb) = (store(), store());
    let (m, s) = (Join::new(&va.root())?, JoinS::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let (x, gate) = (input(&[3, 2, 6]), input(&[2, 3]));
    let (tx, tgate): (Seq<Shape1<6>, 3>, Static<Shape1<3>>) = Join::input(x.shallow_clone(), gate.shallow_clone())?;
    let (cat, stack, mean) = m.forward(&tx, &tgate)?;
    let cx = snn::Cx::EVAL;
    let run = |linear: &snn::Linear, sn: &snn::IFNode| sn.sequence(&linear.sequence(&x, &mut (), &cx)?, &mut sn.state(), &cx);
    let (u, v) = (run(&m.a.0, &m.a.1)?, run(&m.b.0, &m.b.1)?);
    let still = m.still.step(&gate, &mut (), &cx)?.expand([3, 2, 6], false);
    assert_near(&cat, &Tensor::cat(&[&u, &still], 2), 1e-6);
    assert_near(&stack, &Tensor::stack(&[&u, &v], 2), 0.0);
    assert_near(&mean, &Tensor::cat(&[&gate, &v.mean_dim(0, false, None)], 1), 1e-6);
    let (sx, sgate) = JoinS::input(x, gate)?;
    let (c, k, n) = s.forward(&sx, &sgate)?;
    assert_near(&cat, &c, 1e-6);
    assert_near(&stack, &k, 0.0);
    assert_near(&mean, &n, 1e-6);
    // Step by step, the still input is given again at every step.
    let mut state = m.state(2);
    for t in 0..3 {
        let (c, k, _) = m.step(&tx.step(t).expect("three steps"), &tgate, &mut state)?;
        assert_near(&c, &cat.get(t as i64), 1e-6);
        assert_near(&k, &stack.get(t as i64), 0.0);
    }
    Ok(())
}

snn_net! {
    /// Images are joined by channels.
    net Channels(x: [2, 4, 4]) -> [5, 4, 4] {
        T = 2;
        step_mode = 'm';
        surrogate = ATan;
        conv: Conv2d(_, 3, 3, padding = 1), sn: IFNode(),
        forward(x) {
            mean_over_time(cat(x, sn(conv(x))))
        }
    }

    /// What needs no time at all, and comes back as one tensor.
    net NoTime(x: [6]) -> [4] {
        T = 2;
        step_mode = 'm';
        Linear(_, 4),
    }

    /// An input handed through, beside an output.
    net Through(x: [T, 6]) -> (y: [T, 4], x: [T, 6]) {
        T = 2;
        step_mode = 'm';
        surrogate = ATan;
        fc: Linear(_, 4), sn: IFNode(),
        forward(x) {
            (sn(fc(x)), x)
        }
    }
}

#[test]
fn images_join_by_channel() -> Result<()> {
    let vs = store();
    let net = Channels::new(&vs.root())?;
    let x = input(&[3, 2, 4, 4]);
    let y = net.forward(&Channels::input(x.shallow_clone())?)?;
    assert_eq!(y.size(), [3, 5, 4, 4]);
    assert_near(&y.narrow(1, 0, 2), &x, 1e-6);
    Ok(())
}

#[test]
fn a_net_without_time_is_a_net() -> Result<()> {
    let vs = store();
    let net = NoTime::new(&vs.root())?;
    let x = NoTime::input(input(&[3, 6]))?;
    assert_near(&*net.forward(&x)?, &net.linear1.step(&x, &mut (), &snn::Cx::EVAL)?, 0.0);
    assert_eq!(net.step(&x, &mut net.state(3))?.size(), [3, 4]);
    Ok(())
}

#[test]
fn an_input_may_be_an_output() -> Result<()> {
    let vs = store();
    let net = Through::new(&vs.root())?;
    let x = input(&[2, 3, 6]);
    let y = net.forward(&Through::input(x.shallow_clone())?)?;
    assert_near(&y.x, &x, 0.0);
    assert_eq!(y.y.size(), [2, 3, 4]);
    Ok(())
}

snn_net! {
    /// Where the maxima were goes along.
    net Indexed(x: [T, 1, 4, 4]) -> (y: [T, 1, 2, 2], at: [T, 1, 2, 2]) {
        T = 2;
        step_mode = 'm';
        pool: MaxPool2d(2, return_indices = true),
        forward(x) {
            let (y, at) = pool(x);
            (y, at)
        }
    }
}

#[test]
fn a_pool_may_tell_where_the_maxima_were() -> Result<()> {
    let vs = store();
    let net = Indexed::new(&vs.root())?;
    let x = Tensor::arange(32, support::F32).view([2, 1, 1, 4, 4]);
    let y = net.forward(&Indexed::input(x)?)?;
    assert_eq!(Vec::<i64>::try_from(y.at.flatten(0, 4)).expect("integers"), [5, 7, 13, 15, 5, 7, 13, 15]);
    assert_eq!(Vec::<f32>::try_from(y.y.flatten(0, 4)).expect("floats"), [5.0, 7.0, 13.0, 15.0, 21.0, 23.0, 29.0, 31.0]);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Pairs, PairsFrozen, x: seq [3, 5, 6] => add, mul, sew_add, and, iand, a, b);
    frozen!(PairsS, PairsSFrozen, x: seq [3, 5, 6] => add, mul, sew_add, and, iand, a, b);
    frozen!(Join, JoinFrozen, x: seq [3, 5, 6], gate: still [5, 3]);
    frozen!(JoinS, JoinSFrozen, x: seq [3, 5, 6], gate: still [5, 3]);
    frozen!(Channels, ChannelsFrozen, x: still [5, 2, 4, 4]);
    frozen!(NoTime, NoTimeFrozen, x: still [5, 6]);
    frozen!(Through, ThroughFrozen, x: seq [2, 5, 6] => y, x);
    unfrozen!(Indexed, "Indexed.pool", "`MaxPool2d` with `return_indices = true`");
    Ok(())
}
