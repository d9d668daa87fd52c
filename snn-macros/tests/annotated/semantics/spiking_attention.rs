//! Attention made of spikes.

// Heads share the channels.
snn_net! {
    net Heads(x: [T, 8, 5]) -> [T, 8, 5] {
        T = 4;
        step_mode = 'm';
        att: SpikingSelfAttention(_, num_heads = 3),
//                                               ^error{`att`: `num_heads = 3` does not divide `dim`, which is 8}
// help{make `dim` a multiple of 3}
    }
}

// Whole sequences only.
snn_net! {
    net Steps(x: [T, 8, 5]) -> [T, 8, 5] {
        T = 4;
        step_mode = 's';
        att: TokenQKAttention(_, num_heads = 2),
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`TokenQKAttention` works on whole sequences, but `Steps` runs step by step}
// note{`step_mode = 's'` is set on line 16}
// help{set `step_mode = 'm'`}
    }
}

// Images where tokens are wanted, and the reverse.
snn_net! {
    net Shapes(x: [T, 8, 5, 5], y: [T, 8, 25]) -> ([T, 8, 5, 5], [T, 8, 25]) {
        T = 4;
        step_mode = 'm';
        tokens: ChannelQKAttention(_, num_heads = 2),
        images: SpikeDrivenSelfAttention(_, num_heads = 2),
        forward(x, y) { (tokens(x), images(y)) }
//                       ^^^^^^^^^error{`tokens`: `ChannelQKAttention` needs a [C, L] input, but gets [8, 5, 5]}
// note{input `x` is [8, 5, 5]}
//                                  ^^^^^^^^^error{`images`: `SpikeDrivenSelfAttention` needs a [C, H, W] input, but gets [8, 25]}
// note{input `y` is [8, 25]}
    }
}

// Its neurons leak.
snn_net! {
    net Leak(x: [T, 8, 5]) -> [T, 8, 5] {
        T = 4;
        step_mode = 'm';
        att: SpikingSelfAttention(16, 2, tau = 1.0),
//                                             ^^^error{`att`: `tau` must be greater than 1, but is 1.0}
// help{`tau` counts steps; `IFNode()` is the neuron without a leak}
    }
}
