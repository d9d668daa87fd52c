snn_net! {
    /// Spike-element-wise residual block (Fang et al., NeurIPS 2021).
    block SewBasic(c, stride = 1) {
        conv1: [Conv2d(_, c, 3, stride = stride, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
        conv2: [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode()],
        shortcut: if stride != 1 {
            [Conv2d(_, c, 1, stride = stride, bias = false), BatchNorm2d(_), IFNode()]
        } else {
            Identity()
        },

        forward(x) {
            let y = conv2(conv1(x));
            sew_add(y, shortcut(x))
        }
    }

    /// SEW-ResNet-18 for ImageNet.
    pub net SewResNet18(x: [3, 224, 224]) -> [1000] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        stem: [Conv2d(_, 64, 7, stride = 2, padding = 3, bias = false), BatchNorm2d(_), IFNode(),
               MaxPool2d(3, stride = 2, padding = 1)],
        layer1: [SewBasic(64); 2],
        layer2: [SewBasic(128, stride = 2), SewBasic(128)],
        layer3: [SewBasic(256, stride = 2), SewBasic(256)],
        layer4: [SewBasic(512, stride = 2), SewBasic(512)],
        head: [AdaptiveAvgPool2d(1), Flatten(), MeanOverTime(), Linear(_, 1000)],
    }
}
