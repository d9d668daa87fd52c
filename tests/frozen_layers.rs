//! Layers beside convolutions and neurons, frozen. In: small nets of them; out: that the frozen model gives what the net gives, whole, step by
//! step where there is a step, and from its file.

mod support;

use snn::{Result, snn_net};
use support::frozen::{frozen, frozen_whole};

snn_net! {
    /// Layers over space, element by element, and those that remember.
    net Steps(x: [T, 3, 6, 6]) -> [T, 4] {
        T = 5;
        step_mode = 's';
        surrogate = ATan;
        ws: WSConv2d(_, 6, 3, gain = true), gn: GroupNorm(2, _), ReLU(), sn1: LIFNode(),
        up: Upsample(scale_factor = 1.5), MaxPool2d(2), up2: Upsample(size = 5),
        delay: Delay(2), Flatten(), syn: SynapseFilter(tau = 3.0, learnable = true),
        Dropout(0.5), wl: WSLinear(_, 12), Tanh(), psn: SlidingPSN(3), fc: Linear(_, 8), Sigmoid(), vote: VotingLayer(2),
    }

    /// Layers of whole sequences; the potential reads them out.
    net Whole(x: [3, 6, 6]) -> [5] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        conv: Conv2d(_, 6, 3), td: ThresholdDependentBatchNorm2d(1.0, 1.0, _), sn: IFNode(),
        AvgPool2d(2), Flatten(),
        fc1: Linear(_, 10), psn: PSN(4),
        fc2: Linear(_, 10), masked: MaskedPSN(2, 4),
        fc3: Linear(_, 5), NonSpikingLIFNode(tau = 3.0, decode = "max-abs-mem"),
    }

    /// The potential alone.
    net Potential(x: [4]) -> [T, 4] {
        T = 3;
        step_mode = 'm';
        NonSpikingIFNode(decode = None),
    }
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Steps, StepsFrozen, x: seq [5, 3, 3, 6, 6]);
    frozen_whole!(Whole, WholeFrozen, x: still [3, 3, 6, 6]);
    frozen_whole!(Potential, PotentialFrozen, x: still [3, 4]);
    Ok(())
}
