//! Tests of the neuron kernels: random problems in, and what must hold between the kernels and plain references.

mod by_hand;
mod case;
mod errors;
mod forward;
mod gradient;
mod reference;
mod same_bits;
mod surrogates;
