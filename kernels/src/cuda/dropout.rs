//! Dropout masks on the device. In: the element type; out: the source, and a launch's struct and grid.

use super::{Address, Arguments, Element, MEMORY, PHILOX, REAL, Source, kernel, quads};
use crate::dropout::Kept;
use crate::{Draw, Error};

const DROPOUT: &str = include_str!("../../cuda/dropout.cuh");

/// The name of the kernel: an argument [`DropoutMaskArguments`].
pub const DROPOUT_MASK: &str = "snn_dropout_mask";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, PHILOX, DROPOUT];

/// [`dropout_mask`](crate::dropout_mask) for one element type.
#[derive(Clone, Copy, Debug)]
pub struct DropoutMaskKernel {
    /// Of the mask.
    pub element: Element,
}

impl DropoutMaskKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernel, its name with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let arguments = format!("snn::DropoutMask<{f}, {e}> call");
        kernel(&format!("{DROPOUT_MASK}{suffix}"), &arguments, &format!("dropout_mask<{f}, {e}, {lanes}>"), "call")
    }

    /// The grid of a launch.
    pub fn blocks(self, elements: usize) -> [usize; 3] {
        quads(elements)
    }
}

/// `snn::DropoutMask`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DropoutMaskArguments {
    /// `[elements]`
    mask: Address,
    elements: u64,
    kept_words: u64,
    keep: f64,
    seed: [u32; 2],
    stream: u32,
    draw: u32,
    wide: u32,
    padding: u32,
}

impl DropoutMaskArguments {
    /// For `elements` elements at `mask`, of which a share `p` is dropped.
    ///
    /// # Errors
    /// [`Error::Probability`] unless 0 <= p < 1.
    pub fn new(mask: Address, elements: usize, p: f64, draw: Draw) -> Result<DropoutMaskArguments, Error> {
        let Kept { words, scale } = Kept::new(p)?;
        Ok(DropoutMaskArguments {
            mask,
            elements: elements as u64,
            kept_words: words,
            keep: scale,
            seed: [draw.seed as u32, (draw.seed >> 32) as u32],
            stream: draw.stream,
            draw: draw.draw,
            wide: u32::from(mask.is_multiple_of(16)),
            padding: 0,
        })
    }
}

// SAFETY: `repr(C)`, four numbers of 8 bytes and six of 4: no padding.
unsafe impl Arguments for DropoutMaskArguments {}
