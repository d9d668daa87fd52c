//! `Rect`: a box.

snn_macros::snn_neuron! {
    (crate)
    /// alpha where |x| < 1 / (2 alpha), else 0: the slope of a ramp from 0 to 1.
    ///
    /// SpikingJelly equivalent: `surrogate.Rect(alpha=1.0)`.
    pub surrogate Rect {
        /// The height of the box, and one over its width.
        alpha: f64 = 1.0 where alpha > 0.0;

        primitive(x) {
            if x < -0.5 / alpha {
                0.0
            } else if x > 0.5 / alpha {
                1.0
            } else {
                alpha * x + 0.5
            }
        }
        derivative(x) { if abs(x) < 0.5 / alpha { alpha } else { 0.0 } }
    }
}
