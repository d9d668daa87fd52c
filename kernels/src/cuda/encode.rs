//! The Poisson encoder on the device. In: the element type; out: the source of its kernel, and a launch's struct and grid.

use super::{Address, Arguments, Element, MEMORY, PHILOX, REAL, Source, is_wide, kernel, quads};
use crate::Draw;

const ENCODE_SOURCE: &str = include_str!("../../cuda/encode.cuh");

/// The name of the kernel: an argument [`PoissonArguments`], a grid of [`PoissonKernel::blocks`].
pub const POISSON: &str = "snn_poisson";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, PHILOX, ENCODE_SOURCE];

/// [`poisson`](crate::poisson) for one element type.
#[derive(Clone, Copy, Debug)]
pub struct PoissonKernel {
    /// Of numbers and spikes.
    pub element: Element,
}

impl PoissonKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernel, its name with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        kernel(&format!("{POISSON}{suffix}"), &format!("snn::Poisson<{e}> call"), &format!("poisson<{f}, {e}, {lanes}>"), "call")
    }

    /// The grid of a launch.
    pub fn blocks(self, elements: usize) -> [usize; 3] {
        quads(elements)
    }
}

/// `snn::Poisson`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PoissonArguments {
    x: Address,
    y: Address,
    elements: u64,
    seed: [u32; 2],
    stream: u32,
    draw: u32,
    wide: u32,
    padding: u32,
}

impl PoissonArguments {
    /// For `elements` numbers at `x`, and as many spikes at `y`.
    pub fn new(x: Address, y: Address, elements: usize, draw: Draw) -> PoissonArguments {
        let (seed, Draw { stream, draw, .. }) = ([draw.seed as u32, (draw.seed >> 32) as u32], draw);
        // The last elements are looked at one by one anyhow.
        let wide = u32::from(is_wide(1, 0, [x, y]));
        PoissonArguments { x, y, elements: elements as u64, seed, stream, draw, wide, padding: 0 }
    }
}

// SAFETY: `repr(C)`, three numbers of 8 bytes and six of 4: no padding.
unsafe impl Arguments for PoissonArguments {}
