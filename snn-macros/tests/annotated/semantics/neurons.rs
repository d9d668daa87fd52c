//! Neurons and surrogates: arguments that they cannot work with.

// A driving force of 0.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: QIFNode(a0 = 0.0),
//                       ^^^error{`sn`: `a0` must be greater than 0, but is 0.0}
    }
}

// A rest below the reset.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: QIFNode(v_rest = -0.5),
//                           ^^^^error{`sn`: `v_rest` must not be below `v_reset`, but they are -0.5 and -0.1}
// help{the potential starts at `v_reset` and drifts to `v_rest`}
    }
}

// A sharpness of 0.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: EIFNode(delta_T = 0.0),
//                            ^^^error{`sn`: `delta_T` must be greater than 0, but is 0.0}
    }
}

// A time constant without a leak.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: KLIFNode(tau = 1.0),
//                         ^^^error{`sn`: `tau` must be greater than 1, but is 1.0}
// help{`tau` counts steps; `IFNode()` is the neuron without a leak}
    }
}

// An integer where a float is meant.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: CUBALIFNode(c_decay = 1),
//                                ^error{`sn`: `c_decay` is a float, but gets 1}
// help{write `1.0`}
    }
}

// A reset beyond the threshold.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: TernaryIFNode(v_threshold = 0.5, v_reset = -0.5),
//                                                     ^^^^error{`sn`: `v_reset` must lie between the thresholds -0.5 and 0.5, but is -0.5}
// help{a neuron that is reset beyond a threshold fires for ever}
    }
}

// An activation is missing.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: LIAFNode(threshold_related = true),
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`sn`: `LIAFNode` is missing `act`}
// help{`LIAFNode(act, threshold_related = true, tau = 2.0, decay_input = true, v_threshold = 1.0, v_reset = 0.0, surrogate_function = Sigmoid, detach_reset = false)`}
    }
}

// A neuron that counts, with a surrogate that does not.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: ILIFNode(surrogate_function = ATan()),
//                                        ^^^^^^error{`sn`: `ILIFNode` needs `MultiLevelSpikeCount` as its surrogate, but gets `ATan`}
// help{write `surrogate_function = MultiLevelSpikeCount(4)`}
    }
}

// The net's surrogate leaves a neuron that counts alone.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        surrogate = ATan;
        sn: ILIFNode(),
    }
}

// A surrogate without a primitive, without spikes.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: IFNode(surrogate_function = SuperSpike(spiking = false)),
//                                                           ^^^^^error{`sn`: `surrogate_function`: `SuperSpike` cannot be without spikes: there is no function that it is the slope of}
// help{leave `spiking` out, or take another surrogate, such as `ATan`}
    }
}

// A count that has to be given.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: ILIFNode(surrogate_function = MultiLevelSpikeCount()),
//                                        ^^^^^^^^^^^^^^^^^^^^error{`sn`: `surrogate_function`: `MultiLevelSpikeCount` is missing `max_spike_count`}
// help{`MultiLevelSpikeCount(max_spike_count = 4)`}
    }
}

// A count of 0.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: ILIFNode(surrogate_function = MultiLevelSpikeCount(0)),
//                                                             ^error{`sn`: `surrogate_function`: `max_spike_count` must be at least 1, but is 0}
    }
}

// A count that is a float.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: IFNode(surrogate_function = SquarewaveFourierSeries(n = 2.0)),
//                                                                  ^^^error{`sn`: `surrogate_function`: `n` expects a whole number, but gets `2.0`}
    }
}

// A window of one number.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: ILIFNode(surrogate_function = MultiLevelSpikeCount(4, grad_window = 1.0)),
//                                                                              ^^^error{`sn`: `surrogate_function`: `grad_window` expects two floats or `None`, but gets `1.0`}
// help{such as `grad_window = (0.0, 4.0)`}
    }
}

// An argument that the surrogate does not have.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        sn: IFNode(surrogate_function = LeakyKReLU(leek = 0.1)),
//                                                 ^^^^error{`sn`: `surrogate_function`: `LeakyKReLU` has no argument `leek`}
// help{did you mean `leak`?}
    }
}
