//! IF of converted networks: SpikingJelly `ActivationAwareIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Integrate and fire with an offset: s = H(v + x + v_offset - v_threshold). Threshold and offset are buffers, stored with the weights.
    ///
    /// SpikingJelly equivalent: `neuron.ActivationAwareIFNode(..)` with one threshold and one offset for the layer.
    pub neuron ActivationAwareIFNode {
        /// What is added to the potential where it is compared with the threshold.
        v_offset: f64 = 0.0;
        base {
            v_threshold = 1.0 where v_threshold > 0.0;
            v_reset = None;
        }
        buffer v_threshold = v_threshold;
        buffer v_offset = v_offset;

        step(x) {
            let h = v + x;
            let s = spike(h + v_offset - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
