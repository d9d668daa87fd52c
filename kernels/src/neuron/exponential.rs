//! EIF: SpikingJelly `EIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Exponential integrate and fire: h = v + (x + v_rest - v + delta_T exp((v - theta_rh) / delta_T)) / tau.
    ///
    /// SpikingJelly equivalent: `neuron.EIFNode(..)`.
    pub neuron EIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        /// How soft the start of a spike is, greater than 0.
        delta_T: f64 = 1.0 where delta_T > 0.0;
        /// The potential around which a spike starts.
        theta_rh: f64 = 0.8;
        /// The potential it returns to, not below `v_reset`.
        v_rest: f64 = 0.0 where v_rest >= v_reset;
        base {
            v_threshold = 1.0 where v_threshold > v_reset;
            v_reset = Some(-0.1);
        }

        step(x) {
            let h = v + (x + v_rest - v + delta_T * exp((v - theta_rh) / delta_T)) / tau;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
