//! Recurrent networks.

// The input side, and a surrogate function that there is not.
snn_net! {
    net Sides(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        lstm: SpikingLSTM(7, 4, 1, surrogate_function2 = Elf),
//                                                       ^^^error{unknown surrogate `Elf`}
// help{did you mean `Erf`?}
    }
}

// Both directions are twice as wide.
snn_net! {
    net Wide(x: [T, 8]) -> [T, 4] {
//                         ^^^^^^error{`Wide` outputs [T, 8], but declares [T, 4]}
// note{`gru` (line 17) outputs [T, 8]}
// help{declare `-> [T, 8]`, or change the last layer}
        T = 4;
        step_mode = 'm';
        gru: SpikingGRU(_, 4, 2, bidirectional = true),
    }
}

// Whole sequences only.
snn_net! {
    net Steps(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 's';
        rnn: SpikingVanillaRNN(_, 4, 1),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^error{`SpikingVanillaRNN` works on whole sequences, but `Steps` runs step by step}
// note{`step_mode = 's'` is set on line 25}
// help{set `step_mode = 'm'`}
    }
}

// Not everything may be dropped.
snn_net! {
    net Nothing(x: [T, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        lstm: SpikingLSTM(_, 4, 2, dropout_p = 1.0, surrogate_function2 = None),
//                                             ^^^error{`lstm`: `dropout_p` is the share that is dropped, from 0 up to but not including 1, but is 1.0}
    }
}

// A layer between convolution and network.
snn_net! {
    net Image(x: [T, 1, 8, 8]) -> [T, 4] {
        T = 4;
        step_mode = 'm';
        conv: Conv2d(_, 2, 3),
        lstm: SpikingLSTM(_, 4, 0),
//                              ^error{`lstm`: `num_layers` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}
