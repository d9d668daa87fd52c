//! In a build without libtorch a layer without a frozen form is an error on the layer.

snn_net! {
    net Everything(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        conv: Conv2d(_, 8, 3, bias = false), bn: BatchNorm2d(_), sn: LIFNode(tau = 2.0),
        AvgPool2d(2), MaxPool2d(2),
        Flatten(),
        rec: LinearRecurrentContainer([Linear(_, 16), IFNode()], _, 16),
        MultiStepContainer([ElementWiseRecurrentContainer([IFNode()], add)]),
        fc: Linear(_, 10),
        MeanOverTime(),
    }
}

snn_net! {
    net Attention(x: [T, 4, 6, 6]) -> [T, 4, 6, 6] {
        T = 8;
        step_mode = 'm';
        conv: Conv2d(_, 4, 3, padding = 1),
        att: TemporalWiseAttention(_, reduction = 4),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`att` has no frozen form: `TemporalWiseAttention` runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
        STBIFNode(1.0, 8),
//      ^^^^^^^^^^^^^^^^^error{`STBIFNode` has no frozen form: it runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
    }
}

snn_net! {
    net Last(x: [16, 4]) -> [16, 4] {
        T = 4;
        step_mode = 's';
        TLastMultiStepContainer([IFNode()]),
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`TLastMultiStepContainer` has no frozen form: it runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
    }
}

snn_net! {
    net Arguments(x: [4, 8, 8]) -> [4, 8, 8] {
        T = 4;
        step_mode = 'm';
        bn: BatchNorm2d(_, track_running_stats = false),
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`bn` has no frozen form: `BatchNorm2d` with `track_running_stats = false` runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
        sn: IFNode(),
        pool: MaxPool2d(2, return_indices = true),
//            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`pool` has no frozen form: `MaxPool2d` with `return_indices = true` runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
        up: MaxUnpool2d(2),
//          ^^^^^^^^^^^^^^error{`up` has no frozen form: `MaxUnpool2d` runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}

        forward(x) {
            let (y, i) = pool(sn(bn(x)));
            mean_over_time(up(y, i))
        }
    }
}

snn_net! {
    use crate::layers::SpikeAttention;
    use crate::ops::time_shift;
    use crate::ops::leak;

    net Own(x: [T, 16]) -> [T, 16] {
        T = 4;
        step_mode = 's';
        // Whether a layer of one's own has a frozen form is known to its type.
        a: SpikeAttention(heads = 2),
        SpikeAttention(),
        ew: ElementWiseRecurrentContainer([IFNode()], |y_prev, x| 0.5 * y_prev + x),
//                                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{the function of `ew` has no frozen form: a function of your own runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
        own: ElementWiseRecurrentContainer([IFNode()], leak),
//                                                     ^^^^error{`leak` has no frozen form: a function of your own runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}

        forward(x) {
            time_shift(own(ew(spikeattention1(a(x)))), 1)
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`time_shift` has no frozen form: a function of your own runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
        }
    }
}

// A copy of a block says what the first one said; a mistake is told beside it.
snn_net! {
    block Slow(c) {
        fc: Linear(_, c),
        count: STBIFNode(1.0, 8),
//             ^^^^^^^^^^^^^^^^^error{`count` has no frozen form: `STBIFNode` runs on libtorch alone}
// help{enable the feature `train` of `snn`, and run the net with `forward`}
    }

    net Copies(x: [T, 16]) -> [T, 10] {
        T = 4;
        step_mode = 'm';
        [Slow(16); 3],
        Slow(16),
        fc: Linear(15, 10),
//                 ^^error{`fc` expects 15 input features, but gets 16}
// note{`count` (line 76) outputs [16]}
// help{write `_` here to infer it}
    }
}
