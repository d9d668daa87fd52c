//! What stands before a layer.

// `=` instead of `:`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc = Linear(_, 4),
//         ^error{a layer is declared with `:`, not `=`}
// help{write `fc: Linear(..),`}
        IFNode(), MeanOverTime(),
    }
}

// A `let`, with the `;` that belongs to it.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        let fc = Linear(_, 4);
//      ^^^error{a layer is declared without `let`}
// help{write `fc: Linear(..),`}
        IFNode(), MeanOverTime(),
    }
}

// Python: `self.fc = ..`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        self.fc = Linear(_, 4)
//      ^^^^error{a layer is declared without `self`}
// help{write `fc: Linear(..),`}
//                           ^error{missing `,` after `fc`}
// help{layers are separated by `,`}
        self.sn = IFNode()
//      ^^^^error{a layer is declared without `self`}
// help{write `sn: IFNode(..),`}
//                       ^error{missing `,` after `sn`}
// help{layers are separated by `,`}
        MeanOverTime(),
    }
}

// `:=`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc := Linear(_, 4),
//          ^error{a layer is declared with `:`, not `:=`}
// help{leave out the `=`}
        IFNode(), MeanOverTime(),
    }
}

// No `:`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc Linear(_, 4),
//      ^^error{missing `:` after `fc`}
// help{write `fc: Linear(..),`}
        IFNode(), MeanOverTime(),
    }
}

// No `:` before a list.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head [Linear(_, 4), IFNode()],
//      ^^^^error{missing `:` after `head`}
// help{write `head: [..],`}
        MeanOverTime(),
    }
}

// A name in quotes.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        "fc": Linear(_, 4),
//      ^^^^error{a layer's name is a word, but got `"fc"`}
// help{leave out the quotes}
        IFNode(), MeanOverTime(),
    }
}

// A word of Rust.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        type: Linear(_, 4),
//      ^^^^error{`type` is a word of Rust and cannot name a layer}
// help{write `type_`}
        IFNode(), MeanOverTime(),
    }
}

// A visibility.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        pub fc: Linear(_, 4),
//      ^^^error{a layer takes no `pub`}
// help{leave it out}
        IFNode(), MeanOverTime(),
    }
}

// No layer after the name.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc:
//      ^^error{`fc` needs a layer}
// help{write `fc: Linear(_, 10),`}
        sn: IFNode(), MeanOverTime(),
    }
}

// No layer after the name, but a comma.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: ,
//      ^^error{`fc` needs a layer}
// help{write `fc: Linear(_, 10),`}
        sn: IFNode(), MeanOverTime(),
    }
}

// Half-typed at the end.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
        fc:
//      ^^error{`fc` needs a layer}
// help{write `fc: Linear(_, 10),`}
    }
}
