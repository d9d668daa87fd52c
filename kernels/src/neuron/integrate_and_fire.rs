//! IF: SpikingJelly `IFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Integrate and fire: h = v + x.
    ///
    /// SpikingJelly equivalent: `neuron.IFNode(..)`.
    pub neuron IFNode {
        base;

        step(x) {
            let h = v + x;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
