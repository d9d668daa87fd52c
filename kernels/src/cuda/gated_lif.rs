//! Gated LIF neurons on the device. In: a surrogate function, the element type and the number of steps; out: the source of their kernels, and
//! a launch's struct and grid.

use super::{Address, Arguments, Element, FiresArguments, Source, kernel};
use crate::Surrogate;

const GATED_LIF_SOURCE: &str = include_str!("../../cuda/gated_lif.cuh");

/// The forward kernel.
pub const GATED_LIF: &str = "snn_gated_lif";
/// The backward kernel.
pub const GATED_LIF_BACKWARD: &str = "snn_gated_lif_backward";

pub(crate) const HEADERS: &[&str] = with_firing![GATED_LIF_SOURCE];

/// [`GatedLif`](crate::GatedLif) for one element type. Both kernels take a [`GatedLifArguments`] and a grid of [`GatedLifKernels::blocks`].
#[derive(Clone, Debug)]
pub struct GatedLifKernels {
    /// Both.
    pub source: Source,
    /// Are there so many steps that the backward pass needs room for the potentials?
    pub needs_room: bool,
    element: Element,
}

impl GatedLifKernels {
    /// Kernels for that many steps.
    pub fn new(surrogate: &Surrogate, element: Element, steps: usize) -> GatedLifKernels {
        GatedLifKernels::named(surrogate, element, steps, "")
    }

    /// The same, with a suffix to the kernels' names.
    pub(crate) fn named(surrogate: &Surrogate, element: Element, steps: usize, suffix: &str) -> GatedLifKernels {
        let (f, e, lanes, fire) = (element.compute(), element.memory(), element.lanes(), surrogate.cuda_type());
        let needs_room = steps > 8;
        let segment = if needs_room { 0 } else { steps.next_power_of_two() };
        let instance =
            |name: &str, function: String| kernel(&format!("{name}{suffix}"), &format!("snn::GatedLif<{f}, {e}> call"), &function, "call");
        let instances = instance(GATED_LIF, format!("gated_lif<{fire}, {f}, {e}, {lanes}>"))
            + &instance(GATED_LIF_BACKWARD, format!("gated_lif_backward<{fire}, {f}, {e}, {lanes}, {segment}>"));
        GatedLifKernels { source: Source { headers: HEADERS, formulas: vec![surrogate.cuda()], instances }, needs_room, element }
    }

    /// The grid of both.
    pub fn blocks(&self, neurons: usize) -> [usize; 3] {
        self.element.blocks(neurons)
    }
}

/// `snn::GatedLif`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct GatedLifArguments {
    /// `[steps, neurons]`
    pub x: Address,
    /// `[5 + steps, channels]`: [`GatedLif::constants`](crate::GatedLif::constants), in the arithmetic's type as all but x, y and their
    /// gradients.
    pub constants: Address,
    /// `[neurons]`: the first potential.
    pub v0: Address,
    /// `[steps, neurons]`: the spikes.
    pub y: Address,
    /// `[neurons]`: the last potential.
    pub v: Address,
    /// `[steps, neurons]`: the potential after each step; on the way back room for that, if [`needs_room`](GatedLifKernels::needs_room).
    pub v_seq: Address,
    /// `[steps, neurons]`: dL/dy.
    pub grad_y: Address,
    /// `[neurons]`: dL/d(last potential).
    pub grad_v: Address,
    /// `[steps, neurons]`: dL/dx.
    pub grad_x: Address,
    /// `[neurons]`: dL/d(first potential).
    pub grad_v0: Address,
    /// `[5 + steps, neurons]`: dL/d(constants) of each neuron.
    pub grad_constants: Address,
    /// The surrogate function.
    pub fires: FiresArguments,
    /// Steps, neurons, channels, and neurons of a channel that lie next to each other.
    pub sizes: [u32; 4],
    /// 1 if all rows can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, addresses, a struct without padding whose size is a multiple of 8, and six numbers of 4 bytes: no padding.
unsafe impl Arguments for GatedLifArguments {}
