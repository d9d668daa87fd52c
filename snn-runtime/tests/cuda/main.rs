//! Layers on a CUDA device, on a machine without one. In: stand-ins for the driver, NVRTC and libtorch's CUDA part, of which the kernels are
//! the real ones, compiled for the host; out: the same bits as on the CPU, and clear errors where something is missing.
//!
//! Whoever looks for a library finds the one that is loaded already, so each test runs in a process of its own.

mod attends_and_encodes;
mod capture;
mod families;
mod layers;
mod on_device;
mod process;
mod refused;
#[path = "../support/mod.rs"]
mod support;
