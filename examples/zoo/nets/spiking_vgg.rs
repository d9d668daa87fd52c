//! Spiking VGG.

use snn::snn_net;

snn_net! {
    /// VGG-11 with batch normalisation and spikes: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    /// Recognition", ICLR 2015, with integrate-and-fire neurons for rectifiers. `W` is the width, 64 in the paper.
    ///
    /// SpikingJelly equivalent: `model.spiking_vgg.spiking_vgg11_bn(spiking_neuron=IFNode)`. For ImageNet, `SIDE` = 224 and 1000 classes,
    /// 132,868,840 parameters.
    pub net SpikingVgg11Bn<const W: usize, const SIDE: usize, const CLASSES: usize>(x: [3, SIDE, SIDE]) -> [CLASSES] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        features: [
            Conv2d(_, W, 3, padding = 1), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Conv2d(_, 2 * W, 3, padding = 1), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Conv2d(_, 4 * W, 3, padding = 1), BatchNorm2d(_), IFNode(),
            Conv2d(_, 4 * W, 3, padding = 1), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Conv2d(_, 8 * W, 3, padding = 1), BatchNorm2d(_), IFNode(),
            Conv2d(_, 8 * W, 3, padding = 1), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Conv2d(_, 8 * W, 3, padding = 1), BatchNorm2d(_), IFNode(),
            Conv2d(_, 8 * W, 3, padding = 1), BatchNorm2d(_), IFNode(), MaxPool2d(2),
        ],
        avgpool: AdaptiveAvgPool2d(7), Flatten(),
        classifier: [
            Linear(_, 64 * W), IFNode(), Dropout(0.5),
            Linear(_, 64 * W), IFNode(), Dropout(0.5),
            Linear(_, CLASSES),
        ],
        MeanOverTime(),
    }
}
