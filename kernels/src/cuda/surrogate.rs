//! A surrogate function that stands alone, on the device. In: the function and the element type; out: the source of both kernels, and a launch's
//! struct and grid.

use super::{Address, Arguments, Element, FiresArguments, Source, kernel};
use crate::Surrogate;

const SURROGATE_SOURCE: &str = include_str!("../../cuda/surrogate.cuh");

/// The forward kernel: spikes.
pub const ALONE: &str = "snn_alone";
/// The backward kernel.
pub const ALONE_BACKWARD: &str = "snn_alone_backward";

pub(crate) const HEADERS: &[&str] = with_firing![SURROGATE_SOURCE];

/// [`Surrogate::spike`] and [`Surrogate::derivative`] for one element type. Both kernels take an [`AloneArguments`] and a grid of
/// [`AloneKernels::blocks`].
#[derive(Clone, Debug)]
pub struct AloneKernels {
    /// Both.
    pub source: Source,
    element: Element,
}

impl AloneKernels {
    /// Of this function.
    pub fn new(surrogate: &Surrogate, element: Element) -> AloneKernels {
        AloneKernels::named(surrogate, element, "")
    }

    /// The same, with a suffix to the kernels' names.
    pub(crate) fn named(surrogate: &Surrogate, element: Element, suffix: &str) -> AloneKernels {
        let (f, e, lanes, fire) = (element.compute(), element.memory(), element.lanes(), surrogate.cuda_type());
        let instance = |name: &str, function: &str| {
            let function = format!("{function}<{fire}, {f}, {e}, {lanes}>");
            kernel(&format!("{name}{suffix}"), &format!("snn::Alone<{f}, {e}> call"), &function, "call")
        };
        let instances = instance(ALONE, "alone") + &instance(ALONE_BACKWARD, "alone_backward");
        AloneKernels { source: Source { headers: HEADERS, formulas: vec![surrogate.cuda()], instances }, element }
    }

    /// The grid of both.
    pub fn blocks(&self, elements: usize) -> [usize; 3] {
        self.element.blocks(elements)
    }
}

/// `snn::Alone`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AloneArguments {
    /// `[elements]`: how far over their thresholds.
    pub x: Address,
    /// `[elements]`: dL/d(spikes).
    pub grad: Address,
    /// `[elements]`: spikes, or dL/dx.
    pub y: Address,
    /// The function.
    pub fires: FiresArguments,
    /// How many there are.
    pub elements: u32,
    /// 1 if all start at multiples of 16 bytes.
    pub wide: u32,
}

// SAFETY: `repr(C)`, addresses, a struct without padding whose size is a multiple of 8, and two numbers of 4 bytes: no padding.
unsafe impl Arguments for AloneArguments {}
