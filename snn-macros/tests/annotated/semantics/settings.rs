//! Settings of the net.

// `T` is missing.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
//      ^error{`A` does not say how many steps it runs}
// help{add `T = 4;` as its first line}
        step_mode = 'm';
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// `T` is zero.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 0;
//          ^error{`T` must be at least 1, but is 0}
// help{a net runs for at least one step}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A setting misspelt.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mod = 'm';
//      ^^^^^^^^error{unknown setting `step_mod`}
// help{did you mean `step_mode`?}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A setting given twice.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        T = 8;
//      ^error{`T` is set twice}
// help{remove one of the two}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A step mode that is none.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'x';
//                  ^^^error{`step_mode` expects `'s'` or `'m'`, but gets `'x'`}
// help{`'s'` runs step by step, `'m'` runs whole sequences}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A step mode in the wrong quotes.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = "m";
//                  ^^^error{`step_mode` expects `'s'` or `'m'`, but gets `"m"`}
// help{write `'m'`}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}
