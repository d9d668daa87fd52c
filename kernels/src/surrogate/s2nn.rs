//! `S2NN`: a sigmoid below the threshold, a logarithm above.

snn_macros::snn_neuron! {
    (crate)
    /// alpha s (1 - s) with s = sigmoid(alpha x) where x < 0, else beta / (x + 1), from "S2NN: Time Step Reduction of Spiking
    /// Surrogate Gradients for Training Energy Efficient Single-Step Neural Networks" (Suetake et al., 2022).
    ///
    /// SpikingJelly equivalent: `surrogate.S2NN(alpha=4.0, beta=1.0)`.
    pub surrogate S2NN {
        /// Sharpness below the threshold.
        alpha: f64 = 4.0 where alpha > 0.0;
        /// The derivative at the threshold and, falling, above it.
        beta: f64 = 1.0;

        primitive(x) { if x < 0.0 { sigmoid(alpha * x) } else { beta * ln(abs(x + 1.0) + 1e-5) + 0.5 } }
        derivative(x) {
            let s = sigmoid(alpha * x);
            if x < 0.0 { alpha * s * (1.0 - s) } else { beta / (x + 1.0) }
        }
    }
}
