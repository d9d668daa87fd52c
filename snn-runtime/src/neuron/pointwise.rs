//! The built-in neurons as layers. What each computes is defined in `snn-kernels`, one file per neuron; here each gets its name.

use snn_kernels as kernels;

use super::node::Node;

/// One alias per neuron, with what all their docs say.
macro_rules! nodes {
    ($($(#[$doc:meta])* $node:ident = $config:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Shapes
        ///
        /// Any; each state has that of one step.
        pub type $node = Node<kernels::$config>;
        pub use kernels::$config;
    )*};
}

nodes! {
    /// Integrate and fire: h = v + x.
    ///
    /// SpikingJelly equivalent: `neuron.IFNode(..)`.
    IFNode = IFNodeConfig;

    /// Leaky integrate and fire: h = v + (x - (v - v_reset)) / tau, or without `decay_input` h = v - (v - v_reset) / tau + x.
    ///
    /// SpikingJelly equivalent: `neuron.LIFNode(..)`.
    LIFNode = LIFNodeConfig;

    /// Leaky integrate and fire with a learned time constant, one for the layer: 1 / tau = sigmoid(w). From "Incorporating
    /// Learnable Membrane Time Constant to Enhance Learning of Spiking Neural Networks" (Fang et al., ICCV 2021).
    ///
    /// h = v + (x - (v - v_reset)) / tau, or without `decay_input` h = v - (v - v_reset) / tau + x.
    /// SpikingJelly equivalent: `neuron.ParametricLIFNode(..)`.
    ParametricLIFNode = ParametricLIFNodeConfig;

    /// Quadratic integrate and fire: h = v + (x + a0 (v - v_rest) (v - v_c)) / tau.
    ///
    /// SpikingJelly equivalent: `neuron.QIFNode(..)`.
    QIFNode = QIFNodeConfig;

    /// Exponential integrate and fire: h = v + (x + v_rest - v + delta_T e^((v - theta_rh) / delta_T)) / tau.
    ///
    /// SpikingJelly equivalent: `neuron.EIFNode(..)`.
    EIFNode = EIFNodeConfig;

    /// A quadratic neuron with an adaptation current w, from "Simple model of spiking neurons" (Izhikevich, 2003):
    /// h = v + (x + a0 (v - v_rest) (v - v_c) - w) / tau, then w = w + (a (h - v_rest) - w) / tau_w + b s.
    ///
    /// States `v` and `w`. SpikingJelly equivalent: `neuron.IzhikevichNode(..)`.
    IzhikevichNode = IzhikevichNodeConfig;

    /// Leaky integrate and fire whose potential is scaled by a learned k and cut off at 0: h = relu(k LIF(v, x)), from "KLIF: An
    /// optimized spiking neuron unit for tuning surrogate gradient slope and membrane potential" (Jiang and Zhang, 2023).
    ///
    /// SpikingJelly equivalent: `neuron.KLIFNode(..)`.
    KLIFNode = KLIFNodeConfig;

    /// Leaky integrate and analog fire: resets like `LIFNode`, but sends act(h - v_threshold), or act(h), from "LIAF-Net: Leaky
    /// Integrate and Analog Fire Network for Lightweight and Efficient Spatiotemporal Information Processing" (Wu et al., 2020).
    ///
    /// SpikingJelly equivalent: `neuron.LIAFNode(..)`, of which release 2.0.0 sends spikes in multi-step mode: a bug, not kept.
    LIAFNode = LIAFNodeConfig;

    /// Leaky integrate and fire that sends more than one spike in a step: h = v - v / tau + x, s = round(h / v_threshold) from 0 to
    /// the surrogate's `max_spike_count`. From "Integer-Valued Training and Spike-Driven Inference Spiking Neural Network for
    /// High-performance and Energy-efficient Object Detection" (Luo et al., ECCV 2024).
    ///
    /// SpikingJelly equivalent: `neuron.ILIFNode(..)`.
    ILIFNode = ILIFNodeConfig;

    /// Leaky integrate and fire behind a leaky current: c = c_decay c + x, h = v_decay v + c.
    ///
    /// States `v` and `c`. SpikingJelly equivalent: `neuron.CUBALIFNode(..)`.
    CUBALIFNode = CUBALIFNodeConfig;

    /// Leaky integrate and fire with a complementary potential m that remembers spikes: h = v - v / tau + x,
    /// m = m sigmoid(h / tau) + s, v = h - s (v_threshold + sigmoid(m)). From "CLIF: Complementary Leaky Integrate-and-Fire Neuron
    /// for Spiking Neural Networks" (Huang et al., ICML 2024).
    ///
    /// States `v` and `m`. SpikingJelly equivalent: `neuron.ComplementaryLIFNode(..)`.
    ComplementaryLIFNode = ComplementaryLIFNodeConfig;

    /// `IFNode` with the soft reset, whose potential starts at half the threshold.
    ///
    /// SpikingJelly equivalent: `neuron.HalfThresholdIFNode(..)`.
    HalfThresholdIFNode = HalfThresholdIFNodeConfig;

    /// Integrate and fire with spikes of both signs: s = H(h - v_threshold) - H(-h - v_threshold), h = v + x.
    ///
    /// SpikingJelly equivalent: `neuron.TernaryIFNode(..)`.
    TernaryIFNode = TernaryIFNodeConfig;

    /// `LIFNode` with spikes of both signs: s = H(h - v_threshold) - H(-h - v_threshold).
    ///
    /// SpikingJelly equivalent: `neuron.TernaryLIFNode(..)`.
    TernaryLIFNode = TernaryLIFNodeConfig;

    /// Integrate and fire with a threshold and an offset that are stored with the weights: s = H(h + v_offset - v_threshold).
    ///
    /// SpikingJelly equivalent: `neuron.ActivationAwareIFNode(..)` with one number for all channels.
    ActivationAwareIFNode = ActivationAwareIFNodeConfig;

    /// Resonate and fire, from "Resonate-and-fire neurons" (Izhikevich, 2001): (u, v) turns by omega dt and shrinks by e^(b dt)
    /// at each step, x is added to u, and v fires.
    ///
    /// States `v` and `u`. SpikingJelly equivalent: `neuron.RAFNode(..)`.
    RAFNode = RAFNodeConfig;

    /// `IFNode` whose potential starts at 0, whatever `v_reset` is.
    ///
    /// SpikingJelly equivalent: `neuron.SimpleIFNode(..)`.
    SimpleIFNode = SimpleIFNodeConfig;

    /// `LIFNode` whose potential starts at 0, whatever `v_reset` is.
    ///
    /// SpikingJelly equivalent: `neuron.SimpleLIFNode(..)`.
    SimpleLIFNode = SimpleLIFNodeConfig;
}
