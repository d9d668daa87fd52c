//! What stands inside `forward`.

// `self`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(self.fc(x))) }
//                                     ^^^^error{layers are called by their names, without `self`}
// help{write `fc(x)`}
    }
}

// `self` in a later argument.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(add(x, self.fc(x)))) }
//                                            ^^^^error{layers are called by their names, without `self`}
// help{write `fc(x)`}
    }
}

// `self` alone.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(self))) }
//                                        ^^^^error{there is no `self` here}
// help{layers are called by their names: `conv1(x)`}
    }
}

// A method.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { fc(x).sn().mean_over_time() }
//                        ^^^^^^^^^^^^^^^^^^^^error{a value has no methods; layers and functions take it as an argument}
// help{write `mean_over_time(sn(fc(x)))`}
    }
}

// `.clone()`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y = fc(x.clone()); mean_over_time(sn(y)) }
//                               ^^^^^^^^error{a value may be used any number of times}
// help{leave out `.clone()`}
    }
}

// `+`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y = fc(x) + x; mean_over_time(sn(y)) }
//                                 ^error{`+` does not join values here}
// help{write `add(fc(x), x)`}
    }
}

// `+` in a later argument.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(mul(x, fc(x) + x))) }
//                                                  ^error{`+` does not join values here}
// help{write `add(fc(x), x)`}
    }
}

// `*`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(x * fc(x))) }
//                                       ^error{`*` does not join values here}
// help{write `mul(x, fc(x))`}
    }
}

// `-`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(x - fc(x))) }
//                                       ^error{`-` does not join values here}
// help{values are joined by functions: `add(a, b)`, `mul(a, b)`, `cat(a, b)`}
    }
}

// `&`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(&x))) }
//                                        ^error{values are passed as they are}
// help{leave out the `&`}
    }
}

// `?`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(x)?)) }
//                                          ^error{nothing can fail here}
// help{leave out the `?`}
    }
}

// A list of values.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(cat([x])))) }
//                                            ^^^error{`cat` takes its values one by one, without brackets}
// help{write `cat(x)`}
    }
}

// An index.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(x)))[0] }
//                                            ^^^error{a value cannot be indexed}
// help{name the parts of a tuple: `let (a, b) = ..;`}
    }
}

// A field.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(x))).data }
//                                            ^error{a value has no fields}
// help{name the parts of a tuple: `let (a, b) = ..;`}
    }
}

// A macro.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(dbg!(x)))) }
//                                        ^^^^error{`dbg!` is a macro, not a layer or a function}
    }
}

// A path.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(ops::shift(fc(x)))) }
//                                     ^^^^^^^^^^error{`shift` is called by its name alone}
// help{put `use ..::shift;` at the top of `snn_net!` and write `shift(..)`}
    }
}

// Named arguments.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(shift(fc(x), steps = 1))) }
//                                                  ^^^^^^^error{a function's arguments have no names here}
// help{pass them by position}
    }
}

// A condition.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { if true { mean_over_time(sn(fc(x))) } else { mean_over_time(sn(x)) } }
//                   ^^error{`forward` only wires: no `if` here}
// help{decide where the layer is declared: `shortcut: if CONST { .. } else { .. },`}
    }
}

// A loop.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { let y = fc(x); for t in 0..4 { sn(y); } mean_over_time(y) }
//                                  ^^^error{`forward` only wires: no `for` here}
// help{write one line for each call}
    }
}

// An empty tuple.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { () }
//                   ^^error{expected a value, but got `()`}
// help{write a name or a call: `conv1(x)`}
    }
}

// A comma is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(add(fc(x) x))) }
//                                             ^error{missing `,` before `x`}
// help{arguments are separated by `,`}
    }
}

// An argument is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(, x))) }
//                                        ^error{expected a value, but got `,`}
// help{write a name or a call: `conv1(x)`}
    }
}
