//! `Erf`: the Gaussian and its integral.

snn_macros::snn_neuron! {
    (crate)
    /// alpha / sqrt(pi) e^(-alpha^2 x^2), the derivative of erfc(-alpha x) / 2, from "Long short-term memory and
    /// learning-to-learn in networks of spiking neurons" (Bellec et al., NeurIPS 2018) and "Accurate and efficient time-domain
    /// classification with adaptive spiking recurrent neural networks" (Yin et al., 2021).
    ///
    /// SpikingJelly equivalent: `surrogate.Erf(alpha=2.0)`.
    pub surrogate Erf {
        /// Sharpness: alpha / sqrt(pi) is the derivative at the threshold.
        alpha: f64 = 2.0 where alpha > 0.0;

        primitive(x) { erfc(-alpha * x) / 2.0 }
        derivative(x) {
            let y = alpha * x;
            alpha / sqrt(PI) * exp(-(y * y))
        }
    }
}
