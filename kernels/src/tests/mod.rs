//! Tests of the kernels over time: random problems in, and what must hold between the kernels and plain references.

mod by_hand;
mod case;
mod errors;
mod feedback;
mod forward;
mod gradient;
mod neunorm;
pub(crate) mod numbers;
mod reference;
pub(crate) mod same_bits;
mod surrogates;
mod synapse_filter;
