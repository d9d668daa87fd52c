//! A sample in another layout. In: `[..][cell][channel]`; out: the same elements, torch's order kept, with other cells and channels.

use crate::graph::Layout;

/// Every sample of `x`, laid out as `from`, into `out`, laid out as `to`.
pub(crate) fn reorder(x: &[f32], from: Layout, out: &mut [f32], to: Layout) {
    for (x, out) in x.chunks_exact(from.len()).zip(out.chunks_exact_mut(to.len())) {
        for (cell, out) in out.chunks_exact_mut(to.channels).enumerate() {
            for (channel, out) in out.iter_mut().enumerate() {
                let torch = channel * to.cells + cell;
                *out = x[torch % from.cells * from.channels + torch / from.cells];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_torchs_order() {
        // [2, 3], channels last, is 0 3 1 4 2 5; flat it is 0 1 2 3 4 5; as [3, 2] its first axis are three channels.
        let (from, flat) = (Layout::of(&[2, 3]), Layout::of(&[6]));
        let mut out = [0.0; 6];
        reorder(&[0.0, 3.0, 1.0, 4.0, 2.0, 5.0], from, &mut out, flat);
        assert_eq!(out, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        reorder(&[0.0, 3.0, 1.0, 4.0, 2.0, 5.0], from, &mut out, Layout::of(&[3, 2]));
        assert_eq!(out, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }
}
