//! Names.

// A layer declared twice.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, 20), IFNode(),
        fc: Linear(_, 10), IFNode(), MeanOverTime(),
//      ^^error{`fc` is declared twice}
// note{first on line 7}
// help{rename one of the two}
    }
}

// A const declared twice.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
//                           ^^^^error{`A` outputs [12], but declares [10]}
// note{`MeanOverTime` (line 18) outputs [12]}
// help{declare `-> [12]`, or change the last layer}
        T = 4;
        const N: usize = 10;
        const N: usize = 12;
//            ^error{`N` is declared twice}
// help{rename one of the two}
        Flatten(), fc: Linear(_, N), IFNode(), MeanOverTime(),
    }
}

// A net declared twice.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 1;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
    net A(x: [4]) -> [4] {
//      ^error{net `A` is declared twice}
// help{rename one of the two}
        T = 1;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A block inside itself.
snn_net! {
    block B(c) {
        Linear(_, c), IFNode(), B(c),
//                              ^error{block `B` stands inside itself}
// note{`B` leads back to it}
// help{end the chain with a plain layer}
    }
    net A(x: [4]) -> [4] {
        T = 1;
        B(4), MeanOverTime(),
    }
}

// Two blocks inside each other.
snn_net! {
    block B(c) {
        Linear(_, c), IFNode(), D(c),
    }
    block D(c) {
        Linear(_, c), IFNode(), B(c),
//                              ^error{block `B` stands inside itself}
// note{`B` in `D` leads back to it}
// help{end the chain with a plain layer}
    }
    net A(x: [4]) -> [4] {
        T = 1;
        B(4), MeanOverTime(),
    }
}

// A block argument is missing.
snn_net! {
    block B(c, d) {
        Linear(_, c), IFNode(), Linear(_, d), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 1;
        b: B(4), MeanOverTime(),
//         ^^^^error{`b`: block `B` is missing `d`}
// help{give it by position, or as `d = ..`}
    }
}

// A block parameter misspelt.
snn_net! {
    block B(c, stride = 1) {
        Linear(_, c * stride), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 1;
        b: B(4, strid = 1), MeanOverTime(),
//              ^^^^^error{`b`: block `B` has no parameter `strid`}
// help{did you mean `stride`?}
    }
}

// `#[cfg]` on a layer.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10),
        #[cfg(test)]
//      ^^^^^^^^^^^^error{`#[cfg]` on an entry changes the shapes that follow}
// help{use `if CONST { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// Something that cannot be recorded.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        #[record(spike)]
//               ^^^^^error{`#[record(..)]` knows `spikes` and `voltage`}
// help{did you mean `spikes`?}
        sn: Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A recorded layer that is no neuron.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        #[record(spikes)]
//      ^^^^^^^^^^^^^^^^^error{`flat` is not a spiking neuron: `#[record(..)]` has nothing to record}
// help{put it on a neuron, such as `IFNode()`}
        flat: Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}
