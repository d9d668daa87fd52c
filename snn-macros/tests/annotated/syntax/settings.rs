//! `name = value;` and what it is mistaken for.

// A setting ends with `;`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4,
//           ^error{`T = 4` ends with `;`, not `,`}
// help{`use`, settings and consts end with `;`, layers with `,`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// The `;` is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4
//          ^error{missing `;` after `T = 4`}
// help{`use`, settings and consts end with `;`, layers with `,`}
        step_mode = 'm';
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// The `;` is missing before a layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4
//          ^error{missing `;` after `T = 4`}
// help{`use`, settings and consts end with `;`, layers with `,`}
        fc: Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `:` instead of `=`.
snn_net! {
    net A(x: [4]) -> [4] {
        T: 4;
//       ^error{a setting takes `=`, not `:`}
// help{write `T = 4;`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Python habits: `:` and `,`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode: 'm',
//               ^error{a setting takes `=`, not `:`}
// help{write `step_mode = 'm';`}
//                    ^error{`step_mode = 'm'` ends with `;`, not `,`}
// help{`use`, settings and consts end with `;`, layers with `,`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// After the first layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4), IFNode(), MeanOverTime(),
        step_mode = 'm';
//      ^^^^^^^^^error{`step_mode` comes after the first layer}
// help{settings come first: move it above `fc`}
    }
}

// After the first layer, which has no name.
snn_net! {
    net A(x: [4]) -> [4] {
        Linear(_, 4), IFNode(), MeanOverTime(),
        T = 4;
//      ^error{`T` comes after the first layer}
// help{settings come first: move it above `Linear`}
    }
}

// After `forward`.
snn_net! {
    net A(x: [4]) -> [4] {
        fc: Linear(_, 4),
        sn: IFNode(),
        forward(x) { mean_over_time(sn(fc(x))) }
        T = 4;
//      ^error{`T` comes after the first layer}
// help{settings come first: move it above `fc`}
    }
}

// A quote is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        step_mode = 'm;
//                  ^^error{this quote is never closed}
// help{write `'m'`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// No value.
snn_net! {
    net A(x: [4]) -> [4] {
        T = ;
//      ^error{`T` needs a value}
// help{write `T = 4;`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `let` is not needed.
snn_net! {
    net A(x: [4]) -> [4] {
        let T = 4;
//      ^^^error{a setting is written without `let`}
// help{leave out `let`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Half an expression.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4 *;
//             ^error{expected an expression}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An attribute.
snn_net! {
    net A(x: [4]) -> [4] {
        #[cfg(test)]
//      ^^^^^^^^^^^^error{a setting takes no attributes}
// help{attributes go before a net, a block or a layer; leave this one out}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Inside `if`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        if true { v_reset = 0.0; Linear(_, 4), IFNode() } else { Linear(_, 4), IFNode() }
//                ^^^^^^^error{a setting belongs at the top of the net, not in `if`}
// help{move it up}
        MeanOverTime(),
    }
}
