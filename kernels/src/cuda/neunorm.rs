//! NeuNorm on the device. In: the element type; out: the source of its kernels, and a launch's structs and grids.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, THREADS, kernel};
use crate::NeuNormSizes;

const NEUNORM_SOURCE: &str = include_str!("../../cuda/neunorm.cuh");

/// The name of the forward kernel: an argument [`NeuNormArguments`], a grid of [`NeuNormKernel::blocks`].
pub const NEUNORM: &str = "snn_neunorm";
/// The name of the backward kernel: an argument [`NeuNormBackwardArguments`], the same grid.
pub const NEUNORM_BACKWARD: &str = "snn_neunorm_backward";
/// The name of the kernel for parts of the weights' gradient: the same argument, a grid of [`NeuNormKernel::parts`].
pub const NEUNORM_WEIGHT: &str = "snn_neunorm_weight";
/// The name of the kernel that adds these parts: the same argument, a grid of [`NeuNormKernel::fold`].
pub const NEUNORM_FOLD: &str = "snn_neunorm_fold";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, NEUNORM_SOURCE];

/// `NEUNORM_SAMPLES` of the header.
const SAMPLES: usize = 8;

/// [`neunorm`](crate::neunorm) and its backward pass for one element type.
#[derive(Clone, Copy, Debug)]
pub struct NeuNormKernel {
    /// Of x and y. Weights and traces are of the type of the arithmetic.
    pub element: Element,
}

impl NeuNormKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernels, their names with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let instance = |name: &str, argument: &str, function: &str| {
            kernel(&format!("{name}{suffix}"), &format!("snn::{argument}<{f}, {e}> call"), function, "call")
        };
        let wide = |function: &str| format!("{function}<{f}, {e}, {lanes}>");
        instance(NEUNORM, "NeuNorm", &wide("neunorm"))
            + &instance(NEUNORM_BACKWARD, "NeuNormBackward", &wide("neunorm_backward"))
            + &instance(NEUNORM_WEIGHT, "NeuNormBackward", &wide("neunorm_weight"))
            + &instance(NEUNORM_FOLD, "NeuNormBackward", &format!("neunorm_fold<{f}, {e}>"))
    }

    fn of_rows(self, rows: usize, pixels: usize) -> usize {
        (rows * pixels.div_ceil(self.element.lanes())).div_ceil(THREADS as usize)
    }

    /// The grid of both passes.
    pub fn blocks(self, sizes: NeuNormSizes) -> [usize; 3] {
        [self.of_rows(sizes.samples, sizes.pixels), 1, 1]
    }

    /// The grid of the parts of the gradient of `weights` weights: one row of it each.
    pub fn parts(self, sizes: NeuNormSizes, weights: usize) -> [usize; 3] {
        [self.of_rows(weights / sizes.pixels.max(1), sizes.pixels), sizes.samples.div_ceil(SAMPLES), 1]
    }

    /// The grid of their sums.
    pub fn fold(self, weights: usize) -> [usize; 3] {
        [weights.div_ceil(THREADS as usize), 1, 1]
    }
}

/// `snn::NeuNorm`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NeuNormArguments {
    /// `[steps, samples, channels, pixels]`
    pub x: Address,
    /// `[channels, pixels]`, or `[pixels]`.
    pub w: Address,
    /// `[samples, pixels]`: the first trace.
    pub u0: Address,
    /// As x.
    pub y: Address,
    /// `[samples, pixels]`: the last trace.
    pub u: Address,
    /// `[steps, samples, pixels]`: the trace after each step.
    pub u_seq: Address,
    /// What neither pass can do without.
    pub norm: NeuNormNumbers,
}

/// `snn::NeuNormBackward`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NeuNormBackwardArguments {
    /// As in [`NeuNormArguments`].
    pub w: Address,
    /// `[steps, samples, pixels]`: the trace after each step.
    pub u_seq: Address,
    /// `[steps, samples, channels, pixels]`: dL/dy, which is not 0.
    pub grad_y: Address,
    /// `[samples, pixels]`: dL/d(last trace).
    pub grad_u: Address,
    /// As `grad_y`: dL/dx.
    pub grad_x: Address,
    /// `[samples, pixels]`: dL/d(first trace).
    pub grad_u0: Address,
    /// [`NeuNormKernel::parts`] rows of weights.
    pub parts: Address,
    /// As w: dL/dw.
    pub grad_w: Address,
    /// What neither pass can do without.
    pub norm: NeuNormNumbers,
}

/// Sizes and constants.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NeuNormNumbers {
    k: f64,
    gain: f64,
    sizes: [u32; 4],
    shared: u32,
    wide: u32,
}

impl NeuNormNumbers {
    /// For so many weights; `wide`: 1 if rows of pixels can be read [`lanes`](Element::lanes) at once.
    pub fn new(k: f64, sizes: NeuNormSizes, weights: usize, wide: u32) -> NeuNormNumbers {
        let NeuNormSizes { steps, samples, channels, pixels } = sizes;
        let shared = u32::from(weights == pixels);
        NeuNormNumbers { k, gain: sizes.gain(k), sizes: [steps, samples, channels, pixels].map(|n| n as u32), shared, wide }
    }
}

// SAFETY: `repr(C)`, addresses, two numbers of 8 bytes and six of 4: no padding.
unsafe impl Arguments for NeuNormArguments {}
// SAFETY: as above.
unsafe impl Arguments for NeuNormBackwardArguments {}
