//! The nets of the benchmark, written as a user would. Their weights are named as in the models of `peers/`.

use snn::snn_net;

/// SEW-ResNet-18, as the zoo has it.
#[allow(missing_docs, dead_code, reason = "fields and methods of generated nets, and the zoo's SEW-ResNet-34")]
#[path = "../../examples/zoo/nets/sew_resnet.rs"]
mod sew_resnet;

pub(crate) use sew_resnet::SewResNet18;

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
