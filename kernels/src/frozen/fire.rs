//! A layer of frozen neurons. In: currents, or the projection that makes them; out: spikes as bits, or numbers.

use pulp::Arch;

use super::bits::{Out, words};
use super::tile::{Currents, Layer, Sink, Tile};
use crate::Compiled;
use crate::constants::Constants;
use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::random::Draw;

/// A layer of neurons.
#[derive(Debug)]
pub struct Fire<'a> {
    /// The neuron.
    pub neuron: &'a dyn Compiled,
    /// Its constants, of `Channels { count: channels, inner: 1 }`.
    pub constants: &'a Constants<f32>,
    /// Time steps.
    pub steps: usize,
    /// Where it starts from and what it ends with.
    pub states: States<'a>,
    /// Where surrogates that draw at random do so.
    pub draw: Draw,
    /// Where the spikes go: as bits if [`Compiled::sends_bits`].
    pub out: Out<'a>,
}

/// The states of a layer of neurons, `[state][sample][cell][channel]`.
#[derive(Debug)]
pub enum States<'a> {
    /// Those the neuron starts with; the last ones are forgotten.
    Fresh,
    /// Those the neuron starts with; the last ones are left here.
    Into(&'a mut [f32]),
    /// These; the last ones take their place.
    From(&'a mut [f32]),
}

impl<'a> Fire<'a> {
    /// The layer of `rows` cells of all samples, checked.
    pub(super) fn layer(self, rows: usize, channels: usize) -> Result<Layer<'a>, Error> {
        let neurons = sequence_len(rows, channels)?;
        let (carried, states) = self.states.parts();
        let count = self.neuron.states().len();
        states.as_deref().map_or(Ok(()), |states| check_len("states", count * neurons, states.len()))?;
        let words = rows * words(channels);
        match &self.out {
            Out::Bits(out) => check_len("out", sequence_len(self.steps, words)?, out.len())?,
            Out::Dense(out) => check_len("out", sequence_len(self.steps, neurons)?, out.len())?,
        }
        let out = match self.out {
            Out::Bits(out) => Sink::Bits(Columns::new(out, words)),
            Out::Dense(out) => Sink::Dense(Columns::new(out, neurons)),
        };
        let states = states.map(|states| Columns::new(states, neurons));
        Ok(Layer { constants: self.constants, draw: self.draw, steps: self.steps, rows, channels, carried, states, out })
    }
}

/// Neurons behind `currents`, `[steps or 1][rows][channels]`; a row is a cell of a sample.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit.
pub fn fire(currents: &[f32], rows: usize, channels: usize, fire: Fire<'_>) -> Result<(), Error> {
    fire_on(Arch::new(), currents, rows, channels, fire)
}

/// [`fire`] with a given instruction set.
pub(super) fn fire_on(arch: Arch, currents: &[f32], rows: usize, channels: usize, fire: Fire<'_>) -> Result<(), Error> {
    /// Rows of a tile.
    const ROWS: usize = 64;

    let neuron = fire.neuron;
    let layer = fire.layer(rows, channels)?;
    let neurons = sequence_len(rows, channels)?;
    let steps = if currents.len() == neurons { 1 } else { layer.steps };
    check_len("currents", sequence_len(steps, neurons)?, currents.len())?;
    map_tiles(rows, ROWS, layer.steps * channels, &|| (), &|(), rows| {
        for first in (0..channels).step_by(64) {
            let channels = first..channels.min(first + 64);
            let currents = Currents::Dense { x: currents, steps };
            neuron.tile(&Tile { arch, layer: &layer, rows: rows.clone(), channels, currents });
        }
    });
    Ok(())
}
