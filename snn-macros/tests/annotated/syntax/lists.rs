//! `[a, b]`, `[a; n]`

// No number of copies.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4); ],
//                         ^error{expected the number of copies after `;`}
// help{write `[a; 2]`}
        IFNode(), MeanOverTime(),
    }
}

// Two layers before the `;`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4), IFNode(); 2],
//                                   ^error{`;` repeats one layer, but 2 stand before it}
// help{write `[[a, b]; 2]`}
        MeanOverTime(),
    }
}

// More after the number of copies.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4); 2, IFNode()],
//                            ^error{expected `]` after the number of copies, but got `,`}
// help{write `[a; 2], b` for two copies of `a` before `b`}
        IFNode(), MeanOverTime(),
    }
}

// An attribute that nothing follows.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4), IFNode(), #[record(spikes)]],
//                                     ^^^^^^^^^^^^^^^^^error{nothing follows this attribute}
// help{leave it out}
        MeanOverTime(),
    }
}
