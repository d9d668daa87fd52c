//! Spiking neurons. In: input currents, any shape, and the states so far; out: spikes of the same shape, and the states after
//! them.
//!
//! Each step charges (h from v and x, one equation per neuron), fires (s = 1 where h >= v_threshold) and resets (v from h and
//! s). One step, a sequence, or one input shown several times is one call of a fused kernel and one node of the graph.

mod device;
mod dsr;
mod feedback;
mod firing;
mod fused;
mod gated_lif;
mod masked_psn;
mod mpbn;
mod node;
mod non_spiking;
pub(crate) mod normalised;
mod parallel;
mod pointwise;
mod psn;
mod sliding_psn;
mod state;
mod stbif;

pub use dsr::{DSRIFNode, DSRIFNodeConfig, DSRLIFNode, DSRLIFNodeConfig};
pub use feedback::Feedback;
pub(crate) use fused::{Fused, Input};
pub use gated_lif::{GatedLIFNode, GatedLIFNodeConfig, GatedLIFState};
pub use masked_psn::{MaskedPSN, MaskedPSNConfig, MaskedPSNState};
pub use mpbn::{MPBNLIFNode, MPBNLIFNodeConfig, PotentialNorm};
pub use node::Node;
pub use non_spiking::{Decode, NonSpikingIFNode, NonSpikingIFNodeConfig, NonSpikingLIFNode, NonSpikingLIFNodeConfig};
pub use pointwise::*;
pub use psn::{PSN, PSNConfig};
pub use sliding_psn::{SlidingPSN, SlidingPSNConfig};
pub use snn_kernels::{Compiled, Neuron};
pub use state::NeuronState;
pub use stbif::{STBIFNode, STBIFNodeConfig, STBIFState};

use crate::error::Result;

impl ParametricLIFNode {
    /// The learned number: starts at -ln(init_tau - 1).
    ///
    /// # Panics
    ///
    /// Never: every such layer has one.
    pub fn w(&self) -> &tch::Tensor {
        self.parameter("w").unwrap_or_else(|| unreachable!("its definition has a `w`"))
    }

    /// The time constant as it is now, in steps.
    ///
    /// # Errors
    ///
    /// libtorch cannot read `w`.
    pub fn tau(&self) -> Result<f64> {
        let w = tch::no_grad(|| self.w().f_double_value(&[]))?;
        Ok(1.0 + (-w).exp())
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor, nn};

    use super::{LIFNode, LIFNodeConfig};
    use crate::{Cx, Layer, Scope};

    /// Every node keeps the potential before it, and with it its predecessor.
    #[test]
    fn a_chain_of_many_steps_is_freed_without_overflowing_the_stack() {
        let vs = nn::VarStore::new(Device::Cpu);
        let neuron = LIFNode::build(&Scope::root("neuron", &vs.root()), LIFNodeConfig::default()).unwrap();
        let x = Tensor::from_slice(&[0.3f32, 0.9]).set_requires_grad(true);
        for backward in [true, false] {
            let mut s = neuron.state();
            for _ in 0..20_000 {
                let _spikes = neuron.step(&x, &mut s, &Cx::TRAIN).unwrap();
            }
            if backward {
                s.v.unwrap().sum(Kind::Float).backward();
                assert!(x.grad().double_value(&[0]).is_finite());
            }
        }
    }

    #[test]
    fn a_minus_sign_that_libtorch_holds_back_counts() {
        let vs = nn::VarStore::new(Device::Cpu);
        let neuron = LIFNode::build(&Scope::root("neuron", &vs.root()), LIFNodeConfig::default()).unwrap();
        let (re, im) = (Tensor::from_slice(&[0.0f32, 0.0]), Tensor::from_slice(&[-5.0f32, 5.0]));
        let held_back = Tensor::complex(&re, &im).conj().imag();
        assert!(held_back.is_neg());
        let spikes = neuron.step(&held_back, &mut neuron.state(), &Cx::EVAL).unwrap();
        assert!(spikes.equal(&Tensor::from_slice(&[1.0f32, 0.0])));
    }
}
