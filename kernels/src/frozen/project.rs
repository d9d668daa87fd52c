//! Convolutions and linear layers with frozen weights, alone or with the neuron behind them. In: bits or numbers; out: currents, or spikes.
//!
//! The work is cut into tasks: a panel of 64 output channels of a tile of cells, with all their steps, so that the currents of a task stay in
//! the cache until the neuron has seen them. Neighbouring tasks are of one panel, whose weights stay in the cache, too.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use pulp::Arch;

use super::bits::{In, check_planes, words};
use super::fire::Fire;
use super::kernel::{GROUP, Place, Strip};
use super::packed::Packed;
use super::scratch::{Row, with_rows};
use super::tile::{Currents, Tile};
use super::windows::Windows;
use crate::arch::vectorised;
use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::transpose::transpose;

/// A layer with weights, and what it is given.
#[derive(Clone, Copy, Debug)]
pub struct Projection<'a> {
    /// The cells that each output cell sees.
    pub windows: &'a Windows,
    /// Its weights, for as many taps.
    pub weights: &'a Packed,
    /// The input.
    pub input: In<'a>,
    /// Steps of the input: 1 if it does not change with time.
    pub steps: usize,
    /// Samples of the batch.
    pub samples: usize,
}

/// Which kernel ran on how many blocks: 6 rows (a step of a cell) times 64 input channels of a tap times 64 output channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Those that added the weights of set bits.
    pub sparse: u64,
    /// Those that multiplied.
    pub dense: u64,
}

/// What is done with a panel, its rows and their currents.
type Done<'a> = dyn Fn(usize, Range<usize>, &[Row]) + Sync + 'a;

/// The most rows of a task, if it has not more steps: their currents are as large as the first cache. Fewer would fit it beside the weights, but
/// more of them share what it costs to bring those in.
const ROWS: usize = 128;

