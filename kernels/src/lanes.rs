//! A block of neighbouring neurons as a fixed-size array: slices in and out, lane-wise arithmetic in between.
//!
//! Loops over `0..LANES` are what the compiler turns into vectors; the arrays then are registers, carried from one time step to the next.
//! That works only while no array's address is taken, hence `FULL`: only the last block of a layer may be shorter, and it gets code of
//! its own.

use std::ops::Range;

use crate::real::Real;

/// Neurons per block: four AVX-512 vectors of `f32`. That many independent chains hide the latency of one neuron's step.
pub(crate) const LANES: usize = 64;

/// The array of `f(k)` for each lane k.
#[inline(always)]
pub(crate) fn lanes<F: Real>(f: impl Fn(usize) -> F) -> [F; LANES] {
    let mut block = [F::ZERO; LANES];
    for (k, x) in block.iter_mut().enumerate() {
        *x = f(k);
    }
    block
}

/// `src`; if not `FULL` it may be shorter than a block, which is then filled up with zeros.
#[inline(always)]
pub(crate) fn load<F: Real, const FULL: bool>(src: &[F]) -> [F; LANES] {
    if FULL {
        return src.try_into().unwrap_or_else(|_| unreachable!("a full block"));
    }
    let mut block = [F::ZERO; LANES];
    block[..src.len()].copy_from_slice(src);
    block
}

/// As many of the lanes as `dst` has room for; all of them if `FULL`.
#[inline(always)]
pub(crate) fn store<F: Real, const FULL: bool>(block: &[F; LANES], dst: &mut [F]) {
    if FULL {
        *<&mut [F; LANES]>::try_from(dst).unwrap_or_else(|_| unreachable!("a full block")) = *block;
    } else {
        dst.copy_from_slice(&block[..dst.len()]);
    }
}

/// `src` as whole lanes; if it has fewer, they are copied to `spare`. (A copy of the lanes themselves would go through memory.)
#[inline(always)]
pub(crate) fn view<'a, F: Real, const FULL: bool>(src: &'a [F], spare: &'a mut [F; LANES]) -> &'a [F; LANES] {
    match src.try_into() {
        Ok(block) => block,
        Err(_) if FULL => unreachable!("a full block"),
        Err(_) => {
            spare[..src.len()].copy_from_slice(src);
            spare
        }
    }
}

/// Where `dst` is written, as whole lanes.
#[inline(always)]
pub(crate) fn fill<F: Real, const FULL: bool>(dst: &mut [F], write: impl FnOnce(&mut [F; LANES])) {
    if FULL {
        write(dst.try_into().unwrap_or_else(|_| unreachable!("a full block")));
    } else {
        let mut block = [F::ZERO; LANES];
        write(&mut block);
        dst.copy_from_slice(&block[..dst.len()]);
    }
}

/// How far ahead of its use the next block of a row is asked for. The rows of the steps are far apart and what is read of each at a time is short,
/// so the hardware does not see it coming.
pub(crate) const AHEAD: usize = 2 * LANES;

/// Asks for the block that starts `ahead` elements behind the start of `src` to be brought into the cache. It may lie outside of what there is.
#[inline(always)]
pub(crate) fn prefetch<F>(src: &[F], ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..LANES).step_by(64 / size_of::<F>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint, never a fault wherever it points, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(src.as_ptr().wrapping_add(ahead + line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (src, ahead);
}

/// The full blocks of `tile` by their first neuron, and the rest.
pub(crate) fn blocks(tile: Range<usize>) -> (impl Iterator<Item = Range<usize>> + Clone, Option<Range<usize>>) {
    let full_end = tile.end - tile.len() % LANES;
    let full = (tile.start..full_end).step_by(LANES).map(|start| start..start + LANES);
    (full, (full_end < tile.end).then_some(full_end..tile.end))
}
