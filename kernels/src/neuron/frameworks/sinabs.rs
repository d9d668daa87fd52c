//! sinabs 3.1: `LIF`, `IAF`.

snn_macros::snn_neuron! {
    (crate)
    /// h = alpha v + (1 - alpha) x with alpha = exp(-1 / tau_mem), or without `norm_input` h = alpha v + x. It sends as many spikes as the
    /// threshold fits into h, and each of them subtracts it.
    ///
    /// sinabs equivalent: `LIF(tau_mem, spike_threshold = v_threshold, norm_input = norm_input)` with its `MultiSpike` and `MembraneSubtract`. The
    /// spikes behind the first have no gradient here.
    pub neuron LIF {
        /// Time constant in steps.
        tau_mem: f64 = 20.0 where tau_mem > 0.0;
        /// Is the input multiplied by 1 - alpha?
        norm_input: bool = true;
        base soft {
            v_threshold = 1.0 where v_threshold > 0.0;
            surrogate_function = crate::PiecewiseExp { alpha: 2.0, spiking: true };
        }

        step(x) {
            let alpha = exp(-1.0 / tau_mem);
            let h = if norm_input { alpha * v + (1.0 - alpha) * x } else { alpha * v + x };
            let s = spike(h - v_threshold) + max(floor(h / v_threshold) - 1.0, 0.0);
            v = reset(h, s);
            s
        }
    }

    /// h = v + x. It sends as many spikes as the threshold fits into h, and each of them subtracts it.
    ///
    /// sinabs equivalent: `IAF(spike_threshold = v_threshold)` with its `MultiSpike` and `MembraneSubtract`. The spikes behind the first have no
    /// gradient here.
    pub neuron IAF {
        base soft {
            v_threshold = 1.0 where v_threshold > 0.0;
            surrogate_function = crate::PiecewiseExp { alpha: 2.0, spiking: true };
        }

        step(x) {
            let h = v + x;
            let s = spike(h - v_threshold) + max(floor(h / v_threshold) - 1.0, 0.0);
            v = reset(h, s);
            s
        }
    }
}
