//! What a model's input refuses. In: tensors of a wrong rank, size or kind; out: errors that name the input, what it wants, what
//! came and the likely slip. What passed is never checked again.

mod support;

use snn::{Device, Error, Kind, Result, Seq, Shape1, Shape3, Static, Steps, Tensor, snn_net};
use support::frozen::frozen;
use support::{assert_says, input, store};

snn_net! {
    /// One image, shown at every step.
    pub net Still(image: [1, 4, 4]) -> [2] {
        T = 3;
        step_mode = 'm';
        Flatten(), Linear(_, 2), IFNode(), MeanOverTime(),
    }
}

snn_net! {
    /// A sequence.
    pub net Moving(x: [T, 6]) -> [2] {
        T = 3;
        step_mode = 'm';
        Linear(_, 2), IFNode(), MeanOverTime(),
    }
}

snn_net! {
    /// A sequence, and something that does not change.
    pub net Both(x: [T, 6], gate: [2]) -> [2] {
        T = 3;
        step_mode = 'm';
        fc: Linear(_, 2), sn: IFNode(),
        forward(x, gate) {
            mean_over_time(sn(add(fc(x), gate)))
        }
    }
}

#[test]
fn a_missing_batch_is_named() {
    assert_says(Still::input(input(&[1, 4, 4])), &["Still input `image`", "[N, 1, 4, 4]", "[1, 4, 4]", "batch is missing", "unsqueeze(0)"]);
}

#[test]
fn a_sequence_for_a_still_image_is_named() {
    assert_says(Still::input(input(&[3, 2, 1, 4, 4])), &["Still input `image`", "[N, 1, 4, 4]", "[3, 2, 1, 4, 4]", "[T, ..]"]);
}

#[test]
fn a_missing_time_axis_is_named() {
    assert_says(Moving::input(input(&[2, 6])), &["Moving input `x`", "[3, N, 6]", "[2, 6]", "time axis is missing"]);
}

#[test]
fn time_and_batch_the_wrong_way_round_are_named() {
    assert_says(Moving::input(input(&[5, 3, 6])), &["Moving input `x`", "[3, N, 6]", "[5, 3, 6]", "transpose(0, 1)"]);
}

#[test]
fn other_sizes_are_named() {
    assert_says(Still::input(input(&[2, 3, 4, 4])), &["[N, 1, 4, 4]", "[2, 3, 4, 4]"]);
    assert_says(Moving::input(input(&[4, 2, 6])), &["[3, N, 6]", "[4, 2, 6]"]);
    assert_says(Moving::input(input(&[3, 2, 7])), &["[3, N, 6]", "[3, 2, 7]"]);
    assert_says(Still::input(Tensor::from(1.0f32)), &["[N, 1, 4, 4]", "[]"]);
}

#[test]
fn only_floats_are_inputs() {
    for kind in [Kind::Uint8, Kind::Int64, Kind::Bool] {
        let e = Still::input(Tensor::ones([2, 1, 4, 4], (kind, Device::Cpu))).unwrap_err();
        assert!(matches!(e, Error::Kind { .. }), "{e:?}");
        let text = e.to_string();
        assert!(text.contains("Still input `image`") && text.contains(&format!("{kind:?}")) && text.contains("to_kind"), "{text}");
    }
}

#[test]
fn each_of_several_inputs_is_named() -> Result<()> {
    let _: (Seq<Shape1<6>, 3>, Static<Shape1<2>>) = Both::input(input(&[3, 2, 6]), input(&[2, 2]))?;
    assert_says(Both::input(input(&[2, 6]), input(&[2, 2])), &["Both input `x`"]);
    assert_says(Both::input(input(&[3, 2, 6]), input(&[2, 3])), &["Both input `gate`", "[N, 2]", "[2, 3]"]);
    Ok(())
}

#[test]
fn inputs_of_different_batches_do_not_meet() -> Result<()> {
    let vs = store();
    let net = Both::new(&vs.root())?;
    let (x, gate) = Both::input(input(&[3, 2, 6]), input(&[1, 2]))?;
    assert_says(net.forward(&x, &gate), &["Both", "batch of 2", "gets 1"]);
    assert_says(net.forward_t(&x, &gate, true), &["Both", "batch of 2", "gets 1"]);
    Ok(())
}

#[test]
fn the_kind_of_input_and_weights_must_agree() -> Result<()> {
    let vs = store();
    let net = Moving::new(&vs.root())?;
    let x = Moving::input(input(&[3, 2, 6]).to_kind(Kind::Double))?;
    assert_says(net.forward(&x), &["Moving.linear1"]);
    Ok(())
}

/// The wrapper is the proof: what is made by hand is checked the same way.
#[test]
fn typed_tensors_check_what_they_wrap() -> Result<()> {
    assert!(Static::<Shape3<1, 4, 4>>::new(input(&[2, 1, 4, 4])).is_ok());
    assert!(Static::<Shape3<1, 4, 4>>::new(input(&[2, 4, 1, 4])).is_err());
    assert!(Seq::<Shape1<6>, 3>::new(input(&[3, 2, 6])).is_ok());
    assert!(Seq::<Shape1<6>, 3>::new(input(&[2, 2, 6])).is_err());
    let steps = Steps::<Shape1<6>>::new(input(&[7, 2, 6]))?;
    assert_eq!((steps.steps(), steps.batch(), steps.tensor().size()), (7, 2, vec![7, 2, 6]));
    let e = Steps::<Shape1<6>>::new(input(&[0, 2, 6])).unwrap_err();
    assert!(matches!(e, Error::Steps { .. }), "{e:?}");
    let seq = Seq::<Shape1<6>, 3>::new(input(&[3, 2, 6]))?;
    assert_eq!(format!("{seq:?}"), "Seq[3, 2, 6]");
    let t = seq.tensor().shallow_clone();
    assert!(Steps::from(seq).into_tensor().equal(&t));
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Still, StillFrozen, image: still [5, 1, 4, 4]);
    frozen!(Moving, MovingFrozen, x: seq [3, 5, 6]);
    frozen!(Both, BothFrozen, x: seq [3, 5, 6], gate: still [5, 2]);
    Ok(())
}
