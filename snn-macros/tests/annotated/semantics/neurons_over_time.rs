//! Neurons that are no pointwise loops.

snn_net! {
    net Lengths(x: [6]) -> [T, 6] {
        T = 5;
        step_mode = 'm';
        a: PSN(4),
//             ^error{`a` expects 4 time steps, but the net runs 5}
// help{write `_` here to infer it}
        b: MaskedPSN(2, T = 6),
//                          ^error{`b` expects 6 time steps, but the net runs 5}
// help{write `_` here to infer it}
        c: DSRIFNode(),
//         ^^^^^^^^^^^error{`c` expects 20 time steps, but the net runs 5}
// help{write `_` here to infer it}
        PSN(_),
    }
}

snn_net! {
    net Futures(x: [6]) -> [T, 6] {
        T = 5;
        step_mode = 's';
        a: PSN(_),
//         ^^^^^^error{`PSN` works on whole sequences, but `Futures` runs step by step}
// note{`step_mode = 's'` is set on line 17}
// help{set `step_mode = 'm'`}
        b: MaskedPSN(2, _),
        c: MaskedPSN(2, _, lambda_init = 0.5),
//                                       ^^^error{`c`: `MaskedPSN` sees steps still to come while `lambda_init` is 0.5, but is given one step at a time}
// help{write `lambda_init = 1.0` here, and train it in a net with `step_mode = 'm'`}
        d: MaskedPSN(2, _, lambda_init = 1.0),
        e: MaskedPSN(2, _, lambda_init = -1.0),
//                                       ^^^^error{`e`: `lambda_init` must be 0 or more, but is -1.0}
// help{0 sees every step, 1 the last `k`}
        f: SlidingPSN(0),
//                    ^error{`f`: `k` must be at least 1, but is 0}
// help{write a size of 1 or more}

        forward(x) { add(a(x), b(x), c(x), d(x), e(x), f(x)) }
//                             ^^^^error{`b`: `MaskedPSN` sees steps still to come while `lambda_init` is 0.0, but is given one step at a time}
// help{write `lambda_init = 1.0` here, and train it in a net with `step_mode = 'm'`}
    }
}

snn_net! {
    net Readouts(x: [T, 6]) -> [6] {
        T = 5;
        step_mode = 'm';
        out: NonSpikingIFNode(decode = "last-mem"),
//                                     ^^^^^^^^^^error{`out`: `decode` expects one of "max-mem", "max-abs-mem", "mean-mem", "last_mem", but gets "last-mem"}
// help{did you mean "last_mem"?}
    }
}

snn_net! {
    net Twice(x: [T, 6]) -> [6] {
        T = 5;
        step_mode = 'm';
        out: NonSpikingLIFNode(decode = "max-mem"),
        sn: IFNode(),
//          ^^^^^^^^error{`sn` needs a value for each step, but time is gone before it}
// note{`out` (line 41) outputs [6]}
// help{move it before what ends time, such as `MeanOverTime()`}
    }
}

snn_net! {
    net Sequences(x: [T, 6]) -> [6] {
//                              ^^^error{`Sequences` outputs a sequence [T, 6], but declares [6]}
// help{end with `MeanOverTime()`, or declare `-> [T, 6]`}
        T = 5;
        step_mode = 'm';
        out: NonSpikingLIFNode(),
    }
}

snn_net! {
    net Leaks(x: [T, 6]) -> [6] {
        T = 5;
        step_mode = 'm';
        a: NonSpikingLIFNode(tau = 1.0, decode = "mean-mem"),
//                                 ^^^error{`a`: `tau` must be greater than 1, but is 1.0}
// help{`tau` counts steps; `IFNode()` is the neuron without a leak}
    }
}

snn_net! {
    net Gates(x: [T, 6]) -> [T, 6] {
        T = 5;
        step_mode = 'm';
        gated: GatedLIFNode(_),
//             ^^^^^^^^^^^^^^^error{`gated`: `GatedLIFNode` needs a [C, H, W] input, but gets [6]}
// note{input `x` is [6]}
// help{put it before `Flatten()`}
    }
}

snn_net! {
    net Images(x: [T, 3, 8, 8]) -> [T, 3, 8, 8] {
        T = 5;
        step_mode = 'm';
        a: GatedLIFNode(_, inplane = 4),
//                                   ^error{`a` expects 4 input channels, but gets 3}
// note{input `x` is [3, 8, 8]}
// help{write `_` here to infer it}
        b: GatedLIFNode(_, _, init_tau = 1.0),
//                                       ^^^error{`b`: `init_tau` must be between 0 and 1, but is 1.0}
// help{the parameter is a sigmoid, which never gets to 0 or 1}
        c: GatedLIFNode(_, _),
        d: MPBNLIFNode(out_features = _),
        e: MPBNLIFNode(out_channels = 5),
//                                    ^error{`e` expects 5 input channels, but gets 3}
// note{input `x` is [3, 8, 8]}
// help{write `_` here to infer it}
        f: MPBNLIFNode(),
        g: MPBNLIFNode(out_features = 3, out_channels = 3),
//                                                      ^error{`g` is given `out_features` and `out_channels`, but normalises over one of them}
// help{`out_features = _` is for [features], `out_channels = _` for [C, H, W]}
        h: MPBNLIFNode(v_threshold = -0.5, learnable_vth = true, out_channels = _),
//                                   ^^^^error{`h`: `v_threshold` must be greater than 0, but is -0.5}
// help{a learned threshold is exp(a), and starts at `v_threshold`}
        i: MPBNLIFNode(v_threshold = -0.5, out_channels = _),

        forward(x) { add(a(x), b(x), c(x), d(x), e(x), f(x), g(x), h(x), i(x)) }
//                                         ^^^^error{`d`: `MPBNLIFNode` needs a [features] input, but gets [3, 8, 8]}
// note{input `x` is [3, 8, 8]}
//                                                     ^^^^error{`f`: `MPBNLIFNode` is missing `out_features` or `out_channels`}
// help{`out_features = _` is for [features], `out_channels = _` for [C, H, W]}
    }
}

snn_net! {
    net Rates(x: [T, 6]) -> [T, 6] {
        T = 5;
        step_mode = 'm';
        a: DSRIFNode(_, alpha = 1.5),
//                              ^^^error{`a`: `alpha` must be above 0 and at most 1, but is 1.5}
// help{it is the share of the threshold at which the neuron fires}
        b: DSRIFNode(_, v_threshold = 0.001),
//                                    ^^^^^error{`b`: `v_threshold` must be at least 0.01, but is 0.001}
// help{`v_threshold_lower_bound` is its bound}
        c: DSRLIFNode(_, delta_t = 0.0),
//                                 ^^^error{`c`: `delta_t` must be greater than 0, but is 0.0}
        d: STBIFNode(0.0, 8),
//                   ^^^error{`d`: `q_threshold` must be greater than 0, but is 0.0}
// help{it is the step of the quantiser}
        e: STBIFNode(0.25, 1),
//                         ^error{`e`: `level` must be at least 2, but is 1}
// help{a quantiser of one level says nothing}
        f: STBIFNode(0.25, level = 8, sym = true),

        forward(x) { add(a(x), b(x), c(x), d(x), e(x), f(x)) }
    }
}
