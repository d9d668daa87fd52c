//! The ways to call a neuron. In: the same currents as steps, as a sequence, in pieces, as a static input, in any memory layout;
//! out: the same spikes, potentials and gradients.

mod support;

use proptest::prelude::*;
use snn_runtime::__private::finish;
use snn_runtime::{Kind, NeuronState, Spikes, SpikesAndVoltage, State, Tap, Tensor, Voltage};
use support::neuron::{Charge, Spec, currents};
use support::{EVAL, TRAIN, assert_near, assert_same, grads, randn};

/// One of each charge equation, with different resets.
fn specs() -> [Spec; 4] {
    [
        Spec::new(Charge::If),
        Spec { v_reset: None, ..Spec::new(Charge::Lif { tau: 3.0, decay_input: true }) },
        Spec { v_reset: Some(-0.3), spiking: false, ..Spec::new(Charge::Lif { tau: 2.0, decay_input: false }) },
        Spec { detach_reset: true, ..Spec::new(Charge::ParametricLif { tau: 2.5, decay_input: true }) },
    ]
}

fn fresh() -> NeuronState {
    NeuronState::default()
}

fn v(s: &NeuronState) -> &Tensor {
    s.v.as_ref().expect("a potential after the first step")
}

/// Gradients in `kind`, or in f32 for the learned weight, which is kept in it.
fn assert_near_each(got: &[Tensor], want: &[Tensor], kind: Kind) {
    for (got, want) in got.iter().zip(want) {
        let exact = kind == Kind::Double && got.kind() == kind;
        assert_near(got, want, if exact { 1e-12 } else { 1e-5 }, "gradients");
    }
}

#[test]
fn steps_give_what_a_sequence_gives() {
    for kind in [Kind::Float, Kind::Double] {
        for spec in specs() {
            let neuron = spec.build();
            let x = currents(&[6, 3, 5], kind).set_requires_grad(true);
            let (mut a, mut b) = (fresh(), fresh());
            let whole = neuron.sequence(&x, &mut a).unwrap();
            let steps: Vec<Tensor> = (0..6).map(|t| neuron.step(&x.get(t), &mut b).unwrap()).collect();
            let steps = Tensor::stack(&steps, 0);
            assert_same(&steps, &whole, "outputs");
            assert_same(v(&a), v(&b), "potentials");
            let weight = randn(&[6, 3, 5], kind);
            let wrt: Vec<&Tensor> = std::iter::once(&x).chain(neuron.w()).collect();
            assert_near_each(&grads(&steps, &weight, &wrt), &grads(&whole, &weight, &wrt), kind);
        }
    }
}

#[test]
fn a_static_input_is_a_sequence_of_itself() {
    for kind in [Kind::Float, Kind::Double] {
        for spec in specs() {
            let neuron = spec.build();
            let x = currents(&[3, 5], kind).set_requires_grad(true);
            let v0 = randn(&[3, 5], kind).set_requires_grad(true);
            let start = || NeuronState::at(v0.shallow_clone());
            let (mut a, mut b) = (start(), start());
            let shown = neuron.repeat(&x, 7, &mut a).unwrap();
            let sequence = neuron.sequence(&x.expand([7, 3, 5], false), &mut b).unwrap();
            assert_same(&shown, &sequence, "outputs");
            assert_same(v(&a), v(&b), "potentials");
            let weight = randn(&[7, 3, 5], kind);
            let wrt: Vec<&Tensor> = [&x, &v0].into_iter().chain(neuron.w()).collect();
            assert_near_each(&grads(&shown, &weight, &wrt), &grads(&sequence, &weight, &wrt), kind);
        }
    }
}

#[test]
fn a_neuron_is_the_same_in_training_and_evaluation() {
    for spec in specs() {
        let (neuron, x) = (spec.build(), currents(&[4, 9], Kind::Float));
        let [a, b] = [&EVAL, &TRAIN].map(|cx| neuron.sequence_in(&x, &mut fresh(), cx).unwrap());
        assert_same(&a, &b, "outputs");
    }
}

