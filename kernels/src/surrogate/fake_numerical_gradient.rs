//! `FakeNumericalGradient`: the difference quotient to the threshold.

snn_macros::snn_neuron! {
    (crate)
    /// min(1 / |x|, alpha): the slope from x to the threshold, cut off.
    ///
    /// SpikingJelly equivalent: `surrogate.FakeNumericalGradient(alpha=0.3)`.
    pub surrogate FakeNumericalGradient {
        /// The largest slope, and the one at the threshold.
        alpha: f64 = 0.3 where alpha > 0.0;

        derivative(x) { min(1.0 / abs(x), alpha) }
    }
}
