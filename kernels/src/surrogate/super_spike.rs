//! `SuperSpike`: a peak without a primitive.

snn_macros::snn_neuron! {
    (crate)
    /// alpha / (1 + |x|)^2, from "SuperSpike: Supervised Learning in Multilayer Spiking Neural Networks" (Zenke and Ganguli, 2018).
    ///
    /// SpikingJelly equivalent: `surrogate.SuperSpike(alpha=1.0)`.
    pub surrogate SuperSpike {
        /// The derivative at the threshold.
        alpha: f64 = 1.0 where alpha > 0.0;

        derivative(x) {
            let y = 1.0 + abs(x);
            alpha / (y * y)
        }
    }
}
