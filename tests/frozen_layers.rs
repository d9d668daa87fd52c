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

    /// Layers on the last of several axes.
    net LastAxis(x: [T, 5, 3, 4]) -> [T, 5, 3, 3] {
        T = 3;
        step_mode = 's';
        surrogate = ATan;
        fc: Linear(4, 6, bias = false), sn: LIFNode(), PrintShapeModule("behind sn"), fc2: Linear(6, 3),
    }

    /// Values between cells, on a line, in the plane and in space.
    net Between(x: [3, 5, 4], line: [2, 7], cube: [2, 3, 2, 4]) -> (a: [3, 8, 7], b: [3, 9, 7], c: [2, 11], d: [2, 4, 5, 6], e: [3, 8, 6]) {
        T = 2;
        step_mode = 'm';
        bilinear: Upsample(size = (8, 7), mode = "bilinear"),
        corners: Upsample(size = (9, 7), mode = "bilinear", align_corners = true),
        linear: Upsample(scale_factor = 1.6, mode = "linear"),
        trilinear: Upsample(size = (4, 5, 6), mode = "trilinear"),
        bicubic: Upsample(scale_factor = 1.6, mode = "bicubic"),

        forward(x, line, cube) { (bilinear(x), corners(x), linear(line), trilinear(cube), bicubic(x)) }
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
    frozen!(LastAxis, LastAxisFrozen, x: seq [3, 2, 5, 3, 4]);
    frozen!(Between, BetweenFrozen, x: still [2, 3, 5, 4], line: still [2, 2, 7], cube: still [2, 2, 3, 2, 4] => a, b, c, d, e);
    frozen_whole!(Whole, WholeFrozen, x: still [3, 3, 6, 6]);
    frozen_whole!(Potential, PotentialFrozen, x: still [3, 4]);
    Ok(())
}
