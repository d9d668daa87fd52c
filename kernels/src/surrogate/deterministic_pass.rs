//! `DeterministicPass`: straight through.

snn_macros::snn_neuron! {
    (crate)
    /// 1: the gradient passes straight through the spike.
    ///
    /// SpikingJelly equivalent: `surrogate.DeterministicPass()`.
    pub surrogate DeterministicPass {
        primitive(x) { x }
    }
}
