//! Spike-tracing bipolar neurons on the device. In: the element type; out: the source of their kernel, and a launch's struct and grid.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, kernel};

const STBIF_SOURCE: &str = include_str!("../../cuda/stbif.cuh");

/// The name of the kernel: an argument [`StbifArguments`], a grid of [`StbifKernel::blocks`].
pub const STBIF: &str = "snn_stbif";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, STBIF_SOURCE];

/// [`Stbif`](crate::Stbif) for one element type.
#[derive(Clone, Copy, Debug)]
pub struct StbifKernel {
    /// Of inputs and spikes. The state is of the type of the arithmetic.
    pub element: Element,
}

impl StbifKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instance(""))
    }

    /// The kernel, its name with a suffix.
    pub(crate) fn instance(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        kernel(&format!("{STBIF}{suffix}"), &format!("snn::Stbif<{f}, {e}> call"), &format!("stbif<{f}, {e}, {lanes}>"), "call")
    }

    /// The grid.
    pub fn blocks(self, neurons: usize) -> [usize; 3] {
        self.element.blocks(neurons)
    }
}

/// `snn::Stbif`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct StbifArguments {
    /// `[steps, neurons]`
    pub x: Address,
    /// `[steps, neurons]`: the spikes.
    pub y: Address,
    /// `[neurons]`: what is left over; none: 1/2.
    pub q0: Address,
    /// `[neurons]`: spikes so far; none: 0.
    pub acc_q0: Address,
    /// `[neurons]` each: both afterwards, and the last spike.
    pub after: [Address; 3],
    /// Height of a spike, most and least of them.
    pub quantiser: [f64; 3],
    /// Steps and neurons.
    pub sizes: [u32; 2],
    /// 1 if all rows can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, addresses, three numbers of 8 bytes and four of 4: no padding.
unsafe impl Arguments for StbifArguments {}
