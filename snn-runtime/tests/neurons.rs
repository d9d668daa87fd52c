//! Fused neurons against the plain ones of `support/neuron.rs`. In: currents of many kinds of neurons; out: the same spikes to
//! the bit, the same potentials, the same gradients.

mod support;

use proptest::prelude::*;
use snn_runtime::{ActivationAwareIFNode, ActivationAwareIFNodeConfig, Device, Kind, Layer, NeuronState, State, Tensor, nn};
use support::neuron::{Charge, SHAPES, Spec, currents};
use support::{EVAL, assert_near, assert_same, build, grads, randn};

/// How far values that went through exp or atan, and gradients, may be apart.
fn tolerance(kind: Kind) -> f64 {
    if kind == Kind::Double { 1e-12 } else { 1e-5 }
}

/// `w` is kept in f32, and so is its gradient.
fn tolerance_w(kind: Kind) -> f64 {
    if kind == Kind::Double { 1e-6 } else { 1e-4 }
}

/// Two calls in a row: values, and the gradients of all inputs, through the state as well.
fn check(spec: Spec, kind: Kind) {
    let what = format!("{spec:?} {kind:?}");
    let neuron = spec.build();
    let [x1, x2] = [4, 3].map(|steps| currents(&[steps, 2, 7, 5], kind).set_requires_grad(true));
    let wrt: Vec<&Tensor> = [&x1, &x2].into_iter().chain(neuron.w()).collect();

    let mut s = NeuronState::default();
    let y1 = neuron.sequence(&x1, &mut s).unwrap();
    let between = s.v.as_ref().unwrap().shallow_clone();
    let y2 = neuron.sequence(&x2, &mut s).unwrap();
    let last = s.v.unwrap();

    let (want1, _, want_between) = spec.sequence(&x1, None, neuron.w());
    let (want2, _, want_last) = spec.sequence(&x2, Some(&want_between), neuron.w());
    for (got, want) in [(&y1, &want1), (&y2, &want2)] {
        match spec.spiking {
            true => assert_same(got, want, &format!("spikes of {what}")),
            false => assert_near(got, want, tolerance(kind), &format!("outputs of {what}")),
        }
    }
    for (got, want) in [(&between, &want_between), (&last, &want_last)] {
        match spec.spiking {
            true => assert_same(got, want, &format!("potentials of {what}")),
            false => assert_near(got, want, tolerance(kind), &format!("potentials of {what}")),
        }
    }

    // A loss that sees every spike and the last potential.
    let (w1, w2, w3) = (randn(&[4, 2, 7, 5], kind), randn(&[3, 2, 7, 5], kind), randn(&[2, 7, 5], kind));
    let loss = |y1: &Tensor, y2: &Tensor, v: &Tensor| (y1 * &w1).sum(kind) + (y2 * &w2).sum(kind) + (v * &w3).sum(kind);
    let got = Tensor::run_backward(&[loss(&y1, &y2, &last)], &wrt, false, false);
    let want = Tensor::run_backward(&[loss(&want1, &want2, &want_last)], &wrt, false, false);
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        let tolerance = if i == 2 { tolerance_w(kind) } else { tolerance(kind) };
        assert_near(got, want, tolerance, &format!("gradient {i} of {what}"));
    }
}

#[test]
fn every_neuron_agrees_with_its_equations_in_f64() {
    Spec::all().into_iter().for_each(|spec| check(spec, Kind::Double));
}

#[test]
fn every_neuron_agrees_with_its_equations_in_f32() {
    Spec::all().into_iter().for_each(|spec| check(spec, Kind::Float));
}

/// `v[-1]` is a leaf of the user's own here.
#[test]
fn the_gradient_reaches_the_first_potential() {
    for spec in Spec::all() {
        let neuron = spec.build();
        let x = currents(&[5, 11], Kind::Double);
        let v0 = (randn(&[11], Kind::Double) * 0.5).set_requires_grad(true);
        let weight = randn(&[5, 11], Kind::Double);
        let y = neuron.sequence(&x, &mut NeuronState::at(v0.shallow_clone())).unwrap();
        let (want, _, _) = spec.sequence(&x, Some(&v0), neuron.w());
        assert_near(&grads(&y, &weight, &[&v0])[0], &grads(&want, &weight, &[&v0])[0], 1e-12, &format!("{spec:?}"));
    }
}

/// h >= v_threshold, not above it.
#[test]
fn a_potential_exactly_at_the_threshold_fires() {
    let neuron = Spec::new(Charge::If).build();
    let below = f32::from_bits(1.0f32.to_bits() - 1);
    let y = neuron.step(&Tensor::from_slice(&[below, 1.0, 1.5]), &mut NeuronState::default()).unwrap();
    assert_eq!(Vec::<f32>::try_from(y).unwrap(), [0.0, 1.0, 1.0]);
}

