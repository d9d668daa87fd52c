// The NIR graph of cnn_sinabs.nir in steps of any length: it has no times. Written by `cargo xtask nir import`.

use snn::snn_net;

snn_net! {
    /// The NIR graph of cnn_sinabs.nir.
    pub net CnnSinabs(x: [T, 2, 34, 34]) -> [T, 10] {
        T = 100;
        step_mode = 'm';

        conv2d_0: Conv2d(_, 16, 5, stride = 2, padding = 1),
        // NIR's IF fires strictly above 1.0: from the next `f32` on.
        if_1: IFNode(v_threshold = 1.0000001),
        conv2d_2: Conv2d(_, 16, 3, padding = 1),
        // NIR's IF fires strictly above 1.0: from the next `f32` on.
        if_3: IFNode(v_threshold = 1.0000001),
        // NIR's SumPool2d: a mean over one.
        sumpool2d_4: AvgPool2d(2, divisor_override = 1),
        conv2d_5: Conv2d(_, 8, 3, padding = 1),
        // NIR's IF fires strictly above 1.0: from the next `f32` on.
        if_6: IFNode(v_threshold = 1.0000001),
        // NIR's SumPool2d: a mean over one.
        sumpool2d_7: AvgPool2d(2, divisor_override = 1),
        flatten_8: Flatten(),
        affine_9: Linear(_, 256),
        // NIR's IF fires strictly above 1.0: from the next `f32` on.
        if_10: IFNode(v_threshold = 1.0000001),
        affine_11: Linear(_, 10),
        // NIR's IF fires strictly above 1.0: from the next `f32` on.
        if_12: IFNode(v_threshold = 1.0000001),
    }
}
