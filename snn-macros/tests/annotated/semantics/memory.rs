//! Layers with a memory, and attention over whole sequences: sizes, shares, time constants, delays, step modes, activations.

// The channels of another layer.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        norm: NeuNorm(16, 7, 9),
//                    ^^error{`norm` expects 16 input channels, but gets 8}
// note{input `x` is [8, 7, 9]}
// help{write `_` here to infer it}
    }
}

// Height and width exchanged: one message each.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        norm: NeuNorm(_, 9, 7),
//                       ^error{`norm` expects 9 rows, but gets 7}
// note{input `x` is [8, 7, 9]}
// help{write `_` here to infer it}
//                          ^error{`norm` expects 7 columns, but gets 9}
// note{input `x` is [8, 7, 9]}
// help{write `_` here to infer it}
    }
}

// SpikingJelly broadcasts a weight of one pixel.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        NeuNorm(_, 1, 1, shared_across_channels = true),
//                 ^error{`NeuNorm` expects 1 rows, but gets 7}
// note{input `x` is [8, 7, 9]}
// help{write `_` here to infer it}
//                    ^error{`NeuNorm` expects 1 columns, but gets 9}
// note{input `x` is [8, 7, 9]}
// help{write `_` here to infer it}
    }
}

// NeuNorm of features.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        norm: NeuNorm(_, _, _),
//            ^^^^^^^^^^^^^^^^error{`norm`: `NeuNorm` needs a [C, H, W] input, but gets [8]}
// note{input `x` is [8]}
// help{put it before `Flatten()`}
    }
}

// A share of 1.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        drop: Dropout2d(1.0),
//                      ^^^error{`drop`: `p` is the share that is dropped, from 0 up to but not including 1, but is 1.0}
// help{`p = 1.0` would drop everything}
    }
}

// A time constant of 1.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        syn: SynapseFilter(tau = 1.0, learnable = true),
//                               ^^^error{`syn`: `tau` must be greater than 1, but is 1.0}
// help{`tau` counts the steps in which a current decays}
    }
}

// A delay into the future.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        late: Delay(-1),
//                  ^^error{`late`: `delay_steps` must not be negative, but is -1}
// help{use 0 or more}
    }
}

// A delay of half a step.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        late: Delay(delay_steps = 1.5),
//                                ^^^error{`late`: `delay_steps` is a size, but gets `1.5`}
// help{write `1`}
    }
}

// The documented name that SpikingJelly does not have either.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        late: Delay(delay = 1),
//                  ^^^^^error{`late`: `Delay` has no argument `delay`}
// help{did you mean `delay_steps`?}
    }
}

// A delay of nothing in particular.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        late: Delay(),
//            ^^^^^^^error{`late`: `Delay` is missing `delay_steps`}
// help{`Delay(delay_steps)`}
    }
}

// A delay where time is gone.
snn_net! {
    net A(x: [T, 8]) -> [8] {
        T = 4;
        MeanOverTime(), late: Delay(1),
//                            ^^^^^^^^error{`late` needs a value for each step, but time is gone before it}
// note{`MeanOverTime` (line 87) outputs [8]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

// A filter called twice.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        syn: SynapseFilter(),
        forward(x) { syn(syn(x)) }
//                       ^^^^^^error{`syn` has state and is called twice in `forward`}
// note{it has one state; the second call would continue from the first}
// help{declare a second one, or call it once on `cat(a, b)`}
    }
}

// DropConnect of images.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        fc: DropConnectLinear(_, 10),
//          ^^^^^^^^^^^^^^^^^^^^^^^^error{`fc`: `DropConnectLinear` needs a flat [features] input, but gets [8, 7, 9]}
// note{input `x` is [8, 7, 9]}
// help{put `Flatten(),` before it}
    }
}

// Features that do not agree, and a share above 1.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        fc1: DropConnectLinear(9, 10),
//                             ^error{`fc1` expects 9 input features, but gets 8}
// note{input `x` is [8]}
// help{write `_` here to infer it}
        fc2: DropConnectLinear(_, 10, p = 1.5),
//                                        ^^^error{`fc2`: `p` is the share that is dropped, from 0 up to but not including 1, but is 1.5}
    }
}

// torch's name of an activation.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        fc: DropConnectLinear(_, 10, activation = ReLU),
//                                                ^^^^error{unknown activation `ReLU`}
// help{did you mean `relu`?}
    }
}

// An activation that is none.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        fc1: DropConnectLinear(_, 10, activation = swish),
//                                                 ^^^^^error{unknown activation `swish`}
// help{known are `relu`, `tanh`, `sigmoid`, `identity` or `None`}
        fc2: DropConnectLinear(_, 10, activation = 2.0),
