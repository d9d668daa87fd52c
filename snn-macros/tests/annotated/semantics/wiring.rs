//! `forward`.

// A layer misspelt.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        hidden: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            mean_over_time(sn1(fc1(hiden(hidden(x)))))
//                                 ^^^^^error{unknown layer or function `hiden`}
// help{did you mean `hidden`?}
        }
    }
}

// A value that nobody bound.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            let y = fc1(x);
            mean_over_time(sn1(z))
//                             ^error{unknown value `z`}
// help{name it first: `let z = ..;`}
        }
    }
}

// A layer that is never called.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        fc2: Linear(_, 4),
//      ^^^error{`fc2` is declared, but `forward` never calls it}
// help{call it, `fc2(x)`, or remove it}
        sn1: IFNode(),
        forward(x) {
            mean_over_time(sn1(fc1(x)))
        }
    }
}

// A neuron called twice.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            let a = sn1(fc1(x));
            let b = sn1(x);
//                  ^^^^^^error{`sn1` is a neuron and is called twice in `forward`}
// note{it has one membrane potential; the second call would continue from the first}
// help{declare a second neuron, or call it once on `cat(a, b)`}
            mean_over_time(add(a, b))
        }
    }
}

// A layer named but not called.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            mean_over_time(sn1(add(fc1(x), fc1)))
//                                         ^^^error{`fc1` is a layer, not a value}
// help{call it: `fc1(x)`}
        }
    }
}

// Unequal shapes in `sew_add`.
snn_net! {
    net A(x: [4]) -> [8] {
        T = 4;
        conv1: [Linear(_, 8), IFNode()],
        shortcut: Identity(),
        forward(x) {
            mean_over_time(sew_add(conv1(x), shortcut(x)))
//                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`sew_add` needs equal shapes, but gets [8] and [4]}
// note{`conv1(x)` outputs [8], `shortcut(x)` outputs [4]}
// help{bring both to one shape first}
        }
    }
}

// Unequal shapes in `sew_add`, made by a stride.
snn_net! {
    net A(x: [64, 56, 56]) -> [128, 28, 28] {
        T = 4;
        conv1: [Conv2d(_, 128, 3, stride = 2, padding = 1), IFNode()],
        shortcut: Identity(),
        forward(x) {
            mean_over_time(sew_add(conv1(x), shortcut(x)))
//                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`sew_add` needs equal shapes, but gets [128, 28, 28] and [64, 56, 56]}
// note{`conv1(x)` outputs [128, 28, 28], `shortcut(x)` outputs [64, 56, 56]}
// help{give `shortcut` a `Conv2d(_, 128, 1, stride = 2)`}
        }
    }
}

// Too few values.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            mean_over_time(add(sn1(fc1(x))))
//                         ^^^^^^^^^^^^^^^^error{`add` takes two or more values, but gets 1}
// help{write `add(a, b)`}
        }
    }
}

// Two values for one layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            mean_over_time(sn1(fc1(x, x)))
//                             ^^^^^^^^^error{`fc1` takes one value, but gets 2}
        }
    }
}

// A sequence with a value that has no time.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            let y = sn1(fc1(x));
            mean_over_time(add(y, mean_over_time(y)))
//                         ^^^^^^^^^^^^^^^^^^^^^^^^^error{`add` joins a sequence with a value that has no time axis left}
// note{`sn1` (line 121) outputs [T, 4]}
// note{`mean_over_time` (line 124) outputs [4]}
// help{take the mean over time of both, or of neither}
        }
    }
}

// A number as a value.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            mean_over_time(sn1(fc1(5)))
//                                 ^error{`5` is not a value that flows}
// help{`forward` calls layers and functions: `fc1(x)`, `sew_add(a, b)`}
        }
    }
}

// Two outputs where one is declared.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4),
        sn1: IFNode(),
        forward(x) {
            let y = sn1(fc1(x));
            (mean_over_time(y), y)
//          ^^^^^^^^^^^^^^^^^^^^^^error{`A` declares 1 output, but gives 2}
// help{declare one shape for each value that `forward` ends with}
        }
    }
}

