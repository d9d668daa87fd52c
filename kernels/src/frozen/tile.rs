//! The neuron of a frozen layer on one tile: currents of up to 64 channels of some rows in, all their steps run, states in registers; spikes
//! as words, or numbers, out. A row is a cell of a sample.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::bits::pack;
use super::fire::States;
use super::scratch::Row;
use crate::block::{Block, Firing};
use crate::constants::Constants;
use crate::lanes::{LANES, load, store};
use crate::neuron::{MAX_STATES, Neuron};
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

/// The currents of a tile.
#[derive(Clone, Copy)]
pub(super) enum Currents<'a> {
    /// `[step][row of the tile]`; one step for a static input.
    Rows(&'a [Row]),
    /// `[step][row of the layer][channel]`; one step for a static input.
    Dense(&'a [f32]),
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
        fn with_simd<S: Simd>(self, _: S) {
            self.1.run(*self.0);
        }
    }
    tile.arch.dispatch(Op(neuron, tile));
}

impl Tile<'_> {
    #[inline(always)]
    fn run<N: Neuron>(&self, neuron: N) {
        let layer = self.layer;
        let block = Block::new(&neuron, layer.constants, &self.channels);
        let firing = Firing::new(neuron.surrogate(), layer.draw);
        for row in self.rows.clone() {
            self.row(&block, firing, row);
        }
    }

    /// All steps of a row.
    #[inline(always)]
    fn row<N: Neuron>(&self, block: &Block<'_, f32, N>, firing: Firing, row: usize) {
        let (layer, of) = (self.layer, self.channels.clone());
        let full = of.len() == LANES;
        let at = row * layer.channels + of.start..row * layer.channels + of.end;
        let mut states = Block::<f32, N>::start::<true>(layer.constants, &[None; MAX_STATES], &of);
        if let (true, Some(carried)) = (layer.carried, &layer.states) {
            for (i, state) in states.iter_mut().enumerate().take(N::STATES.len()) {
                // SAFETY: tiles are disjoint in rows or channels, and each takes a row once at a time.
                let carried = unsafe { carried.row(i, at.clone()) };
                *state = if full { load::<f32, true>(carried) } else { load::<f32, false>(carried) };
            }
        }
        for t in 0..layer.steps {
            let x = match self.currents {
                Currents::Rows(rows) => {
                    let rows_of_a_step = self.rows.len();
                    let t = if rows.len() < (t + 1) * rows_of_a_step { 0 } else { t };
                    rows[t * rows_of_a_step + row - self.rows.start].0
                }
                Currents::Dense(x) => {
                    let len = layer.rows * layer.channels;
                    let x = &x[if x.len() == len { 0 } else { t * len }..][at.clone()];
                    if full { load::<f32, true>(x) } else { load::<f32, false>(x) }
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
                    word[0] = pack(&y) & (u64::MAX >> (LANES - of.len()));
                }
                Sink::Dense(out) => {
                    // SAFETY: as above.
                    let out = unsafe { out.row(t, at.clone()) };
                    if full { store::<f32, true>(&y, out) } else { store::<f32, false>(&y, out) }
                }
            }
        }
        if let Some(kept) = &layer.states {
            for (i, state) in states.iter().enumerate().take(N::STATES.len()) {
                // SAFETY: as above.
                let kept = unsafe { kept.row(i, at.clone()) };
                if full { store::<f32, true>(state, kept) } else { store::<f32, false>(state, kept) }
            }
        }
    }
}
