//! Shapes that do not fit, from one layer to the next.

// The features in front of a `Linear`, counted by hand and wrong.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 16, 3, padding = 1),
        sn: IFNode(),
        flat: Flatten(),
        fc1: Linear(64 * 7 * 7, 128), IFNode(),
//                  ^^^^^^^^^^error{`fc1` expects 3136 input features, but gets 12544}
// note{`flat` (line 9) outputs [12544]}
// help{write `_` here to infer it}
        Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// The same with a literal.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(),
        fc1: Linear(783, 10), IFNode(), MeanOverTime(),
//                  ^^^error{`fc1` expects 783 input features, but gets 784}
// note{`flat` (line 19) outputs [784]}
// help{write `_` here to infer it}
    }
}

// By name.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(),
        fc1: Linear(in_features = 783, out_features = 10), IFNode(), MeanOverTime(),
//                                ^^^error{`fc1` expects 783 input features, but gets 784}
// note{`flat` (line 28) outputs [784]}
// help{write `_` here to infer it}
    }
}

// The input of the net itself.
snn_net! {
    net A(x: [784]) -> [10] {
        T = 4;
        fc1: Linear(8, 10), IFNode(), MeanOverTime(),
//                  ^error{`fc1` expects 8 input features, but gets 784}
// note{input `x` is [784]}
// help{write `_` here to infer it}
    }
}

// Channels.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv1: Conv2d(3, 16, 3), IFNode(),
//                    ^error{`conv1` expects 3 input channels, but gets 1}
// note{input `x` is [1, 28, 28]}
// help{write `_` here to infer it}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A `Linear` right after a convolution.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, 3), IFNode(),
        fc1: Linear(_, 10), IFNode(), MeanOverTime(),
//           ^^^^^^^^^^^^^error{`fc1`: `Linear` needs a flat [features] input, but gets [8, 26, 26]}
// note{`IFNode` (line 54) outputs [8, 26, 26]}
// help{put `Flatten(),` before it}
    }
}

// A convolution after `Flatten`.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(),
        conv: Conv2d(_, 8, 3), IFNode(), Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
//            ^^^^^^^^^^^^^^^error{`conv`: `Conv2d` needs a [C, H, W] input, but gets [784]}
// note{`flat` (line 63) outputs [784]}
// help{put it before `Flatten()`}
    }
}

// A kernel larger than its input.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        pool: AvgPool2d(5),
        conv: Conv2d(_, 8, 7), IFNode(),
//                         ^error{`conv`: a 7x7 kernel does not fit the 5x5 input}
// note{`pool` (line 72) outputs [1, 5, 5]}
// help{use a smaller kernel, or `padding = 1`}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A pooling window larger than its input.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        pool: MaxPool2d(30),
//                      ^^error{`pool`: a 30x30 window does not fit the 28x28 input}
// note{input `x` is [1, 28, 28]}
// help{use a smaller window}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// Groups that do not divide the channels.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv1: Conv2d(_, 6, 3), IFNode(),
        conv2: Conv2d(_, 8, 3, groups = 4), IFNode(),
//                                      ^error{`conv2`: `groups = 4` does not divide `in_channels`, which is 6}
// help{make `in_channels` a multiple of 4}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// Groups that do not divide the outputs.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv1: Conv2d(_, 6, 3), IFNode(),
        conv2: Conv2d(_, 8, 3, groups = 3), IFNode(),
//                                      ^error{`conv2`: `groups = 3` does not divide `out_channels`, which is 8}
// help{make `out_channels` a multiple of 3}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// Batch norm of the wrong width.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, 3),
        bn: BatchNorm2d(16), IFNode(),
//                      ^^error{`bn` expects 16 input channels, but gets 8}
// note{`conv` (line 111) outputs [8, 26, 26]}
// help{write `_` here to infer it}
        Flatten(), Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

// A voting layer that does not divide.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(), Linear(_, 105), IFNode(),
        VotingLayer(10), MeanOverTime(),
//                  ^^error{`VotingLayer(10)` needs a multiple of 10 features, but gets 105}
// note{`IFNode` (line 121) outputs [105]}
// help{`Linear(_, 100)` gives 10 classes}
    }
}

// One mistake, one message: what follows keeps quiet.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(),
        fc1: Linear(783, 128), IFNode(),
//                  ^^^error{`fc1` expects 783 input features, but gets 784}
// note{`flat` (line 130) outputs [784]}
// help{write `_` here to infer it}
        fc2: Linear(128, 10), IFNode(), MeanOverTime(),
    }
}

// Two mistakes, two messages.
snn_net! {
    net A(x: [1, 28, 28]) -> [10] {
        T = 4;
        flat: Flatten(),
        fc1: Linear(783, 128), IFNode(),
//                  ^^^error{`fc1` expects 783 input features, but gets 784}
// note{`flat` (line 140) outputs [784]}
// help{write `_` here to infer it}
        fc2: Linear(64, 10), IFNode(), MeanOverTime(),
//                  ^^error{`fc2` expects 64 input features, but gets 128}
// note{`IFNode` (line 141) outputs [128]}
// help{write `_` here to infer it}
    }
}
