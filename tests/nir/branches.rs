// The NIR graph of branches.nir in steps of any length: it has no times. Written by `cargo xtask nir import`.

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

    /// The NIR graph of branches.nir.
    pub net Branches(left: [T, 3], right: [T, 2]) -> [T, 2] {
        T = 100;
        step_mode = 'm';

        inner_fc: Linear(_, 2, bias = false),
        inner_add: NirIF(),
        affine_1: Linear(_, 2),
        // NIR's IF fires strictly above 0.5: from the next `f32` on.
        sum: IFNode(v_threshold = 0.50000006),

        forward(left, right) {
            let inner_fc_y = inner_fc(left);
            let inner_add_y = inner_add(inner_fc_y);
            let affine_1_y = affine_1(right);
            let sum_y = sum(add(add(inner_add_y, affine_1_y), right));
            add(sum_y, inner_add_y)
        }
    }
}
