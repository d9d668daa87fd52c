//! LIAF: SpikingJelly `LIAFNode`, from "LIAF-Net: Leaky Integrate and Analog Fire Network for Lightweight and Efficient Spatiotemporal
//! Information Processing" (Wu et al., 2021).

snn_macros::snn_neuron! {
    (crate)
    /// Leaky integrate and analog fire: LIF that resets by its spikes, but sends an activation of its potential.
    ///
    /// SpikingJelly equivalent: `neuron.LIAFNode(..)`, which in its multi-step mode sends the spikes instead, a bug.
    pub neuron LIAFNode {
        /// What is sent.
        act: crate::Activation = crate::Activation::Relu;
        /// Of h - v_threshold? Else of h.
        threshold_related: bool = true;
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps; `IFNode` is the neuron without a leak";
        /// Is the input divided by `tau`, too?
        decay_input: bool = true;
        base;

        step(x) {
            let h = if decay_input { v + (x - (v - rest)) / tau } else { v - (v - rest) / tau + x };
            let over = h - v_threshold;
            let s = spike(over);
            v = reset(h, s);
            let a = if threshold_related { over } else { h };
            if act == crate::Activation::Relu {
                relu(a)
            } else if act == crate::Activation::Tanh {
                tanh(a)
            } else if act == crate::Activation::Sigmoid {
                sigmoid(a)
            } else {
                a
            }
        }
    }
}
