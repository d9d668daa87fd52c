//! CLIF: SpikingJelly `ComplementaryLIFNode`, from "CLIF: Complementary Leaky Integrate-and-Fire Neuron for Spiking Neural Networks"
//! (Huang et al., ICML 2024).

snn_macros::snn_neuron! {
    (crate)
    /// LIF with a memory m of its spikes that deepens the reset: h = v - v / tau + x, m = m sigmoid(h / tau) + s,
    /// v = h - s (v_threshold + sigmoid(m)).
    ///
    /// SpikingJelly equivalent: `neuron.ComplementaryLIFNode(..)`.
    pub neuron ComplementaryLIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        base soft {
            surrogate_function = crate::Rect::default();
        }
        state m = 0.0;

        step(x) {
            let h = v - v / tau + x;
            let s = spike(h - v_threshold);
            m = m * sigmoid(h / tau) + s;
            v = reset(h, s, v_threshold + sigmoid(m));
            s
        }
    }
}
