//! `#[checkpoint]`: where it stands, and where it does not.

// On lists, blocks, copies and containers, and inside of them.
snn_net! {
    block Residual(c) {
        #[checkpoint]
        main: [Conv2d(_, c, 3, padding = 1), BatchNorm2d(_), IFNode()],
        forward(x) { sew_add(main(x), x) }
    }
    net A(x: [4, 8, 8]) -> [10] {
        T = 4;
        step_mode = 'm';
        #[checkpoint]
        stem: [Conv2d(_, 8, 3, padding = 1), IFNode()],
        /// Two of them.
        #[checkpoint]
        layers: [Residual(8); 2],
        more: [#[checkpoint] Residual(8), Residual(8)],
        copies: [#[checkpoint] [Conv2d(_, 8, 3, padding = 1), IFNode()]; 3],
        #[checkpoint]
        steps: MultiStepContainer([Conv2d(_, 8, 3, padding = 1), IFNode()]),
        #[checkpoint]
        head: [Flatten(), Linear(_, 10), MeanOverTime()],
    }
}

// Step by step, where no layer runs once.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        #[checkpoint]
        both: [Linear(_, 4), IFNode()],
    }
}

// On one layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        #[checkpoint]
//      ^^^^^^^^^^^^^error{`fc` is one layer: `#[checkpoint]` keeps what goes into several, instead of what is between them}
// help{put it on a list or a block: `#[checkpoint] name: [Conv2d(..), BatchNorm2d(_), IFNode()]`}
        fc: Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// On copies of one layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        #[checkpoint]
//      ^^^^^^^^^^^^^error{`deep` is one layer: `#[checkpoint]` keeps what goes into several, instead of what is between them}
// help{`#[checkpoint] name: [[a; n]]` keeps what goes into all copies, and runs them again}
        deep: [Linear(_, 4); 3], IFNode(), MeanOverTime(),
    }
}

// With arguments.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        #[checkpoint(2)]
//      ^^^^^^^^^^^^^^^^error{`#[checkpoint]` takes no arguments}
// help{write `#[checkpoint]`}
        deep: [Linear(_, 4), IFNode()], MeanOverTime(),
    }
}

// Twice.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        #[checkpoint]
        #[checkpoint]
//      ^^^^^^^^^^^^^error{`#[checkpoint]` is written twice}
// help{remove one of the two}
        deep: [Linear(_, 4), IFNode()], MeanOverTime(),
    }
}

// On the definition of a block.
snn_net! {
    #[checkpoint]
//  ^^^^^^^^^^^^^error{`#[checkpoint]` marks a list or a block where it is used, not the block `Two` as such}
// help{write it before the entry: `#[checkpoint] layer1: SewBasic(64),`}
    block Two(c) { Linear(_, c), IFNode() }
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        Two(4), MeanOverTime(),
    }
}

// On a net.
snn_net! {
    #[checkpoint]
//  ^^^^^^^^^^^^^error{`#[checkpoint]` marks a list or a block where it is used, not the net `A` as a whole}
// help{write it before the entry: `#[checkpoint] layer1: SewBasic(64),`}
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// On a condition that gives its layers to the net.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        const DEEP: bool = true;
        #[checkpoint]
//      ^^^^^^^^^^^^^error{`#[checkpoint]` marks a list or a block where it is used, not an `if` without a name, whose layers stand in the place of it}
// help{write it before the entry: `#[checkpoint] layer1: SewBasic(64),`}
        if DEEP { Linear(_, 4), IFNode() }
        MeanOverTime(),
    }
}

// Step by step, around what does not change with time.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        #[checkpoint]
        deep: [Linear(_, 4), IFNode()], MeanOverTime(),
//            ^^^^^^^^^^^^^^^^^^^^^^^^error{time starts inside `deep`, which `#[checkpoint]` runs again as one}
// note{step by step, the layers before its first neuron run once, and those behind it at every step}
// help{set `step_mode = 'm'`, or take those layers out of it}
    }
}

// Step by step, around the end of time.
snn_net! {
    net A(x: [T, 4]) -> [4] {
        T = 4;
        #[checkpoint]
        deep: [Linear(_, 4), IFNode(), MeanOverTime()],
//            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{time ends inside `deep`, which `#[checkpoint]` runs again as one}
// note{step by step, its first layers run at every step, and its last ones once}
// help{set `step_mode = 'm'`, or take those layers out of it}
    }
}

// On copies of copies of one layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm';
        #[checkpoint]
//      ^^^^^^^^^^^^^error{`deep` is one layer: `#[checkpoint]` keeps what goes into several, instead of what is between them}
// help{`#[checkpoint] name: [[a; n]]` keeps what goes into all copies, and runs them again}
        deep: [[Linear(_, 4); 3]; 2], IFNode(), MeanOverTime(),
    }
}

// On copies of copies of several.
snn_net! {
    block Residual(c) {
        main: [Conv2d(_, c, 3, padding = 1), BatchNorm2d(_), IFNode()],
        forward(x) { sew_add(main(x), x) }
    }
    net A(x: [T, 8, 6, 6]) -> [T, 8, 6, 6] {
        T = 4;
        step_mode = 'm';
        #[checkpoint]
        layers: [[Residual(8); 2]; 2],
        #[checkpoint]
        deeper: [[[[Conv2d(_, 8, 3, padding = 1), IFNode()]; 2]; 2]; 2],
    }
}
