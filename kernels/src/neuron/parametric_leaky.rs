//! Parametric LIF: SpikingJelly `ParametricLIFNode`, from "Incorporating Learnable Membrane Time Constant to Enhance Learning of Spiking
//! Neural Networks" (Fang et al., ICCV 2021).

snn_macros::snn_neuron! {
    (crate)
    /// LIF with a learned time constant, one for the layer: 1 / tau = sigmoid(w).
    ///
    /// SpikingJelly equivalent: `neuron.ParametricLIFNode(..)`.
    pub neuron ParametricLIFNode {
        /// The time constant it starts from, in steps, greater than 1.
        init_tau: f64 = 2.0 where init_tau > 1.0, "it counts steps; `IFNode` is the neuron without a leak";
        /// Is the input divided by the time constant, too?
        decay_input: bool = true;
        base;
        learn w = -ln(init_tau - 1.0);

        step(x) {
            let q = sigmoid(w);
            let h = if decay_input { v + (x - (v - rest)) * q } else { v - (v - rest) * q + x };
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
