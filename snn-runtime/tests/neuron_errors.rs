//! What neurons refuse. In: inputs and arguments that do not fit; out: an error that names the layer and what is wrong, a state
//! that is as before, and never a panic.

mod support;

use snn_runtime::surrogate::{ATan, Surrogate, apply};
use snn_runtime::{Device, Error, IFNode, IFNodeConfig, Kind, LIFNode, LIFNodeConfig, Layer, NeuronState, ParametricLIFNode};
use snn_runtime::{ParametricLIFNodeConfig, State, Tensor, nn};
use support::neuron::{Charge, Neuron, Spec, currents};
use support::{EVAL, assert_same, assert_says, build, lone};

fn node() -> IFNode {
    build(&nn::VarStore::new(Device::Cpu), "sn1", if_config()).unwrap()
}

fn if_config() -> IFNodeConfig {
    IFNodeConfig { v_threshold: 1.0, v_reset: Some(0.0), surrogate_function: ATan::default().into(), detach_reset: false }
}

fn lif_config(tau: f64) -> LIFNodeConfig {
    LIFNodeConfig {
        tau,
        decay_input: true,
        v_threshold: 1.0,
        v_reset: Some(0.0),
        surrogate_function: ATan::default().into(),
        detach_reset: false,
    }
}

fn plif_config(init_tau: f64) -> ParametricLIFNodeConfig {
    ParametricLIFNodeConfig {
        init_tau,
        decay_input: true,
        v_threshold: 1.0,
        v_reset: Some(0.0),
        surrogate_function: ATan::default().into(),
        detach_reset: false,
    }
}

fn f32(sizes: &[i64]) -> Tensor {
    currents(sizes, Kind::Float)
}

#[test]
fn another_batch_needs_a_reset() {
    let (neuron, mut s) = (node(), NeuronState::default());
    let _ = neuron.sequence(&f32(&[4, 8, 3]), &mut s, &EVAL).unwrap();
    let before = s.v.as_ref().unwrap().copy();
    for refused in [
        neuron.sequence(&f32(&[4, 5, 3]), &mut s, &EVAL),
        neuron.step(&f32(&[5, 3]), &mut s, &EVAL),
        neuron.repeat(&f32(&[5, 3]), 4, &mut s, &EVAL),
    ] {
        let e = assert_says(refused, &["Net.sn1", "batch of 8", "gets 5", "reset()"]);
        assert!(matches!(e, Error::Batch { want: 8, got: 5, .. }), "{e:?}");
    }
    assert_same(s.v.as_ref().unwrap(), &before, "the state is as before");
    s.reset();
    let _ = neuron.sequence(&f32(&[4, 5, 3]), &mut s, &EVAL).unwrap();
}

/// SpikingJelly would broadcast from a batch of one.
#[test]
fn a_batch_of_one_is_not_broadcast() {
    let (neuron, mut s) = (node(), NeuronState::default());
    let _ = neuron.step(&f32(&[1, 3]), &mut s, &EVAL).unwrap();
    assert_says(neuron.step(&f32(&[5, 3]), &mut s, &EVAL), &["Net.sn1", "batch of 1", "gets 5"]);
}

#[test]
fn other_sizes_of_a_sample_are_an_error() {
    let (neuron, mut s) = (node(), NeuronState::default());
    let _ = neuron.step(&f32(&[2, 3, 4]), &mut s, &EVAL).unwrap();
    for other in [&[2, 3, 5][..], &[2, 12], &[2, 3, 4, 1]] {
        let e = assert_says(neuron.step(&f32(other), &mut s, &EVAL), &["Net.sn1", "[2, 3, 4]", &format!("{other:?}"), "reset()"]);
        assert!(matches!(e, Error::StateShape { .. }), "{e:?}");
    }
    // A sequence given to `step`, and one step given to `sequence`.
    assert_says(neuron.step(&f32(&[4, 2, 3, 4]), &mut s, &EVAL), &["Net.sn1"]);
    assert_says(neuron.sequence(&f32(&[2, 3, 4]), &mut s, &EVAL), &["Net.sn1"]);
}

#[test]
fn only_floats_are_currents() {
    let neuron = node();
    for kind in [Kind::Int64, Kind::Int, Kind::Bool, Kind::Uint8, Kind::Half, Kind::BFloat16, Kind::ComplexFloat] {
        let x = Tensor::ones([4, 2, 3], (kind, Device::Cpu));
        for refused in [
            neuron.sequence(&x, &mut NeuronState::default(), &EVAL),
            neuron.step(&x, &mut NeuronState::default(), &EVAL),
            neuron.repeat(&x, 2, &mut NeuronState::default(), &EVAL),
        ] {
            let e = assert_says(refused, &["Net.sn1", "Float", &format!("{kind:?}"), "to_kind"]);
            assert!(matches!(e, Error::Kind { .. }), "{e:?}");
        }
    }
}

#[test]
fn a_sequence_needs_a_step() {
    let neuron = node();
    let mut s = NeuronState::default();
    for refused in [
        neuron.sequence(&f32(&[0, 2, 3]), &mut s, &EVAL),
        neuron.sequence(&Tensor::from(1.0f32), &mut s, &EVAL),
        neuron.repeat(&f32(&[2, 3]), 0, &mut s, &EVAL),
        neuron.repeat(&f32(&[2, 3]), -1, &mut s, &EVAL),
    ] {
        let e = assert_says(refused, &["Net.sn1", "step"]);
        assert!(matches!(e, Error::Steps { .. }), "{e:?}");
    }
    assert!(s.v.is_none());
}

