// The NIR graph of lif_rockpool.nir in steps of 0.0001 seconds. Written by `cargo xtask nir import`.

use snn::{snn_net, snn_neuron};

snn_neuron! {
    /// NIR's `LIF` by Euler's method, from 0 on: tau dv/dt = (v_leak - v) + r x; a spike where v > v_threshold, then v = v_reset.
    pub neuron NirLIF {
        /// The length of a step in seconds.
        dt: f64 = 0.0001 where dt > 0.0;
        base soft;
        buffer per channel tau = 1.0;
        buffer per channel r = 1.0;
        buffer per channel v_leak = 1.0;
        buffer per channel v_threshold = 1.0;
        buffer per channel v_reset = 1.0;

        step(x) {
            let h = v + dt / tau * (v_leak - v + r * x);
            let s = 1.0 - spike(v_threshold - h); // strictly above
            let fired = if detach_reset { detach(s) } else { s };
            v = fired * v_reset + (1.0 - fired) * h;
            s
        }
    }
}

snn_net! {
    use self::NirLIF;

    /// The NIR graph of lif_rockpool.nir.
    pub net LifRockpool(x: [T, 1]) -> [T, 1] {
        T = 100;
        step_mode = 'm';

        linear_0_lineartorch: Linear(_, 1, bias = false),
        lif_1_lifneurontorch: NirLIF(),
    }
}
