//! IF that starts half way: SpikingJelly `HalfThresholdIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Integrate and fire from v_threshold / 2, with a soft reset: its spike count rounds where IF's cuts off.
    ///
    /// SpikingJelly equivalent: `neuron.HalfThresholdIFNode(..)`.
    pub neuron HalfThresholdIFNode {
        base soft;
        state v = v_threshold / 2.0;

        step(x) {
            let h = v + x;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
