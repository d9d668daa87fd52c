//! Containers: what they take, and what they give the layers in them.

// A neuron where all steps are one batch.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        SeqToANNContainer([Linear(_, 4), sn: IFNode()]),
//                                           ^^^^^^^^error{`sn` is a neuron, but `SeqToANNContainer` gives it all steps as one batch}
// help{use `MultiStepContainer([..])`}
    }
}

// Any memory counts, however deep.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        step_mode = 'm';
        SeqToANNContainer([[Dropout(0.5); 2], ElementWiseRecurrentContainer([Identity()], add)]),
//                          ^^^^^^^^^^^^error{`Dropout` has state, but `SeqToANNContainer` gives it all steps as one batch}
// help{use `MultiStepContainer([..])`}
//                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`ElementWiseRecurrentContainer` has state, but `SeqToANNContainer` gives it all steps as one batch}
// help{use `MultiStepContainer([..])`}
    }
}

// Said to have no state.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        StepModeContainer([Linear(_, 4), IFNode()], stateful = false),
//                                       ^^^^^^^^error{`IFNode` is a neuron, but `StepModeContainer` gives it all steps as one batch}
// help{write `stateful = true`}
    }
}

// Not said at all.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        both: StepModeContainer([Linear(_, 4), IFNode()]),
//            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`both`: `StepModeContainer` is missing `stateful`}
// help{`StepModeContainer([..], stateful = true)`}
    }
}

// As SpikingJelly 0.14 had it.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        StepModeContainer(true, Linear(_, 4), IFNode()),
//                        ^^^^error{`StepModeContainer` takes its layers in brackets}
// help{write `StepModeContainer([..], stateful = true)`}
    }
}

// Layers without brackets.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        MultiStepContainer(Linear(_, 4), IFNode()),
//                                       ^^^^^^^^error{`MultiStepContainer` takes its layers in brackets}
// help{write `MultiStepContainer([..])`}
    }
}

// No layers.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        MultiStepContainer(4),
//                         ^error{`MultiStepContainer` takes its layers in brackets}
// help{write `MultiStepContainer([..])`}
        rec: ElementWiseRecurrentContainer(),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`rec`: `ElementWiseRecurrentContainer` is missing `sub_module` and `element_wise_function`}
// help{`ElementWiseRecurrentContainer([..], element_wise_function)`}
    }
}

// A container of sequences where one step arrives.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 's';
        MultiStepContainer([Linear(_, 4), IFNode()]),
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`MultiStepContainer` works on whole sequences, but `A` runs step by step}
// note{`step_mode = 's'` is set on line 71}
// help{set `step_mode = 'm'`}
    }
}

// And inside another one.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        MultiStepContainer([Linear(_, 4), SeqToANNContainer([Linear(_, 4)])]),
//                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`SeqToANNContainer` works on whole sequences, but `MultiStepContainer` gives it one step at a time}
// note{`MultiStepContainer` stands on line 81}
// help{put it outside of the container}
        SeqToANNContainer([MultiStepContainer([Linear(_, 4)])]),
//                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`MultiStepContainer` works on whole sequences, but `SeqToANNContainer` gives it all steps as one batch}
// note{`SeqToANNContainer` stands on line 82}
// help{put it outside of the container}
    }
}

// A layer of sequences in a container of steps.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        step_mode = 'm';
        rec: ElementWiseRecurrentContainer([PSN(_)], add),
//                                          ^^^^^^error{`PSN` works on whole sequences, but `ElementWiseRecurrentContainer` gives it one step at a time}
// note{`ElementWiseRecurrentContainer` stands on line 91}
// help{put it outside of the container}
        MultiStepContainer([att: TemporalWiseAttention(_, reduction = 2, dimension = 2, step_mode = 's')]),
//                                                                                                  ^^^error{`TemporalWiseAttention` works on whole sequences, but `att` is to run step by step}
// note{`MultiStepContainer` stands on line 92}
// help{put it outside of the container, without `step_mode = 's'`}
        MultiStepContainer([Linear(_, 8, step_mode = 'm')]),
//                                                   ^^^error{`Linear` works on whole sequences, but `MultiStepContainer` gives it one step at a time}
// note{`MultiStepContainer` stands on line 93}
// help{remove its `step_mode = 'm'`}
    }
}

