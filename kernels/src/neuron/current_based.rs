//! CUBA-LIF: SpikingJelly `CUBALIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// LIF with a current of its own: c = c c_decay + x, h = v v_decay + c.
    ///
    /// SpikingJelly equivalent: `neuron.CUBALIFNode(..)`.
    pub neuron CUBALIFNode {
        /// What is left of the current after a step.
        c_decay: f64 = 0.5;
        /// What is left of the potential after a step.
        v_decay: f64 = 0.75;
        base {
            v_threshold = 0.5;
            surrogate_function = crate::Rect::default();
        }
        state c = 0.0;

        step(x) {
            c = c * c_decay + x;
            let h = v * v_decay + c;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
