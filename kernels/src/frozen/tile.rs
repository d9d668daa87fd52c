//! The neuron of a frozen layer on one tile: currents of up to 64 channels of some rows in, all their steps run, states in registers; spikes
//! as words, or numbers, out. A row is a cell of a sample.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::bits::pack;
use super::fire::States;
use super::scratch::Row;
use crate::block::{Block, Firing};
use crate::constants::Constants;
use crate::lanes::{LANES, view};
use crate::neuron::Neuron;
use crate::par::Columns;
use crate::random::Draw;

/// What one call of [`Compiled::tile`](crate::Compiled::tile) runs. Made by [`Projection::fire`](super::Projection::fire) and
/// [`fire`](super::fire()).
pub struct Tile<'a> {
    pub(super) arch: Arch,
    pub(super) layer: &'a Layer<'a>,
    /// The rows of the tile among those of the layer.
    pub(super) rows: Range<usize>,
    pub(super) channels: Range<usize>,
    pub(super) currents: Currents<'a>,
}

impl std::fmt::Debug for Tile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tile").field("rows", &self.rows).field("channels", &self.channels).finish_non_exhaustive()
    }
}

/// What all tiles of a layer share.
pub(super) struct Layer<'a> {
    pub(super) constants: &'a Constants<f32>,
    pub(super) draw: Draw,
    pub(super) steps: usize,
    /// Samples times cells.
    pub(super) rows: usize,
    pub(super) channels: usize,
    /// The states before the first step are read from `states`.
    pub(super) carried: bool,
    /// `[state][row][channel]`
    pub(super) states: Option<Columns<'a, f32>>,
    pub(super) out: Sink<'a>,
}

/// `[step][row][word or channel]`
pub(super) enum Sink<'a> {
    Bits(Columns<'a, u64>),
    Dense(Columns<'a, f32>),
}

/// The currents of a tile; `steps` is 1 for a static input.
#[derive(Clone, Copy)]
pub(super) enum Currents<'a> {
    /// `[step][row of the tile]`
    Rows { rows: &'a [Row], steps: usize },
    /// `[step][row of the layer][channel]`
    Dense { x: &'a [f32], steps: usize },
}

impl<'a> States<'a> {
    /// Are they given, and where are they?
    pub(super) fn parts(self) -> (bool, Option<&'a mut [f32]>) {
        match self {
            States::Fresh => (false, None),
            States::Into(states) => (false, Some(states)),
            States::From(states) => (true, Some(states)),
        }
    }
}

/// Runs a tile of `neuron`'s.
pub fn run_tile<N: Neuron>(neuron: &N, tile: &Tile<'_>) {
    struct Op<'a, N>(&'a N, &'a Tile<'a>);
    impl<N: Neuron> WithSimd for Op<'_, N> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            self.1.run(simd, *self.0);
        }
    }
    tile.arch.dispatch(Op(neuron, tile));
}

impl Tile<'_> {
    #[inline(always)]
    fn run<S: Simd, N: Neuron>(&self, simd: S, neuron: N) {
        let layer = self.layer;
        let block = Block::new(&neuron, layer.constants, &self.channels);
        let firing = Firing::new(neuron.surrogate(), layer.draw);
        for row in self.rows.clone() {
            self.row(simd, &block, firing, row);
        }
    }

    /// All steps of a row.
    #[inline(always)]
    fn row<S: Simd, N: Neuron>(&self, simd: S, block: &Block<'_, f32, N>, firing: Firing, row: usize) {
        let (layer, of) = (self.layer, self.channels.clone());
        let at = row * layer.channels + of.start..row * layer.channels + of.end;
        let mut spare = [0.0; LANES];
        let mut states = Block::<f32, N>::start::<true>(layer.constants, &[], &of);
        if let (true, Some(carried)) = (layer.carried, &layer.states) {
            for (i, state) in states.iter_mut().enumerate().take(N::STATES.len()) {
                // SAFETY: tiles are disjoint in rows or channels, and each takes a row once at a time.
                *state = *view::<f32, false>(unsafe { carried.row(i, at.clone()) }, &mut spare);
            }
        }
        for t in 0..layer.steps {
            let x = *match self.currents {
                Currents::Rows { rows, steps } => &rows[if steps == 1 { 0 } else { t * self.rows.len() } + row - self.rows.start].0,
                Currents::Dense { x, steps } => {
                    let step = if steps == 1 { 0 } else { t * layer.rows * layer.channels };
                    view::<f32, false>(&x[step..][at.clone()], &mut spare)
                }
            };
            let (over, kept) = block.charge(&states, &x);
            let spikes = firing.spikes::<f32, N>(self.arch, &over, t, at.start);
            let (y, next) = block.finish(&states, &x, &kept, &spikes);
            states = next;
            match &layer.out {
                Sink::Bits(words) => {
                    let place = row * layer.channels.div_ceil(64) + of.start / 64;
                    // SAFETY: as above: one word is the 64 channels of one tile's row.
                    let word = unsafe { words.row(t, place..place + 1) };
                    word[0] = pack(simd, &y) & (u64::MAX >> (LANES - of.len()));
                }
                // SAFETY: as above.
                Sink::Dense(out) => put(&y, unsafe { out.row(t, at.clone()) }, &mut spare),
            }
        }
        if let Some(kept) = &layer.states {
            for (i, state) in states.iter().enumerate().take(N::STATES.len()) {
                // SAFETY: as above.
                put(state, unsafe { kept.row(i, at.clone()) }, &mut spare);
            }
        }
    }
}

/// As many of the lanes as `dst` has room for.
#[inline(always)]
fn put(lanes: &[f32; LANES], dst: &mut [f32], spare: &mut [f32; LANES]) {
    match <&mut [f32; LANES]>::try_from(&mut *dst) {
        Ok(dst) => *dst = *lanes,
        Err(_) => {
            *spare = *lanes;
            dst.copy_from_slice(&spare[..dst.len()]);
        }
    }
}
