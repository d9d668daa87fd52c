//! Neurons that start at 0 whatever their reset value: SpikingJelly `SimpleIFNode`, `SimpleLIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Integrate and fire from 0: h = v + x.
    ///
    /// SpikingJelly equivalent: `neuron.SimpleIFNode(..)`.
    pub neuron SimpleIFNode {
        base;
        state v = 0.0;

        step(x) {
            let h = v + x;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }

    /// Leaky integrate and fire from 0: h = v + (rest - v + x) / tau, or without `decay_input` h = v + (rest - v) / tau + x.
    ///
    /// SpikingJelly equivalent: `neuron.SimpleLIFNode(..)`, which fails with `v_reset = None`; here it then leaks to 0.
    pub neuron SimpleLIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps; `SimpleIFNode` is the neuron without a leak";
        /// Is the input divided by `tau`, too?
        decay_input: bool = true;
        base;
        state v = 0.0;

        step(x) {
            let h = if decay_input { v + (rest - v + x) / tau } else { v + (rest - v) / tau + x };
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
