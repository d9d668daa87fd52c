//! Pointwise neurons, one family per file, each written once in `snn_neuron!`: arguments, states, one step. The macro writes the config
//! struct, the step's derivative and the CUDA source. What a neuron is to the engine stands in `definition`.

mod activation_aware;
mod complementary;
mod current_based;
mod definition;
mod exponential;
mod feedback;
pub mod frameworks;
mod half_threshold;
mod ilif;
mod integrate_and_fire;
mod izhikevich;
mod klif;
mod leaky;
mod liaf;
mod parametric_leaky;
mod quadratic;
mod resonate;
mod simple;
mod synapse;
mod ternary;

pub use activation_aware::ActivationAwareIFNodeConfig;
pub use complementary::ComplementaryLIFNodeConfig;
pub use current_based::CUBALIFNodeConfig;
pub use definition::{Adjoint, Charged, Finished, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron, Per};
pub use exponential::EIFNodeConfig;
pub use feedback::{Feedback, Join};
pub use half_threshold::HalfThresholdIFNodeConfig;
pub use ilif::ILIFNodeConfig;
pub use integrate_and_fire::IFNodeConfig;
pub use izhikevich::IzhikevichNodeConfig;
pub use klif::KLIFNodeConfig;
pub use leaky::LIFNodeConfig;
pub use liaf::LIAFNodeConfig;
pub use parametric_leaky::ParametricLIFNodeConfig;
pub use quadratic::QIFNodeConfig;
pub use resonate::RAFNodeConfig;
pub use simple::{SimpleIFNodeConfig, SimpleLIFNodeConfig};
pub use synapse::SynapseCurrent;
pub use ternary::{TernaryIFNodeConfig, TernaryLIFNodeConfig};
