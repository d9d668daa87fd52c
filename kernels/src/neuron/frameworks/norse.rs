//! norse 1.1: `LIFBoxCell`, `LIFCell`.

snn_macros::snn_neuron! {
    (crate)
    /// Euler's method with steps of `dt` seconds: h = v + dt tau_mem_inv (x + v_leak - v), a spike where h is strictly above the threshold.
    ///
    /// norse equivalent: `LIFBoxCell(LIFBoxParameters(tau_mem_inv, v_leak, v_th = v_threshold, v_reset), dt = dt)`. Its surrogate gradient is
    /// 1 / (1 + 100 |h - v_th|)^2; here it is one of this library's.
    pub neuron LIFBoxCell {
        /// 1 / time constant of the potential, in 1/s.
        tau_mem_inv: f64 = 100.0 where tau_mem_inv > 0.0;
        /// What the potential leaks to.
        v_leak: f64 = 0.0;
        /// The length of a step in seconds.
        dt: f64 = 0.001 where dt > 0.0;
        base {
            v_reset = Some(0.0);
            surrogate_function = crate::SuperSpike::default();
        }
        state v = 0.0;

        step(x) {
            let h = v + dt * tau_mem_inv * (x + v_leak - v);
            let s = 1.0 - spike(v_threshold - h);
            v = reset(h, s);
            s
        }
    }

    /// LIF with a synapse: i = i + x, then h = v + dt tau_mem_inv (v_leak - v + i), a spike where h is strictly above the threshold, and
    /// i = i - dt tau_syn_inv i.
    ///
    /// norse equivalent: `LIFCell(LIFParameters(tau_syn_inv, tau_mem_inv, v_leak, v_th = v_threshold, v_reset), dt = dt)`, with the
    /// surrogate gradient as in [`LIFBoxCellConfig`].
    pub neuron LIFCell {
        /// 1 / time constant of the current, in 1/s.
        tau_syn_inv: f64 = 200.0 where tau_syn_inv > 0.0;
        /// 1 / time constant of the potential, in 1/s.
        tau_mem_inv: f64 = 100.0 where tau_mem_inv > 0.0;
        /// What the potential leaks to.
        v_leak: f64 = 0.0;
        /// The length of a step in seconds.
        dt: f64 = 0.001 where dt > 0.0;
        base {
            v_reset = Some(0.0);
            surrogate_function = crate::SuperSpike::default();
        }
        state v = 0.0;
        state i = 0.0;

        step(x) {
            let jumped = i + x;
            let h = v + dt * tau_mem_inv * (v_leak - v + jumped);
            i = jumped - dt * tau_syn_inv * jumped;
            let s = 1.0 - spike(v_threshold - h);
            v = reset(h, s);
            s
        }
    }
}
