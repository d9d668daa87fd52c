//! Seeds. In: one number; out: the same weights, masks and shuffles in every run, on any number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

static SEED: AtomicU64 = AtomicU64::new(0);

/// Seeds everything random: torch's generator (initial weights) and the counter-based one behind dropout masks.
pub fn manual_seed(seed: i64) {
    tch::manual_seed(seed);
    SEED.store(seed as u64, Ordering::Relaxed);
}

/// The seed set last, 0 if none was.
pub(crate) fn seed() -> u64 {
    SEED.load(Ordering::Relaxed)
}

/// A number for a name that does not depend on the run: FNV-1a.
pub(crate) fn stream(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}
