//! What stands between the parentheses of a layer.

// A comma is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4 bias = false),
//                    ^error{missing `,` before `bias`}
// help{arguments are separated by `,`}
        IFNode(), MeanOverTime(),
    }
}

// `:` instead of `=`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4, bias: false),
//                           ^error{`bias` takes `=`, not `:`}
// help{write `bias = ..`}
        IFNode(), MeanOverTime(),
    }
}

// `==` instead of `=`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4, bias == false),
//                            ^^error{`bias` takes `=`, not `==`}
// help{write `bias = ..`}
        IFNode(), MeanOverTime(),
    }
}

// `;` between arguments.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_; 4),
//                  ^error{arguments are separated by `,`, not `;`}
// help{write `,`}
        IFNode(), MeanOverTime(),
    }
}

// Two commas.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, , 4),
//                    ^error{expected an argument, but got `,`}
        IFNode(), MeanOverTime(),
    }
}

// No value.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4, bias = ),
//                       ^^^^error{`bias` needs a value}
// help{write `bias = ..`}
        IFNode(), MeanOverTime(),
    }
}

// Half an expression.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4 +),
//                      ^error{expected an expression}
        IFNode(), MeanOverTime(),
    }
}

// `_` in an expression.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_ * 2, 4),
//                   ^error{`_` stands alone, but `*` follows}
// help{`_` infers the whole argument}
        IFNode(), MeanOverTime(),
    }
}

// An attribute.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(#[cfg(test)] _, 4),
//                 ^^^^^^^^^^^^error{an argument takes no attributes}
// help{leave it out}
        IFNode(), MeanOverTime(),
    }
}

// A word of Rust.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4, type = 3),
//                       ^^^^error{`type` is a word of Rust and cannot name an argument}
        IFNode(), MeanOverTime(),
    }
}

// Two mistakes are two messages.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_; 4 +),
//                  ^error{arguments are separated by `,`, not `;`}
// help{write `,`}
//                      ^error{expected an expression}
        IFNode(), MeanOverTime(),
    }
}
