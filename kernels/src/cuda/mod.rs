//! The kernels as CUDA C++. In: a neuron and the type of its elements; out: source text for NVRTC, and how to launch what it makes.
//!
//! The text is the headers of `kernels/cuda`, the formulas that `snn_neuron!` wrote, and a few lines that name the instances. The structs that
//! a launch passes stand here beside it, so that there is one place that knows their order. Nothing here needs CUDA.

/// The headers that formulas of surrogate functions are written for, and those behind them.
macro_rules! with_firing {
    ($($source:expr),*) => {
        &[$crate::cuda::REAL, $crate::cuda::MEMORY, $crate::cuda::PHILOX, $crate::cuda::FIRING, $($source),*]
    };
}

mod adam;
mod attention;
mod drop_connect;
mod dropout;
mod dsr;
mod element;
mod encode;
mod firing;
mod gated_lif;
mod gates;
mod max_pool;
mod mpbn;
mod neunorm;
mod neuron;
mod non_spiking;
mod psn;
mod scale;
mod spikes;
mod stbif;
mod sum;
mod surrogate;

pub use adam::{ADAM, AdamArguments, AdamKernel};
pub use attention::{
    ATTENTION_ALONG, ATTENTION_CHANNEL_GATES, ATTENTION_CHANNELS, ATTENTION_GATE, ATTENTION_INPUTS, ATTENTION_PIXELS, ATTENTION_PLANES,
    ATTENTION_ROWS, ATTENTION_STEP_GATES, ATTENTION_STEPS, AttentionArguments, AttentionKernels, AttentionNumbers, AttentionStage,
};
pub use drop_connect::{
    DROP_CONNECT, DROP_CONNECT_INPUT, DROP_CONNECT_MEAN, DROP_CONNECT_STEPS, DROP_CONNECT_WEIGHT, DropConnectArguments, DropConnectKernel,
    DropConnectNumbers,
};
pub use dropout::{DROPOUT_MASK, DropoutMaskArguments, DropoutMaskKernel};
pub use dsr::{DSR, DSR_BACKWARD, DsrArguments, DsrKernels, DsrNumbers};
pub use element::Element;
pub use encode::{POISSON, PoissonArguments, PoissonKernel};
pub use firing::FiresArguments;
pub use gated_lif::{GATED_LIF, GATED_LIF_BACKWARD, GatedLifArguments, GatedLifKernels};
pub use gates::{GATES, GATES_BACKWARD, GatesArguments, GatesKernels};
pub use max_pool::{MAX_POOL, MAX_POOL_BACKWARD, MaxPoolArguments, MaxPoolKernel, Windows};
pub use mpbn::{MPBN, MPBN_BACKWARD, MpbnArguments, MpbnKernels};
pub use neunorm::{
    NEUNORM, NEUNORM_BACKWARD, NEUNORM_FOLD, NEUNORM_WEIGHT, NeuNormArguments, NeuNormBackwardArguments, NeuNormKernel, NeuNormNumbers,
};
#[cfg(test)]
pub(crate) use neuron::HEADERS;
pub use neuron::{BACKWARD, BackwardArguments, FORWARD, ForwardArguments, NeuronKernels, PassArguments, counts};
pub use non_spiking::{NON_SPIKING, NON_SPIKING_BACKWARD, NonSpikingArguments, NonSpikingKernels};
pub use psn::{PSN, PSN_FOLD, PSN_INPUTS, PSN_SLOPES, PSN_WEIGHTS, PsnArguments, PsnKernels};
pub use scale::{ADD_SCALED, AddScaledArguments, AddScaledKernel};
pub use spikes::{
    PACK_SPIKES, PackSpikesArguments, SPIKE_PRODUCT, SpikeProductArguments, SpikesKernel, TRANSPOSE_BITS, TransposeBitsArguments,
};
pub use stbif::{STBIF, StbifArguments, StbifKernel};
pub use sum::{SUM, SumArguments, SumKernel};
pub use surrogate::{ALONE, ALONE_BACKWARD, AloneArguments, AloneKernels};

