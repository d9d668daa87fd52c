//! Max pools on the device. In: the element type; out: the source of both passes, and a launch's struct and grids.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, THREADS, kernel};
use crate::PoolSizes;

const MAX_POOL_SOURCE: &str = include_str!("../../cuda/max_pool.cuh");

/// The name of the forward kernel: an argument [`MaxPoolArguments`].
pub const MAX_POOL: &str = "snn_max_pool";
/// The name of the backward kernel: the same argument.
pub const MAX_POOL_BACKWARD: &str = "snn_max_pool_backward";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, MAX_POOL_SOURCE];

/// [`max_pool`](crate::max_pool) and its backward pass for one element type.
#[derive(Clone, Copy, Debug)]
pub struct MaxPoolKernel {
    /// Of x and y.
    pub element: Element,
}

impl MaxPoolKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernels, their names with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let instance = |name: &str, function: &str| {
            kernel(&format!("{name}{suffix}"), &format!("snn::MaxPool<{e}> call"), &format!("{function}<{f}, {e}, {lanes}>"), "call")
        };
        instance(MAX_POOL, "max_pool") + &instance(MAX_POOL_BACKWARD, "max_pool_backward")
    }

    /// Are windows 2 x 2, side by side over the whole plane, and a few of them one access of each row? `addresses` are those of all rows.
    pub fn is_paired(self, sizes: PoolSizes, addresses: impl IntoIterator<Item = Address>) -> bool {
        let PoolSizes { input, output, kernel, stride, padding, .. } = sizes;
        let pairs = kernel == [2, 2] && stride == [2, 2] && padding == [0, 0] && input == output.map(|n| 2 * n);
        pairs && super::is_wide(self.element.lanes(), output[1], addresses)
    }

    /// The grid of the forward pass.
    pub fn blocks(self, sizes: PoolSizes, paired: bool) -> [usize; 3] {
        let windows = sizes.planes * sizes.output[0] * sizes.output[1];
        [(windows / if paired { self.element.lanes() } else { 1 }).div_ceil(THREADS as usize), 1, 1]
    }

    /// The grid of the backward pass.
    pub fn backward_blocks(self, sizes: PoolSizes, paired: bool) -> [usize; 3] {
        if paired {
            return self.blocks(sizes, true);
        }
        [(sizes.planes * sizes.input[0] * sizes.input[1]).div_ceil(THREADS as usize), 1, 1]
    }
}

/// `snn::MaxPool`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MaxPoolArguments {
    /// `[planes, height, width]`
    pub x: Address,
    /// `[planes, rows, columns]`
    pub y: Address,
    /// As y, bytes: which cell of its window won.
    pub places: Address,
    /// As y: dL/dy.
    pub grad_y: Address,
    /// As x: dL/dx.
    pub grad_x: Address,
    /// Where windows are.
    pub windows: Windows,
}

/// Sizes, as the kernels read them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Windows {
    sizes: [u32; 11],
    paired: u32,
}

impl MaxPoolArguments {
    /// No addresses yet.
    pub fn new(sizes: PoolSizes, paired: bool) -> MaxPoolArguments {
        let PoolSizes { planes, input, output, kernel, stride, padding } = sizes;
        let [height, width, rows, columns, tall, broad, down, right, above, before] =
            std::array::from_fn(|i| [input, output, kernel, stride, padding][i / 2][i % 2] as u32);
        let sizes = [planes as u32, height, width, rows, columns, tall, broad, down, right, above, before];
        MaxPoolArguments { x: 0, y: 0, places: 0, grad_y: 0, grad_x: 0, windows: Windows { sizes, paired: u32::from(paired) } }
    }
}

// SAFETY: `repr(C)`, five addresses and twelve numbers of 4 bytes: no padding.
unsafe impl Arguments for MaxPoolArguments {}
