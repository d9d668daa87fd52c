//! QIF: SpikingJelly `QIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Quadratic integrate and fire, an approximation of the exponential one: h = v + (x + a0 (v - v_rest) (v - v_c)) / tau.
    ///
    /// SpikingJelly equivalent: `neuron.QIFNode(..)`.
    pub neuron QIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        /// The potential above which it rises by itself.
        v_c: f64 = 0.8;
        /// How strongly the potential drives itself, greater than 0.
        a0: f64 = 1.0 where a0 > 0.0;
        /// The potential it returns to, not below `v_reset`.
        v_rest: f64 = 0.0 where v_rest >= v_reset;
        base {
            v_threshold = 1.0 where v_threshold > v_reset;
            v_reset = Some(-0.1);
        }

        step(x) {
            let h = v + (x + a0 * (v - v_rest) * (v - v_c)) / tau;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
