//! What stands between layers.

// A comma is missing.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc1: Linear(_, 8)
//                      ^error{missing `,` after `fc1`}
// help{layers are separated by `,`}
        sn1: IFNode(),
        fc2: Linear(_, 4), IFNode(), MeanOverTime(),
    }
}

// A comma is missing between unnamed layers.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        Linear(_, 4) IFNode() MeanOverTime(),
//                 ^error{missing `,` after `Linear`}
// help{layers are separated by `,`}
//                          ^error{missing `,` after `IFNode`}
// help{layers are separated by `,`}
    }
}

// A comma is missing after a list.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4), IFNode()]
//                                   ^error{missing `,` after `head`}
// help{layers are separated by `,`}
        MeanOverTime(),
    }
}

// A comma is missing inside a list.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4) IFNode()],
//                        ^error{missing `,` after `Linear`}
// help{layers are separated by `,`}
        MeanOverTime(),
    }
}

// `;` instead of `,`.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4);
//                      ^error{a layer ends with `,`, not `;`}
// help{`use`, settings and consts end with `;`, layers with `,`}
        IFNode(), MeanOverTime(),
    }
}

// `;` between the layers of a list.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        head: [Linear(_, 4); IFNode()],
//                         ^error{the layers of a list are separated by `,`, not `;`}
// help{write `[a, b]`, or `[a; 2]` for two copies}
        MeanOverTime(),
    }
}

// Two commas.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4),,
//                       ^error{expected a layer, but got `,`}
// help{leave it out}
        IFNode(), MeanOverTime(),
    }
}

// Something else instead of a comma.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4) + 3,
//                       ^error{expected `,` after `fc`, but got `+`}
        IFNode(), MeanOverTime(),
    }
}

// A pipeline of methods.
snn_net! {
    net A(x: [4]) -> [4] {
        T = 4;
        fc: Linear(_, 4).relu().dropout(0.5),
//                      ^^^^^^^^^^^^^^^^^^^^error{a layer has no methods}
// help{write the next layer as an entry of its own: `IFNode(),`}
        IFNode(), MeanOverTime(),
    }
}
