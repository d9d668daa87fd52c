//! The LIF neurons of other frameworks. In: what each of them did on the same input, recorded by `frameworks/record.py`; out: the same spikes and
//! potentials, step by step and as a sequence.

use std::collections::HashMap;

use snn::lif::norse::{LIFBoxCell, LIFBoxCellConfig, LIFCell, LIFCellConfig};
use snn::lif::sinabs::{IAF, IAFConfig, LIF, LIFConfig};
use snn::lif::snntorch::{Leaky, LeakyConfig};
use snn::lif::spikingjelly::{LIFNode, LIFNodeConfig};
use snn::neuron::{Compiled, Neuron, Node};
use snn::{Cx, Device, Kind, Layer, Scope, Tensor, nn, snn_net};

/// The recording: 200 steps of two neurons.
fn recorded() -> HashMap<String, Tensor> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/frameworks/lif.safetensors");
    Tensor::read_safetensors(file).unwrap().into_iter().collect()
}

/// Runs a neuron on the recorded input times `factor`; compares, and counts the spikes of both neurons.
#[track_caller]
fn same<C: Neuron + Compiled>(name: &str, config: C, factor: f64) -> [i64; 2] {
    let recorded = recorded();
    let (x, y, v) = (&recorded["x"] * factor, &recorded[&format!("{name}.y")], &recorded[&format!("{name}.v")]);
    let vs = nn::VarStore::new(Device::Cpu);
    let neuron = Node::build(&Scope::root(name, &vs.root()), config).unwrap();
    let whole = neuron.sequence(&x, &mut neuron.state(), &Cx::EVAL).unwrap();
    assert!(whole.equal(y), "{name}: other spikes");
    let mut state = neuron.state();
    for t in 0..x.size()[0] {
        let spikes = neuron.sequence(&x.narrow(0, t, 1), &mut state, &Cx::EVAL).unwrap();
        let off = (state.get("v").unwrap() - v.get(t)).abs().max().double_value(&[]);
        assert!(spikes.equal(&y.narrow(0, t, 1)) && off < 1e-5, "{name}, step {t}: the potential is {off} off");
    }
    [0, 1].map(|n| y.select(1, n).sum(Kind::Int64).int64_value(&[]))
}

#[test]
fn spikingjelly() {
    let lif = |v_reset| LIFNodeConfig { tau: 5.0, decay_input: false, v_reset, ..Default::default() };
    assert_eq!(same("spikingjelly.hard", lif(Some(0.0)), 1.0), [23, 29]);
    assert_eq!(same("spikingjelly.soft", lif(None), 1.0), [24, 30]);
}

#[test]
fn snntorch() {
    let leaky = |v_reset, reset_delay| LeakyConfig { beta: 0.8, v_reset, reset_delay, ..Default::default() };
    // The late reset costs spikes: SpikingJelly's soft reset has 24 and 30.
    assert_eq!(same("snntorch.subtract", leaky(None, true), 1.0), [22, 26]);
    assert_eq!(same("snntorch.zero", leaky(Some(0.0), true), 1.0), [23, 29]);
    assert_eq!(same("snntorch.subtract_now", leaky(None, false), 1.0), [24, 30]);
    assert_eq!(same("snntorch.zero_now", leaky(Some(0.0), false), 1.0), [23, 29]);
}

#[test]
fn norse() {
    assert_eq!(same("norse.lif_box", LIFBoxCellConfig::default(), 8.0), [24, 28]);
    assert_eq!(same("norse.lif", LIFCellConfig::default(), 2.0), [33, 38]);
}

#[test]
fn sinabs() {
    assert_eq!(same("sinabs.lif", LIFConfig { tau_mem: 5.0, ..Default::default() }, 8.0), [50, 54]);
    let plain = LIFConfig { tau_mem: 5.0, norm_input: false, ..Default::default() };
    assert_eq!(same("sinabs.lif_plain", plain, 3.0), [122, 135]);
    assert_eq!(same("sinabs.iaf", IAFConfig::default(), 8.0), [379, 412]);
}

snn_net! {
    use snn::lif::{norse::LIFBoxCell, sinabs::IAF, snntorch::Leaky};

    /// All three in a net, which learns through them.
    net Mixed(x: [T, 4]) -> [2] {
        T = 20;
        step_mode = 'm';
        fc1: Linear(_, 8),
        leaky: Leaky(beta = 0.8),
        fc2: Linear(_, 8),
        cell: LIFBoxCell(v_threshold = 0.1),
        fc3: Linear(_, 2),
        iaf: IAF(v_threshold = 0.5),
        MeanOverTime(),
    }
}

#[test]
fn they_are_layers_of_a_net() {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Mixed::new(&vs.root()).unwrap();
    tch::no_grad(|| vs.trainable_variables().iter_mut().for_each(|w| drop(w.abs_())));
    let x = Mixed::input(Tensor::ones([20, 3, 4], (Kind::Float, Device::Cpu)) * 2.0).unwrap();
    let y = net.forward_t(&x, true).unwrap();
    assert!(y.min().double_value(&[]) > 0.0);
    y.sum(Kind::Float).backward();
    assert!(net.fc1.weight.grad().abs().sum(Kind::Float).double_value(&[]) > 0.0);
}

/// A threshold that is met exactly: SpikingJelly and sinabs fire, snnTorch and norse do not.
#[test]
fn who_fires_at_the_threshold() {
    fn spikes<C: Neuron + Compiled>(config: C) -> f64 {
        let vs = nn::VarStore::new(Device::Cpu);
        let neuron = Node::build(&Scope::root("neuron", &vs.root()), config).unwrap();
        let x = Tensor::ones([1, 1], (Kind::Float, Device::Cpu));
        neuron.sequence(&x, &mut neuron.state(), &Cx::EVAL).unwrap().double_value(&[0, 0])
    }
    assert_eq!(spikes(LIFNodeConfig { decay_input: false, ..Default::default() }), 1.0);
    assert_eq!(spikes(IAFConfig::default()), 1.0);
    assert_eq!(spikes(LeakyConfig::default()), 0.0);
    assert_eq!(spikes(LIFBoxCellConfig { dt: 0.01, ..Default::default() }), 0.0);
    // They are aliases of one type each.
    let _ = (None::<LIFNode>, None::<LIF>, None::<IAF>, None::<Leaky>, None::<LIFBoxCell>, None::<LIFCell>);
}
