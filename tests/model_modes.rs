//! `'s'` and `'m'`: two ways through one net. In: the same weights under both modes, the same input still and as a sequence, the
//! mean before and after the last layer; out: the same numbers.

mod support;

use snn::{Kind, Result, Tensor, nn, snn_net};
use support::frozen::frozen;
use support::{assert_near, input, shake, store};

/// The same layers under another head.
macro_rules! images {
    ($($(#[$doc:meta])* $name:ident($($input:tt)*) $mode:tt;)*) => {$(
        snn_net! {
            $(#[$doc])*
            net $name(x: [$($input)* 2, 6, 6]) -> [5] {
                T = 4;
                step_mode = $mode;
                surrogate = ATan;

                conv1: Conv2d(_, 4, 3, padding = 1), bn1: BatchNorm2d(_), #[record(spikes, voltage)] sn1: IFNode(), MaxPool2d(2),
                conv2: Conv2d(_, 4, 3, padding = 1, bias = false), bn2: BatchNorm2d(_), LIFNode(tau = 2.0), AvgPool2d(3),
                Flatten(),
                fc: Linear(_, 5), #[record(spikes)] out: ParametricLIFNode(init_tau = 2.0, v_reset = None),
                MeanOverTime(),
            }
        }
    )*};
}

images! {
    /// A still image, layer by layer.
    StillM() 'm';
    /// A still image, step by step.
    StillS() 's';
    /// A sequence, layer by layer.
    MovingM(T,) 'm';
    /// A sequence, step by step.
    MovingS(T,) 's';
}

/// Without batch statistics, training is the same in both modes as well.
macro_rules! dense {
    ($($(#[$doc:meta])* $name:ident $mode:literal $steps:literal;)*) => {$(
        snn_net! {
            $(#[$doc])*
            net $name(x: [T, 6]) -> (mean: [4], all: [T, 8]) {
                T = $steps;
                step_mode = $mode;
                surrogate = Sigmoid;
                detach_reset = true;

                fc1: Linear(_, 8), sn1: LIFNode(tau = 3.0, decay_input = false),
                drop: Dropout(0.3),
                fc2: Linear(_, 4), sn2: IFNode(v_threshold = 0.5),

                forward(x) {
                    let h = drop(sn1(fc1(x)));
                    let y = sn2(fc2(h));
                    (mean_over_time(y), h)
                }
            }
        }
    )*};
}

dense! {
    /// Layer by layer.
    DenseM 'm' 6;
    /// Step by step, written out.
    DenseS 's' 6;
    /// Layer by layer, more steps than are written out.
    LongM 'm' 40;
    /// Step by step, in a loop.
    LongS 's' 40;
}

/// Two stores of the same names and weights.
macro_rules! pair {
    ($a:ident, $b:ident) => {{
        let (va, mut vb) = (store(), store());
        let (a, b) = ($a::new(&va.root())?, $b::new(&vb.root())?);
        shake(&va);
        vb.copy(&va)?;
        (va, a, vb, b)
    }};
}

fn gradients_agree(a: &nn::VarStore, b: &nn::VarStore) {
    let b = b.variables();
    for (name, t) in a.variables() {
        if t.requires_grad() {
            assert!(t.grad().defined(), "{name} is reached");
            let scale = t.grad().abs().max().double_value(&[]).max(1.0);
            let d = support::distance(&t.grad(), &b[&name].grad());
            assert!(d <= 1e-4 * scale, "{name}: {d:e} apart");
        }
    }
}

#[test]
fn a_still_image_gives_the_same_in_both_modes() -> Result<()> {
    let (va, a, vb, b) = pair!(StillM, StillS);
    let x = input(&[3, 2, 6, 6]);
    let (ya, yb) = (a.forward(&StillM::input(x.shallow_clone())?)?, b.forward(&StillS::input(x)?)?);
    assert!(ya.std(false).double_value(&[]) > 0.0, "not all the same: {}", ya.tensor());
    assert_near(&ya, &yb, 1e-6);
    ya.sum(Kind::Float).backward();
    yb.sum(Kind::Float).backward();
    gradients_agree(&va, &vb);
    Ok(())
}

#[test]
fn a_sequence_gives_the_same_in_both_modes() -> Result<()> {
    let (va, a, vb, b) = pair!(MovingM, MovingS);
    let x = input(&[4, 3, 2, 6, 6]);
    let (ya, yb) = (a.forward(&MovingM::input(x.shallow_clone())?)?, b.forward(&MovingS::input(x)?)?);
    assert!(ya.std(false).double_value(&[]) > 0.0, "not all the same: {}", ya.tensor());
    assert_near(&ya, &yb, 1e-6);
    ya.sum(Kind::Float).backward();
    yb.sum(Kind::Float).backward();
    gradients_agree(&va, &vb);
    Ok(())
}

#[test]
fn a_still_image_is_a_sequence_of_itself() -> Result<()> {
    let x = input(&[3, 2, 6, 6]);
    let sequence = x.expand([4, 3, 2, 6, 6], false);
    let (va, a, vb, b) = pair!(StillM, MovingM);
    let (ya, yb) = (a.forward(&StillM::input(x.shallow_clone())?)?, b.forward(&MovingM::input(sequence.shallow_clone())?)?);
    assert!(ya.std(false).double_value(&[]) > 0.0, "not all the same: {}", ya.tensor());
    assert_near(&ya, &yb, 1e-6);
    ya.sum(Kind::Float).backward();
    yb.sum(Kind::Float).backward();
    gradients_agree(&va, &vb);
    let (_va, a, _vb, b) = pair!(StillS, MovingS);
    assert_near(&*a.forward(&StillS::input(x)?)?, &*b.forward(&MovingS::input(sequence)?)?, 1e-6);
    Ok(())
}

#[test]
fn recordings_are_the_same_in_both_modes() -> Result<()> {
    let (_va, a, _vb, b) = pair!(MovingM, MovingS);
    let x = input(&[4, 3, 2, 6, 6]);
    let (_, m) = a.forward_recorded(&MovingM::input(x.shallow_clone())?, false)?;
    let (_, s) = b.forward_recorded(&MovingS::input(x)?, false)?;
    assert_near(&m.sn1.spikes, &s.sn1.spikes, 0.0);
    assert_near(&m.sn1.voltage, &s.sn1.voltage, 1e-5);
    assert_near(&m.out.spikes, &s.out.spikes, 0.0);
    let (_va, a, _vb, b) = pair!(StillM, StillS);
    let x = input(&[3, 2, 6, 6]);
    let (_, m) = a.forward_recorded(&StillM::input(x.shallow_clone())?, false)?;
    let (_, s) = b.forward_recorded(&StillS::input(x)?, false)?;
    assert_eq!(m.sn1.voltage.size(), [4, 3, 4, 6, 6]);
    assert_near(&m.sn1.voltage, &s.sn1.voltage, 1e-5);
    Ok(())
}

/// 'm' moves running statistics once, 's' at every step: what SpikingJelly does.
#[test]
fn batch_statistics_are_of_all_steps_or_of_each() -> Result<()> {
    let (_va, a, _vb, b) = pair!(MovingM, MovingS);
    let x = input(&[4, 3, 2, 6, 6]);
    let _ = a.forward_t(&MovingM::input(x.shallow_clone())?, true)?;
    let _ = b.forward_t(&MovingS::input(x)?, true)?;
    let batches = |bn: &snn::BatchNorm2d| bn.running.as_ref().expect("tracked").num_batches_tracked.int64_value(&[]);
    assert_eq!((batches(&a.bn1), batches(&a.bn2)), (1, 1));
    assert_eq!((batches(&b.bn1), batches(&b.bn2)), (4, 4));
    Ok(())
}

/// All outputs, and the gradients of all weights; dropout drops by feature and sample, not by step, in training.
macro_rules! trains_alike {
    ($a:ident, $b:ident) => {{
        let (va, a, vb, b) = pair!($a, $b);
        let steps = $a::T as i64;
        let x = input(&[steps, 3, 6]);
        let run = |train: bool| -> Result<_> {
            Ok((a.forward_t(&$a::input(x.shallow_clone())?, train)?, b.forward_t(&$b::input(x.shallow_clone())?, train)?))
        };
        let (ya, yb) = run(false)?;
        assert!(ya.mean.std(false).double_value(&[]) > 0.0, "not all the same: {}", ya.mean.tensor());
        assert_near(&ya.mean, &yb.mean, 1e-6);
        assert_near(&ya.all, &yb.all, 0.0);
        let loss = |mean: &Tensor, all: &Tensor| mean.sum(Kind::Float) + all.mean(Kind::Float);
        loss(&ya.mean, &ya.all).backward();
        loss(&yb.mean, &yb.all).backward();
        gradients_agree(&va, &vb);
        let (ta, tb) = run(true)?;
        for (trained, evaluated) in [(&ta.all, &ya.all), (&tb.all, &yb.all)] {
            assert_eq!(trained.size(), [steps, 3, 8]);
            let share = trained.sum_dim_intlist(0, false, None) / evaluated.sum_dim_intlist(0, false, None).clamp_min(1e-9);
            let whole = 1.0 / 0.7;
            let odd = (&share * (&share - whole)).abs().max().double_value(&[]);
            assert!(odd < 1e-5, "all steps or none: {share}");
        }
    }};
}

#[test]
fn several_outputs_agree_in_both_modes() -> Result<()> {
    trains_alike!(DenseM, DenseS);
    Ok(())
}

#[test]
fn a_loop_over_many_steps_agrees_with_whole_sequences() -> Result<()> {
    trains_alike!(LongM, LongS);
    Ok(())
}

#[test]
fn any_number_of_steps_agrees_in_both_modes() -> Result<()> {
    let (_va, a, _vb, b) = pair!(DenseM, DenseS);
    for steps in [1, 5, 6, 7, 20] {
        let x = snn::Steps::new(input(&[steps, 2, 6]))?;
        let (ya, yb) = (a.forward_chunk(&x, &mut a.state(2), false)?, b.forward_chunk(&x, &mut b.state(2), false)?);
        assert_near(&ya.mean, &yb.mean, 1e-6);
        assert_near(&ya.all, &yb.all, 0.0);
        assert_eq!(ya.all.steps(), steps);
    }
    Ok(())
}

snn_net! {
    /// The mean after the last layer: the compiler takes it first.
    net MeanLast(x: [T, 6]) -> [3] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        fc1: Linear(_, 8), sn1: IFNode(), fc2: Linear(_, 3), MeanOverTime(),
    }
}

snn_net! {
    /// The mean before the last layer, as written.
    net MeanFirst(x: [T, 6]) -> [3] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        fc1: Linear(_, 8), sn1: IFNode(), MeanOverTime(), fc2: Linear(_, 3),
    }
}

#[test]
fn the_mean_may_stand_on_either_side_of_a_linear_layer() -> Result<()> {
    let (va, a, vb, b) = pair!(MeanLast, MeanFirst);
    let x = input(&[4, 3, 6]);
    let (ya, yb) = (a.forward(&MeanLast::input(x.shallow_clone())?)?, b.forward(&MeanFirst::input(x)?)?);
    assert_near(&ya, &yb, 1e-6);
    ya.square().sum(Kind::Float).backward();
    yb.square().sum(Kind::Float).backward();
    gradients_agree(&va, &vb);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(StillM, StillMFrozen, x: still [3, 2, 6, 6]);
    frozen!(StillS, StillSFrozen, x: still [3, 2, 6, 6]);
    frozen!(MovingM, MovingMFrozen, x: seq [4, 3, 2, 6, 6]);
    frozen!(MovingS, MovingSFrozen, x: seq [4, 3, 2, 6, 6]);
    frozen!(DenseM, DenseMFrozen, x: seq [6, 3, 6] => mean, all);
    frozen!(DenseS, DenseSFrozen, x: seq [6, 3, 6] => mean, all);
    frozen!(LongM, LongMFrozen, x: seq [40, 3, 6] => mean, all);
    frozen!(LongS, LongSFrozen, x: seq [40, 3, 6] => mean, all);
    frozen!(MeanLast, MeanLastFrozen, x: seq [4, 3, 6]);
    frozen!(MeanFirst, MeanFirstFrozen, x: seq [4, 3, 6]);
    Ok(())
}
