//! `net Name(inputs) -> outputs`

// No name.
snn_net! {
    net (x: [4]) -> [4] {
//  ^^^error{this net needs a name}
// help{write `net Csnn(..)`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// No `net`.
snn_net! {
    A(x: [4]) -> [4] {
//  ^error{missing `net` before `A`}
// help{write `net A(..) { .. }`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// No `net`, but a visibility.
snn_net! {
    pub A(x: [4]) -> [4] {
//      ^error{missing `net` before `A`}
// help{write `net A(..) { .. }`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A near miss.
snn_net! {
    nett A(x: [4]) -> [4] {
//  ^^^^error{unknown item `nett`}
// help{did you mean `net A`?}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// What others call it.
snn_net! {
    pub struct A(x: [4]) -> [4] {
//      ^^^^^^error{unknown item `struct`}
// help{did you mean `net A`?}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A capital.
snn_net! {
    Net A(x: [4]) -> [4] {
//  ^^^error{unknown item `Net`}
// help{did you mean `net A`?}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// No inputs.
snn_net! {
    net A -> [4] {
//      ^error{`A` needs its inputs in parentheses}
// help{write `A(x: [1, 28, 28])`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Empty inputs.
snn_net! {
    net A() -> [4] {
//       ^^error{`A` needs an input}
// help{write `A(x: [1, 28, 28])`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An input without a shape.
snn_net! {
    net A(x) -> [4] {
//        ^error{`x` needs a shape}
// help{write `x: [1, 28, 28]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An input with a type.
snn_net! {
    net A(x: Tensor) -> [4] {
//           ^^^^^^error{`x` expects a shape, but gets `Tensor`}
// help{write the sizes of one sample: `[1, 28, 28]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An input with `=`.
snn_net! {
    net A(x = [4]) -> [4] {
//          ^error{`x` takes `:`, not `=`}
// help{write `x: [..]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A shape in parentheses.
snn_net! {
    net A(x: (4)) -> [4] {
//           ^^^error{`x` expects a shape in brackets, but gets `(..)`}
// help{write the sizes of one sample: `[1, 28, 28]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A bare size.
snn_net! {
    net A(x: 4) -> [4] {
//           ^error{`x` expects a shape in brackets, but gets `4`}
// help{write `[4]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An empty shape.
snn_net! {
    net A(x: []) -> [4] {
//           ^^error{a shape needs a size}
// help{write `[1]` for one number per sample}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A size is missing.
snn_net! {
    net A(x: [T, , 4]) -> [4] {
//               ^error{expected a size, but got `,`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A comma is missing in a shape.
snn_net! {
    net A(x: [T 4]) -> [4] {
//            ^error{missing `,` before `4`}
// help{sizes are separated by `,`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `;` in a shape.
snn_net! {
    net A(x: [T; 4]) -> [4] {
//             ^error{sizes are separated by `,`, not `;`}
// help{write `[64, 28, 28]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An input without a name.
snn_net! {
    net A([4]) -> [4] {
//        ^^^error{an input needs a name}
// help{write `x: [..]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A bare output.
snn_net! {
    net A(x: [4]) -> 4 {
//                   ^error{the output expects a shape in brackets, but gets `4`}
// help{write `[4]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// The wrong arrow.
snn_net! {
    net A(x: [4]) => [4] {
//                ^^error{outputs follow `->`, not `=>`}
// help{write `-> [10]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// No arrow.
snn_net! {
    net A(x: [4]) [4] {
//                ^^^error{missing `->` before the output}
// help{write `-> [10]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A colon for an arrow.
snn_net! {
    net A(x: [4]): [4] {
//               ^error{outputs follow `->`, not `:`}
// help{write `-> [10]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An output is missing.
snn_net! {
    net A(x: [4]) -> {
//                   ^error{the output expects a shape, but gets `{ .. }`}
// help{write the sizes of one sample: `[1, 28, 28]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A name that Rust has taken.
snn_net! {
    net fn(x: [4]) -> [4] {
//      ^^error{`fn` is a word of Rust and cannot name a net}
// help{write `fn_`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A comma is missing between inputs.
snn_net! {
    net A(x: [4] y: [4]) -> [4] {
//             ^error{missing `,` before `y`}
// help{inputs are separated by `,`}
        T = 4;
        a: Linear(_, 4),
        sn: IFNode(),
        forward(x, y) { mean_over_time(sn(add(a(x), y))) }
    }
}

// `=` in a named output.
snn_net! {
    net A(x: [4]) -> (y = [4]) {
//                      ^error{`y` takes `:`, not `=`}
// help{write `y: [..]`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// No body.
snn_net! {
    net A(x: [4]) -> [4];
//                      ^error{`A` needs a body in braces, but gets `;`}
// help{write `{ .. }`}

    net B(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A `;` after the body.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    };
//   ^error{expected `net` or `block`, but got `;`}
// help{nothing is written after the `}` of an item: leave it out}
}
