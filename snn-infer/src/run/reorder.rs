//! A sample in another layout. In: `[..][cell][channel]`; out: the same elements, torch's order kept, with other cells and channels.

use snn_kernels::Error;
use snn_kernels::frozen::transposed;

use crate::graph::Layout;

/// Every sample of `x`, laid out as `from`, into `out`, laid out as `to`.
///
/// # Errors
///
/// The layouts are of different lengths.
pub(crate) fn reorder(x: &[f32], from: Layout, out: &mut [f32], to: Layout) -> Result<(), Error> {
    for (x, out) in x.chunks_exact(from.len().max(1)).zip(out.chunks_exact_mut(to.len().max(1))) {
        match (from.cells, to.cells) {
            _ if from == to => out.copy_from_slice(x),
            (1, _) => transposed(x, to.channels, out)?,
            (cells, 1) => transposed(x, cells, out)?,
            _ => between(x, from, out, to),
        }
    }
    Ok(())
}

/// Torch's order on both sides: cells within a channel.
fn between(x: &[f32], from: Layout, out: &mut [f32], to: Layout) {
    let (mut at, mut first) = (0, 0);
    for channel in 0..to.channels {
        for cell in 0..to.cells {
            out[cell * to.channels + channel] = x[at];
            at += from.channels;
            if at >= x.len() {
                first += 1;
                at = first;
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
        reorder(&[0.0, 3.0, 1.0, 4.0, 2.0, 5.0], from, &mut out, flat).unwrap();
        assert_eq!(out, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        reorder(&[0.0, 3.0, 1.0, 4.0, 2.0, 5.0], from, &mut out, Layout::of(&[3, 2])).unwrap();
        assert_eq!(out, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        let mut two = [0.0; 12];
        reorder(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0], flat, &mut two, from).unwrap();
        assert_eq!(two, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0, 10.0, 13.0, 11.0, 14.0, 12.0, 15.0]);
        reorder(&two.clone(), from, &mut two, from).unwrap();
        assert_eq!(two[..6], [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}
