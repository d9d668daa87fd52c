//! The net: what the demo trains, and what `examples/infer` runs without libtorch. In: images of 28 x 28; out: ten classes.

use snn::snn_net;

snn_net! {
    /// Convolutional spiking network for images of 28 x 28, shown for four steps.
    pub net Csnn(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;
        const CH: usize = 16;

        conv1: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        #[record(spikes)]
        sn1: IFNode(),
        MaxPool2d(2),

        conv2: Conv2d(_, 2 * CH, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
        #[record(spikes)]
        sn2: IFNode(),
        MaxPool2d(2),

        Flatten(),
        Dropout(0.25),
        fc1: Linear(_, 128, bias = false),
        #[record(spikes, voltage)]
        sn3: LIFNode(tau = 2.0),
        fc2: Linear(_, 10),
        MeanOverTime(),
    }
}
