//! Lists, copies and conditions.

// No copies.
snn_net! {
    net A(x: [8]) -> [4] {
        T = 4;
        [Linear(_, 4); 0],
//                     ^error{`[x; n]` makes 1 to 4096 copies, but gets 0}
// help{use `if CONST { .. }` to leave it out}
    }
}

// Copies without end.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        [Linear(_, 4); 5000],
//                     ^^^^error{`[x; n]` makes 1 to 4096 copies, but gets 5000}
    }
}

// A number of copies that only rustc knows.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        [Linear(_, 4); crate::DEPTH],
//                     ^^^^^^^^^^^^error{`[x; n]` needs to know n while the net is compiled, but gets `crate::DEPTH`}
// help{use a literal, a const of this macro or a block parameter}
    }
}

// A name for all copies.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        [fc: Linear(_, 4); 2],
//       ^^error{`fc` names one of 2 copies}
// help{leave the name out: copies are numbered}
    }
}

// A condition that only rustc knows.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        if crate::DEEP { Linear(_, 4) } else { Linear(_, 4) }
//         ^^^^^^^^^^^error{`if` chooses layers while the net is compiled, but `crate::DEEP` is not known then}
// help{compare consts of this macro, block parameters and literals}
    }
}

// A condition on a const generic.
snn_net! {
    net A<const N: usize>(x: [4]) -> [4] {
        T = 4;
        if N > 2 { Linear(_, 4) }
//         ^^^^^error{`if` chooses layers while the net is compiled, but `N > 2` is not known then}
// help{compare consts of this macro, block parameters and literals}
        Linear(_, 4),
    }
}

// A shape declared for a layer that is known.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4) -> [4],
//                          ^^^error{`fc`: the shape after `Linear` is known}
// help{remove `-> [..]`: it is for layers of your own}
    }
}

// Two values, and the next layer takes one.
snn_net! {
    net A(x: [T, 1, 4, 4]) -> [T, 4] {
        T = 4;
        pool: MaxPool2d(2, return_indices = true), Flatten(),
//                                                 ^^^^^^^^^error{`Flatten` takes one value, but the layer before it gives 2}
// help{wire them by hand: `forward(x) { let (y, indices) = pool(x); .. }`}
    }
}

// An own layer's arguments have names.
snn_net! {
    use crate::layers::Scale;
    net A(x: [T, 4]) -> [T, 4] {
        T = 4;
        a: Scale(4),
//         ^^^^^^^^error{`a`: arguments of your own layers are given by name}
// help{each is a field of its `Config`: `heads = 4`}
        b: Scale(heads = [Linear(_, 4)]),
//               ^^^^^error{`b`: an argument of your own layer is an expression}
        c: Scale(heads = 2, heads = 3),
//                          ^^^^^error{`c`: `heads` is given twice}
// help{remove one of the two}
    }
}

// All is well.
snn_net! {
    use crate::layers::Scale;
    net A(x: [T, 4]) -> [T, 2] {
        T = 4;
        const DEEP: bool = true;
        [[Linear(_, 4), IFNode()]; 2],
        if DEEP && T > 2 { a: Linear(_, 4), b: Linear(_, 4) } else if T == 1 { c: Linear(_, 4) },
        choice: if !DEEP { Identity() } else { [Linear(_, 4), [Linear(_, 4)]] },
        Scale(heads = 1 + 1, name = "s") -> [4],
        named: [fc: Linear(_, 2), Identity()],
    }
}
