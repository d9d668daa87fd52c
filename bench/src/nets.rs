//! The nets of the benchmark, written as a user would. Their weights are named as in the models of `peers/`.

use snn::snn_net;

snn_net! {
    /// LIF neurons alone.
    pub(crate) net Lif<const STEPS: usize>(x: [T, 128, 14, 14]) -> [T, 128, 14, 14] {
        T = STEPS;
        step_mode = 'm';
        surrogate = ATan;
        sn: LIFNode(tau = 2.0),
    }
}

snn_net! {
    /// The convolutional net of SpikingJelly's tutorial on Fashion-MNIST.
    pub(crate) net Csnn(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        const CH: usize = 128;

        conv1: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), bn1: BatchNorm2d(_),
        #[record(spikes)] sn1: IFNode(), MaxPool2d(2),
        conv2: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), bn2: BatchNorm2d(_),
        #[record(spikes)] sn2: IFNode(), MaxPool2d(2),
        Flatten(),
        fc1: Linear(_, CH * 4 * 4, bias = false),
        #[record(spikes)] sn3: IFNode(),
        fc2: Linear(_, 10, bias = false),
        #[record(spikes)] sn4: IFNode(),
        MeanOverTime(),
    }
}

snn_net! {
    /// One layer of the Open Neuromorphic benchmark: many steps, few operations in each.
    pub(crate) net Dense<const FEATURES: usize>(x: [T, FEATURES]) -> [T, FEATURES] {
        T = 500;
        step_mode = 'm';
        surrogate = ATan;
        fc: Linear(_, FEATURES), sn: LIFNode(tau = 2.0),
    }
}

snn_net! {
    /// Spike-element-wise residual block (Fang et al., NeurIPS 2021).
    block SewBasic(c, stride = 1) {
        conv1: Conv2d(_, c, 3, stride = stride, padding = 1, bias = false), bn1: BatchNorm2d(_), sn1: IFNode(),
        conv2: Conv2d(_, c, 3, padding = 1, bias = false), bn2: BatchNorm2d(_), sn2: IFNode(),
        downsample: if stride != 1 {
            [Conv2d(_, c, 1, stride = stride, bias = false), BatchNorm2d(_), IFNode()]
        } else {
            Identity()
        },

        forward(x) {
            sew_add(sn2(bn2(conv2(sn1(bn1(conv1(x)))))), downsample(x))
        }
    }

    /// SEW-ResNet-18 on small images.
    pub(crate) net SewResNet18(x: [3, 32, 32]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        conv1: Conv2d(_, 64, 7, stride = 2, padding = 3, bias = false), bn1: BatchNorm2d(_), sn1: IFNode(),
        MaxPool2d(3, stride = 2, padding = 1),
        layer1: [SewBasic(64); 2],
        layer2: [SewBasic(128, stride = 2), SewBasic(128)],
        layer3: [SewBasic(256, stride = 2), SewBasic(256)],
        layer4: [SewBasic(512, stride = 2), SewBasic(512)],
        avgpool: AdaptiveAvgPool2d(1), Flatten(),
        fc: Linear(_, 10),
        MeanOverTime(),
    }
}
