//! `PiecewiseExp`: two exponentials and their peak.

snn_macros::snn_neuron! {
    (crate)
    /// alpha / 2 e^(-alpha |x|), the derivative of e^(alpha x) / 2 below 0 and 1 - e^(-alpha x) / 2 above, from "SLAYER: Spike
    /// Layer Error Reassignment in Time" (Shrestha and Orchard, NeurIPS 2018).
    ///
    /// SpikingJelly equivalent: `surrogate.PiecewiseExp(alpha=1.0)`.
    pub surrogate PiecewiseExp {
        /// Sharpness: alpha / 2 is the derivative at the threshold.
        alpha: f64 = 1.0 where alpha > 0.0;

        primitive(x) {
            let tail = exp(-alpha * (if x < 0.0 { -x } else { x })) / 2.0;
            if x < 0.0 { tail } else { 1.0 - tail }
        }
        derivative(x) { alpha / 2.0 * exp(-alpha * abs(x)) }
    }
}