// Two inputs without `forward`.
snn_net! {
    net A(a: [4], b: [4]) -> [4] {
//      ^error{`A` has 2 inputs, but no `forward` that says where they go}
// help{add `forward(a, b) { .. }` after the layers}
        T = 4;
        fc1: Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `forward` names too few inputs.
snn_net! {
    net A(a: [4], b: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 4), sn: IFNode(),
        forward(a) {
//      ^^^^^^^error{`A` has 2 inputs, but `forward` takes 1}
// help{name one value for each input}
            mean_over_time(sn(fc1(a)))
        }
    }
}

// An empty net.
snn_net! {
    net A(x: [4]) -> [4] {
//      ^error{`A` has no layers}
// help{add one: `fc1: Linear(_, 10),`}
        T = 4;
    }
}

// A value named like a layer.
snn_net! {
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        fc: Linear(_, 4),
        forward(x) { let fc = fc(x); fc }
//                       ^^error{`fc` is a layer already}
// help{give the value another name}
    }
}

// One name for two values.
snn_net! {
    net A(x: [T, 1, 4, 4]) -> [T, 1, 2, 2] {
        T = 4;
        pool: MaxPool2d(2, return_indices = true),
        forward(x) { let y = pool(x); y }
//                       ^error{`y` names one value, but gets 2}
// help{write `let (y0, y1) = ..`}
    }
}

// Three names for two values.
snn_net! {
    net A(x: [T, 1, 4, 4]) -> [T, 1, 2, 2] {
        T = 4;
        pool: MaxPool2d(2, return_indices = true),
        forward(x) { let (y, i, z) = pool(x); y }
//                       ^^^^^^^^^error{names 3 values, but gets 2}
    }
}

// Two values where one is wanted.
snn_net! {
    net A(x: [T, 1, 4, 4]) -> [T, 1, 2, 2] {
        T = 4;
        pool: MaxPool2d(2, return_indices = true), id: Identity(),
        forward(x) { id(pool(x)) }
//                      ^^^^^^^error{`pool(x)` gives 2 values where one is wanted}
// help{name them first: `let (a, b) = ..;`}
    }
}

// `forward` names an input twice.
snn_net! {
    net A(x: [T, 4], y: [4]) -> [T, 4] {
        T = 4;
        forward(x, x) { add(x, x) }
//                 ^error{`forward` names `x` twice}
// help{rename one of the two}
    }
}

// A constant before a value.
snn_net! {
    use crate::ops::shift;
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        forward(x) { shift(x, 1, x) }
//                               ^error{a value that flows stands after a constant}
// help{put the values first}
    }
}

// Constants alone.
snn_net! {
    use crate::ops::shift;
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        forward(x) { shift(1, 2) }
//                   ^^^^^^^^^^^error{`shift` is a function of values that flow, but gets none}
// help{write `shift(x, ..)`: values first, then constants}
    }
}

// Axes that `cat` cannot join.
snn_net! {
    net A(x: [T, 4, 5, 5], y: [T, 4, 6, 6]) -> [T, 8, 5, 5] {
        T = 4;
        forward(x, y) { cat(x, y) }
//                      ^^^^^^^^^error{`cat` joins the first axis and needs the others equal, but gets [4, 5, 5] and [4, 6, 6]}
// help{bring both to one size first}
    }
}

// A layer called on two shapes.
snn_net! {
    net A(x: [T, 4], y: [T, 5]) -> ([T, 4], [T, 5]) {
        T = 4;
        id: Identity(),
        forward(x, y) { (id(x), id(y)) }
//                              ^^^^^error{`id` gets [5] here, but [4] before: it has one set of sizes}
// help{declare a second layer}
    }
}

// All is well: values used twice, tuples, constants, own functions, a stateless layer called twice.
snn_net! {
    use crate::ops::shift;
    net A(x: [T, 4], gate: [4]) -> (y: [8], z: [T, 2, 4]) {
        T = 4;
        const BY: i64 = 2;
        fc: Linear(_, 4), sn: IFNode(),
        forward(x, gate) {
            let (a, b) = (sn(fc(x)), fc(gate));
            let c = shift(mul(a, b), BY, -1);
            (mean_over_time(cat(a, c)), stack(a, add(b, c, x)))
        }
    }
}
