//! PLIF-Net, whose neurons learn their membrane time constants.

use snn::snn_net;

snn_net! {
    /// PLIF-Net for DVS128 Gesture, 11 classes of gestures in frames of 128 x 128: Fang et al., "Incorporating Learnable Membrane Time
    /// Constant to Enhance Learning of Spiking Neural Networks", ICCV 2021. Each of the 110 outputs votes for its class, ten for one.
    ///
    /// SpikingJelly equivalent: `model.parametric_lif_net.DVSGestureNet(channels=128, spiking_neuron=ParametricLIFNode)`. 1,698,933 parameters
    /// with `SIDE` = 128 and `STEPS` = 20, as in the paper; 7 of them are time constants.
    pub net PlifNet<const SIDE: usize, const STEPS: usize>(x: [T, 2, SIDE, SIDE]) -> [11] {
        T = STEPS;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;
        const CH: usize = 128;

        conv_fc: [
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), ParametricLIFNode(init_tau = 2.0), MaxPool2d(2, 2),
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), ParametricLIFNode(init_tau = 2.0), MaxPool2d(2, 2),
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), ParametricLIFNode(init_tau = 2.0), MaxPool2d(2, 2),
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), ParametricLIFNode(init_tau = 2.0), MaxPool2d(2, 2),
            Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false), BatchNorm2d(_), ParametricLIFNode(init_tau = 2.0), MaxPool2d(2, 2),
            Flatten(),
            Dropout(0.5), Linear(_, 512), ParametricLIFNode(init_tau = 2.0),
            Dropout(0.5), Linear(_, 110), ParametricLIFNode(init_tau = 2.0),
            VotingLayer(10),
        ],
        MeanOverTime(),
    }
}
