//! What a body of other languages has.

// A loop.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        for _ in 0..3 { Linear(_, 4), IFNode() }
//      ^^^error{`for` makes no layers}
// help{write `[Conv2d(_, 64, 3); 3]` for three copies}
        MeanOverTime(),
    }
}

// `match`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        match 3 { _ => Linear(_, 4) }
//      ^^^^^error{`match` chooses no layers}
// help{write `if CONST { .. } else { .. }`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A function.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fn make(x: usize) -> usize { x }
//      ^^error{`fn` belongs outside `snn_net!`}
// help{write it as plain Rust and name it with `use`; the wiring goes in `forward(x) { .. }`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `return`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
        return x;
//      ^^^^^^error{a net's body returns nothing}
// help{the last layer is the output, or write `forward(x) { .. }`}
    }
}

// `use` inside the net.
snn_net! {
    net A(x: [4]) -> [4] {
        use crate::layers::Att;
//      ^^^error{`use` belongs before the net, not inside it}
// help{move it up}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A block inside the net.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        block B() { Linear(_, 4), IFNode() }
//      ^^^^^error{`block` belongs before the net, not inside it}
// help{move it up}
        B(), MeanOverTime(),
    }
}