#[test]
fn reset_begins_anew_and_may_be_repeated() {
    for spec in specs() {
        let (neuron, x, mut s) = (spec.build(), currents(&[4, 9], Kind::Float), fresh());
        let first = neuron.sequence(&x, &mut s).unwrap();
        let going_on = neuron.sequence(&x, &mut s).unwrap();
        assert!(support::distance(&first, &going_on) > 0.0, "the state was kept");
        s.reset();
        s.reset();
        assert!(s.v.is_none());
        assert_same(&neuron.sequence(&x, &mut s).unwrap(), &first, "after a reset");
    }
}

#[test]
fn state_is_visited_by_name() {
    let mut s = fresh();
    let names = |s: &NeuronState| {
        let mut names = Vec::new();
        s.visit(&mut |name, t| names.push((name.to_string(), t.size())));
        names
    };
    assert!(names(&s).is_empty());
    let _ = Spec::new(Charge::If).build().step(&currents(&[2, 3], Kind::Float), &mut s).unwrap();
    assert_eq!(names(&s), [("v".to_string(), vec![2, 3])]);
}

/// Transposed, sliced with gaps, expanded, channels last: what counts are the elements.
#[test]
fn the_memory_layout_of_the_input_does_not_matter() {
    let sizes = [4, 2, 6, 3, 5];
    let plain = currents(&sizes, Kind::Float);
    let padded = Tensor::zeros([4, 2, 6, 3, 10], (Kind::Float, snn_runtime::Device::Cpu));
    padded.slice(4, None, None, 2).copy_(&plain);
    let layouts = [
        ("transposed", plain.transpose(0, 3).contiguous().transpose(0, 3)),
        ("channels last", plain.permute([0, 1, 3, 4, 2]).contiguous().permute([0, 1, 4, 2, 3])),
        ("with gaps", padded.slice(4, None, None, 2)),
    ];
    for spec in specs() {
        let neuron = spec.build();
        let weight = randn(&sizes, Kind::Float);
        let leaf = plain.copy().set_requires_grad(true);
        let mut s = fresh();
        let want = neuron.sequence(&leaf, &mut s).unwrap();
        let want_grad = grads(&want, &weight, &[&leaf]).remove(0);
        for (what, x) in &layouts {
            assert!(!x.is_contiguous());
            let (x, mut t) = (x.detach().set_requires_grad(true), fresh());
            let y = neuron.sequence(&x, &mut t).unwrap();
            assert_same(&y, &want, what);
            assert_same(v(&t), v(&s), what);
            assert_same(&grads(&y, &weight, &[&x])[0], &want_grad, what);
            // Gradients that arrive with strides, or expanded from one number.
            let y = neuron.sequence(&x, &mut fresh()).unwrap();
            let strided = Tensor::run_backward(&[(y.transpose(0, 4) * weight.transpose(0, 4)).sum(Kind::Float)], &[&x], false, false);
            assert_same(&strided[0], &want_grad, what);
            let [from_sum, from_ones] = [None, Some(weight.ones_like())].map(|ones| {
                let y = neuron.sequence(&x, &mut fresh()).unwrap();
                let y = ones.map_or_else(|| y.shallow_clone(), |ones| &y * ones);
                Tensor::run_backward(&[y.sum(Kind::Float)], &[&x], false, false).remove(0)
            });
            assert_same(&from_sum, &from_ones, what);
        }
    }
}

#[test]
fn a_first_potential_may_have_any_layout() {
    for spec in specs() {
        let (neuron, x) = (spec.build(), currents(&[4, 3, 5], Kind::Float));
        let v0 = randn(&[3, 5], Kind::Float);
        let run = |v: Tensor| neuron.sequence(&x, &mut NeuronState::at(v)).unwrap();
        let transposed = v0.transpose(0, 1).contiguous().transpose(0, 1);
        assert!(!transposed.is_contiguous());
        assert_same(&run(transposed), &run(v0), "outputs");
    }
}

#[test]
fn a_potential_of_another_kind_is_converted_and_keeps_its_gradient() {
    let neuron = Spec::new(Charge::If).build();
    let v0 = randn(&[5], Kind::Double).set_requires_grad(true);
    let mut s = NeuronState::at(v0.shallow_clone());
    let y = neuron.sequence(&currents(&[4, 5], Kind::Float), &mut s).unwrap();
    assert_eq!((y.kind(), v(&s).kind()), (Kind::Float, Kind::Float));
    y.sum(Kind::Float).backward();
    assert_eq!(v0.grad().kind(), Kind::Double);
}

