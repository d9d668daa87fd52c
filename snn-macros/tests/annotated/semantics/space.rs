//! Layers over one to three axes of space: ranks, kernels, windows, groups.

// A convolution over fewer axes than there are.
snn_net! {
    net A(x: [T, 1, 28, 28]) {
        T = 4;
        conv: Conv1d(_, 8, 3),
//            ^^^^^^^^^^^^^^^error{`conv`: `Conv1d` needs a [C, L] input, but gets [1, 28, 28]}
// note{input `x` is [1, 28, 28]}
// help{`Conv2d` takes [1, 28, 28]}
    }
}

// And over more.
snn_net! {
    net A(x: [T, 2, 100]) {
        T = 4;
        conv: Conv3d(_, 8, 3),
//            ^^^^^^^^^^^^^^^error{`conv`: `Conv3d` needs a [C, D, H, W] input, but gets [2, 100]}
// note{input `x` is [2, 100]}
// help{`Conv1d` takes [2, 100]}
    }
}

// Nothing is over four axes.
snn_net! {
    net A(x: [T, 2, 3, 4, 5, 6]) {
        T = 4;
        MaxPool3d(2),
//      ^^^^^^^^^^^^error{`MaxPool3d` needs a [C, D, H, W] input, but gets [2, 3, 4, 5, 6]}
// note{input `x` is [2, 3, 4, 5, 6]}
    }
}

// A kernel that one of three axes has no room for.
snn_net! {
    net A(x: [T, 2, 4, 9, 9]) {
        T = 4;
        conv: Conv3d(_, 8, (5, 3, 3), dilation = (2, 1, 1)),
//                         ^^^^^^^^^error{`conv`: a 5x3x3 kernel, 2x1x1 apart, does not fit the 4x9x9 input}
// note{input `x` is [2, 4, 9, 9]}
// help{use a smaller kernel, or `padding = 3`}
    }
}

// Two sizes for three axes.
snn_net! {
    net A(x: [T, 2, 4, 9, 9]) {
        T = 4;
        conv: Conv3d(_, 8, (3, 3)),
//                         ^^^^^^error{`conv`: `kernel_size` expects one size or 3, but gets 2}
// help{one size serves all 3 axes}
    }
}

// Two sizes for one axis.
snn_net! {
    net A(x: [T, 2, 40]) {
        T = 4;
        conv: Conv1d(_, 8, (3, 3)),
//                         ^^^^^^error{`conv`: `kernel_size` expects one size, but gets 2}
    }
}

// A word that is no padding.
snn_net! {
    net A(x: [T, 2, 40]) {
        T = 4;
        conv: Conv1d(_, 8, 3, padding = "full"),
//                                      ^^^^^^error{`conv`: `padding` expects one of "same", "valid", but gets "full"}
    }
}

// No group at all.
snn_net! {
    net A(x: [T, 2, 40]) {
        T = 4;
        conv: Conv1d(_, 8, 3, groups = 0),
//                                     ^error{`conv`: `groups` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}

// The size cannot be kept in strides.
snn_net! {
    net A(x: [T, 2, 40]) {
        T = 4;
        conv: Conv1d(_, 8, 3, stride = 2, padding = "same"),
//                                                  ^^^^^^error{`conv`: `padding = "same"` keeps the size, but `stride` shrinks it}
// help{use `stride = 1`, or give `padding` as a size}
    }
}

// A mirror shows no more than there is.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        conv: Conv1d(_, 8, 3, padding = 4, padding_mode = "reflect"),
//                                      ^error{`conv`: `padding_mode = "reflect"` needs padding below the input's size, but gets 4 for 4}
// note{input `x` is [2, 4]}
// help{use less padding, or `padding_mode = "zeros"`}
    }
}

// Channels that do not agree.
snn_net! {
    net A(x: [T, 2, 7, 7]) {
        T = 4;
        up: ConvTranspose2d(3, 8, 2),
//                          ^error{`up` expects 3 input channels, but gets 2}
// note{input `x` is [2, 7, 7]}
// help{write `_` here to infer it}
    }
}

// Transposed: more is added than a stride leaves open.
snn_net! {
    net A(x: [T, 2, 7, 7]) {
        T = 4;
        up: ConvTranspose2d(_, 8, 3, stride = 2, output_padding = (1, 2)),
//                                                                ^^^^^^error{`up`: `output_padding` must be smaller than `stride`, 2, or `dilation`, 1, but is 2}
// help{use `output_padding = 1`, or a larger `stride`}
    }
}

// Transposed: nothing can be added without a stride.
snn_net! {
    net A(x: [T, 2, 7]) {
        T = 4;
        up: ConvTranspose1d(_, 8, 3, output_padding = 1),
//                                                    ^error{`up`: `output_padding` must be smaller than `stride`, 1, or `dilation`, 1, but is 1}
// help{leave it out, or use a larger `stride`}
    }
}

