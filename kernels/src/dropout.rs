//! Dropout masks: a seed and a place in its random streams in, values 0 or 1/(1-p) out.

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::Error;
use crate::par::{Columns, map_tiles};
use crate::philox::philox4x32_lanes;
use crate::real::Real;

/// Elements per tile; a multiple of the 4 elements of one Philox block.
const WIDTH: usize = 1 << 12;

/// Philox blocks computed side by side, one per vector lane.
const LANES: usize = 16;

/// What is kept.
pub(crate) struct Kept {
    /// A random word below this is: a share of exactly round((1 - p) 2^32) / 2^32.
    pub(crate) words: u64,
    /// What it is multiplied by.
    pub(crate) scale: f64,
}

impl Kept {
    pub(crate) fn new(p: f64) -> Result<Kept, Error> {
        if !(0.0..1.0).contains(&p) {
            return Err(Error::Probability(p));
        }
        Ok(Kept { words: ((1.0 - p) * 4_294_967_296.0).round() as u64, scale: 1.0 / (1.0 - p) })
    }
}

/// Fills `mask` with 1/(1-p) with probability 1-p and 0 otherwise (PyTorch: `F.dropout(torch.ones(..), p)`).
///
/// Element i is word i % 4 of the Philox4x32-10 block with key `seed` and counter (i / 4, `draw`, `stream`): the same bits on any number
/// of threads, and for any other `seed`, `stream` (say, the layer) or `draw` (say, the how-manieth mask of the layer) independent ones.
///
/// # Errors
/// [`Error::Probability`] unless 0 <= p < 1.
pub fn dropout_mask<F: Real>(seed: u64, stream: u32, draw: u32, p: f64, mask: &mut [F]) -> Result<(), Error> {
    let Kept { words: kept_words, scale } = Kept::new(p)?;
    let keep = F::of(scale);
    let key = [seed as u32, (seed >> 32) as u32];
    let (len, arch) = (mask.len(), Arch::new());
    let mask = Columns::new(mask, len);
    map_tiles(len, WIDTH, 1, &|| (), &|(), range| {
        let first_block = range.start as u64 / 4;
        // SAFETY: tiles are disjoint.
        let tile = unsafe { mask.row(0, range) };
        vectorised(
            arch,
            #[inline(always)]
            move || fill(tile, first_block, [draw, stream], key, kept_words, keep),
        );
    });
    Ok(())
}

/// Fills `tile`, whose first element is the first of Philox block `first_block`.
#[inline(always)]
fn fill<F: Real>(tile: &mut [F], first_block: u64, place: [u32; 2], key: [u32; 2], kept_words: u64, keep: F) {
    let mut block = first_block;
    for chunk in tile.chunks_mut(4 * LANES) {
        let (mut low, mut high) = ([0; LANES], [0; LANES]);
        for lane in 0..LANES {
            let block = block + lane as u64;
            (low[lane], high[lane]) = (block as u32, (block >> 32) as u32);
        }
        let words = philox4x32_lanes([low, high, [place[0]; LANES], [place[1]; LANES]], key);
        let mut values = [F::ZERO; 4 * LANES];
        for lane in 0..LANES {
            for (j, words) in words.iter().enumerate() {
                values[4 * lane + j] = if u64::from(words[lane]) < kept_words { keep } else { F::ZERO };
            }
        }
        chunk.copy_from_slice(&values[..chunk.len()]);
        block += LANES as u64;
    }
}
