//! `QPseudoSpike`: a peak with tails of a chosen weight.

snn_macros::snn_neuron! {
    (crate)
    /// (1 + 2 |x| / (alpha - 1))^-alpha, from "Surrogate Gradients Design" (Herranz-Celotti and Rouat, 2022).
    ///
    /// SpikingJelly equivalent: `surrogate.QPseudoSpike(alpha=2.0)`.
    pub surrogate QPseudoSpike {
        /// How light the tails are.
        alpha: f64 = 2.0 where alpha > 1.0;

        primitive(x) {
            let tail = pow(1.0 + 2.0 / (alpha - 1.0) * (if x < 0.0 { -x } else { x }), 1.0 - alpha) / 2.0;
            if x < 0.0 { tail } else { 1.0 - tail }
        }
        derivative(x) { pow(1.0 + 2.0 / (alpha - 1.0) * abs(x), -alpha) }
    }
}
