//! `y += x scale + shift` per channel on the device. In: the element type; out: the source, and a launch's struct and grid.

use super::{Address, Arguments, Element, MEMORY, REAL, SCALE, Source, THREADS, kernel};

/// The name of the kernel: an argument [`AddScaledArguments`].
pub const ADD_SCALED: &str = "snn_add_scaled";

/// [`add_scaled`](crate::add_scaled) for one element type.
#[derive(Clone, Copy, Debug)]
pub struct AddScaledKernel {
    /// Of x and y.
    pub element: Element,
}

impl AddScaledKernel {
    /// Its text.
    pub fn source(self) -> Source {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let arguments = format!("snn::AddScaled<{f}, {e}> call");
        let instances = kernel(ADD_SCALED, &arguments, &format!("add_scaled<{f}, {e}, {lanes}>"), "call");
        Source::plain(&[REAL, MEMORY, SCALE], instances)
    }

    /// Blocks of a launch.
    pub fn blocks(self, elements: usize) -> usize {
        elements.div_ceil(self.element.lanes() * THREADS as usize)
    }
}

/// `snn::AddScaled`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AddScaledArguments {
    /// `[elements]`
    pub x: Address,
    /// `[elements]`, changed in place.
    pub y: Address,
    /// One number per channel.
    pub scale: Address,
    /// One number per channel.
    pub shift: Address,
    /// Of x, and of y.
    pub elements: u64,
    /// Number of channels, and elements of each in a sample.
    pub channels: [u32; 2],
    /// 1 if x and y start at multiples of 16 bytes.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, five numbers of 8 bytes and four of 4: no padding.
unsafe impl Arguments for AddScaledArguments {}
