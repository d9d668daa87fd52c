//! `LogTailedReLU`: a ReLU that grows like a logarithm.

snn_macros::snn_neuron! {
    (crate)
    /// 1 / x where x > 1, 1 where 0 < x <= 1, else alpha, from "Deep Learning with Low Precision by Half-wave Gaussian
    /// Quantization" (Cai et al., CVPR 2017).
    ///
    /// SpikingJelly equivalent: `surrogate.LogTailedReLU(alpha=0.0)`.
    pub surrogate LogTailedReLU {
        /// The slope below the threshold.
        alpha: f64 = 0.0;

        primitive(x) { if x > 1.0 { ln(max(x, 1.0)) + 1.0 } else if x > 0.0 { x } else { alpha * x } }
        derivative(x) { if x > 1.0 { 1.0 / x } else if x > 0.0 { 1.0 } else { alpha } }
    }
}
