//! NIR, the Neuromorphic Intermediate Representation: graphs of spiking networks that frameworks exchange. In: a `.nir` file (HDF5), or a
//! [`Graph`] built in Rust; out: the graph checked, run ([`Graph::run`]), written ([`Graph::write`]), or as the source of a `snn_net!` with its
//! weights ([`Graph::import`]; `cargo xtask nir import FILE`).
//!
//! NIR describes neurons by differential equations in seconds. Here they are solved by Euler's method with a step that the user gives, as the
//! frameworks do that write such files. A neuron sends a spike where its potential is strictly above the threshold.

mod array;
mod dynamics;
mod error;
mod field;
mod graph;
mod import;
mod node;
mod plan;
mod read;
mod run;
mod shape;
mod write;

pub use array::Array;
pub use error::{Error, Result};
pub use field::Padding;
pub use graph::Graph;
pub use import::{ImportConfig, Imported};
pub use node::*;
