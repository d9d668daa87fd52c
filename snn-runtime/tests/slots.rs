//! Spike counts in slots of time. In: counts and a layer without bias; out: the same outputs and gradients as without slots.

mod support;

use proptest::prelude::*;
use snn_runtime::{Kind, Layer, SpikeCountToBinary, SpikeCountToBinaryConfig, TemporalBinSum, TemporalBinSumConfig, Tensor};
use support::{EVAL, TRAIN, assert_same, assert_says, lone, rand, randn};

fn pair(num_slots: usize, always_convert: bool) -> (SpikeCountToBinary, TemporalBinSum) {
    (lone(SpikeCountToBinaryConfig { num_slots, always_convert }), lone(TemporalBinSumConfig { num_slots, always_convert }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn slots_around_weights_change_nothing(slots in 1usize..5, steps in 1i64..4) {
        let counts = (rand(&[steps, 2, 3], Kind::Double) * (slots as f64 + 1.0)).floor();
        let (weight, upstream) = (randn(&[4, 3], Kind::Double), randn(&[steps, 2, 4], Kind::Double));
        let (spread, gather) = pair(slots, true);
        let run = |through_slots: bool| {
            let (x, w) = (counts.copy().set_requires_grad(true), weight.copy().set_requires_grad(true));
            let y = if through_slots {
                let binary = spread.sequence(&x, &mut (), &TRAIN).unwrap();
                assert!(binary.eq(0.0).logical_or(&binary.eq(1.0)).all().int64_value(&[]) == 1);
                gather.sequence(&binary.linear::<&Tensor>(&w, None), &mut (), &TRAIN).unwrap()
            } else {
                x.linear::<&Tensor>(&w, None)
            };
            (&y * &upstream).sum(Kind::Double).backward();
            [y, x.grad(), w.grad()]
        };
        for (got, want) in run(true).iter().zip(&run(false)) {
            prop_assert!(got.allclose(want, 1e-12, 1e-12, false));
        }
    }
}

#[test]
fn training_works_on_the_counts_unless_told_otherwise() {
    let x = Tensor::from_slice(&[0.0f32, 2.0]).reshape([1, 1, 2]);
    let (spread, gather) = pair(3, false);
    assert_same(&spread.sequence(&x, &mut (), &TRAIN).unwrap(), &x, "training");
    let slots = spread.sequence(&x, &mut (), &EVAL).unwrap();
    assert_eq!(slots.size(), [3, 1, 2]);
    assert_same(&gather.sequence(&slots, &mut (), &EVAL).unwrap(), &x, "there and back");
}

#[test]
fn what_does_not_fit_is_told() {
    let (spread, _) = pair(2, true);
    let x = Tensor::from_slice(&[3.0f32]).reshape([1, 1, 1]);
    assert_says(spread.sequence(&x, &mut (), &EVAL), &["Net.layer: `x` holds a count of 3, but there are 2 slots", "`num_slots`"]);
    for (count, shown) in [(-1.0, "-1"), (0.5, "0.5"), (f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
        for kind in [Kind::Float, Kind::Double] {
            let x = Tensor::from_slice(&[1.0, count, 2.0]).to_kind(kind).reshape([1, 1, 3]);
            let told = format!("Net.layer: `x` holds {shown}, which is no number of spikes");
            assert_says(spread.sequence(&x, &mut (), &EVAL), &[&told, "whole numbers"]);
        }
    }
    let endless = Tensor::from_slice(&[f32::INFINITY]).reshape([1, 1, 1]);
    assert_says(spread.sequence(&endless, &mut (), &EVAL), &["Net.layer: `x` holds a count of inf, but there are 2 slots"]);
    assert_says(spread.step(&x, &mut (), &EVAL), &["Net.layer: works on whole sequences, but gets one step"]);
    assert_says(spread.sequence(&x.narrow(0, 0, 0), &mut (), &EVAL), &["there is no step"]);
}
