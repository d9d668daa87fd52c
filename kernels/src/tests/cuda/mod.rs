//! The CUDA kernels as plain C++, on any machine: formulas, whole kernels against those of the CPU, and faults that the harness has to see.

mod adam;
mod attention;
mod comparison;
mod drop_connect;
mod dropout;
mod encode;
mod family_faults;
mod faults;
mod formulas;
mod gated_lif;
mod gates;
mod max_pool;
mod mpbn;
mod neunorm;
mod neurons;
mod plain;
mod program;
mod psn;
mod scale;
mod spikes;
mod sums;
mod surrogates;
