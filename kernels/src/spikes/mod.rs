//! A matrix of spikes, a bit each. In: rows of 0 and 1; out: an element in 1/32 of its `f32`, sums over the ones, and the rows again.
//!
//! Where most elements are 0, a product with another matrix is a sum of the few rows that a 1 stands for: [`SpikeMatrix::times`], and
//! [`SpikeMatrix::transposed_times`] for the gradient of the other matrix. How often a 1 stands there is known once the bits are packed, so who
//! calls can choose between these sums and a dense product.

mod conv;
mod conv_gradient;
mod lists;
mod product;

pub use conv::SpikeConv;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Elements of a word.
const WORD: usize = u64::BITS as usize;

/// Rows per tile.
const TILE: usize = 16;

/// `[rows, cols]` of 0 and 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpikeMatrix {
    rows: usize,
    cols: usize,
    /// `[rows, words]`, the first element in the lowest bit; bits behind the last column are 0.
    bits: Vec<u64>,
    count: usize,
}

impl SpikeMatrix {
    /// `x` as bits, or `None` if it holds anything but 0 and 1; it reads on to the first such row only.
    ///
    /// # Errors
    /// [`Error::Length`] unless x is `[rows, cols]`.
    pub fn pack<F: Real>(x: &[F], rows: usize, cols: usize) -> Result<Option<SpikeMatrix>, Error> {
        check_len("x", sequence_len(rows, cols)?, x.len())?;
        let words = cols.div_ceil(WORD);
        let mut bits = vec![0; rows * words];
        let (out, binary, arch) = (Columns::new(&mut bits, words), AtomicBool::new(true), Arch::new());
        let counts = map_tiles(rows, TILE, cols, &|| (), &|(), tile| {
            if !binary.load(Relaxed) {
                return 0;
            }
            let packed = vectorised(
                arch,
                #[inline(always)]
                || {
                    let mut count = 0;
                    for r in tile.clone() {
                        // SAFETY: tiles are disjoint, and each takes a row once.
                        count += pack_row(&x[r * cols..][..cols], unsafe { out.row(r, 0..words) })?;
                    }
                    Some(count)
                },
            );
            packed.unwrap_or_else(|| {
                binary.store(false, Relaxed);
                0
            })
        });
        Ok(binary.into_inner().then(|| SpikeMatrix { rows, cols, bits, count: counts.iter().sum() }))
    }

    /// The share of ones; 0 without elements.
    pub fn rate(&self) -> f64 {
        self.count as f64 / (self.rows * self.cols).max(1) as f64
    }

    /// Writes the elements as numbers, `[rows, cols]`.
    ///
    /// # Errors
    /// [`Error::Length`] if `out` has another length.
    pub fn unpack<F: Real>(&self, out: &mut [F]) -> Result<(), Error> {
        let cols = self.cols;
        check_len("out", self.rows * cols, out.len())?;
        let (out, arch) = (Columns::new(out, cols), Arch::new());
        map_tiles(self.rows, TILE, cols, &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for r in tile.clone() {
                        // SAFETY: tiles are disjoint, and each takes a row once.
                        for (out, bits) in unsafe { out.row(r, 0..cols) }.chunks_mut(WORD).zip(self.row(r)) {
                            for (k, out) in out.iter_mut().enumerate() {
                                *out = if bits >> k & 1 == 1 { F::ONE } else { F::ZERO };
                            }
                        }
                    }
                },
            );
        });
        Ok(())
    }

    fn row(&self, r: usize) -> &[u64] {
        let words = self.cols.div_ceil(WORD);
        &self.bits[r * words..][..words]
    }
}

/// How many ones; `None` where something else stands.
#[inline(always)]
fn pack_row<F: Real>(row: &[F], bits: &mut [u64]) -> Option<usize> {
    let mut count = 0;
    for (x, bits) in row.chunks(WORD).zip(bits) {
        let (mut word, mut other) = (0, false);
        for (k, &x) in x.iter().enumerate() {
            word |= u64::from(x == F::ONE) << k;
            other |= (x != F::ONE) & (x != F::ZERO);
        }
        if other {
            return None;
        }
        *bits = word;
        count += word.count_ones() as usize;
    }
    Some(count)
}

#[cfg(test)]
mod tests;
