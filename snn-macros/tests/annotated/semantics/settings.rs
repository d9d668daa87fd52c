//! Settings of the net.

// `T` is missing.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
//      ^error{`A` does not say how many steps it runs}
// help{add `T = 4;` as its first line}
        step_mode = 'm';
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// `T` is zero.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 0;
//          ^error{`T` must be at least 1, but is 0}
// help{a net runs for at least one step}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A setting misspelt.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mod = 'm';
//      ^^^^^^^^error{unknown setting `step_mod`}
// help{did you mean `step_mode`?}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A setting given twice.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        T = 8;
//      ^error{`T` is set twice}
// help{remove one of the two}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A step mode that is none.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'x';
//                  ^^^error{`step_mode` expects `'s'` or `'m'`, but gets `'x'`}
// help{`'s'` runs step by step, `'m'` runs whole sequences}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A step mode in the wrong quotes.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = "m";
//                  ^^^error{`step_mode` expects `'s'` or `'m'`, but gets `"m"`}
// help{write `'m'`}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// `unroll` of something odd.
snn_net! {
    net A(x: [8]) -> [4] {
        T = 4;
        unroll = "all";
//               ^^^^^error{`unroll` expects `true`, `false` or a number of steps, but gets `"all"`}
        Linear(_, 4),
    }
}

// A backend that is not there.
snn_net! {
    net A(x: [8]) -> [4] {
        T = 4;
        backend = "cupy";
//                ^^^^^^error{unknown backend `"cupy"`}
// help{write `backend = "fused";`, or leave it out: the kernels follow the device of the weights}
        Linear(_, 4),
    }
}

// A surrogate that is none.
snn_net! {
    net A(x: [8]) -> [T, 4] {
        T = 4;
        surrogate = 2.0;
//                  ^^^error{`surrogate` expects a surrogate function, but gets `2.0`}
// help{such as `ATan`}
        Linear(_, 4), IFNode(),
    }
}

// A threshold that nothing reaches.
snn_net! {
    net A(x: [8]) -> [T, 4] {
        T = 4;
        v_threshold = f64::NAN;
//                    ^^^^^^^^error{`v_threshold` is not a number: nothing would ever reach it}
        Linear(_, 4), IFNode(),
    }
}

// A whole number for a float.
snn_net! {
    net A(x: [8]) -> [T, 4] {
        T = 4;
        v_threshold = 1;
//                    ^error{`v_threshold` is a float, but gets 1}
// help{write `1.0`}
        Linear(_, 4), IFNode(surrogate_function = ATan(alpha = 2)),
//                                                             ^error{`IFNode`: `surrogate_function`: `ATan` takes floats, but gets 2}
// help{write `2.0`}
    }
}
