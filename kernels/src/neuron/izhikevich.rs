//! Izhikevich: SpikingJelly `IzhikevichNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Izhikevich's neuron: a quadratic one with a current w that adapts to its potential and its spikes.
    ///
    /// h = v + (x + a0 (v - v_rest) (v - v_c) - w) / tau, then w = w + (a (h - v_rest) - w) / tau_w + b s.
    ///
    /// SpikingJelly equivalent: `neuron.IzhikevichNode(..)`, whose `b s` gets a gradient with `detach_reset`, too.
    pub neuron IzhikevichNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        /// The potential above which it rises by itself.
        v_c: f64 = 0.8;
        /// How strongly the potential drives itself, greater than 0.
        a0: f64 = 1.0 where a0 > 0.0;
        /// The potential it returns to.
        v_rest: f64 = -0.1;
        /// The current w before the first step.
        w_rest: f64 = 0.0;
        /// Time constant of w in steps.
        tau_w: f64 = 2.0 where tau_w > 0.0;
        /// How much of the potential goes into w.
        a: f64 = 0.0;
        /// What a spike adds to w.
        b: f64 = 0.0;
        base;
        state w = w_rest;

        step(x) {
            let h = v + (x + a0 * (v - v_rest) * (v - v_c) - w) / tau;
            let s = spike(h - v_threshold);
            w = w + (a * (h - v_rest) - w) / tau_w + b * s;
            v = reset(h, s);
            s
        }
    }
}
