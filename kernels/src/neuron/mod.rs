//! Pointwise neurons, one per file: a config struct with its step and the step's derivative. What a neuron is to the engine stands in
//! `definition`.

mod definition;
mod feedback;
mod integrate_and_fire;
mod leaky;
mod parametric_leaky;

pub use definition::{Adjoint, Charged, Finished, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron, Per};
pub use feedback::{Feedback, Join};
pub use integrate_and_fire::IFNodeConfig;
pub use leaky::LIFNodeConfig;
pub use parametric_leaky::ParametricLIFNodeConfig;
