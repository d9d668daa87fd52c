//! Arguments: names, numbers, ranges.

// A layer misspelt.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2D(_, 8, 3), IFNode(),
//            ^^^^^^error{unknown layer `Conv2D`}
// help{did you mean `Conv2d`?}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A layer in lower case.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), linear(_, 10), IFNode(), MeanOverTime(),
//                 ^^^^^^error{unknown layer `linear`}
// help{did you mean `Linear`?}
    }
}

// A layer with two letters swapped.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), IFNoed(), MeanOverTime(),
//                                ^^^^^^error{unknown layer `IFNoed`}
// help{did you mean `IFNode`?}
    }
}

// A layer that nobody knows.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Transformer(), Linear(_, 10), IFNode(), MeanOverTime(),
//                 ^^^^^^^^^^^error{unknown layer `Transformer`}
// help{a layer of your own is named first: `use crate::layers::Transformer;`}
    }
}

// An argument misspelt.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, kernel_sise = 3), IFNode(),
//                         ^^^^^^^^^^^error{`conv`: `Conv2d` has no argument `kernel_sise`}
// help{did you mean `kernel_size`?}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// An argument of another layer.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, 10, padding = 1), IFNode(), MeanOverTime(),
//                                   ^^^^^^^error{`fc`: `Linear` has no argument `padding`}
// help{`Linear(in_features, out_features, bias = true)`}
    }
}

// An argument given twice by name.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, 10, bias = false, bias = true), IFNode(), MeanOverTime(),
//                                                 ^^^^error{`fc`: `bias` is given twice}
// help{remove one of the two}
    }
}

// By position and by name.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, 10, out_features = 20), IFNode(), MeanOverTime(),
//                                   ^^^^^^^^^^^^error{`fc`: `out_features` is given twice}
// help{remove one of the two}
    }
}

// Too many.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10, true, 's', 5), IFNode(), MeanOverTime(),
//                                     ^^^error{`Linear` takes 3 arguments, but gets 5}
// help{`Linear(in_features, out_features, bias = true)`}
    }
}

// A missing one.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_), IFNode(), MeanOverTime(),
//                     ^^^^^^^^^error{`fc`: `Linear` is missing `out_features`}
// help{`Linear(in_features, out_features, bias = true)`}
    }
}

// By position after by name.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, kernel_size = 3, 2), IFNode(),
//                                          ^error{`conv`: an argument without a name follows one with a name}
// help{give its name, or put it first}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// `_` for an output.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, _), IFNode(), MeanOverTime(),
//                               ^error{`fc`: `out_features` cannot be inferred}
// help{`_` stands for the input side only}
    }
}

// `start_dim = 0`.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(start_dim = 0), Linear(_, 10), IFNode(), MeanOverTime(),
//                                ^error{`flat`: `start_dim = 0` would flatten the batch away}
// help{`start_dim = 1` is the first axis of a sample}
    }
}

// A time constant below 1.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), sn: LIFNode(tau = 0.5), MeanOverTime(),
//                                                  ^^^error{`sn`: `tau` must be greater than 1, but is 0.5}
// help{`tau` counts steps; `IFNode()` is the neuron without a leak}
    }
}

// A time constant of exactly 1.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), sn: ParametricLIFNode(init_tau = 1.0), MeanOverTime(),
//                                                                 ^^^error{`sn`: `init_tau` must be greater than 1, but is 1.0}
// help{`init_tau` counts steps; `IFNode()` is the neuron without a leak}
    }
}

// Dropout of everything.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), drop: Dropout(1.0), Linear(_, 10), IFNode(), MeanOverTime(),
//                               ^^^error{`drop`: `p` is the share that is dropped, from 0 up to but not including 1, but is 1.0}
// help{`p = 1.0` would drop everything}
    }
}

// A negative dropout.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), drop: Dropout(p = -0.5), Linear(_, 10), IFNode(), MeanOverTime(),
//                                   ^^^^error{`drop`: `p` is the share that is dropped, from 0 up to but not including 1, but is -0.5}
    }
}

// A size of zero.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, 0), IFNode(), MeanOverTime(),
//                               ^error{`fc`: `out_features` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}

// A stride of zero.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, 3, stride = 0), IFNode(),
//                                     ^error{`conv`: `stride` must be at least 1, but is 0}
// help{write a size of 1 or more}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A fraction for a size.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), fc: Linear(_, 10.0), IFNode(), MeanOverTime(),
//                               ^^^^error{`fc`: `out_features` is a size, but gets `10.0`}
// help{write `10`}
    }
}

// A const nobody declared.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        const CLASSES: usize = 10;
        Flatten(), fc: Linear(_, CLASES), IFNode(), MeanOverTime(),
//                               ^^^^^^error{unknown name `CLASES`}
// help{did you mean `CLASSES`?}
    }
}

// A division by zero.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        const N: usize = 0;
        Flatten(), fc: Linear(_, 10 / N), IFNode(), MeanOverTime(),
//                               ^^^^^^error{`10 / N` divides by zero}
    }
}

// An unknown surrogate.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        Flatten(), Linear(_, 10), sn: IFNode(surrogate_function = Atan()), MeanOverTime(),
//                                                                ^^^^error{unknown surrogate `Atan`}
// help{did you mean `ATan`?}
    }
}

// Axes the wrong way round.
snn_net! {
    net A(x: [2, 3, 4]) -> [2, 12] {
        T = 4;
        flat: Flatten(3, 2),
//                    ^error{`flat`: `start_dim = 3` comes after `end_dim = 2`}
// note{input `x` is [2, 3, 4]}
// help{swap the two}
    }
}

// An axis that is not there.
snn_net! {
    net A(x: [2, 3]) -> [6] {
        T = 4;
        flat: Flatten(1, 5),
//                       ^error{`flat`: `end_dim = 5` is no axis of [2, 3] with the batch before it}
// note{input `x` is [2, 3]}
// help{axes go from 0, the batch, to 2}
    }
}
