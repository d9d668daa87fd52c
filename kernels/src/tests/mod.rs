//! Tests of the kernels over time: random problems in, and what must hold between the kernels and plain references.

mod by_hand;
mod case;
mod cuda;
mod definitions;
mod dsr;
mod errors;
mod every_neuron;
mod feedback;
mod forward;
mod gated_lif;
mod gradient;
mod mpbn;
mod neunorm;
mod non_spiking;
pub(crate) mod numbers;
mod psn;
mod reference;
pub(crate) mod same_bits;
mod scale;
mod stbif;
mod surrogates;
mod synapse_filter;
