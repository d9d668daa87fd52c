//! Names are the user's. In: inputs, layers and outputs named like what generated code calls its own things; out: nets that
//! compile and run all the same.

mod support;

use snn::{Device, Kind, Result, Steps, Tensor, nn, snn_net};
use support::frozen::frozen;
use support::{assert_near, input, shake, store};

snn_net! {
    /// Inputs named like the parameters of the generated functions.
    net Inputs(s: [T, 6], train: [6], steps: [T, 6], cx: [6]) -> [T, 6] {
        T = 3;
        step_mode = 's';
        surrogate = ATan;
        #[record(spikes)]
        taps: IFNode(),
        forward(s, train, steps, cx) {
            taps(add(add(s, train), add(steps, cx)))
        }
    }

    /// Layers named like functions, fields and crates.
    net Layers(x: [T, 6]) -> (x: [T, 6], steps: [6]) {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        tensor: [new: Linear(_, 6), forward_t: IFNode()],
        input: Linear(_, 6), state: IFNode(),
        forward(x) {
            let y = state(input(tensor(x)));
            (y, mean_over_time(y))
        }
    }
}

#[test]
fn inputs_may_have_any_name() -> Result<()> {
    let vs = store();
    let net = Inputs::new(&vs.root())?;
    let x = [input(&[3, 2, 6]), input(&[2, 6]), input(&[3, 2, 6]), input(&[2, 6])];
    let [a, b, c, d] = x.each_ref().map(snn::Tensor::shallow_clone);
    let (s, train, steps, cx) = Inputs::input(a, b, c, d)?;
    let (y, rec) = net.forward_recorded(&s, &train, &steps, &cx, false)?;
    assert_near(&y, &rec.taps.spikes, 0.0);
    let mut state = net.state(2);
    let chunk = net.forward_chunk(&Steps::from(s), &train, &Steps::from(steps), &cx, &mut state, false)?;
    assert_near(&y, &chunk, 0.0);
    // Sequences of different lengths do not meet.
    let (long, short) = (Steps::new(input(&[4, 2, 6]))?, Steps::new(input(&[2, 2, 6]))?);
    support::assert_says(net.forward_chunk(&long, &train, &short, &cx, &mut state, false), &["Inputs", "4 and 2 steps"]);
    Ok(())
}

#[test]
fn layers_and_outputs_may_have_any_name() -> Result<()> {
    let vs = store();
    let net = Layers::new(&vs.root())?;
    shake(&vs);
    let x = Layers::input(input(&[3, 2, 6]))?;
    let y = net.forward(&x)?;
    assert_near(&y.x.mean_dim(0, false, None), &y.steps, 1e-6);
    let mut s = net.state(2);
    let _ = net.step(&x.step(0).expect("a step"), &mut s)?;
    let names: Vec<String> = s.named_tensors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["tensor.forward_t.v", "state.v"]);
    Ok(())
}

snn_net! {
    /// The number of steps is a const generic.
    net Long<const N: usize>(x: [T, 6]) -> [T, 6] {
        T = N;
        step_mode = 's';
        surrogate = ATan;
        LIFNode(tau = 2.0),
    }

    /// More steps than are written out, all of them recorded.
    net Loop(x: [6]) -> [6] {
        T = 70;
        step_mode = 's';
        unroll = 2;
        surrogate = ATan;
        Dropout(0.5), #[record(spikes, voltage)] sn: IFNode(), MeanOverTime(),
    }
}

#[test]
fn the_number_of_steps_may_be_generic() -> Result<()> {
    let vs = store();
    let (short, long) = (Long::<2>::new(&vs.root())?, Long::<9>::new(&vs.root())?);
    let x = input(&[9, 2, 6]);
    let y = long.forward(&Long::<9>::input(x.shallow_clone())?)?;
    let z = short.forward(&Long::<2>::input(x.narrow(0, 0, 2))?)?;
    assert_eq!((Long::<9>::T, y.size()), (9, vec![9, 2, 6]));
    assert_near(&z, &y.narrow(0, 0, 2), 0.0);
    Ok(())
}

#[test]
fn a_long_loop_records_every_step() -> Result<()> {
    let vs = store();
    let net = Loop::new(&vs.root())?;
    let x = Loop::input(input(&[2, 6]).abs() + 0.1)?;
    let (y, rec) = net.forward_recorded(&x, true)?;
    assert_eq!((rec.sn.spikes.size(), rec.sn.voltage.size()), (vec![70, 2, 6], vec![70, 2, 6]));
    assert_near(&y, &rec.sn.spikes.mean_dim(0, false, None), 1e-6);
    // One mask for all steps: what is dropped never fires, the rest fires now and then.
    let rates = rec.sn.spikes.mean_dim(0, false, None);
    let mut s = net.state(2);
    let _ = net.forward_from(&x, &mut s, true)?;
    assert!(rates.eq(0.0).any().int64_value(&[]) == 1 && rates.gt(0.0).any().int64_value(&[]) == 1);
    assert_eq!(s.dropout1.mask.as_ref().expect("a mask").size(), [2, 6]);
    Ok(())
}

snn_net! {
    /// Entries with the names of what is generated beside them.
    net Companions<const H: usize>(x: [T, 6]) -> (mean: [H], all: [T, H]) {
        T = 3;
        step_mode = 'm';
        state: [Linear(_, 5), batch: IFNode()],
        output: [Linear(_, H)],
        step: [recording: IFNode(), Linear(_, H)],
        batch: LIFNode(),
        forward(x) { let y = batch(step(output(state(x)))); (mean_over_time(y), y) }
    }
}

#[test]
fn entries_may_be_named_like_what_is_generated() -> Result<()> {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Companions::<4>::new(&vs.root())?;
    let x = Companions::<4>::input(Tensor::ones([3, 2, 6], (Kind::Float, Device::Cpu)))?;
    let y = net.forward(&x)?;
    assert_eq!((y.mean.size(), y.all.size()), (vec![2, 4], vec![3, 2, 4]));
    assert_eq!(net.state(2).batch(), 2);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Inputs, InputsFrozen, s: seq [3, 5, 6], train: still [5, 6], steps: seq [3, 5, 6], cx: still [5, 6]);
    frozen!(Layers, LayersFrozen, x: seq [3, 5, 6] => x, steps);
    frozen!(Long<9>, LongFrozen<9>, x: seq [9, 5, 6]);
    frozen!(Loop, LoopFrozen, x: still [5, 6]);
    frozen!(Companions<4>, CompanionsFrozen<4>, x: seq [3, 5, 6] => mean, all);
    Ok(())
}