// A container of steps where sequences arrive.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        step_mode = 'm';
        ElementWiseRecurrentContainer([IFNode()], add, step_mode = 's'),
//                                                                 ^^^error{`ElementWiseRecurrentContainer` takes one step at a time, but `A` gives it whole sequences}
// note{`step_mode = 'm'` is set on line 101}
// help{remove its `step_mode = 's'`}
    }
}

// Time does not end inside.
snn_net! {
    net A(x: [T, 8]) -> [4] {
        T = 4;
        step_mode = 'm';
        MultiStepContainer([Linear(_, 4), IFNode(), MeanOverTime()]),
//                                                  ^^^^^^^^^^^^^^error{`MeanOverTime` needs a whole sequence, but `MultiStepContainer` gives it single steps}
// help{put it behind the container}
    }
}

// Nothing arrives step by step behind the mean.
snn_net! {
    net A(x: [T, 8]) -> [8] {
        T = 4;
        step_mode = 'm';
        MeanOverTime(),
        rec: ElementWiseRecurrentContainer([IFNode()], add),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`rec` needs a value for each step, but time is gone before it}
// note{`MeanOverTime` (line 120) outputs [8]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

// What comes out cannot go back in.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
//                      ^^^^^^error{`A` outputs [T, 8], but declares [T, 4]}
// note{`IFNode` (line 129) outputs [T, 8]}
// help{declare `-> [T, 8]`, or change the last layer}
        T = 4;
        rec: ElementWiseRecurrentContainer([Linear(_, 4), IFNode()], add),
//                                         ^^^^^^^^^^^^^^^^^^^^^^^^error{`rec` feeds what comes out back in: what is in it must give [8], but gives [4]}
// note{`IFNode` (line 129) outputs [4]}
// help{end with `Linear(_, 8)`}
    }
}

// Nor here.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        rec: LinearRecurrentContainer([Linear(_, 6), IFNode()], 8, 4),
//                                    ^^^^^^^^^^^^^^^^^^^^^^^^error{`rec` feeds what comes out back in: what is in it must give [4], but gives [6]}
// note{`IFNode` (line 137) outputs [6]}
// help{write `out_features = 6`, or end with `Linear(_, 4)`}
    }
}

// Another number of features arrives.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        rec: LinearRecurrentContainer([Linear(_, 4), IFNode()], 700, 4),
//                                                              ^^^error{`rec` expects 700 input features, but gets 8}
// note{input `x` is [8]}
// help{write `_` here to infer it}
    }
}

// What is inside expects what `rc` gives.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        rec: LinearRecurrentContainer([fc: Linear(12, 4), IFNode()], _, 4),
//                                                ^^error{`fc` expects 12 input features, but gets 8}
// note{`rec.rc` (line 153) outputs [8]}
// help{write `_` here to infer it}
    }
}

// A function nobody knows.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        a: ElementWiseRecurrentContainer([IFNode()], ad),
//                                                   ^^error{`a`: unknown function `ad`}
// help{did you mean `add`?}
        Linear(_, 8),
        b: ElementWiseRecurrentContainer([IFNode()], multiply),
//                                                   ^^^^^^^^error{`b`: unknown function `multiply`}
// help{write `add`, `mul`, `sub`, `max`, a closure `|y_prev, x| ..`, or a function named by `use`}
        Linear(_, 8),
        c: ElementWiseRecurrentContainer([IFNode()], crate::ops::join),
//                                                   ^^^^^^^^^^^^^^^^error{`c`: a function of your own is named first}
// help{write `use crate::ops::join;` before the net, and `join` here}
        Linear(_, 8),
        d: ElementWiseRecurrentContainer([IFNode()], 0.5),
//                                                   ^^^error{`d` expects a function of `(y_prev, x)`, but gets `0.5`}
// help{write `add`, `mul`, `sub`, `max`, a closure `|y_prev, x| ..`, or a function named by `use`}
        Linear(_, 8),
        e: ElementWiseRecurrentContainer([IFNode()], |x| x),
//                                                   ^^^^^error{`e` joins what came out of the last step and what arrives, but its closure takes 1 value}
// help{write `|y_prev, x| ..`}
        Linear(_, 8),
        f: ElementWiseRecurrentContainer([IFNode()]),
