//! Attributes and doc comments.

// Nothing follows.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
        #[record(spikes)]
//      ^^^^^^^^^^^^^^^^^error{nothing follows this attribute}
// help{leave it out}
    }
}

// A comment that documents nothing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
        /// The end.
//      ^^^^^^^^^^^^error{nothing follows this comment}
// help{leave it out}
    }
}

// An inner comment.
snn_net! {
    net A(x: [4]) -> [4] {
        //! The layers.
//      ^^^^^^^^^^^^^^^error{`//!` documents what encloses it, but stands before an item}
// help{write `///`}
        T = 4;
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// An inner attribute.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        #![record(spikes)]
//      ^^^^^^^^^^^^^^^^^^error{`#![..]` belongs to what encloses it, but stands before an item}
// help{write `#[..]`}
        sn: Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A `#` alone.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        #
//      ^error{`#` starts an attribute, but no `[..]` follows}
// help{write `#[record(spikes)]`, or leave it out}
        Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// Half an attribute.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4),
        #[record =]
//                ^error{expected an expression}
        IFNode(), MeanOverTime(),
    }
}

// On `forward`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode(),
        #[inline]
//      ^^^^^^^^^error{`forward` takes no attributes}
// help{attributes go before a net, a block or a layer; leave this one out}
        forward(x) { mean_over_time(sn(fc(x))) }
    }
}

// On a const outside the net.
snn_net! {
    #[allow(dead_code)]
//  ^^^^^^^^^^^^^^^^^^^error{a const inside the macro takes no attributes}
// help{attributes go before a net, a block or a layer; leave this one out}
    const C: usize = 4;
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, C), IFNode(), MeanOverTime(),
    }
}
