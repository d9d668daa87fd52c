//! Several outputs of one value. In: a sequence that is reduced in more than one way; out: each reduction, whole and step by
//! step, where all of them are the step itself.

mod support;

use snn::{Result, Steps, Tensor, snn_net};
use support::frozen::frozen;
use support::{assert_near, input, shake, store};

snn_net! {
    /// The layer before the mean has another reader, and stays where it is.
    net Readings(x: [T, 6]) -> (mean: [3], max: [3], sum: [3], last: [3], all: [T, 3]) {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        fc1: Linear(_, 8), sn1: IFNode(), fc2: Linear(_, 3),
        forward(x) {
            let y = fc2(sn1(fc1(x)));
            (mean_over_time(y), max_over_time(y), sum_over_time(y), last_step(y), y)
        }
    }

    /// The same, step by step.
    net ReadingsS(x: [T, 6]) -> (mean: [3], max: [3], sum: [3], last: [3], all: [T, 3]) {
        T = 4;
        step_mode = 's';
        surrogate = ATan;
        fc1: Linear(_, 8), sn1: IFNode(), fc2: Linear(_, 3),
        forward(x) {
            let y = fc2(sn1(fc1(x)));
            (mean_over_time(y), max_over_time(y), sum_over_time(y), last_step(y), y)
        }
    }
}

#[test]
fn every_reduction_is_of_all_steps() -> Result<()> {
    let (va, mut vb) = (store(), store());
    let (a, b) = (Readings::new(&va.root())?, ReadingsS::new(&vb.root())?);
    shake(&va);
    vb.copy(&va)?;
    let x = input(&[4, 3, 6]);
    let y = a.forward(&Readings::input(x.shallow_clone())?)?;
    assert_near(&y.mean, &y.all.mean_dim(0, false, None), 1e-6);
    assert_near(&y.max, &y.all.amax([0], false), 0.0);
    assert_near(&y.sum, &y.all.sum_dim_intlist(0, false, None), 1e-6);
    assert_near(&y.last, &y.all.get(3), 0.0);
    let z = b.forward(&ReadingsS::input(x)?)?;
    let pairs: [(&Tensor, &Tensor); 5] = [(&y.mean, &z.mean), (&y.max, &z.max), (&y.sum, &z.sum), (&y.last, &z.last), (&y.all, &z.all)];
    for (m, s) in pairs {
        assert_near(m, s, 1e-6);
    }
    Ok(())
}

#[test]
fn of_one_step_all_reductions_are_that_step() -> Result<()> {
    let vs = store();
    let net = Readings::new(&vs.root())?;
    shake(&vs);
    let x = input(&[1, 3, 6]);
    let y = net.step(&snn::Static::new(x.get(0))?, &mut net.state(3))?;
    let chunk = net.forward_chunk(&Steps::new(x)?, &mut net.state(3), false)?;
    for (step, whole) in [(&y.mean, &chunk.mean), (&y.max, &chunk.max), (&y.sum, &chunk.sum), (&y.last, &chunk.last)] {
        assert_near(step, whole, 0.0);
        assert_near(step, &y.all, 0.0);
    }
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Readings, ReadingsFrozen, x: seq [4, 5, 6] => mean, max, sum, last, all);
    frozen!(ReadingsS, ReadingsSFrozen, x: seq [4, 5, 6] => mean, max, sum, last, all);
    Ok(())
}
