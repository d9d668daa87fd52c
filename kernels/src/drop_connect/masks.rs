//! Masks of single connections. In: a place in Philox's streams, or masks from elsewhere; out: which weights of a block are kept.

use super::{Blocks, DropConnectSizes};
use crate::error::{Error, check_len, check_opt};
use crate::lanes::LANES;
use crate::par::{Columns, map_tiles};
use crate::philox::philox4x32_lanes;
use crate::real::Real;

/// Philox blocks computed side by side: their words are one block of connections.
const SIDE: usize = LANES / 4;

/// The masks of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Masks<'a, F> {
    /// One per step: which mask it uses. The draw of a [`MaskSource::Drawn`], the index of a [`MaskSource::Given`].
    pub of_step: &'a [u32],
    /// Where they come from.
    pub source: MaskSource<'a, F>,
}

/// Where masks come from.
#[derive(Clone, Copy, Debug)]
pub enum MaskSource<'a, F> {
    /// A connection is kept with probability 1-p: in a share of exactly round((1 - p) 2^32) / 2^32, at least 2^-32.
    ///
    /// Input i of output o of sample n (the bias counts as input `inputs`) is word i % 64 / 16 of the Philox4x32-10 block with key `seed` and
    /// counter (16 (i / 64) + i % 16, n `outputs` + o, draw, `stream`): the same bits on any number of threads, forward and backward.
    Drawn {
        /// The key.
        seed: u64,
        /// Say, the layer.
        stream: u32,
        /// The share that is dropped.
        p: f64,
    },
    /// Masks of 0 and 1 from elsewhere.
    Given {
        /// `[masks, samples, outputs, inputs]`
        w: &'a [F],
        /// `[masks, samples, outputs]`
        b: Option<&'a [F]>,
    },
}

/// Random words up to this one are kept.
pub(crate) fn last_kept(p: f64) -> u32 {
    (((1.0 - p) * 4_294_967_296.0).round().max(1.0) as u64 - 1) as u32
}

/// The 64 words from block `j` of row `row` on.
#[inline(always)]
pub(super) fn words(seed: u64, [row, draw, stream]: [u32; 3], j: usize) -> [[u32; SIDE]; 4] {
    let mut low = [0; SIDE];
    for (lane, low) in low.iter_mut().enumerate() {
        *low = (j * SIDE + lane) as u32;
    }
    philox4x32_lanes([low, [row; SIDE], [draw; SIDE], [stream; SIDE]], [seed as u32, (seed >> 32) as u32])
}

impl<F: Real> Masks<'_, F> {
    pub(super) fn check(&self, sizes: DropConnectSizes, bias: bool) -> Result<(), Error> {
        let DropConnectSizes { steps, samples, inputs, outputs } = sizes;
        check_len("masks.of_step", steps, self.of_step.len())?;
        match self.source {
            MaskSource::Drawn { p, .. } if !(0.0..1.0).contains(&p) => Err(Error::Probability(p)),
            MaskSource::Drawn { .. } => Ok(()),
            MaskSource::Given { w, b } => {
                let masks = self.of_step.iter().max().map_or(0, |&last| last as usize + 1);
                check_len("masks.w", (masks * samples * outputs * inputs).max(w.len()), w.len())?;
                check_opt("masks.b", b.map_or(0, |b| (masks * samples * outputs).max(b.len())), b)?;
                if bias && b.is_none() { Err(Error::Length { what: "masks.b", want: masks * samples * outputs, got: 0 }) } else { Ok(()) }
            }
        }
    }

    /// `values` where the mask of block `j` keeps, 0 elsewhere.
    #[inline(always)]
    pub(super) fn keep(&self, sizes: DropConnectSizes, blocks: Blocks, [row, output, j]: [usize; 3], values: [F; LANES]) -> [F; LANES] {
        let (t, n) = (row / sizes.samples, row % sizes.samples);
        let (mask, connections) = (self.of_step[t], n * sizes.outputs + output);
        let mut kept = [F::ZERO; LANES];
        match self.source {
            MaskSource::Drawn { seed, stream, p } => {
                let last_kept = last_kept(p);
                let words = words(seed, [connections as u32, mask, stream], j);
                for (w, words) in words.iter().enumerate() {
                    for lane in 0..SIDE {
                        let k = w * SIDE + lane;
                        kept[k] = if words[lane] <= last_kept { values[k] } else { F::ZERO };
                    }
                }
            }
            MaskSource::Given { w, b } => {
                let at = mask as usize * sizes.samples * sizes.outputs + connections;
                let bias = b.map_or(F::ZERO, |b| b[at]);
                let mask = blocks.load(&w[at * sizes.inputs..][..sizes.inputs], bias, j);
                for k in 0..LANES {
                    kept[k] = values[k] * mask[k];
                }
            }
        }
        kept
    }
}

/// The masks of the first step, 1 where a connection is kept: `w` is `[samples, outputs, inputs]`, `b` is `[samples, outputs]`.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes, [`Error::Probability`] unless 0 <= p < 1.
pub fn drop_connect_masks<F: Real>(masks: &Masks<'_, F>, sizes: DropConnectSizes, w: &mut [F], b: Option<&mut [F]>) -> Result<(), Error> {
    let rows = sizes.samples * sizes.outputs;
    let blocks = Blocks { inputs: sizes.inputs, bias: b.is_some() };
    masks.check(sizes, blocks.bias)?;
    check_len("w", rows * sizes.inputs, w.len())?;
    check_opt("b", rows, b.as_deref())?;
    let (w, b) = (Columns::new(w, sizes.inputs), b.map(|b| Columns::new(b, 1)));
    map_tiles(rows, 1, sizes.inputs, &|| (), &|(), tile| {
        for row in tile {
            // SAFETY: each row is taken once.
            let (w, b) = unsafe { (w.row(row, 0..sizes.inputs), b.as_ref().map(|b| b.row(row, 0..1))) };
            let mut bias = F::ZERO;
            for j in 0..blocks.count() {
                let kept = masks.keep(sizes, blocks, [row / sizes.outputs, row % sizes.outputs, j], [F::ONE; LANES]);
                bias = blocks.store(&kept, w, j).unwrap_or(bias);
            }
            b.into_iter().for_each(|b| b[0] = bias);
        }
    });
    Ok(())
}
