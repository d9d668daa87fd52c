// The NIR graph of space.nir in steps of any length: it has no times. Written by `cargo xtask nir import`.

use snn::{snn_net, snn_neuron};

snn_neuron! {
    /// NIR's `IF` by Euler's method, from 0 on: dv/dt = r x; a spike where v > v_threshold, then v = v_reset.
    pub neuron NirIF {
        /// The length of a step in seconds.
        dt: f64 = 1.0 where dt > 0.0;
        base soft;
        buffer per channel r = 1.0;
        buffer per channel v_threshold = 1.0;
        buffer per channel v_reset = 1.0;

        step(x) {
            let h = v + dt * r * x;
            let s = 1.0 - spike(v_threshold - h); // strictly above
            let fired = if detach_reset { detach(s) } else { s };
            v = fired * v_reset + (1.0 - fired) * h;
            s
        }
    }
}

snn_net! {
    use self::NirIF;

    /// The NIR graph of space.nir.
    pub net Space(x: [T, 2, 9, 8]) -> [T, 8] {
        T = 100;
        step_mode = 'm';

        conv1: Conv2d(_, 4, (3, 2), stride = (2, 1), padding = (1, 0), dilation = (1, 2), groups = 2),
        sn1: NirIF(),
        conv2: Conv2d(_, 3, 2, padding = "same"),
        // NIR's IF fires strictly above 0.5: from the next `f32` on.
        sn2: SimpleIFNode(v_threshold = 0.50000006, v_reset = Some(0.25)),
        // NIR's SumPool2d: a mean over one.
        sum: AvgPool2d(2, stride = (1, 2), padding = (0, 1), divisor_override = 1),
        mean: AvgPool2d(2, stride = 1),
        rows: Flatten(start_dim = 2, end_dim = 3),
        conv3: Conv1d(_, 2, 3, stride = 2),
        flat: Flatten(),
    }
}