//                                                 ^^^error{`fc2`: `activation` expects an activation, but gets `2.0`}
// help{write `relu`, `tanh`, `sigmoid`, `identity` or `None`}
        fc3: DropConnectLinear(_, 10, activation = Sigmoid()),
//                                                 ^^^^^^^^^error{`fc3`: `activation` expects an activation, but gets a layer}
// help{did you mean `sigmoid`?}
    }
}

// The keyword of an older version.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        fc: DropConnectLinear(_, 10, state_mode = 'm'),
//                                   ^^^^^^^^^^error{`fc`: `DropConnectLinear` has no argument `state_mode`}
// help{did you mean `step_mode`?}
    }
}

// No number to average over.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        fc: DropConnectLinear(_, 10, samples_num = 0),
//                                                 ^error{`fc`: `samples_num` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}

// Attention step by step.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        step_mode = 's';
        att: TemporalWiseAttention(_, reduction = 2),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`TemporalWiseAttention` works on whole sequences, but `A` runs step by step}
// note{`step_mode = 's'` is set on line 155}
// help{set `step_mode = 'm'`}
    }
}

// Attention for other sequences.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        step_mode = 'm';
        att: TemporalWiseAttention(T = 6, reduction = 2),
//                                     ^error{`att` expects 6 time steps, but the net runs 4}
// help{write `_` here to infer it}
    }
}

// SpikingJelly's default is too much for four steps.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        step_mode = 'm';
        att: TemporalWiseAttention(4),
//                                 ^error{`att`: `reduction = 16` is more than its 4 time steps}
// help{give `reduction` a value of 4 or less}
    }
}

// More than there are steps.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        step_mode = 'm';
        att: TemporalWiseAttention(_, reduction = 5, dimension = 2),
//                                                ^error{`att`: `reduction = 5` is more than its 4 time steps}
// help{give `reduction` a value of 4 or less}
    }
}

// Features with the default `dimension`.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        step_mode = 'm';
        att: TemporalWiseAttention(_, 2),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`att`: `TemporalWiseAttention` needs a [C, H, W] input, but gets [8]}
// note{input `x` is [8]}
// help{`dimension = 2` takes [features]}
    }
}

// A dimension between the two.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        step_mode = 'm';
        att: TemporalWiseAttention(_, 2, dimension = 3),
//                                                   ^error{`att`: `dimension` must be 2 or 4, but is 3}
    }
}

// Attention over time that is gone.
snn_net! {
    net A(x: [T, 8]) -> [8] {
        T = 4;
        step_mode = 'm';
        MeanOverTime(), att: TemporalWiseAttention(_, 2, dimension = 2),
//                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`att` needs a value for each step, but time is gone before it}
// note{`MeanOverTime` (line 210) outputs [8]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

// Other channels, and steps.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        step_mode = 'm';
        att: MultiDimensionalAttention(6, 16, reduction_t = 2, reduction_c = 2),
//                                     ^error{`att` expects 6 time steps, but the net runs 4}
// help{write `_` here to infer it}
//                                        ^^error{`att` expects 16 input channels, but gets 8}
// note{input `x` is [8, 7, 9]}
// help{write `_` here to infer it}
    }
}

// Too few channels for the default.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 16;
        step_mode = 'm';
        att: MultiDimensionalAttention(_, _),
//                                        ^error{`att`: `reduction_c = 16` is more than its 8 channels}
// help{give `reduction_c` a value of 8 or less}
    }
}

// Fine without that stage; but a kernel of 5.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        step_mode = 'm';
        fits: MultiDimensionalAttention(_, _, use_temporal = false, use_channel = false),
        att: MultiDimensionalAttention(_, _, 2, 2, kernel_size = 5),
//                                                               ^error{`att`: `kernel_size` must be 3 or 7, but is 5}
    }
}

// Nothing is left of it.
snn_net! {
    net A(x: [T, 8, 7, 9]) {
        T = 4;
        step_mode = 'm';
        att: MultiDimensionalAttention(_, _, use_temporal = false, use_channel = false, use_spatial = false),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`att`: `MultiDimensionalAttention` has no stage left: all three are off}
// help{leave one of `use_temporal`, `use_channel`, `use_spatial` on}
    }
}

// Attention over features.
snn_net! {
    net A(x: [T, 8]) {
        T = 4;
        step_mode = 'm';
        att: MultiDimensionalAttention(_, _, 2, 2),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`att`: `MultiDimensionalAttention` needs a [C, H, W] input, but gets [8]}
// note{input `x` is [8]}
// help{put it before `Flatten()`}
    }
}
