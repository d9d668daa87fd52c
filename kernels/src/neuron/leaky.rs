//! LIF: SpikingJelly `LIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Leaky integrate and fire: h = v + (x - (v - rest)) / tau, or without `decay_input` h = v - (v - rest) / tau + x. It leaks to rest, which is
    /// `v_reset`, or 0 where that is `None`.
    ///
    /// SpikingJelly equivalent: `neuron.LIFNode(..)`.
    pub neuron LIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps; `IFNode` is the neuron without a leak";
        /// Is the input divided by `tau`, too?
        decay_input: bool = true;
        base;

        step(x) {
            let h = if decay_input { v + (x - (v - rest)) / tau } else { v - (v - rest) / tau + x };
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
