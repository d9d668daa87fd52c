//! The forward kernel against the reference, bit for bit, and what must hold between forward passes.

use proptest::prelude::*;
use pulp::Arch;

use super::case::{Case, assert_bits, cases};
use crate::Real;

fn assert_equals_reference<F: Real>(case: &Case) {
    let (got, want) = (case.forward::<F>(Arch::new()), case.reference_forward::<F>());
    assert_bits("spikes", &got.spikes, &want.spikes);
    assert_bits("v_seq", &got.v_seq, &want.v_seq);
    assert_bits("v", &got.v, &want.v);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn equals_the_reference(case in cases(40, 300)) {
        assert_equals_reference::<f32>(&case);
        assert_equals_reference::<f64>(&case);
    }

    #[test]
    fn two_calls_equal_one(case in cases(24, 200), split in 0.0..1.0f64) {
        let case = Case { is_static: false, ..case };
        let whole = case.forward::<f32>(Arch::new());
        let first = Case { steps: (case.steps as f64 * split) as usize, ..case.clone() };
        let second = Case { steps: case.steps - first.steps, ..case.clone() };
        let (x1, x2) = { let x = case.x::<f32>(); let (a, b) = x.split_at(first.steps * case.neurons); (a.to_vec(), b.to_vec()) };
        let a = first.forward_of(Arch::new(), &x1, case.v0().as_deref());
        let b = second.forward_of(Arch::new(), &x2, Some(&a.v));
        assert_bits("spikes", &[a.spikes, b.spikes].concat(), &whole.spikes);
        assert_bits("v", &b.v, &whole.v);
    }

    #[test]
    fn a_static_input_equals_its_repetition(case in cases(20, 200)) {
        let repeated = Case { is_static: false, ..case.clone() };
        let case = Case { is_static: true, ..case };
        let x = case.x_sequence::<f32>();
        let (got, want) = (case.forward::<f32>(Arch::new()), repeated.forward_of(Arch::new(), &x, case.v0().as_deref()));
        assert_bits("spikes", &got.spikes, &want.spikes);
        assert_bits("v", &got.v, &want.v);
    }
}

#[test]
fn a_nan_potential_does_not_fire_and_stays() {
    let case = Case::lif(3, 2);
    let out = case.forward_of::<f32>(Arch::new(), &[f32::NAN, 4.0, 0.0, 4.0, 0.0, 4.0], None);
    assert_eq!(out.spikes, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    assert!(out.v[0].is_nan() && out.v[1] == 0.0);
    // An infinite input fires, and the hard reset makes it NaN (0 * inf), as in SpikingJelly; the soft one keeps infinity.
    let out = Case::lif(1, 1).forward_of::<f32>(Arch::new(), &[f32::INFINITY], None);
    assert!(out.spikes == [1.0] && out.v[0].is_nan());
    let soft = Case { v_reset: None, ..Case::lif(1, 1) };
    assert_eq!(soft.forward_of::<f32>(Arch::new(), &[f32::INFINITY], None).v, [f32::INFINITY]);
}

#[test]
fn fires_exactly_at_the_threshold() {
    assert_eq!(Case::lif(1, 2).forward_of::<f32>(Arch::new(), &[2.0, 2.0f32.next_down()], None).spikes, [1.0, 0.0]);
}

#[test]
fn no_steps_and_no_neurons() {
    let none = Case { steps: 0, v_reset: Some(-0.5), ..Case::lif(0, 3) };
    assert_eq!(none.forward::<f32>(Arch::new()).v, [-0.5; 3]);
    assert_eq!(none.forward_of::<f32>(Arch::new(), &[], Some(&[1.0, 2.0, 3.0])).v, [1.0, 2.0, 3.0]);
    assert!(Case::lif(4, 0).forward::<f32>(Arch::new()).spikes.is_empty());
}
