//! Normalisations: ranks, channels, groups, steps, step modes.

// Batch normalisation over other axes.
snn_net! {
    net A(x: [T, 8, 7, 7]) {
        T = 4;
        bn: BatchNorm1d(_),
//          ^^^^^^^^^^^^^^error{`bn`: `BatchNorm1d` needs a [C] or [C, L] input, but gets [8, 7, 7]}
// note{input `x` is [8, 7, 7]}
// help{`BatchNorm2d` takes [8, 7, 7]}
    }
}

// Over images, of features.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        bn: BatchNorm2d(_),
//          ^^^^^^^^^^^^^^error{`bn`: `BatchNorm2d` needs a [C, H, W] input, but gets [8]}
// note{input `x` is [8]}
// help{`BatchNorm1d` takes [8]}
    }
}

// Features that do not agree.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        bn: BatchNorm1d(16),
//                      ^^error{`bn` expects 16 input channels, but gets 8}
// note{input `x` is [8]}
// help{write `_` here to infer it}
    }
}

// A share beyond the whole.
snn_net! {
    net A(x: [T, 8, 7, 7]) {
        T = 4;
        bn: BatchNorm2d(_, momentum = 1.5),
//                                    ^^^error{`bn`: `momentum` is the share of the new batch, from 0 to 1, but is 1.5}
// help{`None` averages over all batches}
    }
}

// A negative variance.
snn_net! {
    net A(x: [T, 8, 2, 7, 7]) {
        T = 4;
        bn: BatchNorm3d(_, eps = -0.1),
//                               ^^^^error{`bn`: `eps` must not be negative, but is -0.1}
    }
}

// A whole number is no float.
snn_net! {
    net A(x: [T, 8, 7, 7]) {
        T = 4;
        bn: BatchNorm2d(_, momentum = 1),
//                                    ^error{`bn`: `momentum` is a float, but gets 1}
// help{write `1.0`}
    }
}

// Groups that do not divide.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        gn: GroupNorm(4, _),
//                    ^error{`gn`: `num_groups = 4` does not divide the 6 channels}
// note{input `x` is [6, 7, 7]}
// help{use a number of groups that divides 6}
    }
}

// The channels of a group normalisation.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        gn: GroupNorm(2, 8),
//                       ^error{`gn` expects 8 input channels, but gets 6}
// note{input `x` is [6, 7, 7]}
// help{write `_` here to infer it}
    }
}

// Channels come second.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        gn: GroupNorm(2),
//          ^^^^^^^^^^^^error{`gn`: `GroupNorm` is missing `num_channels`}
// help{`GroupNorm(num_groups, num_channels, eps = 1e-5, affine = true)`}
    }
}

// tdBN sees whole sequences.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        step_mode = 's';
        bn: ThresholdDependentBatchNorm2d(1.0, 1.0, _),
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`ThresholdDependentBatchNorm2d` works on whole sequences, but `A` runs step by step}
// note{`step_mode = 's'` is set on line 79}
// help{set `step_mode = 'm'`}
    }
}

// And cannot be told otherwise.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        step_mode = 'm';
        bn: ThresholdDependentBatchNorm2d(1.0, 1.0, _, step_mode = 's'),
//                                                                 ^^^error{`ThresholdDependentBatchNorm2d` works on whole sequences, but `bn` is to run step by step}
// note{`step_mode = 'm'` is set on line 88}
// help{remove its `step_mode = 's'`: `A` gives it whole sequences}
    }
}

// Without a weight there is nothing for the threshold to set.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        step_mode = 'm';
        bn: ThresholdDependentBatchNorm2d(alpha = 1.0, v_th = 1.0, num_features = _, affine = false),
//                                                                                            ^^^^^error{`bn`: `alpha * v_th` is where its weight starts, but `affine = false` leaves it without}
// help{remove `affine`, or use a plain `BatchNorm`}
    }
}

// Another number of steps.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        step_mode = 'm';
        bn: TemporalEffectiveBatchNorm2d(8, _),
//                                       ^error{`bn` expects 8 time steps, but the net runs 4}
// help{write `_` here to infer it}
    }
}

// Here too.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        bn: BatchNormThroughTime2d(T = 8, num_features = _),
//                                     ^error{`bn` expects 8 time steps, but the net runs 4}
// help{write `_` here to infer it}
    }
}

// Time is gone.
snn_net! {
    net A(x: [T, 6]) {
        T = 4;
        step_mode = 'm';
        MeanOverTime(),
        bn: TemporalEffectiveBatchNorm1d(_, _),
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`bn` needs a value for each step, but time is gone before it}
// note{`MeanOverTime` (line 124) outputs [6]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

// A normalisation for each step would go on from the first call.
snn_net! {
    net A(x: [T, 6]) {
        T = 4;
        bn: BatchNormThroughTime1d(_, _),
        forward(x) { bn(bn(x)) }
//                      ^^^^^error{`bn` has state and is called twice in `forward`}
// note{it has one state; the second call would continue from the first}
// help{declare a second one, or call it once on `cat(a, b)`}
    }
}
