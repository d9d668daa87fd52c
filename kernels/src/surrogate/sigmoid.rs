//! `Sigmoid`: the logistic function, the default of SpikingJelly's neurons.

snn_macros::snn_neuron! {
    (crate)
    /// alpha s (1 - s), the derivative of s = sigmoid(alpha x).
    ///
    /// SpikingJelly equivalent: `surrogate.Sigmoid(alpha=4.0)`, the default of its neurons.
    pub surrogate Sigmoid {
        /// Sharpness: alpha / 4 is the derivative at the threshold.
        alpha: f64 = 4.0 where alpha > 0.0;

        primitive(x) { sigmoid(alpha * x) }
        derivative(x) {
            let s = sigmoid(alpha * x);
            (1.0 - s) * s * alpha
        }
    }
}
