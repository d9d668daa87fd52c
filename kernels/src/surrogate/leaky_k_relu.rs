//! `LeakyKReLU`: two slopes.

snn_macros::snn_neuron! {
    (crate)
    /// k where x >= 0, else leak: the slope of a leaky ReLU.
    ///
    /// SpikingJelly equivalent: `surrogate.LeakyKReLU(leak=0.0, k=1.0)`.
    pub surrogate LeakyKReLU {
        /// The slope below the threshold.
        leak: f64 = 0.0;
        /// The slope above.
        k: f64 = 1.0;

        primitive(x) { if x >= 0.0 { k * x } else { leak * x } }
    }
}
