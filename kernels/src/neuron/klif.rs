//! KLIF: SpikingJelly `KLIFNode`, from "KLIF: An Optimized Spiking Neuron Unit for Tuning Surrogate Gradient Slope and Membrane Potential"
//! (Jiang and Zhang, 2023).

snn_macros::snn_neuron! {
    (crate)
    /// LIF whose potential is scaled by a learned k, one for the layer, and cut off below 0: h = relu(k LIF(v, x)).
    ///
    /// SpikingJelly equivalent: `neuron.KLIFNode(..)`.
    pub neuron KLIFNode {
        /// Is the potential divided by k again for the reset, and the threshold with it?
        scale_reset: bool = false;
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps; `IFNode` is the neuron without a leak";
        /// Is the input divided by `tau`, too?
        decay_input: bool = true;
        base;
        learn k = 1.0;

        step(x) {
            let h = relu(k * if decay_input { v + (x - (v - rest)) / tau } else { v - (v - rest) / tau + x });
            let s = spike(h - v_threshold);
            v = if scale_reset { reset(h / k, s, v_threshold / k) } else { reset(h, s) };
            s
        }
    }
}