/// A threshold that is stored with the weights is of their kind: 0.1 in f32 is above 0.1.
#[test]
fn a_stored_threshold_is_as_exact_as_the_weights() {
    for kind in [Kind::Float, Kind::Double] {
        let mut vs = nn::VarStore::new(Device::Cpu);
        vs.set_kind(kind);
        let config = ActivationAwareIFNodeConfig { v_threshold: 0.1, ..Default::default() };
        let neuron: ActivationAwareIFNode = build(&vs, "sn", config).unwrap();
        let x = Tensor::from_slice(&[0.1, 0.09]).to_kind(kind);
        let y = neuron.step(&x, &mut neuron.state(), &EVAL).unwrap();
        assert_eq!(Vec::<f64>::try_from(y.to_kind(Kind::Double)).unwrap(), [1.0, 0.0], "{kind:?}");
    }
}

#[test]
fn not_a_number_never_fires_and_stays() {
    let neuron = Spec::new(Charge::If).build();
    let mut s = NeuronState::default();
    let y = neuron.sequence(&Tensor::from_slice(&[f32::NAN, 5.0]).view([2, 1]), &mut s).unwrap();
    assert_eq!(Vec::<f32>::try_from(y.view([2])).unwrap(), [0.0, 0.0]);
    assert!(s.v.unwrap().double_value(&[0]).is_nan());
}

/// Worked by hand: tau = 2, v: 0.75 | 1.125 fires -> 0 | 0.25.
#[test]
fn a_leaky_neuron_worked_by_hand() {
    let neuron = Spec::new(Charge::Lif { tau: 2.0, decay_input: true }).build();
    let mut s = NeuronState::default();
    let y = neuron.sequence(&Tensor::from_slice(&[1.5f32, 1.5, 0.5]).view([3, 1]), &mut s).unwrap();
    assert_eq!(Vec::<f32>::try_from(y.view([3])).unwrap(), [0.0, 1.0, 0.0]);
    assert_eq!(s.v.unwrap().double_value(&[0]), 0.25);
}

/// Without input the potential leaks towards v_reset, where it started.
#[test]
fn a_leaky_neuron_rests_at_its_reset_value() {
    let spec = Spec { v_reset: Some(-0.5), ..Spec::new(Charge::Lif { tau: 2.0, decay_input: false }) };
    let mut s = NeuronState::default();
    let _ = spec.build().sequence(&Tensor::zeros([8, 3], (Kind::Float, Device::Cpu)), &mut s).unwrap();
    assert_eq!(Vec::<f32>::try_from(s.v.unwrap()).unwrap(), [-0.5; 3]);
}

#[test]
fn detach_cuts_the_gradient_between_calls() {
    for spec in SHAPES.map(|shape| Spec { shape, ..Spec::new(Charge::If) }) {
        let neuron = spec.build();
        let x = (Tensor::ones([2, 3], (Kind::Double, Device::Cpu)) * 0.25).set_requires_grad(true);
        let mut s = NeuronState::default();
        let _ = neuron.sequence(&x, &mut s).unwrap();
        s.detach();
        let before = s.v.as_ref().unwrap().copy();
        let y = neuron.sequence(&x, &mut s).unwrap();
        assert_same(&before, &Tensor::full([3], 0.5, (Kind::Double, Device::Cpu)), "the value stays");
        // Only the second call is seen: the gradient is that of a run from a given potential.
        let (want, _, _) = spec.sequence(&x, Some(&before), None);
        let weight = y.ones_like();
        assert_near(&grads(&y, &weight, &[&x])[0], &grads(&want, &weight, &[&x])[0], 1e-12, &format!("{spec:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any lengths, arguments and place to cut: still the plain neuron.
    #[test]
    fn any_neuron_agrees_with_its_equations(
        which in 0..3, tau in 1.01f64..20.0, decay_input: bool, v_threshold in 0.1f64..3.0, reset in proptest::option::of(-1.0f64..0.0),
        shape in 0usize..3, alpha in 0.5f64..5.0, spiking: bool, detach_reset: bool, steps in 1i64..12, neurons in 0i64..70,
    ) {
        let charge = match which {
            0 => Charge::If,
            1 => Charge::Lif { tau, decay_input },
            _ => Charge::ParametricLif { tau, decay_input },
        };
        let spec = Spec { charge, v_threshold, v_reset: reset, detach_reset, shape: SHAPES[shape], alpha, spiking };
        let neuron = spec.build();
        let x = currents(&[steps, neurons], Kind::Double).set_requires_grad(true);
        let mut s = NeuronState::default();
        let y = neuron.sequence(&x, &mut s).unwrap();
        let (want, _, last) = spec.sequence(&x, None, neuron.w());
        assert_near(&y, &want, if spiking { 0.0 } else { 1e-12 }, "outputs");
        assert_near(&s.v.unwrap(), &last, 1e-12, "potential");
        let weight = randn(&[steps, neurons], Kind::Double);
        let wrt: Vec<&Tensor> = std::iter::once(&x).chain(neuron.w()).collect();
        let (got, want) = (grads(&y, &weight, &wrt), grads(&want, &weight, &wrt));
        assert_near(&got[0], &want[0], 1e-11, "gradient of x");
        if let Some(dw) = want.get(1) {
            assert_near(&got[1], dw, 1e-5, "gradient of w");
        }
    }
}