//         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`f`: `ElementWiseRecurrentContainer` is missing `element_wise_function`}
// help{`ElementWiseRecurrentContainer([..], element_wise_function)`}
        Linear(_, 8),
        g: ElementWiseRecurrentContainer([IFNode()], Linear(_, 8)),
//                                                   ^^^^^^^^^^^^error{`g`: `element_wise_function` expects a function of `(y_prev, x)`, but gets a layer}
    }
}

// Time in front, where the last axis is meant.
snn_net! {
    net A(x: [T, 8, 5]) -> [T, 4, 5] {
        T = 4;
        TLastMultiStepContainer([Linear(_, 4), IFNode()]),
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`TLastMultiStepContainer` takes time from the last axis of a sample, but gets a sequence}
// note{input `x` is [T, 8, 5]}
// help{use `MultiStepContainer`, where time comes first}
    }
}

// Memory where all steps of the last axis are one batch.
snn_net! {
    net A(x: [8, 5]) -> [8, 5] {
        T = 1;
        TLastSeqToANNContainer([IFNode()]),
//                              ^^^^^^^^error{`IFNode` is a neuron, but `TLastSeqToANNContainer` gives it all steps as one batch}
// help{use `TLastMultiStepContainer([..])`}
    }
}

// A recurrent container remembers: it is called once.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        rec: ElementWiseRecurrentContainer([Identity()], add),
        forward(x) { rec(rec(x)) }
//                       ^^^^^^error{`rec` has state and is called twice in `forward`}
// note{it has one last output; the second call would continue from the first}
// help{declare a second one, or call it once on `cat(a, b)`}
    }
}

// One value is passed on.
snn_net! {
    net A(x: [T, 1, 8, 8]) -> [T, 1, 4, 4] {
        T = 4;
        step_mode = 'm';
        pool: MultiStepContainer([MaxPool2d(2, return_indices = true)]),
//                               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`pool` passes on one value, but its last layer gives 2}
// help{take the layer out of the container}
    }
}

// Mistakes inside are told with those of the container.
snn_net! {
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        LinearRecurrentContainer([Liner(_, 4), IFNode(tau = 2.0)], 8, 4, bais = true),
//                                ^^^^^error{unknown layer `Liner`}
// help{did you mean `Linear`?}
//                                                    ^^^error{`IFNode` has no argument `tau`}
// help{`IFNode(v_threshold = 1.0, v_reset = 0.0, surrogate_function = Sigmoid, detach_reset = false)`}
//                                                                       ^^^^error{`LinearRecurrentContainer` has no argument `bais`}
// help{did you mean `bias`?}
    }
}

// All is well.
snn_net! {
    use crate::ops::leak;
    net A(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        const HALF: f64 = 0.5;
        SeqToANNContainer([fc: Linear(_, 8), Identity()]),
        StepModeContainer([Linear(_, 8), IFNode()], stateful = true),
        MultiStepContainer([ElementWiseRecurrentContainer([Linear(_, 8), IFNode()], |y, x| HALF * y + x), [Linear(_, 8); 2]]),
        ElementWiseRecurrentContainer(LIFNode(), leak),
        rec: LinearRecurrentContainer([[Linear(_, 4), IFNode()], Linear(_, 4)], _, 4, bias = false),
        MultiStepContainer([]),
    }
}

// Two values cannot be fed back.
snn_net! {
    net A(x: [T, 1, 8, 8]) -> [T, 1, 4, 4] {
        T = 4;
        rec: ElementWiseRecurrentContainer(MaxPool2d(2, return_indices = true), add),
//                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`rec` feeds back one value, but what is in it gives 2}
// help{take the layer out of the container}
    }
}

// The function is called with two values, whatever its parameters are called.
snn_net! {
    net A(x: [T, 8]) -> [T, 8] {
        T = 4;
        rec: ElementWiseRecurrentContainer([IFNode()], |y, x, t| y + x + t),
//                                                     ^^^^^^^^^^^^^^^^^^^error{`rec` joins what came out of the last step and what arrives, but its closure takes 3 values}
// help{write `|y_prev, x| ..`}
    }
}
