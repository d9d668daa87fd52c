//! Products with a [`SpikeMatrix`] that only add. In: bits and a dense matrix; out: a dense matrix.
//!
//! Sums run in the order of the rows that are added, so results are the same bits on any number of threads and any instruction set.

use std::ops::Range;

use pulp::Arch;

use super::lists::Block;
use super::{SpikeMatrix, WORD};
use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::lanes::{LANES, load, store};
use crate::par::{Columns, map_tiles};
use crate::real::Real;
use crate::transpose::transpose;

/// Rows of the other matrix in a block, [`LANES`] wide: in the second cache where few of them are added, and each list is worth its end; in the
/// first cache, twice as fast, from a rate of [`FREQUENT`] on.
const WIDE: usize = 8 * WORD;
const NARROW: usize = WORD;
const FREQUENT: f64 = 0.1;

/// Rows of the result whose sums stay in L2 while blocks of the other matrix pass by.
const ROWS: usize = 1024;

impl SpikeMatrix {
    /// x W^T + b: `out` (`[rows, n]`) from `weight` (`[n, cols]`) and, if wanted, `bias` (`[n]`). An infinite weight counts only where there is
    /// a spike.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn times<F: Real>(&self, weight: &[F], n: usize, bias: Option<&[F]>, out: &mut [F]) -> Result<(), Error> {
        let cols = self.cols;
        check_len("weight", sequence_len(n, cols)?, weight.len())?;
        check_opt("bias", n, bias)?;
        check_len("out", sequence_len(self.rows, n)?, out.len())?;
        let (out, arch) = (Columns::new(out, n), Arch::new());
        // A block of W^T: what is added together lies together.
        let gather = |of: Range<usize>, lanes: Range<usize>, to: &mut [F]| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    let row = |j: usize| &weight[(lanes.start + j) * cols..][of.clone()];
                    transpose(lanes.len(), of.len(), row, |k, j, some| to[k * LANES + j..][..some.len()].copy_from_slice(some));
                },
            );
        };
        let first = |lanes: Range<usize>| bias.map_or([F::ZERO; LANES], |bias| load::<F, false>(&bias[lanes]));
        let place = |rows: Range<usize>, lanes: Range<usize>, sums: &[F]| {
            for (row, sums) in rows.zip(sums.as_chunks().0) {
                // SAFETY: tiles are disjoint, and each takes its part of a row once.
                store::<F, false>(sums, unsafe { out.row(row, lanes.clone()) });
            }
        };
        let sums = Sums { rows: self.rows, along: cols, lanes: n, gather: &gather, first: &first, place: &place };
        if self.rate() < FREQUENT {
            sums.run::<WIDE>(&self.by_row(WIDE));
        } else {
            sums.run::<NARROW>(&self.by_row(NARROW));
        }
        Ok(())
    }

    /// g^T x, the gradient of [`times`](Self::times)'s weight: `out` (`[n, cols]`) from `grad` (`[rows, n]`).
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn transposed_times<F: Real>(&self, grad: &[F], n: usize, out: &mut [F]) -> Result<(), Error> {
        let cols = self.cols;
        check_len("grad", sequence_len(self.rows, n)?, grad.len())?;
        check_len("out", sequence_len(n, cols)?, out.len())?;
        let (out, arch) = (Columns::new(out, cols), Arch::new());
        let gather = |of: Range<usize>, lanes: Range<usize>, to: &mut [F]| {
            for (row, to) in of.zip(to.chunks_mut(LANES)) {
                to[..lanes.len()].copy_from_slice(&grad[row * n..][lanes.clone()]);
            }
        };
        let place = |columns: Range<usize>, lanes: Range<usize>, sums: &[F]| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    let row = |k: usize| &sums[k * LANES..][..LANES];
                    transpose(columns.len(), lanes.len(), row, |lane, k, some| {
                        let at = columns.start + k;
                        // SAFETY: tiles are disjoint, and each takes an element once.
                        unsafe { out.row(lanes.start + lane, at..at + some.len()) }.copy_from_slice(some);
                    });
                },
            );
        };
        let first = |_: Range<usize>| [F::ZERO; LANES];
        let sums = Sums { rows: cols, along: self.rows, lanes: n, gather: &gather, first: &first, place: &place };
        if self.rate() < FREQUENT {
            sums.run::<WIDE>(&self.by_column(WIDE));
        } else {
            sums.run::<NARROW>(&self.by_column(NARROW));
        }
        Ok(())
    }
}

type Gather<'a, F> = dyn Fn(Range<usize>, Range<usize>, &mut [F]) + Sync + 'a;
type Place<'a, F> = dyn Fn(Range<usize>, Range<usize>, &[F]) + Sync + 'a;

/// Sums of rows of a dense matrix: one per list of ones.
struct Sums<'a, F> {
    /// How many sums.
    rows: usize,
    /// How many rows there are to add.
    along: usize,
    /// How long they are.
    lanes: usize,
    /// Copies these rows, these columns of them.
    gather: &'a Gather<'a, F>,
    /// What the sums of these columns start with.
    first: &'a (dyn Fn(Range<usize>) -> [F; LANES] + Sync),
    /// Takes these sums, these columns of them.
    place: &'a Place<'a, F>,
}

impl<F: Real> Sums<'_, F> {
    /// `blocks` of `B` rows.
    fn run<const B: usize>(&self, blocks: &[Block]) {
        let (panels, tall) = (self.lanes.div_ceil(LANES), self.rows.div_ceil(ROWS));
        let arch = Arch::new();
        let scratch = || (vec![[F::ZERO; LANES]; B], vec![[F::ZERO; LANES]; ROWS.min(self.rows)]);
        let cost = ROWS.min(self.rows) * LANES;
        map_tiles(panels * tall, 1, cost, &scratch, &|(block, sums), item| {
            let (panel, tile) = (item.start % panels * LANES, item.start / panels * ROWS);
            let lanes = panel..self.lanes.min(panel + LANES);
            let rows = tile..self.rows.min(tile + ROWS);
            let sums = &mut sums[..rows.len()];
            sums.fill((self.first)(lanes.clone()));
            for (i, of) in blocks.iter().enumerate() {
                let start = i * B;
                (self.gather)(start..self.along.min(start + B), lanes.clone(), block.as_flattened_mut());
                vectorised(
                    arch,
                    #[inline(always)]
                    || {
                        for (row, sum) in rows.clone().zip(sums.iter_mut()) {
                            add::<F, B>(of.of(row), block, sum);
                        }
                    },
                );
            }
            (self.place)(rows, lanes, sums.as_flattened());
        });
    }
}

/// Adds the rows at `places`.
#[inline(always)]
fn add<F: Real, const B: usize>(places: &[u16], block: &[[F; LANES]], sum: &mut [F; LANES]) {
    let block: &[[F; LANES]; B] = block.try_into().unwrap_or_else(|_| unreachable!("a block has {B} rows"));
    let mut acc = *sum;
    for &place in places {
        let row = &block[usize::from(place) % B];
        for k in 0..LANES {
            acc[k] = acc[k] + row[k];
        }
    }
    *sum = acc;
}
