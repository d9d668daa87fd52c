//! The convolutional net of SpikingJelly's tutorial.

use snn::snn_net;

snn_net! {
    /// `CSNN` of SpikingJelly's tutorial "Convolutional SNN to Classify FMNIST" (`activation_based.examples.conv_fashion_mnist`), with 128 channels:
    /// 13,014,656 parameters, with `STEPS` = 4 there. The architecture is that of Fang et al., "Incorporating Learnable Membrane Time Constant to Enhance
    /// Learning of Spiking Neural Networks", ICCV 2021, with integrate-and-fire neurons.
    pub net Csnn<const STEPS: usize>(x: [1, 28, 28]) -> [10] {
        T = STEPS;
        step_mode = 'm';
        surrogate = ATan;
        const CH: usize = 128;

        conv_fc: [
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Flatten(),
            Linear(_, CH * 4 * 4, bias = false), IFNode(),
            Linear(_, 10, bias = false), IFNode(),
        ],
        MeanOverTime(),
    }
}
