snn_net! {
    /// Convolutional SNN for Fashion-MNIST.
    pub net Csnn(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        const CH: usize = 128;

        conv1: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        #[record(spikes)]
        sn1: IFNode(),
        MaxPool2d(2),

        conv2: Conv2d(_, CH, 3, padding = 1, bias = false),
        BatchNorm2d(_), IFNode(), MaxPool2d(2),

        Flatten(),
        fc1: Linear(_, CH * 4 * 4, bias = false), IFNode(),
        fc2: Linear(_, 10, bias = false), sn4: IFNode(),
        MeanOverTime(),
    }
}
