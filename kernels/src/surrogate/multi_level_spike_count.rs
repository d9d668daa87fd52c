//! `MultiLevelSpikeCount`: more than one spike in a step.

snn_macros::snn_neuron! {
    (crate)
    /// A number of spikes from 0 to max_spike_count, x rounded (a half to the even one). Its slope is 1 in a window, else 0. From
    /// "Integer-Valued Training and Spike-Driven Inference Spiking Neural Network for High-performance and Energy-efficient Object
    /// Detection" (Luo et al., ECCV 2024).
    ///
    /// SpikingJelly equivalent: `surrogate.MultiLevelSpikeCount(max_spike_count, grad_window=None)`, where `grad_window` is
    /// (`grad_min`, `grad_max`).
    pub surrogate MultiLevelSpikeCount {
        /// The most spikes in a step.
        max_spike_count: usize = 4 where max_spike_count > 0;
        /// The lower end of the window; `None`: 0.
        grad_min: Option<f64> = None;
        /// The upper end of the window; `None`: `max_spike_count`.
        grad_max: Option<f64> = None;

        spike(x) { round(clamp(x, 0.0, max_spike_count)) }
        primitive(x) { clamp(x, 0.0, max_spike_count) }
        derivative(x) { if x >= grad_min.unwrap_or(0.0) && x <= grad_max.unwrap_or(max_spike_count) { 1.0 } else { 0.0 } }
    }
}
