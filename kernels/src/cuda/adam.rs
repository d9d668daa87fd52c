//! A step of Adam on the device. In: the element type; out: the source of the kernel, and a launch's struct and grid.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, kernel};

const ADAM_SOURCE: &str = include_str!("../../cuda/adam.cuh");

/// The name of the kernel: an argument [`AdamArguments`], a grid of [`AdamKernel::blocks`].
pub const ADAM: &str = "snn_adam";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, ADAM_SOURCE];

/// [`adam`](crate::adam) for one element type.
#[derive(Clone, Copy, Debug)]
pub struct AdamKernel {
    /// `F32` or `F64`.
    pub element: Element,
}

impl AdamKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instance(""))
    }

    /// The kernel, its name with a suffix.
    pub(crate) fn instance(self, suffix: &str) -> String {
        let (f, lanes) = (self.element.compute(), self.element.lanes());
        kernel(&format!("{ADAM}{suffix}"), &format!("snn::Adam<{f}> call"), &format!("adam<{f}, {lanes}>"), "call")
    }

    /// The grid.
    pub fn blocks(self, elements: usize) -> [usize; 3] {
        self.element.blocks(elements)
    }
}

/// `snn::Adam`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AdamArguments {
    /// `[elements]`, changed in place.
    pub weights: Address,
    /// `[elements]`
    pub grads: Address,
    /// `[elements]`, changed in place.
    pub first: Address,
    /// `[elements]`, changed in place.
    pub second: Address,
    /// [`AdamStep::numbers`](crate::AdamStep::numbers)
    pub numbers: [f64; 8],
    /// Of each.
    pub elements: u64,
    /// 1 if all start at multiples of 16 bytes.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, addresses, nine numbers of 8 bytes and two of 4: no padding.
unsafe impl Arguments for AdamArguments {}
