//! Where the ones of a [`SpikeMatrix`] are, in the order in which a product needs them. In: bits; out: for each block of columns (or of rows) and
//! each row (column) a list of places in the block.

use super::{SpikeMatrix, WORD};
use crate::par::map_tiles;

/// The ones of one block.
pub(super) struct Block {
    /// Where the list of each row starts, and where the last one ends.
    starts: Vec<u32>,
    places: Vec<u16>,
}

impl Block {
    #[inline(always)]
    pub(super) fn of(&self, row: usize) -> &[u16] {
        &self.places[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

impl SpikeMatrix {
    /// Blocks of so many columns, whole words, each with a list per row.
    pub(super) fn by_row(&self, width: usize) -> Vec<Block> {
        blocks(self.cols, width, self.rows, &|of| {
            let (from, to) = (of.start / WORD, of.end.div_ceil(WORD));
            let mut block = Block { starts: vec![0], places: Vec::new() };
            for r in 0..self.rows {
                for (i, &word) in self.row(r)[from..to].iter().enumerate() {
                    ones(word, |k| block.places.push((i * WORD + k) as u16));
                }
                block.starts.push(block.places.len() as u32);
            }
            block
        })
    }

    /// Blocks of so many rows, each with a list per column.
    pub(super) fn by_column(&self, height: usize) -> Vec<Block> {
        blocks(self.rows, height, self.cols, &|of| {
            let each = |f: &mut dyn FnMut(usize, usize)| {
                for (place, r) in of.clone().enumerate() {
                    for (i, &word) in self.row(r).iter().enumerate() {
                        ones(word, |k| f(place, i * WORD + k));
                    }
                }
            };
            // Counted, then filed: `starts` is one ahead until the last is in its place.
            let mut starts = vec![0u32; self.cols + 2];
            each(&mut |_, column| starts[column + 2] += 1);
            for c in 2..starts.len() {
                starts[c] += starts[c - 1];
            }
            let mut places = vec![0; starts[self.cols + 1] as usize];
            each(&mut |place, column| {
                places[starts[column + 1] as usize] = place as u16;
                starts[column + 1] += 1;
            });
            Block { starts, places }
        })
    }
}

/// One block for each `width` of `0..along`; `across` elements stand in each of its places.
fn blocks(along: usize, width: usize, across: usize, make: &(dyn Fn(std::ops::Range<usize>) -> Block + Sync)) -> Vec<Block> {
    map_tiles(along, width, across, &|| (), &|(), of| make(of))
}

/// Calls `f` with the place of each one in `word`, the lowest first.
#[inline(always)]
fn ones(mut word: u64, mut f: impl FnMut(usize)) {
    while word != 0 {
        f(word.trailing_zeros() as usize);
        word &= word - 1;
    }
}
