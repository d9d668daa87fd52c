//! A thread's own accumulators: rows of 64 numbers, each on cache lines of its own.

use std::cell::RefCell;

/// The numbers of 64 output channels.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Row(pub(super) [f32; 64]);

pub(super) const ZERO_ROW: Row = Row([0.0; 64]);

/// Calls `f` with `len` rows of this thread, which hold what was left there.
pub(super) fn with_rows<R>(len: usize, f: impl FnOnce(&mut [Row]) -> R) -> R {
    thread_local! {
        static ROWS: RefCell<Vec<Row>> = const { RefCell::new(Vec::new()) };
    }
    ROWS.with_borrow_mut(|rows| {
        if rows.len() < len {
            rows.resize(len, ZERO_ROW);
        }
        f(&mut rows[..len])
    })
}
