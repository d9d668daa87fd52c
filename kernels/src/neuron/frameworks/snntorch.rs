//! snnTorch 1.0: `Leaky`.

snn_macros::snn_neuron! {
    (crate)
    /// h = beta v + x, a spike where h is strictly above the threshold. The reset comes one step late: the threshold is subtracted from the next
    /// step's h (`v_reset = None`), or the next step starts from 0 (`v_reset = Some(0.0)`).
    ///
    /// snnTorch equivalent: `Leaky(beta, threshold = v_threshold, reset_mechanism = "subtract" | "zero", reset_delay = True)`. What resets is a
    /// constant in the backward pass, as there, but for the spike of the same step without `reset_delay`.
    pub neuron Leaky {
        /// What is left of the potential after a step.
        beta: f64 = 0.9 where beta >= 0.0 && beta <= 1.0;
        /// Does the reset wait for the next step?
        reset_delay: bool = true;
        base {
            v_reset = None where v_reset == 0.0, "`Some(0.0)` resets to zero, `None` subtracts the threshold";
            surrogate_function = crate::ATan::default();
        }
        state v = 0.0;

        step(x) {
            let again = if v > v_threshold { 1.0 } else { 0.0 };
            let h = if hard { beta * ((1.0 - again) * v) + x } else { beta * v + x - again * v_threshold };
            let s = 1.0 - spike(v_threshold - h);
            v = if reset_delay { h } else { if hard { h - (s - again) * h } else { h - (s - again) * v_threshold } };
            s
        }
    }
}
