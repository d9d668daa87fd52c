//! Products with rare spikes on the device. In: the element type; out: the source of the kernels, and a launch's structs and grids.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, THREADS, kernel};

pub(super) const BITS: &str = include_str!("../../cuda/bits.cuh");
const SPIKES: &str = include_str!("../../cuda/spikes.cuh");

/// The name of the kernel that packs: an argument [`PackSpikesArguments`], a grid of [`SpikesKernel::pack`].
pub const PACK_SPIKES: &str = "snn_pack_spikes";
/// The name of the kernel that transposes bits: an argument [`TransposeBitsArguments`], a grid of [`SpikesKernel::transpose`].
pub const TRANSPOSE_BITS: &str = "snn_transpose_bits";
/// The name of the kernel that multiplies: an argument [`SpikeProductArguments`], a grid of [`SpikesKernel::product`].
pub const SPIKE_PRODUCT: &str = "snn_spike_product";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, BITS, SPIKES];

/// Elements of a word.
const WORD: usize = 32;

/// `PRODUCT_ROWS` of the header.
const ROWS: usize = 64;

/// What [`SpikeMatrix`](crate::SpikeMatrix) does, for one element type.
#[derive(Clone, Copy, Debug)]
pub struct SpikesKernel {
    /// Of both matrices.
    pub element: Element,
}

impl SpikesKernel {
    /// Its text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernels, their names with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let instance = |name: &str, argument: &str, function: &str| {
            kernel(&format!("{name}{suffix}"), &format!("snn::{argument} call"), function, "call")
        };
        instance(PACK_SPIKES, &format!("PackSpikes<{f}, {e}>"), &format!("pack_spikes<{f}, {e}, {lanes}>"))
            + &instance(TRANSPOSE_BITS, "TransposeBits", "transpose_bits")
            + &instance(SPIKE_PRODUCT, &format!("SpikeProduct<{e}>"), &format!("spike_product<{f}, {e}, {lanes}>"))
    }

    /// Words of a row of so many bits.
    pub fn words(columns: usize) -> usize {
        columns.div_ceil(WORD)
    }

    /// The grid that packs `[rows, columns]`.
    pub fn pack(self, rows: usize, columns: usize) -> [usize; 3] {
        [(rows * SpikesKernel::words(columns) * WORD).div_ceil(self.element.lanes() * THREADS as usize), 1, 1]
    }

    /// The grid that transposes `[rows, columns]` bits.
    pub fn transpose(self, rows: usize, columns: usize) -> [usize; 3] {
        [rows.div_ceil(THREADS as usize), SpikesKernel::words(columns), 1]
    }

    /// The grid of a product `[rows, columns]`.
    pub fn product(self, rows: usize, columns: usize) -> [usize; 3] {
        [rows.div_ceil(ROWS), columns.div_ceil(32 * self.element.lanes()), 1]
    }
}

/// `snn::PackSpikes`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PackSpikesArguments {
    /// `[rows, columns]`
    pub x: Address,
    /// `[rows, words]` of 32 bits: which elements are 1.
    pub ones: Address,
    /// The same: which are other numbers than 0 and 1.
    pub others: Address,
    /// `[2, blocks of the grid]`, numbers of the arithmetic's type: how many there are of either.
    pub counts: Address,
    /// Rows of x.
    pub rows: u32,
    /// Columns of x.
    pub columns: u32,
    /// 1 if rows of x can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

/// `snn::TransposeBits`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct TransposeBitsArguments {
    /// `[rows, words of columns]`
    pub from: Address,
    /// `[columns, words of rows]`
    pub to: Address,
    /// Rows of `from`.
    pub rows: u32,
    /// Columns of `from`.
    pub columns: u32,
}

/// `snn::SpikeProduct`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SpikeProductArguments {
    /// `[rows, words of along]`
    pub ones: Address,
    /// The same.
    pub others: Address,
    /// What was packed: where others are looked up.
    pub x: Address,
    /// `[along, columns]`
    pub dense: Address,
    /// `[columns]`, or 0: what sums start with.
    pub first: Address,
    /// `[rows, columns]`
    pub out: Address,
    /// Elements of x from one row of the product to the next, and from one summand to the next.
    pub strides: [u64; 2],
    /// Rows of the product.
    pub rows: u32,
    /// Summands.
    pub along: u32,
    /// Columns of the product.
    pub columns: u32,
    /// 1 if rows of `columns` elements can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
}

// SAFETY: `repr(C)`, four addresses and four numbers of 4 bytes: no padding.
unsafe impl Arguments for PackSpikesArguments {}
// SAFETY: `repr(C)`, two addresses and two numbers of 4 bytes: no padding.
unsafe impl Arguments for TransposeBitsArguments {}
// SAFETY: `repr(C)`, eight numbers of 8 bytes and four of 4: no padding.
unsafe impl Arguments for SpikeProductArguments {}
