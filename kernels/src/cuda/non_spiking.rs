//! Neurons that do not fire on the device. In: the element type and what is decoded; out: the source of both kernels, and a launch's struct
//! and grid.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, kernel};
use crate::Decode;

const NON_SPIKING_SOURCE: &str = include_str!("../../cuda/non_spiking.cuh");

/// The forward kernel.
pub const NON_SPIKING: &str = "snn_non_spiking";
/// The backward kernel.
pub const NON_SPIKING_BACKWARD: &str = "snn_non_spiking_backward";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, NON_SPIKING_SOURCE];

/// [`NonSpiking`](crate::NonSpiking) for one element type. Both kernels take a [`NonSpikingArguments`] and a grid of
/// [`NonSpikingKernels::blocks`].
#[derive(Clone, Copy, Debug)]
pub struct NonSpikingKernels {
    /// Of inputs and outputs.
    pub element: Element,
    /// What comes out.
    pub decode: Decode,
}

impl NonSpikingKernels {
    /// Their text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernels, their names with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let decode = match self.decode {
            Decode::Sequence => "SEQUENCE",
            Decode::Last => "LAST",
            Decode::Mean => "MEAN",
            Decode::Max => "MAXIMUM",
            Decode::MaxAbs => "MAX_ABS",
        };
        let instance = |name: &str, function: &str| {
            let function = format!("{function}<{f}, {e}, {lanes}, snn::{decode}>");
            kernel(&format!("{name}{suffix}"), &format!("snn::NonSpiking<{f}, {e}> call"), &function, "call")
        };
        instance(NON_SPIKING, "non_spiking") + &instance(NON_SPIKING_BACKWARD, "non_spiking_backward")
    }

    /// The grid of both.
    pub fn blocks(self, neurons: usize) -> [usize; 3] {
        self.element.blocks(neurons)
    }
}

/// `snn::NonSpiking`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NonSpikingArguments {
    /// `[steps, neurons]`
    pub x: Address,
    /// `[steps, neurons]` for [`Decode::Sequence`], else `[neurons]`.
    pub y: Address,
    /// `[neurons]`, in `u32`: the step that the output of each neuron comes from, where one is chosen.
    pub chosen: Address,
    /// As y: dL/dy.
    pub grad_y: Address,
    /// `[steps, neurons]`: dL/dx.
    pub grad_x: Address,
    /// The time constant; 0: no leak.
    pub tau: f64,
    /// Steps and neurons.
    pub sizes: [u32; 2],
    /// 1 if all rows can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, addresses, a number of 8 bytes and four of 4: no padding.
unsafe impl Arguments for NonSpikingArguments {}