/// Headers of the kernels, for tests that put several instances into one text.
#[cfg(test)]
pub(crate) mod headers {
    pub(crate) use super::adam::HEADERS as ADAM;
    pub(crate) use super::attention::HEADERS as ATTENTION;
    pub(crate) use super::drop_connect::HEADERS as DROP_CONNECT;
    pub(crate) use super::dropout::HEADERS as DROPOUT;
    pub(crate) use super::dsr::HEADERS as DSR;
    pub(crate) use super::encode::HEADERS as ENCODE;
    pub(crate) use super::gated_lif::HEADERS as GATED_LIF;
    pub(crate) use super::gates::HEADERS as GATES;
    pub(crate) use super::max_pool::HEADERS as MAX_POOL;
    pub(crate) use super::mpbn::HEADERS as MPBN;
    pub(crate) use super::neunorm::HEADERS as NEUNORM;
    pub(crate) use super::non_spiking::HEADERS as NON_SPIKING;
    pub(crate) use super::psn::HEADERS as PSN;
    pub(crate) use super::spikes::HEADERS as SPIKES;
    pub(crate) use super::stbif::HEADERS as STBIF;
    pub(crate) use super::surrogate::HEADERS as SURROGATE;
}

/// The device address of a buffer; 0 is none.
pub type Address = u64;

/// Threads of a block.
pub const THREADS: u32 = 256;

/// The largest number of neurons of a step: places are counted in 32 bits.
pub const MAX_NEURONS: usize = i32::MAX as usize;

const REAL: &str = include_str!("../../cuda/real.cuh");
const MEMORY: &str = include_str!("../../cuda/memory.cuh");
const PHILOX: &str = include_str!("../../cuda/philox.cuh");
const FIRING: &str = include_str!("../../cuda/firing.cuh");
const NEURON: &str = include_str!("../../cuda/neuron.cuh");
const SCALE: &str = include_str!("../../cuda/scale.cuh");
const SUM_SOURCE: &str = include_str!("../../cuda/sum.cuh");

/// Can rows of `len` elements, at these addresses, be read `lanes` at once?
pub fn is_wide(lanes: usize, len: usize, addresses: impl IntoIterator<Item = Address>) -> bool {
    len.is_multiple_of(lanes) && addresses.into_iter().all(|address| address.is_multiple_of(16))
}

/// The grid of kernels whose threads have the 4 elements of a block of Philox each: `Quad` of the header.
fn quads(elements: usize) -> [usize; 3] {
    [elements.div_ceil(4 * THREADS as usize), 1, 1]
}

/// Kernels as text. Equal sources are the same text, and are compared faster than it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    headers: &'static [&'static str],
    /// What stands between the headers and the instances.
    pub(crate) formulas: Vec<&'static str>,
    pub(crate) instances: String,
}

impl Source {
    /// Without formulas.
    fn plain(headers: &'static [&'static str], instances: String) -> Source {
        Source { headers, formulas: Vec::new(), instances }
    }

    /// The whole text, for a compiler of CUDA C++.
    pub fn text(&self) -> String {
        text(self.headers, &self.formulas, &self.instances)
    }
}

/// Headers one after the other (what they include is there already), formulas, instances.
pub(crate) fn text(headers: &[&str], formulas: &[&str], instances: &str) -> String {
    let lines = headers.iter().flat_map(|text| text.lines());
    let kept = lines.filter(|line| !line.starts_with("#include \"") && !line.starts_with("#pragma once"));
    let mut text: String = kept.flat_map(|line| [line, "\n"]).collect();
    text.push_str("\nnamespace snn {\n\n");
    formulas.iter().for_each(|formula| text.extend([formula, "\n"]));
    text.push_str("}  // namespace snn\n\n");
    text + instances
}

/// A kernel with one argument, or two, that calls `function`. It is content with one block on a multiprocessor: left to itself, ptxas spills
/// a register here and there to make room for another.
fn kernel(name: &str, arguments: &str, function: &str, names: &str) -> String {
    format!(
        "extern \"C\" __global__ void __launch_bounds__({THREADS}, 1) {name}({arguments}) {{\n    snn::{function}({names});\n}}\nSNN_EXPORT({name})\n"
    )
}

/// What a launch passes: plain numbers and addresses, laid out as the struct of the same fields in the header.
///
/// # Safety
/// `#[repr(C)]`, without padding.
pub unsafe trait Arguments: Copy {}
