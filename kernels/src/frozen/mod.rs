//! Kernels of frozen inference, in `f32`: bits or numbers in; projection, neuron and spikes in one call; bits or numbers out.
//!
//! # Values
//! A value over time is channels last, `[steps or 1][sample][cell][channel]`; a cell is a place in space, row-major, and a flat value has one.
//! Of spikes every channel is a bit: `[plane][steps or 1][sample][cell][word]`, channel c is bit c % 64 of word c / 64, unused bits are 0.
//! The number is the sum of 2^plane * bit over the planes; what neurons send has one plane, sums of spikes have more.
//!
//! # Results
//! An output adds its weights to its bias in the order (tap, input channel), each times its input in one fused operation. A 0 adds nothing and
//! a 1 the weight itself, so adding the weights of the set bits alone gives the same bits as multiplying all of them: which of the two runs is
//! a matter of speed, and so are the instruction set and the number of threads. (Inputs must be finite.)
//!
//! Nothing is allocated in a call but a thread's accumulators, once.

mod bits;
mod fire;
mod kernel;
mod packed;
mod pool;
mod project;
mod scratch;
#[cfg(test)]
mod tests;
mod tile;
mod windows;

pub use crate::transpose::transposed;
pub use bits::{In, MAX_PLANES, Out, add_bits, and_bits, and_not_bits, count, from_dense, planes_of_sum, to_dense, words};
pub use fire::{Fire, States, fire};
pub use packed::{Packed, Packer, Weights};
pub use pool::{max_pool, or_pool};
pub use project::{Blocks, Projection};
pub use tile::{Tile, run_tile};
pub use windows::{Axis, Border, Windows};
