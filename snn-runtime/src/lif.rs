//! The LIF neuron of each framework, to the spike: SpikingJelly, snnTorch, norse, sinabs. In: input currents; out: the spikes that the framework
//! would send. They are layers to be named by `use`, under the names they have there:
//!
//! ```
//! use snn_runtime::snn_net;
//!
//! snn_net! {
//!     use snn_runtime::lif::snntorch::Leaky;
//!
//!     net Ported(x: [T, 4]) -> [T, 2] {
//!         T = 8;
//!         step_mode = 'm';
//!         fc: Linear(_, 2),
//!         lif: Leaky(beta = 0.8),
//!     }
//! }
//! ```
//!
//! `docs/coming-from.md` compares them.

/// SpikingJelly's: the neurons of this library are its own.
pub mod spikingjelly {
    pub use crate::{LIFNode, LIFNodeConfig};
}

/// One alias per neuron, with what all their docs say.
macro_rules! presets {
    ($($(#[$outer:meta])* $framework:ident { $($(#[$doc:meta])* $node:ident = $config:ident;)* })*) => {$(
        $(#[$outer])*
        pub mod $framework {
            pub use snn_kernels::frameworks::$framework::{$($config),*};

            use crate::neuron::Node;

            $(
                $(#[$doc])*
                ///
                /// # Shapes
                ///
                /// Any; each state has that of one step.
                pub type $node = Node<$config>;
            )*
        }
    )*};
}

presets! {
    /// snnTorch's: the reset comes one step late.
    snntorch {
        /// h = beta v + x; spikes strictly above the threshold, reset at the next step.
        ///
        /// snnTorch equivalent: `snntorch.Leaky(..)`.
        Leaky = LeakyConfig;
    }

    /// norse's: times in seconds, Euler's method.
    norse {
        /// h = v + dt tau_mem_inv (x + v_leak - v); spikes strictly above the threshold.
        ///
        /// norse equivalent: `norse.torch.LIFBoxCell(..)`.
        LIFBoxCell = LIFBoxCellConfig;

        /// LIF behind a synapse that jumps by x and decays at the rate `tau_syn_inv`. States `v` and `i`.
        ///
        /// norse equivalent: `norse.torch.LIFCell(..)`.
        LIFCell = LIFCellConfig;
    }

    /// sinabs': several spikes in a step.
    sinabs {
        /// h = alpha v + (1 - alpha) x with alpha = exp(-1 / tau_mem); as many spikes as the threshold fits into h.
        ///
        /// sinabs equivalent: `sinabs.layers.LIF(..)`.
        LIF = LIFConfig;

        /// h = v + x; as many spikes as the threshold fits into h.
        ///
        /// sinabs equivalent: `sinabs.layers.IAF(..)`.
        IAF = IAFConfig;
    }
}
