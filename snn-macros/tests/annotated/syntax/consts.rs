//! `const NAME: Type = value;`

// No type.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        const C = 4;
//            ^error{`C` needs a type}
// help{write `const C: usize = ..;`}
        Linear(_, C), IFNode(), MeanOverTime(),
    }
}

// No `:`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        const C usize = 4;
//            ^error{missing `:` after `C`}
// help{write `const C: usize = ..;`}
        Linear(_, C), IFNode(), MeanOverTime(),
    }
}

// No value.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        const C: usize;
//                    ^error{`C` needs a value}
// help{write `const C: usize = ..;`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Ends with a comma.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        const C: usize = 4,
//                        ^error{`const C` ends with `;`, not `,`}
// help{`use`, settings and consts end with `;`, layers with `,`}
        Linear(_, C), IFNode(), MeanOverTime(),
    }
}

// No name.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        const = 4;
//            ^error{a const needs a name, but got `=`}
// help{write `const CH: usize = 128;`}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// After the first layer.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        const C: usize = 4;
//            ^error{`C` comes after the first layer}
// help{consts come first: move it above `fc`}
        IFNode(), MeanOverTime(),
    }
}
