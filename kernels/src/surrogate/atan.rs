//! `ATan`: an arc tangent and its bell.

snn_macros::snn_neuron! {
    (crate)
    /// (alpha / 2) / (1 + (pi / 2 alpha x)^2), the derivative of atan(pi / 2 alpha x) / pi + 1 / 2, from "Incorporating
    /// Learnable Membrane Time Constant to Enhance Learning of Spiking Neural Networks" (Fang et al., ICCV 2021).
    ///
    /// SpikingJelly equivalent: `surrogate.ATan(alpha=2.0)`.
    pub surrogate ATan {
        /// Sharpness: alpha / 2 is the derivative at the threshold.
        alpha: f64 = 2.0 where alpha > 0.0;

        primitive(x) { atan(PI / 2.0 * alpha * x) / PI + 0.5 }
        derivative(x) {
            let y = PI / 2.0 * alpha * x;
            alpha / 2.0 / (1.0 + y * y)
        }
    }
}