#[test]
fn an_empty_batch_runs() {
    for spec in [Charge::If, Charge::Lif { tau: 2.0, decay_input: true }, Charge::ParametricLif { tau: 2.0, decay_input: false }] {
        let neuron = Spec::new(spec).build();
        let x = f32(&[4, 0, 3]).set_requires_grad(true);
        let mut s = NeuronState::default();
        let y = neuron.sequence(&x, &mut s).unwrap();
        assert_eq!((y.size(), s.v.unwrap().size()), (vec![4, 0, 3], vec![0, 3]));
        y.sum(Kind::Float).backward();
        assert_eq!(x.grad().size(), [4, 0, 3]);
        assert_eq!(neuron.repeat(&x.get(0), 4, &mut NeuronState::default()).unwrap().size(), [4, 0, 3]);
        assert_eq!(neuron.step(&x.get(0), &mut NeuronState::default()).unwrap().size(), [0, 3]);
    }
}

#[test]
fn a_single_number_is_one_neuron() {
    let y = Spec::new(Charge::If).build().step(&Tensor::from(1.0f32), &mut NeuronState::default()).unwrap();
    assert_eq!((y.size(), y.double_value(&[])), (vec![], 1.0));
}

#[test]
fn tau_must_exceed_one() {
    let vs = nn::VarStore::new(Device::Cpu);
    for (tau, problem) in [1.0, 0.5, 0.0, -2.0].map(|tau| (tau, "greater than 1")).into_iter().chain([(f64::NAN, "finite number")]) {
        assert_says(build::<LIFNode>(&vs, "lif", lif_config(tau)), &["Net.lif", "`tau`", problem]);
        assert_says(build::<ParametricLIFNode>(&vs, "plif", plif_config(tau)), &["Net.plif", "`init_tau`", problem]);
    }
    assert!(vs.is_empty(), "nothing was registered");
}

#[test]
fn thresholds_are_numbers() {
    let vs = nn::VarStore::new(Device::Cpu);
    let threshold = IFNodeConfig { v_threshold: f64::NAN, ..if_config() };
    assert_says(build::<IFNode>(&vs, "sn", threshold), &["Net.sn", "`v_threshold`"]);
    let reset = IFNodeConfig { v_reset: Some(f64::NAN), ..if_config() };
    assert_says(build::<IFNode>(&vs, "sn", reset), &["Net.sn", "`v_reset`"]);
    // A neuron that never fires reads out its potential.
    let never = lone::<IFNode>(IFNodeConfig { v_threshold: f64::INFINITY, ..if_config() });
    let mut s = NeuronState::default();
    assert_eq!(never.step(&(f32(&[4]).abs() * 1e30), &mut s, &EVAL).unwrap().sum(Kind::Float).double_value(&[]), 0.0);
}

#[test]
fn the_time_constant_of_a_parametric_neuron_is_known() {
    for init_tau in [1.5, 2.0, 2.5, 20.0] {
        let neuron: ParametricLIFNode = lone(plif_config(init_tau));
        assert!((neuron.tau().unwrap() - init_tau).abs() < 1e-5);
        assert!((neuron.w().double_value(&[]) + (init_tau - 1.0).ln()).abs() < 1e-6);
        assert_eq!(neuron.w().size(), [0i64; 0]);
        assert!(neuron.w().requires_grad());
    }
}

#[test]
fn the_weight_of_a_parametric_neuron_is_trained_and_saved() {
    let vs = nn::VarStore::new(Device::Cpu);
    let neuron: ParametricLIFNode = build(&vs, "plif", plif_config(2.0)).unwrap();
    assert_eq!(vs.variables().keys().collect::<Vec<_>>(), ["plif.w"]);
    neuron.sequence(&f32(&[4, 9]), &mut NeuronState::default(), &EVAL).unwrap().sum(Kind::Float).backward();
    assert!(neuron.w().grad().double_value(&[]) != 0.0);
}

#[test]
fn a_surrogate_takes_floats_on_the_cpu() {
    let surrogate = Surrogate::from(ATan::default());
    assert_says(apply(surrogate, &Tensor::from_slice(&[1i64])), &["surrogate", "Int64"]);
    assert_eq!(apply(surrogate, &Tensor::zeros([0, 3], (Kind::Float, Device::Cpu))).unwrap().size(), [0, 3]);
}

/// A graph that was already used says so; it is not silently wrong.
#[test]
fn backpropagating_through_the_state_twice_asks_for_detach() {
    let neuron = Neuron::If(node());
    let x = f32(&[4, 3]).set_requires_grad(true);
    let mut s = NeuronState::default();
    neuron.sequence(&x, &mut s).unwrap().sum(Kind::Float).backward();
    let again = neuron.sequence(&x, &mut s).unwrap().sum(Kind::Float);
    assert!(again.f_backward().unwrap_err().to_string().contains("second time"));
    s.detach();
    neuron.sequence(&x, &mut s).unwrap().sum(Kind::Float).backward();
}
