//! A thread's own accumulators: rows of 64 numbers, each on cache lines of its own.

use std::cell::RefCell;

use super::kernel::Place;

/// The numbers of 64 output channels.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Row(pub(super) [f32; 64]);

pub(super) const ZERO_ROW: Row = Row([0.0; 64]);

/// Calls `f` with `len` rows of this thread, which hold what was left there, and `places`, where each of them is.
pub(super) fn with_rows<R>(places: impl ExactSizeIterator<Item = Place>, f: impl FnOnce(&[Place], &mut [Row]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<(Vec<Place>, Vec<Row>)> = const { RefCell::new((Vec::new(), Vec::new())) };
    }
    SCRATCH.with_borrow_mut(|(kept, rows)| {
        let len = places.len();
        kept.clear();
        kept.extend(places);
        if rows.len() < len {
            rows.resize(len, ZERO_ROW);
        }
        f(kept, &mut rows[..len])
    })
}
