//! The CUDA kernels as plain C++, on any machine: formulas, whole kernels against those of the CPU, and faults that the harness has to see.

mod faults;
mod formulas;
mod neurons;
mod program;
mod scale;
mod sums;
