//! Encoders as layers.

snn_net! {
    net Codes(x: [3]) -> [T, 3] {
        T = 4;
        step_mode = 'm';
        late: LatencyEncoder(_, enc_function = "lag"),
//                                             ^^^^^error{`late`: `enc_function` expects one of "linear", "log", but gets "lag"}
// help{did you mean "log"?}
    }
}

snn_net! {
    net Rounds(x: [3]) -> [T, 3] {
        T = 4;
        step_mode = 's';
        late: LatencyEncoder(0),
//                           ^error{`late`: `T` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}

snn_net! {
    net Static(x: [3]) -> [3] {
//                        ^^^error{`Static` outputs a sequence [T, 3], but declares [3]}
// help{end with `MeanOverTime()`, or declare `-> [T, 3]`}
        T = 4;
        step_mode = 's';
        PoissonEncoder(),
    }
}

snn_net! {
    net Digits(x: [3]) -> [T, 3] {
        T = 4;
        step_mode = 'm';
        digits: WeightedPhaseEncoder(k = 8),
//                                   ^error{`digits`: `WeightedPhaseEncoder` has no argument `k`}
// help{did you mean `K`?}
    }
}
