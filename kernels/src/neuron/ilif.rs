//! `ILIFNode`, from "Integer-Valued Training and Spike-Driven Inference Spiking Neural Network for High-performance and
//! Energy-efficient Object Detection" (Luo et al., ECCV 2024).

snn_macros::snn_neuron! {
    (crate)
    /// LIF that sends more than one spike in a step: h = v - v / tau + x, s = h / v_threshold rounded, from 0 to the surrogate's
    /// `max_spike_count`, v = h - s v_threshold.
    ///
    /// SpikingJelly equivalent: `neuron.ILIFNode(..)`.
    pub neuron ILIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 4.0 / 3.0 where tau > 1.0, "it counts steps";
        base soft {
            v_threshold = 1.0 where v_threshold > 0.0;
            surrogate_function = crate::MultiLevelSpikeCount::default();
        }

        step(x) {
            let h = v - v / tau + x;
            let s = spike(h / v_threshold);
            v = reset(h, s);
            s
        }
    }
}
