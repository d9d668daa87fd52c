// The NIR graph of lif_norse.nir in steps of 0.0001 seconds. Written by `cargo xtask nir import`.

use snn::snn_net;

snn_net! {
    /// The NIR graph of lif_norse.nir.
    pub net LifNorse(x: [T, 1]) -> [T, 1] {
        T = 100;
        step_mode = 'm';

        affine_0: Linear(_, 1),
        // NIR's LIF fires strictly above 0.10000000149011612: from the next `f32` on.
        lif_1: LIFNode(tau = 24.999999441206455, v_threshold = 0.10000001),
    }
}
