//! `if CONST { .. } else { .. }`

// No condition.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        a: if { Linear(_, 4) } else { Linear(_, 4) }
//         ^^error{`if` needs a condition}
// help{write `if stride != 1 { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// No braces.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        a: if true Linear(_, 4),
//                 ^^^^^^error{`if` needs braces, but gets `Linear`}
// help{write `if CONST { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// No braces after `else`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        a: if true { Linear(_, 4) } else Linear(_, 4),
//                                       ^^^^^^error{`else` needs braces, but gets `Linear`}
// help{write `else { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// `elif`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        a: if false { Linear(_, 4) } elif true { Linear(_, 4) } else { Linear(_, 4) }
//                                   ^^^^error{`elif` is `else if` here}
// help{write `else if CONST { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// `if let`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        a: if let 1 = 1 { Linear(_, 4) } else { Linear(_, 4) }
//            ^^^^^^^^^error{`if let` cannot be decided here}
// help{write a condition on consts: `if stride != 1 { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// `else` alone.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4),
        else { IFNode() }
//      ^^^^error{`else` without an `if` before it}
// help{write `if CONST { .. } else { .. }`}
        IFNode(), MeanOverTime(),
    }
}

// A missing comma in a branch.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        a: if true { Linear(_, 4) IFNode() } else { Linear(_, 4), IFNode() }
//                              ^error{missing `,` after `Linear`}
// help{layers are separated by `,`}
        MeanOverTime(),
    }
}
