//! `PiecewiseQuadratic`: two parabolas and their triangle.

snn_macros::snn_neuron! {
    (crate)
    /// max(0, alpha - alpha^2 |x|), a triangle, from "Spatio-Temporal Backpropagation for Training High-Performance Spiking
    /// Neural Networks" (Wu et al., 2018).
    ///
    /// SpikingJelly equivalent: `surrogate.PiecewiseQuadratic(alpha=1.0)`.
    pub surrogate PiecewiseQuadratic {
        /// Sharpness: the derivative at the threshold, and one over half the width.
        alpha: f64 = 1.0 where alpha > 0.0;

        primitive(x) {
            if x < -1.0 / alpha {
                0.0
            } else if x > 1.0 / alpha {
                1.0
            } else {
                -alpha * alpha / 2.0 * x * abs(x) + alpha * x + 0.5
            }
        }
        derivative(x) { if abs(x) > 1.0 / alpha { 0.0 } else { alpha - alpha * alpha * abs(x) } }
    }
}
