//! The two micro-kernels of a projection. In: a panel of weights and a tile of rows; out: their currents.
//!
//! Tap by tap and 64 input channels at a time, [`GROUP`] rows take their turn on the same 64 x 64 weights. Where few bits of a group are set,
//! each row adds the weights of its own; else the rows' numbers are multiplied with all weights, each of which is loaded once for all rows.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::bits::{In, number, words};
use super::project::{Blocks, Projection};
use super::scratch::Row;
use super::windows::NONE;

/// Rows that are multiplied together.
pub(super) const GROUP: usize = 6;

/// Set bits among the 64 of a row from which multiplying all of them is faster than adding the weights of these. Measured: docs/performance.md.
const DENSE_FROM: u32 = 32;

/// The work of a task.
pub(super) struct Strip<'a> {
    pub(super) on: &'a Projection<'a>,
    pub(super) panel: usize,
    /// Output cells, of all samples.
    pub(super) rows: Range<usize>,
    /// `[step][row]`, filled up to whole groups.
    pub(super) currents: &'a mut [Row],
    pub(super) blocks: Blocks,
}

impl Strip<'_> {
    pub(super) fn run(&mut self, arch: Arch) {
        struct Op<'a, 'b>(&'a mut Strip<'b>);
        impl WithSimd for Op<'_, '_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // Registers of a row; registers of the part of a row that is multiplied at once.
                match S::F32_LANES {
                    16 => self.0.blocks::<S, 4, 4>(simd),
                    8 => self.0.blocks::<S, 8, 2>(simd),
                    4 => self.0.blocks::<S, 16, 2>(simd),
                    _ => self.0.blocks::<S, 64, 1>(simd),
                }
            }
        }
        arch.dispatch(Op(self));
    }

    #[inline(always)]
    fn blocks<S: Simd, const ROW: usize, const PART: usize>(&mut self, simd: S) {
        let Projection { windows, weights, input, steps, samples } = *self.on;
        self.currents.fill(*weights.bias(self.panel));
        let inputs = weights.inputs(self.panel);
        let (channels, words) = (weights.sizes().inputs, words(weights.sizes().inputs));
        let cells = samples * windows.inputs();
        let (width, len) = (self.rows.len(), steps * self.rows.len());
        for tap in 0..windows.taps() {
            let seen = windows.tap(tap);
            let rows = weights.rows(self.panel, tap);
            for (chunk, rows) in rows.chunks(64).enumerate() {
                let first = inputs.start + 64 * chunk;
                let mask = u64::MAX >> (64 - rows.len());
                for group in (0..len).step_by(GROUP) {
                    // The input cell of each row.
                    let mut at = [None; GROUP];
                    for (r, at) in at.iter_mut().enumerate().take(len - group) {
                        let (t, row) = ((group + r) / width, self.rows.start + (group + r) % width);
                        let cell = seen[row % windows.outputs()];
                        if cell != NONE {
                            *at = Some(t * cells + row / windows.outputs() * windows.inputs() + cell as usize);
                        }
                    }
                    let currents: &mut [Row; GROUP] =
                        (&mut self.currents[group..group + GROUP]).try_into().unwrap_or_else(|_| unreachable!());
                    let mut x = [[0.0; 64]; GROUP];
                    match input {
                        In::Bits { words: bits, planes } => {
                            let plane_len = steps * cells * words;
                            let word = |plane: usize, at: Option<usize>| {
                                at.map_or(0, |at| bits[plane * plane_len + at * words + first / 64] & mask)
                            };
                            let mut any = [0; GROUP];
                            let mut set = 0;
                            for r in 0..GROUP {
                                for plane in 0..planes {
                                    any[r] |= word(plane, at[r]);
                                }
                                set += any[r].count_ones();
                            }
                            if set < DENSE_FROM * GROUP as u32 {
                                self.blocks.sparse += 1;
                                for r in 0..GROUP {
                                    if planes == 1 {
                                        add::<S, ROW>(simd, any[r], rows, &mut currents[r]);
                                    } else {
                                        number(|plane| word(plane, at[r]), planes, &mut x[r]);
                                        add_times::<S, ROW>(simd, any[r], &x[r], rows, &mut currents[r]);
                                    }
                                }
                                continue;
                            }
                            for r in 0..GROUP {
                                number(|plane| word(plane, at[r]), planes, &mut x[r]);
                            }
                        }
                        In::Dense(input) => {
                            for r in 0..GROUP {
                                if let Some(at) = at[r] {
                                    let input = &input[at * channels + first..][..rows.len()];
                                    x[r][..rows.len()].copy_from_slice(input);
                                }
                            }
                        }
                    }
                    self.blocks.dense += 1;
                    multiply::<S, ROW, PART>(simd, &x, rows, currents);
                }
            }
        }
    }
}

/// Adds the rows of the set bits.
#[inline(always)]
fn add<S: Simd, const ROW: usize>(simd: S, word: u64, rows: &[Row], to: &mut Row) {
    let mut sums = registers::<S, ROW>(to);
    let mut left = word;
    while left != 0 {
        let row = registers::<S, ROW>(&rows[left.trailing_zeros() as usize]);
        for v in 0..ROW {
            sums[v] = simd.add_f32s(sums[v], row[v]);
        }
        left &= left - 1;
    }
    keep::<S, ROW>(&sums, to);
}

/// Adds the rows of the set bits, each times its number.
#[inline(always)]
fn add_times<S: Simd, const ROW: usize>(simd: S, word: u64, x: &[f32; 64], rows: &[Row], to: &mut Row) {
    let mut sums = registers::<S, ROW>(to);
    let mut left = word;
    while left != 0 {
        let k = left.trailing_zeros() as usize;
        let (x, row) = (simd.splat_f32s(x[k]), registers::<S, ROW>(&rows[k]));
        for v in 0..ROW {
            sums[v] = simd.mul_add_f32s(x, row[v], sums[v]);
        }
        left &= left - 1;
    }
    keep::<S, ROW>(&sums, to);
}

/// Adds all rows times their numbers, to [`GROUP`] rows of currents at once.
#[inline(always)]
fn multiply<S: Simd, const ROW: usize, const PART: usize>(simd: S, x: &[[f32; 64]; GROUP], rows: &[Row], to: &mut [Row; GROUP]) {
    for part in (0..ROW).step_by(PART) {
        let mut sums = [[simd.splat_f32s(0.0); PART]; GROUP];
        for r in 0..GROUP {
            for v in 0..PART {
                sums[r][v] = S::as_simd_f32s(&to[r].0).0[part + v];
            }
        }
        for (k, row) in rows.iter().enumerate().take(64) {
            let row = S::as_simd_f32s(&row.0).0;
            for r in 0..GROUP {
                let x = simd.splat_f32s(x[r][k]);
                for v in 0..PART {
                    sums[r][v] = simd.mul_add_f32s(x, row[part + v], sums[r][v]);
                }
            }
        }
        for r in 0..GROUP {
            for v in 0..PART {
                S::as_mut_simd_f32s(&mut to[r].0).0[part + v] = sums[r][v];
            }
        }
    }
}

#[inline(always)]
fn registers<S: Simd, const ROW: usize>(row: &Row) -> [S::f32s; ROW] {
    S::as_simd_f32s(&row.0).0.try_into().unwrap_or_else(|_| unreachable!("a row of 64 numbers"))
}

#[inline(always)]
fn keep<S: Simd, const ROW: usize>(registers: &[S::f32s; ROW], row: &mut Row) {
    S::as_mut_simd_f32s(&mut row.0).0.copy_from_slice(registers);
}
