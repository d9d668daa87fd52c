//! Neurons with spikes of both signs: SpikingJelly `TernaryIFNode`, `TernaryLIFNode`.

snn_macros::snn_neuron! {
    (crate)
    /// Integrate and fire with spikes of both signs: s = H(h - v_threshold) - H(-h - v_threshold). A spike of either sign resets.
    ///
    /// SpikingJelly equivalent: `neuron.TernaryIFNode(..)`.
    pub neuron TernaryIFNode {
        base {
            v_threshold = 1.0 where v_threshold > 0.0;
            v_reset = Some(0.0) where v_reset > -v_threshold && v_reset < v_threshold;
        }

        step(x) {
            let h = v + x;
            let above = spike(h - v_threshold);
            let below = spike(-h - v_threshold);
            let s = above - below;
            v = if hard { reset(h, above + below) } else { reset(h, s) };
            s
        }
    }

    /// Leaky integrate and fire with spikes of both signs, as [`TernaryIFNodeConfig`].
    ///
    /// SpikingJelly equivalent: `neuron.TernaryLIFNode(..)`.
    pub neuron TernaryLIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps; `TernaryIFNode` is the neuron without a leak";
        /// Is the input divided by `tau`, too?
        decay_input: bool = true;
        base {
            v_threshold = 1.0 where v_threshold > 0.0;
            v_reset = Some(0.0) where v_reset > -v_threshold && v_reset < v_threshold;
        }

        step(x) {
            let h = if decay_input { v + (x - (v - rest)) / tau } else { v - (v - rest) / tau + x };
            let above = spike(h - v_threshold);
            let below = spike(-h - v_threshold);
            let s = above - below;
            v = if hard { reset(h, above + below) } else { reset(h, s) };
            s
        }
    }
}
