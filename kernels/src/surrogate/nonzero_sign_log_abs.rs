//! `NonzeroSignLogAbs`: a logarithm on both sides.

snn_macros::snn_neuron! {
    (crate)
    /// 1 / (1 / alpha + |x|), the derivative of sign(x) ln(alpha |x| + 1), which grows beyond 0 and 1. Its sign of 0 is 1.
    ///
    /// SpikingJelly equivalent: `surrogate.NonzeroSignLogAbs(alpha=1.0)`.
    pub surrogate NonzeroSignLogAbs {
        /// The derivative at the threshold.
        alpha: f64 = 1.0 where alpha > 0.0;

        primitive(x) {
            let log = ln(alpha * (if x < 0.0 { -x } else { x }) + 1.0);
            if x < 0.0 { -log } else { log }
        }
        derivative(x) { 1.0 / (1.0 / alpha + abs(x)) }
    }
}
