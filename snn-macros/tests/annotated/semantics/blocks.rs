//! Blocks: how they are declared and called.

// A block that wants a step mode of its own.
snn_net! {
    block Twice(c) { Linear(_, c), Linear(_, c) }
    net A(x: [8]) -> [4] {
        T = 4;
        b: Twice(4, step_mode = 'm'),
//                  ^^^^^^^^^error{`b`: a block runs in the net's `step_mode`}
// help{remove it here, set it in the `net`}
    }
}

// More arguments than it takes.
snn_net! {
    block Twice(c) { Linear(_, c), Linear(_, c) }
    net A(x: [8]) -> [4] {
        T = 4;
        b: Twice(4, 5),
//                  ^error{`b`: block `Twice` takes 1 argument, but gets 2}
// help{remove it, or give the block another parameter}
    }
}

// An argument by a name it has not.
snn_net! {
    block Twice(features) { Linear(_, features), Linear(_, features) }
    net A(x: [8]) -> [4] {
        T = 4;
        b: Twice(feature = 4),
//               ^^^^^^^error{`b`: block `Twice` has no parameter `feature`}
// help{did you mean `features`?}
    }
}

// One that is missing.
snn_net! {
    block Twice(c, n) { Linear(_, c), Linear(_, n) }
    net A(x: [8]) -> [4] {
        T = 4;
        Twice(4),
//      ^^^^^^^^error{`Twice`: block `Twice` is missing `n`}
// help{give it by position, or as `n = ..`}
    }
}

// The same one twice.
snn_net! {
    block Twice(c) { Linear(_, c), Linear(_, c) }
    net A(x: [8]) -> [4] {
        T = 4;
        b: Twice(4, c = 5),
//                  ^error{`b`: `c` is given twice}
// help{remove one of the two}
    }
}

// A layer for a value.
snn_net! {
    block Twice(c) { Linear(_, c), Linear(_, c) }
    net A(x: [8]) -> [4] {
        T = 4;
        b: Twice([Linear(_, 4)]),
//               ^^^^^^^^^^^^^^error{`b`: a block's argument is a value, not a layer}
    }
}

// A value to be inferred.
snn_net! {
    block Twice(c) { Linear(_, c), Linear(_, c) }
    net A(x: [8]) -> [4] {
        T = 4;
        b: Twice(_),
//               ^error{`b`: a block's argument cannot be inferred}
// help{leave the input side to `_` inside the block}
    }
}

// The name of a layer.
snn_net! {
    block Linear(c) { Flatten() }
//        ^^^^^^error{block `Linear` has the name of a layer}
// help{rename the block}
    net A(x: [8]) -> [4] {
        T = 4;
        Linear(_, 4),
    }
}

// Declared twice.
snn_net! {
    block Twice(c) { Linear(_, c) }
    block Twice(c) { Linear(_, c) }
//        ^^^^^error{block `Twice` is declared twice}
// help{rename one of the two}
    net A(x: [8]) -> [4] {
        T = 4;
        Twice(4),
    }
}

// Nobody uses it: its mistakes would stay unseen.
snn_net! {
    block Twice(c) { Linear(_, c) }
//        ^^^^^warning{block `Twice` is never used}
// help{a block is checked where it is used, with the sizes that arrive there}
    net A(x: [8]) -> [4] {
        T = 4;
        Linear(_, 4),
    }
}

// What is the net's to set.
snn_net! {
    block Twice(c) { T = 4; Linear(_, c) }
//                   ^error{`T` is the net's, not a block's}
// help{set it in the `net`}
    net A(x: [8]) -> [4] {
        T = 4;
        Twice(4),
    }
}

// A mistake in a block is told once, however often the block stands there.
snn_net! {
    block Wide(c) { fc: Linear(9, c), IFNode() }
//                             ^error{`fc` expects 9 input features, but gets 8}
// note{input `x` is [8]}
// help{write `_` here to infer it}
    net A(x: [8]) -> [T, 4] {
        T = 4;
        Wide(4), Wide(4), [Wide(4); 3],
    }
}

// A block inside itself, by a detour.
snn_net! {
    block One(c) { Two(c) }
    block Two(c) { Linear(_, c), One(c) }
//                               ^^^error{block `One` stands inside itself}
// note{`One` in `Two` leads back to it}
// help{end the chain with a plain layer}
    net A(x: [8]) -> [4] {
        T = 4;
        One(4),
    }
}

// Two inputs, and `forward` names one.
snn_net! {
    block Join() { fc: Linear(_, 4), forward(a, b) { fc(cat(a, b)) } }
    net A(x: [8]) -> [4] {
        T = 4;
        j: Join(),
        forward(x) { j(x) }
//                   ^^^^error{`j` takes 2 values, but gets 1}
    }
}

// All is well: parameters with types and defaults, consts, settings, conditions, values that are no sizes.
snn_net! {
    /// Documented.
    block Unit(c: usize, act = true, tau: f64 = 2.0, surrogate_function = ATan) {
        v_reset = None;
        const HALF: usize = c / 2;
        fc: Linear(_, HALF), if act { LIFNode(tau = tau, surrogate_function = surrogate_function) },
    }
    net A(x: [8]) -> [T, 3] {
        T = 4;
        Unit(16), Unit(8, tau = 1.5, surrogate_function = Sigmoid(alpha = 2.0)), Unit(c = 6, act = false),
    }
}
