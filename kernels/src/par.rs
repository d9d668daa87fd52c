//! Work sharing: a number of neurons in, tiles of consecutive neurons out, run on rayon's threads.
//!
//! The partition depends on the problem only, and results come back in tile order, so nothing depends on the number of threads.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

/// Below this many elements per thread the kernels run on the calling thread: waking a worker costs about as much as this work.
const GRAIN: usize = 1 << 15;

/// Cuts `0..items` into tiles of `width` (the last may be shorter), runs `f` on each, and returns the results in order.
///
/// `cost` is the number of elements one item stands for (e.g. time steps per neuron); `scratch` makes the buffers of one worker, which
/// `f` finds as its previous tile left them. Closures come as trait objects so that rayon is compiled once, not once per kernel.
pub(crate) fn map_tiles<S, R: Send>(
    items: usize,
    width: usize,
    cost: usize,
    scratch: &(dyn Fn() -> S + Sync),
    f: &(dyn Fn(&mut S, Range<usize>) -> R + Sync),
) -> Vec<R> {
    let tiles = items.div_ceil(width);
    let range = |i: usize| i * width..items.min((i + 1) * width);
    if items.saturating_mul(cost) < 2 * GRAIN || rayon::current_num_threads() == 1 {
        let mut scratch = scratch();
        return (0..tiles).map(|i| f(&mut scratch, range(i))).collect();
    }
    let tiles_per_grain = GRAIN.div_ceil(width.saturating_mul(cost).max(1));
    (0..tiles).into_par_iter().with_min_len(tiles_per_grain).map_init(scratch, |scratch, i| f(scratch, range(i))).collect()
}

/// A `[rows, cols]` buffer that threads fill together, each its own columns.
pub(crate) struct Columns<'a, F> {
    start: *mut F,
    len: usize,
    cols: usize,
    buffer: PhantomData<&'a mut [F]>,
}

// SAFETY: a `Columns` only hands out slices of plain numbers, disjoint by the contract of `row`.
unsafe impl<F: Send> Send for Columns<'_, F> {}
// SAFETY: as above.
unsafe impl<F: Send> Sync for Columns<'_, F> {}

impl<'a, F> Columns<'a, F> {
    /// `buffer` holds rows of `cols` elements.
    pub(crate) fn new(buffer: &'a mut [F], cols: usize) -> Self {
        Columns { start: buffer.as_mut_ptr(), len: buffer.len(), cols, buffer: PhantomData }
    }

    /// Columns `lanes` of row `row`.
    ///
    /// # Safety
    /// While the slice lives, no other call may ask for any of the same elements.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // the reason for the contract above
    pub(crate) unsafe fn row(&self, row: usize, lanes: Range<usize>) -> &mut [F] {
        let at = row * self.cols + lanes.start;
        assert!(lanes.start <= lanes.end && lanes.end <= self.cols && at + lanes.len() <= self.len);
        // SAFETY: inside the buffer by the assertion; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), lanes.len()) }
    }
}
