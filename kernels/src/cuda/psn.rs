//! Parallel spiking neurons on the device. In: a surrogate function, the element type and the number of steps; out: the source of their
//! kernels, and a launch's struct and grids.

use super::{Address, Arguments, Element, FiresArguments, SUM_SOURCE, Source, THREADS, kernel};
use crate::Surrogate;

const PSN_SOURCE: &str = include_str!("../../cuda/psn.cuh");

/// The forward kernel: a grid of [`PsnKernels::blocks`].
pub const PSN: &str = "snn_psn";
/// The first kernel of the way back, which fills `grad_h`: the same grid.
pub const PSN_SLOPES: &str = "snn_psn_slopes";
/// Fills `grad_x` from `grad_h`: the same grid.
pub const PSN_INPUTS: &str = "snn_psn_inputs";
/// Fills `parts` from `grad_h`: a grid of [`PsnKernels::tiles`].
pub const PSN_WEIGHTS: &str = "snn_psn_weights";
/// Fills `grad_weight` and `grad_bias` from `parts`: a grid of [`PsnKernels::fold`].
pub const PSN_FOLD: &str = "snn_psn_fold";

pub(crate) const HEADERS: &[&str] = with_firing![SUM_SOURCE, PSN_SOURCE];

/// `PSN_TILE` of the header.
const TILE: usize = 4;
/// Neurons of a part of the weights' gradient, at least.
const GRAIN: usize = 1 << 12;

/// [`psn_forward`](crate::psn_forward) and [`psn_backward`](crate::psn_backward) for one element type. All kernels take a [`PsnArguments`].
#[derive(Clone, Debug)]
pub struct PsnKernels {
    /// All of them.
    pub source: Source,
    element: Element,
}

impl PsnKernels {
    /// They work for any number of steps, and are made for about `steps`.
    pub fn new(surrogate: &Surrogate, element: Element, steps: usize) -> PsnKernels {
        PsnKernels::named(surrogate, element, steps, "")
    }

    /// The same, with a suffix to the kernels' names.
    pub(crate) fn named(surrogate: &Surrogate, element: Element, steps: usize, suffix: &str) -> PsnKernels {
        let (f, e, lanes, fire) = (element.compute(), element.memory(), element.lanes(), surrogate.cuda_type());
        let out = steps.clamp(1, 8).next_power_of_two();
        let instance =
            |name: &str, function: String| kernel(&format!("{name}{suffix}"), &format!("snn::Psn<{f}, {e}> call"), &function, "call");
        let instances = [
            instance(PSN, format!("psn_forward<{fire}, {f}, {e}, {lanes}, {out}>")),
            instance(PSN_SLOPES, format!("psn_slopes<{fire}, {f}, {e}, {lanes}, {out}>")),
            instance(PSN_INPUTS, format!("psn_inputs<{f}, {e}, {lanes}, {out}>")),
            instance(PSN_WEIGHTS, format!("psn_weights<{f}, {e}, {lanes}>")),
            instance(PSN_FOLD, format!("psn_fold<{f}, {e}>")),
        ];
        PsnKernels { source: Source { headers: HEADERS, formulas: vec![surrogate.cuda()], instances: instances.concat() }, element }
    }

    /// The grid of kernels whose threads have neurons.
    pub fn blocks(&self, neurons: usize) -> [usize; 3] {
        self.element.blocks(neurons)
    }

    /// Into how many parts neurons are cut for the weights' gradient.
    pub fn parts(neurons: usize) -> usize {
        neurons.div_ceil(GRAIN).clamp(1, THREADS as usize)
    }

    /// The grid of [`PSN_WEIGHTS`]: tiles, of which a long sequence has more than the 65535 blocks that other axes have, and parts.
    pub fn tiles(&self, steps: usize, rows: usize, neurons: usize) -> [usize; 3] {
        [steps.div_ceil(TILE) * (rows + 1).div_ceil(TILE), PsnKernels::parts(neurons), 1]
    }

    /// The grid of [`PSN_FOLD`].
    pub fn fold(&self, weights: usize, biases: usize) -> [usize; 3] {
        [(weights + biases).div_ceil(THREADS as usize), 1, 1]
    }
}

/// `snn::Psn`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PsnArguments {
    /// `[rows, neurons]`: the inputs of all steps, behind earlier ones.
    pub x: Address,
    /// `[steps, rows]`, or `[window]` if `sliding`.
    pub weight: Address,
    /// `[biases]`
    pub bias: Address,
    /// `[steps, neurons]`: the spikes.
    pub y: Address,
    /// `[steps, neurons]`: dL/dy.
    pub grad_y: Address,
    /// `[steps, neurons]`, of the arithmetic's type: dL/dh.
    pub grad_h: Address,
    /// `[rows, neurons]`: dL/dx.
    pub grad_x: Address,
    /// `[part_count, steps, rows + 1]`, in `f64`.
    pub parts: Address,
    /// As `weight`.
    pub grad_weight: Address,
    /// As `bias`.
    pub grad_bias: Address,
    /// The surrogate function.
    pub fires: FiresArguments,
    /// Outputs, inputs, and neurons of each.
    pub sizes: [u32; 3],
    /// How many inputs an output sees, its own the last; 0: all.
    pub window: u32,
    /// 1 if a weight is the same for all outputs.
    pub sliding: u32,
    /// How many biases there are: one for each output, or one.
    pub biases: u32,
    /// [`PsnKernels::parts`]
    pub part_count: u32,
    /// 1 if all rows can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
}

// SAFETY: `repr(C)`, addresses, a struct without padding whose size is a multiple of 8, and eight numbers of 4 bytes: no padding.
unsafe impl Arguments for PsnArguments {}
