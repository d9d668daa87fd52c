//! Layers that need the whole sequence at once.

// In a net that runs step by step because it says so.
snn_net! {
    pub net ShdNet(x: [T, 700]) -> [T, 700] {
        T = 100;
        step_mode = 's';
        TemporalWiseAttention(_, dimension = 2),
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`TemporalWiseAttention` works on whole sequences, but `ShdNet` runs step by step}
// note{`step_mode = 's'` is set on line 7}
// help{set `step_mode = 'm'`}
    }
}

// In a net that says nothing.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        att: TemporalWiseAttention(_, reduction = 2, dimension = 2),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`TemporalWiseAttention` works on whole sequences, but `A` runs step by step}
// note{`step_mode` is `'s'` unless the net sets it}
// help{set `step_mode = 'm'`}
    }
}

// Told to run step by step.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        tdbn: ThresholdDependentBatchNorm1d(1.0, 1.0, _, step_mode = 's'),
//                                                                   ^^^error{`ThresholdDependentBatchNorm1d` works on whole sequences, but `tdbn` is to run step by step}
// note{`step_mode = 'm'` is set on line 24}
// help{remove its `step_mode = 's'`: `A` gives it whole sequences}
    }
}

// Told so in a net that does.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        tdbn: ThresholdDependentBatchNorm1d(1.0, 1.0, _, step_mode = 's'),
//                                                                   ^^^error{`ThresholdDependentBatchNorm1d` works on whole sequences, but `tdbn` is to run step by step}
// note{`step_mode` is `'s'` unless the net sets it}
// help{remove its `step_mode = 's'`, and set `step_mode = 'm'` for `A`}
    }
}

// Behind the mean there is no sequence left.
snn_net! {
    net A(x: [T, 4]) -> [4] {
        T = 4;
        step_mode = 'm';
        MeanOverTime(),
        att: TemporalWiseAttention(_, reduction = 2, dimension = 2),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`att` needs a value for each step, but time is gone before it}
// note{`MeanOverTime` (line 42) outputs [4]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

// Nor behind a layer that ends time.
snn_net! {
    net A(x: [T, 4]) -> [4] {
        T = 4;
        step_mode = 'm';
        NonSpikingIFNode(decode = "mean-mem"),
        sn: IFNode(),
//          ^^^^^^^^error{`sn` needs a value for each step, but time is gone before it}
// note{`NonSpikingIFNode` (line 52) outputs [4]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

// What ends time declares no sequence.
snn_net! {
    net A(x: [4]) -> [T, 4] {
//                   ^^^^^^error{`A` outputs [4], without a time axis, but declares a sequence [T, 4]}
// help{declare `-> [4]`}
        T = 4;
        step_mode = 'm';
        NonSpikingIFNode(decode = "mean-mem"),
    }
}
