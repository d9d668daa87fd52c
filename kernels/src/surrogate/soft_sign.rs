//! `SoftSign`: x / (1 + |x|) as a step.

snn_macros::snn_neuron! {
    (crate)
    /// 1 / (2 alpha (1 / alpha + |x|)^2), the derivative of (alpha x / (1 + |alpha x|) + 1) / 2, from "SuperSpike: Supervised
    /// Learning in Multilayer Spiking Neural Networks" (Zenke and Ganguli, 2018).
    ///
    /// SpikingJelly equivalent: `surrogate.SoftSign(alpha=2.0)`.
    pub surrogate SoftSign {
        /// Sharpness: alpha / 2 is the derivative at the threshold.
        alpha: f64 = 2.0 where alpha > 0.0;

        primitive(x) { (alpha * x / (1.0 + abs(alpha * x)) + 1.0) / 2.0 }
        derivative(x) {
            let y = 1.0 / alpha + abs(x);
            1.0 / (2.0 * alpha * (y * y))
        }
    }
}
