//! A net that two builds share: with libtorch it writes a frozen file, and without it reads that. In: small images and a gate; out: classes, and
//! spikes.

use snn::{snn_net, snn_neuron};

snn_neuron! {
    /// Its threshold rises by a learned amount with each spike, and its input has a learned gain.
    pub neuron TiringNode {
        /// Membrane time constant in steps.
        tau: f64 = 2.0 where tau > 1.0;
        base;
        learn fatigue = 0.25;
        learn per channel gain = 1.0;
        state rise = 0.0;

        step(x) {
            let h = v + (gain * x - (v - rest)) / tau;
            let s = spike(h - v_threshold - rise);
            rise = 0.75 * rise + fatigue * s;
            v = reset(h, s);
            s
        }
    }
}

snn_net! {
    use crate::tiny::TiringNode;

    block Res(c) {
        conv: Conv2d(_, c, 3, padding = 1, bias = false), bn: BatchNorm2d(_), sn: IFNode(),
        forward(x) { sew_add(sn(bn(conv(x))), x) }
    }

    /// Some of everything: a residual, both pools, a neuron of one's own, a recurrent container, two inputs, two outputs.
    pub net Tiny<const STEPS: usize>(x: [1, 8, 8], gate: [T, 6]) -> (classes: [3], spikes: [T, 6]) {
        T = STEPS;
        step_mode = 'm';
        surrogate = ATan;

        conv: Conv2d(_, 4, 3, padding = 1), sn: LIFNode(tau = 2.0), MaxPool2d(2),
        res: [Res(4); 2],
        flat: [AvgPool2d(2), Flatten(), Dropout(0.5), Linear(_, 6)],
        tired: TiringNode(tau = 1.5, v_threshold = 0.5),
        rec: ElementWiseRecurrentContainer([Linear(_, 6), ParametricLIFNode()], add),
        fc: Linear(_, 3),

        forward(x, gate) {
            let s = rec(tired(add(flat(res(maxpool2d1(sn(conv(x))))), gate)));
            (mean_over_time(fc(s)), s)
        }
    }
}
