//! LIF neurons with a normalised potential on the device. In: a surrogate function, the element type and the layout; out: the source of their
//! kernels, and a launch's struct and grid.

use super::{Address, Arguments, Element, FiresArguments, SUM_SOURCE, Source, kernel};
use crate::Surrogate;

const MPBN_SOURCE: &str = include_str!("../../cuda/mpbn.cuh");

/// The forward kernel.
pub const MPBN: &str = "snn_mpbn";
/// The backward kernel.
pub const MPBN_BACKWARD: &str = "snn_mpbn_backward";

pub(crate) const HEADERS: &[&str] = with_firing![SUM_SOURCE, MPBN_SOURCE];

/// Neurons of a channel beside each other from which on a block has one channel.
const APART: usize = 16;

/// [`Mpbn`](crate::Mpbn) for one element type. Both kernels take an [`MpbnArguments`] and a grid of [`MpbnKernels::blocks`].
#[derive(Clone, Debug)]
pub struct MpbnKernels {
    /// Both.
    pub source: Source,
    /// Neighbouring channels of a block.
    pub channels: usize,
    /// Neighbouring neurons per thread.
    pub lanes: usize,
}

impl MpbnKernels {
    /// Kernels for channels of which `plane` neurons lie beside each other. `aligned`: all buffers start at multiples of 16 bytes.
    pub fn new(surrogate: &Surrogate, element: Element, plane: usize, aligned: bool) -> MpbnKernels {
        MpbnKernels::named(surrogate, element, plane, aligned, "")
    }

    /// The same, with a suffix to the kernels' names.
    pub(crate) fn named(surrogate: &Surrogate, element: Element, plane: usize, aligned: bool, suffix: &str) -> MpbnKernels {
        let (f, e, fire) = (element.compute(), element.memory(), surrogate.cuda_type());
        let channels = if plane < APART { 32 } else { 1 };
        let lanes = if channels == 1 && aligned && plane.is_multiple_of(element.lanes()) { element.lanes() } else { 1 };
        let instance = |name: &str, function: &str| {
            let function = format!("{function}<{fire}, {f}, {e}, {lanes}, {channels}>");
            kernel(&format!("{name}{suffix}"), &format!("snn::Mpbn<{f}, {e}> call"), &function, "call")
        };
        let instances = instance(MPBN, "mpbn") + &instance(MPBN_BACKWARD, "mpbn_backward");
        MpbnKernels { source: Source { headers: HEADERS, formulas: vec![surrogate.cuda()], instances }, channels, lanes }
    }

    /// The grid of both.
    pub fn blocks(&self, channels: usize) -> [usize; 3] {
        [channels.div_ceil(self.channels), 1, 1]
    }
}

/// `snn::Mpbn`. Addresses are 0 where there is nothing. All but x, y and their gradients is of the arithmetic's type.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MpbnArguments {
    /// `[steps, samples, channels, plane]`
    pub x: Address,
    /// A step: the first potential.
    pub v0: Address,
    /// `[thresholds]`
    pub threshold: Address,
    /// `[channels]`; none: there is no normalisation.
    pub weight: Address,
    /// `[channels]`
    pub bias: Address,
    /// `[channels]`; none: statistics are those of the batch.
    pub mean: Address,
    /// `[channels]`
    pub var: Address,
    /// As x: the spikes.
    pub y: Address,
    /// A step: the last potential; on the way back room for one.
    pub v: Address,
    /// As x: the potential after each step.
    pub v_seq: Address,
    /// `[steps, channels, 2]`, in `f64`: mean and biased variance that were used; none without normalisation.
    pub statistics: Address,
    /// As x: dL/dy.
    pub grad_y: Address,
    /// A step: dL/d(last potential), which becomes dL/d(first potential).
    pub grad_v: Address,
    /// Room for potentials, as many as x has.
    pub h: Address,
    /// As x: dL/dx.
    pub grad_x: Address,
    /// `[3, channels]`, in `f64`: dL/d(weight, bias, threshold).
    pub grad_channels: Address,
    /// The surrogate function.
    pub fires: FiresArguments,
    /// Time constant, potential after a spike (0 if the threshold is subtracted), and what is added to the variance.
    pub numbers: [f64; 3],
    /// Steps, samples, channels, and neurons of a channel that lie next to each other.
    pub sizes: [u32; 4],
    /// One for each channel, or one.
    pub thresholds: u32,
    /// 1 if the input is divided by the time constant, too.
    pub decay_input: u32,
    /// 1 if the threshold is subtracted.
    pub soft: u32,
    /// 1 if the spike is a constant in the reset.
    pub detach_reset: u32,
}

// SAFETY: `repr(C)`, addresses, a struct without padding whose size is a multiple of 8, three numbers of 8 bytes and eight of 4: no padding.
unsafe impl Arguments for MpbnArguments {}