#[test]
fn the_inputs_are_left_alone() {
    for spec in specs() {
        let x = currents(&[4, 9], Kind::Float);
        let v0 = randn(&[9], Kind::Float);
        let (x_before, v_before) = (x.copy(), v0.copy());
        let _ = spec.build().sequence(&x, &mut NeuronState::at(v0.shallow_clone())).unwrap();
        assert_same(&x, &x_before, "x");
        assert_same(&v0, &v_before, "v0");
    }
}

#[test]
fn taps_record_spikes_and_potentials_after_the_reset() {
    for spec in specs() {
        let neuron = spec.build();
        let x = currents(&[5, 2, 3], Kind::Double).set_requires_grad(true);
        let (want, potentials, _) = spec.sequence(&x, None, neuron.w());
        let check = |tap: Tap, spikes: &Tensor, what: &str| {
            assert_near(spikes, &want, 1e-12, what);
            let rec: SpikesAndVoltage = finish(Some(tap)).unwrap();
            assert_same(&rec.spikes, spikes, what);
            assert_near(&rec.voltage, &potentials, 1e-12, what);
            assert!(!rec.spikes.requires_grad() && !rec.voltage.requires_grad(), "a recording holds no graph");
        };

        let mut tap = Tap::new(true, true);
        let y = neuron.sequence_recorded(&x, &mut fresh(), &mut tap).unwrap();
        assert!(y.requires_grad());
        check(tap, &y, "a sequence");

        let (mut tap, mut s) = (Tap::new(true, true), fresh());
        let y: Vec<Tensor> = (0..5).map(|t| neuron.step_recorded(&x.get(t), &mut s, &mut tap).unwrap()).collect();
        check(tap, &Tensor::stack(&y, 0), "steps");
    }
}

#[test]
fn a_static_input_is_recorded_at_every_step() {
    for spec in specs() {
        let neuron = spec.build();
        let x = currents(&[2, 3], Kind::Double);
        let (_, potentials, _) = spec.sequence(&x.expand([5, 2, 3], false), None, neuron.w());
        let mut tap = Tap::new(false, true);
        let _ = neuron.repeat_recorded(&x, 5, &mut fresh(), &mut tap).unwrap();
        let rec: Voltage = finish(Some(tap)).unwrap();
        assert_near(&rec.voltage, &potentials, 1e-12, "potentials");
    }
}

#[test]
fn only_what_is_asked_for_is_recorded() {
    let neuron = Spec::new(Charge::If).build();
    let x = currents(&[5, 3], Kind::Float);
    let mut tap = Tap::new(true, false);
    assert!(!tap.wants_voltage());
    let y = neuron.sequence_recorded(&x, &mut fresh(), &mut tap).unwrap();
    assert_same(&finish::<Spikes>(Some(tap)).unwrap().spikes, &y, "spikes");
    assert!(finish::<Voltage>(Some(Tap::new(true, false))).is_err());
    assert!(finish::<Spikes>(Some(Tap::new(true, false))).is_err(), "nothing ran");
    assert!(finish::<Spikes>(None).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Truncation in time: a sequence may be cut anywhere.
    #[test]
    fn a_sequence_in_two_pieces_is_the_whole(which in 0usize..4, cut in 1i64..9, neurons in 1i64..40) {
        let (spec, steps) = (specs()[which], 9);
        let neuron = spec.build();
        let x = currents(&[steps, neurons], Kind::Double).set_requires_grad(true);
        let (mut a, mut b) = (fresh(), fresh());
        let whole = neuron.sequence(&x, &mut a).unwrap();
        let mut pieces = vec![neuron.sequence(&x.narrow(0, 0, cut), &mut b).unwrap()];
        if cut < steps {
            pieces.push(neuron.sequence(&x.narrow(0, cut, steps - cut), &mut b).unwrap());
        }
        let pieces = Tensor::cat(&pieces, 0);
        assert_same(&pieces, &whole, "outputs");
        assert_same(v(&a), v(&b), "potentials");
        let weight = randn(&[steps, neurons], Kind::Double);
        assert_near(&grads(&pieces, &weight, &[&x])[0], &grads(&whole, &weight, &[&x])[0], 1e-12, "gradients");
    }
}
