//! Sums over the neurons of each channel on the device, in two launches. In: how many rows of how many channels; out: the source, and a
//! launch's struct and grid.

use super::{Address, Arguments, MEMORY, REAL, SUM_SOURCE, Source, THREADS, kernel};

/// The name of the kernel: an argument [`SumArguments`].
pub const SUM: &str = "snn_sum";

/// Values that a block of the first launch sums up at least.
const GRAIN: usize = 8192;

/// The kernel that sums rows of one type.
#[derive(Clone, Copy, Debug)]
pub struct SumKernel {
    /// The type of the numbers in C++: `float` or `double`.
    pub ty: &'static str,
}

impl SumKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(&[REAL, MEMORY, SUM_SOURCE], self.instance(""))
    }

    /// The kernel, its name with a suffix.
    pub(crate) fn instance(self, suffix: &str) -> String {
        kernel(&format!("{SUM}{suffix}"), &format!("snn::Sums<{}> call", self.ty), "sum", "call")
    }

    /// Into how many parts a channel of that many values is cut, at most as many as one block of a second launch sums up in one go.
    pub fn parts(values: usize) -> usize {
        values.div_ceil(GRAIN).clamp(1, THREADS as usize)
    }
}

/// `snn::Sums`. The grid is `[channels, parts, rows]`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SumArguments {
    /// `[rows, samples, channels, inner]`
    pub rows: Address,
    /// `[rows, channels, parts]` of `f64`
    pub sums: Address,
    /// Samples of a row.
    pub samples: u32,
    /// Channels of a sample.
    pub channels: u32,
    /// Elements of a channel of a sample.
    pub inner: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, two addresses and four numbers of 4 bytes: no padding.
unsafe impl Arguments for SumArguments {}
