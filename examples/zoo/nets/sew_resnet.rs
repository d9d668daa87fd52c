//! Spike-element-wise residual nets.

use snn::snn_net;

snn_net! {
    /// The residual block: what is added are spikes, so that a block can be the identity.
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

    /// SEW-ResNet-18: Fang et al., "Deep Residual Learning in Spiking Neural Networks", NeurIPS 2021. `W` is the width, 64 in the paper.
    ///
    /// SpikingJelly equivalent: `model.sew_resnet.sew_resnet18(cnf="ADD")`. For ImageNet, `SIDE` = 224 and 1000 classes, 11,689,512 parameters.
    pub net SewResNet18<const W: usize, const SIDE: usize, const CLASSES: usize>(x: [3, SIDE, SIDE]) -> [CLASSES] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        conv1: Conv2d(_, W, 7, stride = 2, padding = 3, bias = false), bn1: BatchNorm2d(_), sn1: IFNode(),
        maxpool: MaxPool2d(3, stride = 2, padding = 1),
        layer1: [SewBasic(W); 2],
        layer2: [SewBasic(2 * W, stride = 2), SewBasic(2 * W)],
        layer3: [SewBasic(4 * W, stride = 2), SewBasic(4 * W)],
        layer4: [SewBasic(8 * W, stride = 2), SewBasic(8 * W)],
        avgpool: AdaptiveAvgPool2d(1), Flatten(), fc: Linear(_, CLASSES), MeanOverTime(),
    }

    /// SEW-ResNet-34 of the same paper; `model.sew_resnet.sew_resnet34(cnf="ADD")`. For ImageNet 21,797,672 parameters.
    pub net SewResNet34<const W: usize, const SIDE: usize, const CLASSES: usize>(x: [3, SIDE, SIDE]) -> [CLASSES] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        conv1: Conv2d(_, W, 7, stride = 2, padding = 3, bias = false), bn1: BatchNorm2d(_), sn1: IFNode(),
        maxpool: MaxPool2d(3, stride = 2, padding = 1),
        layer1: [SewBasic(W); 3],
        layer2: [SewBasic(2 * W, stride = 2), SewBasic(2 * W), SewBasic(2 * W), SewBasic(2 * W)],
        layer3: [SewBasic(4 * W, stride = 2), SewBasic(4 * W), SewBasic(4 * W), SewBasic(4 * W), SewBasic(4 * W), SewBasic(4 * W)],
        layer4: [SewBasic(8 * W, stride = 2), SewBasic(8 * W), SewBasic(8 * W)],
        avgpool: AdaptiveAvgPool2d(1), Flatten(), fc: Linear(_, CLASSES), MeanOverTime(),
    }
}