// Transposed: all is cut off.
snn_net! {
    net A(x: [T, 2, 1, 3]) {
        T = 4;
        up: ConvTranspose2d(_, 8, 2, padding = 1),
//                                             ^error{`up`: nothing is left once `padding` cuts 1x1 cells off each side}
// note{input `x` is [2, 1, 3]}
// help{use less padding, or a larger kernel}
    }
}

// Transposed: what lies outside is zero.
snn_net! {
    net A(x: [T, 2, 7, 7]) {
        T = 4;
        up: ConvTranspose2d(_, 8, 3, padding_mode = "reflect"),
//                                                  ^^^^^^^^^error{`up`: `padding_mode` expects "zeros", but gets "reflect"}
    }
}

// Transposed: groups.
snn_net! {
    net A(x: [T, 6, 7, 7]) {
        T = 4;
        up: ConvTranspose2d(_, 8, 3, groups = 3),
//                                            ^error{`up`: `groups = 3` does not divide `out_channels`, which is 8}
// help{make `out_channels` a multiple of 3}
    }
}

// A window with too much padding.
snn_net! {
    net A(x: [T, 2, 40]) {
        T = 4;
        pool: AvgPool1d(3, padding = 2),
//                                   ^error{`pool`: `padding` must be at most half the window, but is 2 for a window of 3}
// help{use `padding = 1`, or a larger window}
    }
}

// A window beyond the input.
snn_net! {
    net A(x: [T, 2, 5]) {
        T = 4;
        pool: MaxPool1d(3, dilation = 3),
//                      ^error{`pool`: a window of 3, 3 apart, does not fit the input of 5}
// note{input `x` is [2, 5]}
// help{use a smaller window}
    }
}

// An average over three axes does not count its padding.
snn_net! {
    net A(x: [T, 2, 3, 4, 4]) {
        T = 4;
        pool: AvgPool3d(4, padding = 1),
//                      ^error{`pool`: a 4x4x4 window does not fit the 3x4x4 input}
// note{input `x` is [2, 3, 4, 4]}
// help{use a smaller window; `AvgPool3d` does not count its padding}
    }
}

// Only the averages over two and three axes take another divisor.
snn_net! {
    net A(x: [T, 2, 40]) {
        T = 4;
        pool: AvgPool1d(2, divisor_override = 3),
//                         ^^^^^^^^^^^^^^^^error{`pool`: `AvgPool1d` has no argument `divisor_override`}
// help{`AvgPool1d(kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true)`}
    }
}

// A divisor of nothing.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        pool: AvgPool2d(2, divisor_override = 0),
//                                            ^error{`pool`: `divisor_override` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}

// An adaptive pool that keeps everything.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        pool: AdaptiveAvgPool2d(None),
//                              ^^^^error{`pool`: `output_size` expects a size for each axis, but gets `None`}
// help{`None` keeps one axis; `(None, None)` would keep them all}
    }
}

// An adaptive pool to nothing.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        pool: AdaptiveAvgPool2d((None, 0)),
//                                     ^error{`pool`: `output_size` must be at least 1, but is 0}
// help{write a size of 1 or more}
    }
}

// An adaptive pool of features.
snn_net! {
    net A(x: [T, 20]) {
        T = 4;
        pool: AdaptiveAvgPool1d(5),
//            ^^^^^^^^^^^^^^^^^^^^error{`pool`: `AdaptiveAvgPool1d` needs a [C, L] input, but gets [20]}
// note{input `x` is [20]}
// help{put it before `Flatten()`}
    }
}

// A float is no size.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        pool: AdaptiveAvgPool2d((2.5, None)),
//                               ^^^error{`pool`: `output_size` is a size, but gets `2.5`}
// help{write `2`}
    }
}

// Two outputs where one is declared.
snn_net! {
    net A(x: [T, 2, 4]) -> [T, 2, 2] {
//      ^error{`A` declares 1 output, but gives 2}
// help{declare one shape for each value that `forward` ends with}
        T = 4;
        pool: MaxPool1d(2, return_indices = true),
    }
}

// `Upsample` without a target.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(),
//          ^^^^^^^^^^error{`up` needs `size` or `scale_factor`}
// help{`Upsample(scale_factor = 2)` doubles each axis}
    }
}

// `Upsample` with two.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(8, 2),
//                      ^error{`up` gets both `size` and `scale_factor`}
// help{give one of the two}
    }
}

// As many factors as axes.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(scale_factor = (2, 2)),
//                                  ^^^^^^error{`up`: `scale_factor` has 2 values for one axis of space}
// note{input `x` is [2, 4]}
// help{give one for each axis, or one for all of them}
    }
}

