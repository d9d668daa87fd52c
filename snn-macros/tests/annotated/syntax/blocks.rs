//! `block Name(parameters)`

// No parameter list.
snn_net! {
    block B {
//        ^error{`B` needs its parameters in parentheses}
// help{write `B()`}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(), MeanOverTime(),
    }
}

// Generics.
snn_net! {
    block B<N>() {
//         ^^^error{a block takes its parameters in parentheses}
// help{write `block Basic(c, stride = 1)`}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(), MeanOverTime(),
    }
}

// A shape for a parameter.
snn_net! {
    block B(c: [4]) {
//             ^^^error{`c` is a size; the shapes a block gets follow from where it stands}
// help{leave out the shape}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(4), MeanOverTime(),
    }
}

// An output.
snn_net! {
    block B(c) -> [c] {
//             ^^^^^^error{a block declares no output: it follows from its layers}
// help{leave out the `->`}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(4), MeanOverTime(),
    }
}

// No default after `=`.
snn_net! {
    block B(c = ) {
//            ^error{expected the default of `c`, but got nothing}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(4), MeanOverTime(),
    }
}

// A comma is missing.
snn_net! {
    block B(c d = 1) {
//          ^error{missing `,` before `d`}
// help{parameters are separated by `,`}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(4), MeanOverTime(),
    }
}

// Python: a module class.
snn_net! {
    module B(c) {
//  ^^^^^^error{unknown item `module`}
// help{did you mean `block B`?}
        fc: Linear(_, 4), IFNode(),
    }
    net A(x: [4]) -> [4] {
        T = 4;
        B(4), MeanOverTime(),
    }
}
