//! Every neuron that `snn_neuron!` defines, with arguments that take each branch of its formulas. In: a test that is generic in the neuron;
//! out: a call of it for each.

use crate::*;

/// What is done with each neuron.
pub(super) trait Visit {
    fn visit<N: Neuron>(&mut self, neuron: N);
}

/// Calls `visit` for all of them; the surrogate is a sigmoid, `spiking` or not.
pub(super) fn every_neuron(visit: &mut impl Visit, spiking: bool) {
    let surrogate_function: Surrogate = Sigmoid { alpha: 2.0, spiking }.into();
    macro_rules! each {
        ($($config:ident { $($fields:tt)* })*) => {
            $({
                #[allow(clippy::needless_update, reason = "some rows give every argument")]
                let neuron = $config { $($fields)* surrogate_function, ..Default::default() };
                visit.visit(neuron);
            })*
        };
    }
    // Hard and soft, detached and not (where gradients are compared, they are not detached).
    for (v_reset, detach_reset) in [(Some(-0.2), false), (None, false), (Some(0.1), spiking), (None, spiking)] {
        each! {
            IFNodeConfig { v_reset, detach_reset, }
            LIFNodeConfig { v_reset, detach_reset, tau: 2.5, }
            LIFNodeConfig { v_reset, detach_reset, tau: 1.7, decay_input: false, v_threshold: 0.8, }
            ParametricLIFNodeConfig { v_reset, detach_reset, init_tau: 3.0, }
            ParametricLIFNodeConfig { v_reset, detach_reset, decay_input: false, }
            QIFNodeConfig { v_reset, detach_reset, v_rest: 0.2, a0: 0.7, }
            EIFNodeConfig { v_reset, detach_reset, v_rest: 0.2, delta_T: 0.8, }
            IzhikevichNodeConfig { v_reset, detach_reset, a: 0.1, b: 0.2, tau_w: 3.0, w_rest: 0.05, }
            KLIFNodeConfig { v_reset, detach_reset, scale_reset: true, }
            KLIFNodeConfig { v_reset, detach_reset, decay_input: false, }
            LIAFNodeConfig { v_reset, detach_reset, act: Activation::Relu, }
            LIAFNodeConfig { v_reset, detach_reset, act: Activation::Tanh, threshold_related: false, }
            LIAFNodeConfig { v_reset, detach_reset, act: Activation::Sigmoid, decay_input: false, }
            LIAFNodeConfig { v_reset, detach_reset, act: Activation::Identity, threshold_related: false, }
            TernaryIFNodeConfig { v_reset, detach_reset, }
            TernaryLIFNodeConfig { v_reset, detach_reset, tau: 1.5, }
            TernaryLIFNodeConfig { v_reset, detach_reset, decay_input: false, }
            ActivationAwareIFNodeConfig { v_reset, detach_reset, v_offset: 0.1, }
            RAFNodeConfig { v_reset, detach_reset, omega: 0.7, dt: 1.3, }
            SimpleIFNodeConfig { v_reset, detach_reset, }
            SimpleLIFNodeConfig { v_reset, detach_reset, tau: 1.5, }
            SimpleLIFNodeConfig { v_reset, detach_reset, decay_input: false, }
            CUBALIFNodeConfig { v_reset, detach_reset, c_decay: 0.6, }
        }
    }
    each! {
        HalfThresholdIFNodeConfig { v_threshold: 0.9, }
        ComplementaryLIFNodeConfig { tau: 1.5, }
        ILIFNodeConfig { v_threshold: 0.9, }
    }
}

/// Numbers between -2 and 3.
pub(super) fn numbers(stream: u32, len: usize) -> Vec<f64> {
    (0..len).map(|i| f64::from(philox4x32([i as u32, stream, 7, 0], [1, 2])[0] >> 12) / f64::from(1 << 20) * 5.0 - 2.0).collect()
}
