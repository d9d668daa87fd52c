//! Kernels on a CUDA device. In: a kernel's source and tensors on the device; out: launches on libtorch's current stream.
//!
//! Driver and NVRTC are loaded when the first tensor on a device arrives: nothing of CUDA is needed to build, or on the CPU. Each instance of
//! a kernel is compiled for the device at hand, once per process and once per machine (`cache`). Launches can be captured in a graph.

mod cache;
mod driver;
mod launch;
mod launcher;
mod nvrtc;
#[cfg(test)]
mod report;

pub(crate) use driver::{Gpu, gpu};
pub(crate) use launch::{Module, address, arguments, launch, module};
pub(crate) use launcher::Launcher;

/// Why a kernel cannot run on a device, and the fix. [`Problem::of`] names the layer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    problem: String,
    help: &'static str,
}

impl Problem {
    fn new(problem: impl Into<String>, help: &'static str) -> Problem {
        Problem { problem: problem.into(), help }
    }

    /// As the error of a layer.
    pub(crate) fn of(layer: &str) -> impl Fn(Problem) -> crate::Error {
        let layer = layer.to_string();
        move |p| crate::Error::Cuda { layer: layer.clone(), problem: p.problem, help: p.help.to_string() }
    }
}

type Result<T> = std::result::Result<T, Problem>;
