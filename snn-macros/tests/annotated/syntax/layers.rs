//! `Layer(..)`

// No parentheses.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode,
//          ^^^^^^error{`IFNode` needs its parentheses}
// help{write `IFNode()`}
        MeanOverTime(),
    }
}

// No parentheses and no comma.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),
        sn: IFNode
//          ^^^^^^error{`IFNode` needs its parentheses}
// help{write `IFNode()`}
        m: MeanOverTime(),
    }
}

// Braces.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear { out_features = 4 },
//                 ^^^^^^^^^^^^^^^^^^^^error{`Linear` takes its arguments in parentheses}
// help{write `Linear(..)`}
        IFNode(), MeanOverTime(),
    }
}

// Generics.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear<4, 4>(),
//                ^^^^^^error{`Linear` takes its sizes in parentheses}
// help{write `Linear(_, 64)`}
        IFNode(), MeanOverTime(),
    }
}

// Python: a module and a dot.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: nn.Linear(_, 4),
//          ^^^^^^^^^error{a layer has no module before a dot}
// help{write `Linear(..)`}
        IFNode(), MeanOverTime(),
    }
}

// Not a layer at all.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: 4,
//          ^error{`fc` expects a layer, but gets `4`}
// help{a layer is written `Linear(_, 10)`}
        IFNode(), MeanOverTime(),
    }
}

// A macro.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: linear!(_, 4),
//          ^^^^^^error{`linear!` is a macro, not a layer}
// help{a layer is written `Linear(_, 10)`}
        IFNode(), MeanOverTime(),
    }
}

// A bare name.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: linear,
//          ^^^^^^error{expected a layer, but got `linear`}
// help{a layer is written `Linear(_, 10)`}
        IFNode(), MeanOverTime(),
    }
}
