//! The CUDA kernels as plain C++, on any machine: formulas, whole kernels against those of the CPU, and faults that the harness has to see.

mod comparison;
mod drop_connect;
mod dropout;
mod faults;
mod formulas;
mod max_pool;
mod neunorm;
mod neurons;
mod program;
mod scale;
mod spikes;
mod sums;
