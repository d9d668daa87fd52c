//! The time axis.

// `MeanOverTime()` is forgotten.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
//                           ^^^^error{`A` outputs a sequence [T, 10], but declares [10]}
// help{end with `MeanOverTime()`, or declare `-> [T, 10]`}
        T = 4;
        Flatten(), Linear(_, 10), IFNode(),
    }
}

// A sequence is declared, but time is gone.
snn_net! {
    net A(x: [1, 28, 28]) -> [T, 10] {
//                           ^^^^^^^error{`A` outputs [10], without a time axis, but declares a sequence [T, 10]}
// help{declare `-> [10]`}
        T = 4;
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// The output has another size.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
//                           ^^^^error{`A` outputs [12], but declares [10]}
// note{`MeanOverTime` (line 23) outputs [12]}
// help{declare `-> [12]`, or change the last layer}
        T = 4;
        Flatten(), Linear(_, 12), IFNode(), MeanOverTime(),
    }
}

// A neuron after the mean.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), MeanOverTime(), sn: IFNode(),
//                                ^^^^^^^^^^^^^^error{`MeanOverTime` needs a sequence, but gets [10]}
// note{`Linear` (line 31) outputs [10], which is the same at every step: no neuron stands before it}
// help{remove it}
    }
}

// The mean of the mean.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(), m: MeanOverTime(),
//                                                             ^^^^^^^^^^^^^^error{`m` needs a sequence, but gets [10]}
// note{`MeanOverTime` (line 39) outputs [10], which has no time axis left}
// help{remove it}
    }
}

// A neuron right after a neuron.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), sn1: IFNode(), sn2: IFNode(), MeanOverTime(),
//                                                    ^^^^^^^^warning{`sn2` gets the spikes of another neuron directly}
// note{`sn1` (line 47) outputs spikes [T, 10]}
// help{put a layer with weights between the two}
    }
}

// A layer that takes steps in a net of sequences.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        Flatten(), fc: Linear(_, 10, step_mode = 's'), IFNode(), MeanOverTime(),
//                                               ^^^error{`fc` takes one step at a time, but `A` gives it whole sequences}
// note{`step_mode = 'm'` is set on line 55}
// help{remove its `step_mode = 's'`, or wrap it: `MultiStepContainer([Linear(..)])`}
    }
}

// A layer that takes sequences in a net of steps.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 's';
        Flatten(), Linear(_, 10), sn: IFNode(step_mode = 'm'), MeanOverTime(),
//                                                       ^^^error{`sn` works on whole sequences, but `A` runs step by step}
// note{`step_mode = 's'` is set on line 64}
// help{set `step_mode = 'm'`}
    }
}

// Step modes in another spelling.
snn_net! {
    net A(x: [8]) -> [T, 4] {
        T = 4;
        step_mode = "m";
//                  ^^^error{`step_mode` expects `'s'` or `'m'`, but gets `"m"`}
// help{write `'m'`}
        Linear(_, 4, step_mode = 'x'), IFNode(step_mode = ATan()),
//                               ^^^error{`Linear`: `step_mode` expects `'s'` or `'m'`, but gets `'x'`}
// help{`'s'` runs step by step, `'m'` runs whole sequences}
//                                            ^^^^^^^^^error{`IFNode`: `step_mode` expects `'s'` or `'m'`}
    }
}