impl Projection<'_> {
    /// The currents, `[steps][sample][cell][channel]`.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn currents(&self, out: &mut [f32]) -> Result<Blocks, Error> {
        self.currents_on(Arch::new(), out)
    }

    /// [`currents`](Projection::currents) with a given instruction set.
    pub(super) fn currents_on(&self, arch: Arch, out: &mut [f32]) -> Result<Blocks, Error> {
        let rows = self.check()?;
        let channels = self.weights.sizes().outputs;
        check_len("out", sequence_len(self.steps, rows * channels)?, out.len())?;
        let out = Columns::new(out, rows * channels);
        Ok(self.tasks(arch, rows, &|panel, tile, currents| {
            let of = self.weights.outputs(panel);
            for (i, current) in currents.iter().enumerate() {
                let (t, row) = (i / tile.len(), tile.start + i % tile.len());
                let at = row * channels;
                // SAFETY: tasks are disjoint in rows or channels, and this one takes a row once.
                let out = unsafe { out.row(t, at + of.start..at + of.end) };
                out.copy_from_slice(&current.0[..of.len()]);
            }
        }))
    }

    /// The currents, `[steps][sample][channel][cell]`: torch's order.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn planes(&self, out: &mut [f32]) -> Result<Blocks, Error> {
        let rows = self.check()?;
        let (channels, cells) = (self.weights.sizes().outputs, self.windows.outputs());
        check_len("out", sequence_len(self.steps, rows * channels)?, out.len())?;
        let (out, arch) = (Columns::new(out, cells), Arch::new());
        Ok(self.tasks(arch, rows, &|panel, tile, currents| {
            let of = self.weights.outputs(panel);
            for (t, currents) in currents.chunks(tile.len()).enumerate() {
                let mut start = tile.start;
                while start < tile.end {
                    // The cells of one sample.
                    let (sample, cell) = (start / cells, start % cells);
                    let end = tile.end.min(start + cells - cell);
                    let currents = &currents[start - tile.start..end - tile.start];
                    let planes = (t * self.samples + sample) * self.weights.sizes().outputs + of.start;
                    vectorised(
                        arch,
                        #[inline(always)]
                        || {
                            transpose(
                                currents.len(),
                                of.len(),
                                |i| &currents[i].0,
                                |lane, i, some| {
                                    // SAFETY: tasks are disjoint in rows or channels, and this one takes a cell once.
                                    unsafe { out.row(planes + lane, cell + i..cell + i + some.len()) }.copy_from_slice(some);
                                },
                            );
                        },
                    );
                    start = end;
                }
            }
        }))
    }

    /// The currents and the neurons behind them in one call.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn fire(&self, fire: Fire<'_>) -> Result<Blocks, Error> {
        self.fire_on(Arch::new(), fire)
    }

    /// [`fire`](Projection::fire) with a given instruction set.
    pub(super) fn fire_on(&self, arch: Arch, fire: Fire<'_>) -> Result<Blocks, Error> {
        let rows = self.check()?;
        if self.steps != 1 {
            check_len("input", fire.steps, self.steps)?;
        }
        let neuron = fire.neuron;
        let layer = fire.layer(rows, self.weights.sizes().outputs)?;
        Ok(self.tasks(arch, rows, &|panel, rows, currents| {
            let channels = self.weights.outputs(panel);
            let currents = Currents::Rows { rows: currents, steps: self.steps };
            neuron.tile(&Tile { arch, layer: &layer, rows, channels, currents });
        }))
    }

    /// Output cells of all samples.
    fn check(&self) -> Result<usize, Error> {
        let sizes = self.weights.sizes();
        check_len("weights", self.windows.taps(), sizes.taps)?;
        let cells = sequence_len(self.steps, sequence_len(self.samples, self.windows.inputs())?)?;
        match self.input {
            In::Bits { words: input, planes } => {
                check_planes(planes)?;
                check_len("input", planes * cells * words(sizes.inputs), input.len())?;
            }
            In::Dense(input) => check_len("input", sequence_len(cells, sizes.inputs)?, input.len())?,
        }
        sequence_len(self.samples, self.windows.outputs())
    }

    /// Runs all tasks: `done(panel, rows, currents)` gets each one's currents, `[step][row]`.
    fn tasks(&self, arch: Arch, rows: usize, done: &Done<'_>) -> Blocks {
        let most = (ROWS / self.steps.max(1)).clamp(1, rows.max(1));
        let width = rows.div_ceil(rows.div_ceil(most).max(1)).max(1);
        let tiles = rows.div_ceil(width);
        let (sparse, dense) = (AtomicU64::new(0), AtomicU64::new(0));
        let sizes = self.weights.sizes();
        let cost = (width * self.steps * sizes.taps * sizes.inputs / sizes.groups).div_ceil(8);
        map_tiles(tiles * self.weights.panels(), 1, cost, &|| (), &|(), task| {
            let (panel, tile) = (task.start / tiles, task.start % tiles);
            let tile = tile * width..rows.min((tile + 1) * width);
            let len = self.steps * tile.len();
            let cells = self.samples * self.windows.inputs();
            // The last group is filled up with rows that nobody looks at.
            let filled = len.next_multiple_of(GROUP);
            let (mut t, mut i) = (0, 0);
            let (mut sample, mut cell) = (tile.start / self.windows.outputs(), tile.start % self.windows.outputs());
            let start = (sample, cell);
            let places = (0..filled).map(|_| {
                let place = Place { image: t * cells + sample * self.windows.inputs(), cell };
                (i, cell) = (i + 1, cell + 1);
                if cell == self.windows.outputs() {
                    (sample, cell) = (sample + 1, 0);
                }
                if i == tile.len() {
                    // Behind the last step it starts again.
                    (t, i, (sample, cell)) = ((t + 1) % self.steps, 0, start);
                }
                place
            });
            with_rows(places, |places, currents| {
                let mut strip = Strip { on: self, panel, places, currents, rows: len, blocks: Blocks::default() };
                strip.run(arch);
                sparse.fetch_add(strip.blocks.sparse, Ordering::Relaxed);
                dense.fetch_add(strip.blocks.dense, Ordering::Relaxed);
                done(panel, tile.clone(), &currents[..len]);
            });
        });
        Blocks { sparse: sparse.into_inner(), dense: dense.into_inner() }
    }
}
