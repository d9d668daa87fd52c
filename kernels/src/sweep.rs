//! A kernel whose neurons do not see each other: the work on one block of neurons in, a sweep over all blocks out, on all threads
//! and with the machine's widest vectors.

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::lanes::blocks;
use crate::par::map_tiles;

/// Neurons per tile, the unit of work of a thread: a row of `f32` is one page.
pub(crate) const WIDTH: usize = 1024;

/// What a kernel does.
pub(crate) trait Sweep: Sync {
    /// What a tile sums up beside what it writes; `()` for nothing.
    type Share: Default + Send;

    /// Elements read or written per neuron.
    fn cost(&self) -> usize;

    /// The work on neurons `of`: [`LANES`](crate::lanes::LANES) of them if `FULL`, else fewer. To be inlined.
    fn block<const FULL: bool>(&self, of: Range<usize>, share: &mut Self::Share);
}

/// Runs `kernel` on all `neurons` in tiles of `width`, and returns the tiles' shares in order.
pub(crate) fn sweep<K: Sweep>(arch: Arch, neurons: usize, width: usize, kernel: &K) -> Vec<K::Share> {
    map_tiles(neurons, width, kernel.cost(), &|| (), &|(), tile| {
        let mut share = K::Share::default();
        vectorised(
            arch,
            #[inline(always)]
            || {
                let (full, rest) = blocks(tile.clone());
                for of in full {
                    kernel.block::<true>(of, &mut share);
                }
                if let Some(of) = rest {
                    kernel.block::<false>(of, &mut share);
                }
            },
        );
        share
    })
}
