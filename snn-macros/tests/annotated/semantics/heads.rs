//! Heads of nets: names, inputs, outputs, generics, `use`.

// An input named twice.
snn_net! {
    net A(x: [8], x: [4]) -> [4] {
//                ^error{input `x` is declared twice}
// help{rename one of the two}
        T = 4;
        fc: Linear(_, 4),
        forward(x, y) { add(fc(x), y) }
    }
}

// An output named twice.
snn_net! {
    net A(x: [8]) -> (y: [4], y: [4]) {
//                            ^error{output `y` is declared twice}
// help{rename one of the two}
        T = 4;
        fc: Linear(_, 4),
        forward(x) { let h = fc(x); (h, h) }
    }
}

// A name for one output only.
snn_net! {
    net A(x: [8]) -> (y: [4], [4]) {
//                            ^^^error{name all outputs or none}
// help{write `name: [..]`}
        T = 4;
        fc: Linear(_, 4),
        forward(x) { let h = fc(x); (h, h) }
    }
}

// Time in the middle.
snn_net! {
    net A(x: [8, T]) -> [4] {
//               ^error{input `x`: `T` leads a shape, and stands nowhere else}
// help{write `[T, ..]`}
        T = 4;
        Flatten(), Linear(_, 4),
    }
}

// A size to be inferred.
snn_net! {
    net A(x: [_]) -> [4] {
//            ^error{input `x`: a declared shape has no `_`}
// help{write the size}
        T = 4;
        Linear(_, 4),
    }
}

// Six axes.
snn_net! {
    net A(x: [1, 2, 3, 4, 5, 6]) -> [4] {
//           ^^^^^^^^^^^^^^^^^^error{input `x`: a sample has at most 5 axes, but gets 6}
        T = 4;
        Flatten(), Linear(_, 4),
    }
}

// Generic over something else.
snn_net! {
    net A<D>(x: [8]) -> [4] {
//        ^error{`A` can be generic over sizes only}
// help{use a const parameter: `<const HIDDEN: usize>`}
        T = 4;
        Linear(_, 4),
    }
}

// Names that hide.
snn_net! {
    use crate::layers::*;
//                     ^error{`use ..::*` hides which names it brings in}
// help{name each one, so that a typo in a layer's name can be told: `use crate::layers::{A, B};`}
    net A(x: [8]) -> [4] {
        T = 4;
        Linear(_, 4),
    }
}

// A number that no size can be.
snn_net! {
    net A(x: [99999999999999999999]) -> [4] {
//            ^^^^^^^^^^^^^^^^^^^^error{`99999999999999999999` is too large for a size}
        T = 4;
        Linear(_, 4),
    }
}

// An own layer's name, nearly.
snn_net! {
    use crate::layers::SpikeAttention;
    net A(x: [8]) -> [T, 8] {
        T = 4;
        SpikeAtention(),
//      ^^^^^^^^^^^^^error{unknown layer `SpikeAtention`}
// help{did you mean `SpikeAttention`?}
    }
}

// A function's name, nearly.
snn_net! {
    use crate::ops::{time_shift, scale as rescale};
    net A(x: [8]) -> [8] {
        T = 4;
        fc: Linear(_, 8),
        forward(x) { time_shfit(rescale(fc(x), 2.0), 1) }
//                   ^^^^^^^^^^error{unknown layer or function `time_shfit`}
// help{did you mean `time_shift`?}
    }
}
