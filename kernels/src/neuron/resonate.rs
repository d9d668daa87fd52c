//! Resonate and fire: SpikingJelly `RAFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Resonate and fire: current u and potential v turn around each other, damped by exp(b dt) per step. Only v is reset.
    ///
    /// u = e (u cos - v sin) + x, h = e (u sin + v cos), with the u before the step in both.
    ///
    /// SpikingJelly equivalent: `neuron.RAFNode(..)`.
    pub neuron RAFNode {
        /// Damping, below 0.
        b: f64 = -0.2;
        /// Angular frequency, in radians.
        omega: f64 = 1.0;
        /// Length of a step.
        dt: f64 = 1.0;
        base;
        state u = 0.0;

        step(x) {
            let damping = exp(b * dt);
            let cosine = cos(omega * dt);
            let sine = sin(omega * dt);
            let h = damping * (u * sine + v * cosine);
            u = damping * (u * cosine - v * sine) + x;
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
}