// The mode of an image on a series.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(scale_factor = 2, mode = "bilinear"),
//                                            ^^^^^^^^^^error{`up`: `mode = "bilinear"` needs a [C, H, W] input, but gets [2, 4]}
// note{input `x` is [2, 4]}
// help{`mode = "linear"` works on it}
    }
}

// The nearest cell knows no corners.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(scale_factor = 2, align_corners = true),
//                                                     ^^^^error{`up`: `align_corners` has no meaning for the nearest cell}
// help{remove it}
    }
}

// A factor that leaves nothing.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(scale_factor = 0.2),
//                                  ^^^error{`up`: `scale_factor = 0.2` leaves nothing of the input of 4}
// note{input `x` is [2, 4]}
// help{use a larger factor}
    }
}

// A factor below 0.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(scale_factor = -2),
//                                  ^^error{`up`: `scale_factor` must be greater than 0, but is `-2`}
    }
}

// No factor to follow from a size.
snn_net! {
    net A(x: [T, 2, 4]) {
        T = 4;
        up: Upsample(9, recompute_scale_factor = true),
//                                               ^^^^error{`up`: `recompute_scale_factor` has no meaning where `size` is given}
// help{remove it}
    }
}

// `Upsample` of features.
snn_net! {
    net A(x: [T, 20]) {
        T = 4;
        up: Upsample(40),
//          ^^^^^^^^^^^^error{`up`: `mode = "nearest"` needs a [C, L], [C, H, W] or [C, D, H, W] input, but gets [20]}
// note{input `x` is [20]}
// help{put it before `Flatten()`}
    }
}

// Weight standardisation pads with zeros only.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        conv: WSConv2d(_, 4, 3, padding = 1, padding_mode = "circular"),
//                                                          ^^^^^^^^^^error{`conv`: `padding_mode` expects "zeros", but gets "circular"}
    }
}

// One weight has no variance.
snn_net! {
    net A(x: [T, 4, 4, 4]) {
        T = 4;
        conv: WSConv2d(_, 4, 1, groups = 4),
//            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^error{`conv` standardises the weights of each output, but there is one weight per output}
// help{use `Conv2d`}
    }
}

// Nor has the weight of a single feature.
snn_net! {
    net A(x: [T, 1]) {
        T = 4;
        fc: WSLinear(_, 4),
//          ^^^^^^^^^^^^^^error{`fc` standardises the weights of each output, but there is one weight per output}
// help{use `Linear`}
    }
}

// What is logged is a text.
snn_net! {
    net A(x: [T, 4]) {
        T = 4;
        PrintShapeModule(5),
//                       ^error{`PrintShapeModule`: `ext_str` expects a string, but gets `5`}
    }
}

// `MaxUnpool2d` needs to know where.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        MaxPool2d(2),
        up: MaxUnpool2d(2),
//          ^^^^^^^^^^^^^^error{`up` takes 2 values, but gets 1}
// note{`MaxPool2d` (line 319) outputs [T, 2, 2, 2]}
// help{write a `forward` that calls it on both: `unpool(y, indices)`}
    }
}

// In `forward` as well.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        pool: MaxPool2d(2, return_indices = true),
        up: MaxUnpool2d(2),
        forward(x) {
            let (y, i) = pool(x);
            up(y)
//          ^^^^^error{`up` takes 2 values, but gets 1}
// help{write `up(y, indices)` with both outputs of a `MaxPool2d(.., return_indices = true)`}
        }
    }
}

// Indices of another shape.
snn_net! {
    net A(x: [T, 2, 4, 4]) {
        T = 4;
        pool: MaxPool2d(2, return_indices = true),
        again: MaxPool2d(2),
        up: MaxUnpool2d(2),
        forward(x) {
            let (y, i) = pool(x);
            up(again(y), i)
//          ^^^^^^^^^^^^^^^error{`up` needs values of one shape, but gets [T, 2, 1, 1] and [T, 2, 2, 2]}
// note{`again` (line 342) outputs [T, 2, 1, 1]; `pool` (line 341) outputs [T, 2, 2, 2]}
// help{give it both outputs of one `MaxPool2d(.., return_indices = true)`}
        }
    }
}

// A size that no such pool shrinks to this.
snn_net! {
    net A(x: [T, 2, 5, 5]) {
        T = 4;
        pool: MaxPool2d(2, return_indices = true),
        up: MaxUnpool2d(2, output_size = 6),
//                                       ^error{`up` gives a 4x4 output, give or take less than a stride, but `output_size` asks for a 6x6 one}
// note{`pool` (line 355) outputs [2, 2, 2]}
// help{write the size that went into the `MaxPool`}
        forward(x) {
            let (y, i) = pool(x);
            up(y, i)
        }
    }
}
