//! What stands outside nets and blocks.

// An unknown item.
snn_net! {
    import torch;
//  ^^^^^^error{unknown item `import`}
// help{a net starts `net Net(x: [784]) -> [10] { .. }`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A setting outside the net.
snn_net! {
    T = 4;
//  ^error{a setting belongs in the body of a net}
// help{move it into `net Net(..) { .. }`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A layer outside the net.
snn_net! {
    fc: Linear(_, 4),
//  ^^error{a layer belongs in the body of a net}
// help{move it into `net Net(..) { .. }`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `use` without a path.
snn_net! {
    use;
//  ^^^error{`use` needs a path}
// help{write `use crate::layers::MyLayer;`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `use` from the root.
snn_net! {
    use ::std::f64::consts;
//      ^^error{`use` starts at a crate, or at `crate::`, not at `::`}
// help{leave out the first `::`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A public const.
snn_net! {
    pub const C: usize = 4;
//  ^^^error{a const inside the macro takes no `pub`}
// help{leave it out}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Something else.
snn_net! {
    42
//  ^^error{expected `net` or `block`, but got `42`}
// help{a net starts `net Net(x: [784]) -> [10] { .. }`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// `use` ends with `;`.
snn_net! {
    use std::f64::consts
//                ^^^^^^error{missing `;` after `use`}
// help{`use`, settings and consts end with `;`, layers with `,`}
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}
