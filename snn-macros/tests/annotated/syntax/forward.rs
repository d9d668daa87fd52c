//! `forward(x) { .. }`

// `fn forward`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        fn forward(x) { mean_over_time(sn(fc(x))) }
//      ^^^^^^^^^^error{`forward` is part of the language, not a function}
// help{write `forward(x) { .. }`}
    }
}

// All of a Rust method is one mistake.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        pub fn forward(&self, x: &Tensor) -> Tensor { mean_over_time(sn(fc(x))) }
//      ^^^^^^^^^^^^^^error{`forward` is part of the language, not a function}
// help{write `forward(x) { .. }`}
    }
}

// Python.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        def forward(self, x): { mean_over_time(sn(fc(x))) }
//      ^^^^^^^^^^^error{`forward` is part of the language, not a function}
// help{write `forward(x) { .. }`}
    }
}

// A receiver.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(&self, x) { mean_over_time(sn(fc(x))) }
//              ^^^^^error{`forward` takes no `self`}
// help{leave it out; layers are called by their names}
    }
}

// A type.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x: Tensor) { mean_over_time(sn(fc(x))) }
//               ^^^^^^^^error{the inputs of `forward` are plain names}
// help{leave out the type: the head of the net has the shape}
    }
}

// A reference.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(&x) { mean_over_time(sn(fc(x))) }
//              ^error{the inputs of `forward` are plain names}
// help{write `forward(x) { .. }`}
    }
}

// An output.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) -> Tensor { mean_over_time(sn(fc(x))) }
//                 ^^^^^^^^^error{`forward` declares no output: the head of the net does}
// help{leave out the `->`}
    }
}

// No inputs.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward { mean_over_time(sn(fc(x))) }
//      ^^^^^^^error{`forward` needs the names of its inputs}
// help{write `forward(x) { .. }`}
    }
}

// No body.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x)
//               ^error{`forward` needs a body in braces, but gets nothing}
// help{write `forward(x) { .. }`}
    }
}

// Nothing inside.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { }
//                   ^error{`forward` returns nothing}
// help{end with a value: `fc1(x)`}
    }
}

// No result.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y = mean_over_time(sn(fc(x))); }
//                                                      ^error{`forward` returns nothing}
// help{end with `y`}
    }
}

// A `;` after the result.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(x))); }
//                                            ^error{the last line of `forward` is its result}
// help{leave out the `;`}
    }
}

// `return`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { return mean_over_time(sn(fc(x))); }
//                   ^^^^^^error{`forward` needs no `return`}
// help{the last line, without `;`, is the result}
    }
}

// A value nobody uses.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y = fc(x); sn(y); mean_over_time(y) }
//                                  ^^^^^error{this value is not used}
// help{write `let y = ..;`}
    }
}

// Two results.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y = sn(fc(x)); y mean_over_time(y) }
//                                        ^^^^^^^^^^^^^^error{`forward` goes on after its result with `mean_over_time`}
// help{bind the value before: `let y = ..;`}
    }
}

// No `let`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { y = sn(fc(x)); mean_over_time(y) }
//                   ^error{missing `let` before `y`}
// help{write `let y = ..;`}
    }
}

// `let mut`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let mut y = sn(fc(x)); mean_over_time(y) }
//                       ^^^error{a value never changes: it needs no `mut`}
// help{write `let y = ..;`}
    }
}

// A type after `let`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y: Tensor = sn(fc(x)); mean_over_time(y) }
//                        ^^^^^^^^error{a value has no written type here}
// help{leave it out: shapes are inferred}
    }
}

// No value after `let`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y; mean_over_time(sn(fc(x))) }
//                        ^error{`let` needs a value, but gets `;`}
// help{write `let y = ..;`}
    }
}

// No name after `let`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let = sn(fc(x)); mean_over_time(x) }
//                       ^error{`let` needs a name, but gets `=`}
// help{write `let y = ..;`}
    }
}

// A pattern.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let Some(y) = sn(fc(x)); mean_over_time(y) }
//                       ^^^^^^^error{`let` takes a name or a tuple of names}
// help{write `let y = ..;` or `let (a, b) = ..;`}
    }
}

// A `;` is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) {
            let y = sn(fc(x))
//                          ^error{missing `;` after this `let`}
// help{each `let` ends with `;`}
            mean_over_time(y)
        }
    }
}

// Twice.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(x))) }
        forward(x) { mean_over_time(sn(fc(x))) }
//      ^^^^^^^error{`forward` is written twice}
// help{keep one of the two}
    }
}

// Not last.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { out(mean_over_time(sn(fc(x)))) }
        out: Linear(_, 4),
//      ^^^error{`out` comes after `forward`}
// help{`forward` is last: move the layer above it}
    }
}
