//! A net that two builds share: with libtorch it writes a frozen file, and without it reads that. In: small images and a gate; out: classes, and
//! spikes.

use snn::snn_net;

snn_net! {
    block Res(c) {
        conv: Conv2d(_, c, 3, padding = 1, bias = false), bn: BatchNorm2d(_), sn: IFNode(),
        forward(x) { sew_add(sn(bn(conv(x))), x) }
    }

    /// Some of everything: a residual, both pools, a recurrent container, two inputs, two outputs.
    pub net Tiny<const STEPS: usize>(x: [1, 8, 8], gate: [T, 6]) -> (classes: [3], spikes: [T, 6]) {
        T = STEPS;
        step_mode = 'm';
        surrogate = ATan;

        conv: Conv2d(_, 4, 3, padding = 1), sn: LIFNode(tau = 2.0), MaxPool2d(2),
        res: [Res(4); 2],
        flat: [AvgPool2d(2), Flatten(), Dropout(0.5), Linear(_, 6)],
        rec: ElementWiseRecurrentContainer([Linear(_, 6), ParametricLIFNode()], add),
        fc: Linear(_, 3),

        forward(x, gate) {
            let s = rec(add(flat(res(maxpool2d1(sn(conv(x))))), gate));
            (mean_over_time(fc(s)), s)
        }
    }
}
