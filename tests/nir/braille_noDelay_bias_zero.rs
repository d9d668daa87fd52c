// The NIR graph of braille_noDelay_bias_zero.nir in steps of 0.0001 seconds. Written by `cargo xtask nir import`.

use snn::{snn_net, snn_neuron};

snn_neuron! {
    /// NIR's `CubaLIF` by Euler's method, from 0 on: tau_syn di/dt = -i + w_in x,
    /// tau_mem dv/dt = (v_leak - v) + r i; a spike where v > v_threshold, then v = v_reset.
    pub neuron NirCubaLIF {
        /// The length of a step in seconds.
        dt: f64 = 0.0001 where dt > 0.0;
        base soft;
        buffer per channel tau_syn = 1.0;
        buffer per channel w_in = 1.0;
        buffer per channel tau_mem = 1.0;
        buffer per channel r = 1.0;
        buffer per channel v_leak = 1.0;
        buffer per channel v_threshold = 1.0;
        buffer per channel v_reset = 1.0;
        state i = 0.0;

        step(x) {
            i = i + dt / tau_syn * (w_in * x - i);
            let h = v + dt / tau_mem * (v_leak - v + r * i);
            let s = 1.0 - spike(v_threshold - h); // strictly above
            let fired = if detach_reset { detach(s) } else { s };
            v = fired * v_reset + (1.0 - fired) * h;
            s
        }
    }
}

snn_net! {
    use self::NirCubaLIF;

    /// The NIR graph of braille_noDelay_bias_zero.nir.
    pub net BrailleNoDelayBiasZero(x: [T, 12]) -> [T, 7] {
        T = 100;
        step_mode = 'm';

        fc1: Linear(_, 38),
        // The loop over `lif1.w_rec`: weights for what arrives (as it is), then for what comes back.
        lif1_lif: LinearRecurrentContainer(NirCubaLIF(), 38, 38),
        fc2: Linear(_, 7),
        lif2: NirCubaLIF(),
    }
}
