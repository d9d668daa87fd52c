//! Multi-step forward pass: all steps of a neuron layer in one sweep. In: x and the first states; out: spikes and the last states.

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::block::{Block, Firing, zeros};
use crate::constants::Constants;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::input::Input;
use crate::lanes::{AHEAD, LANES, blocks, fill, prefetch, store, view};
use crate::neuron::Neuron;
use crate::par::{Columns, map_tiles};
use crate::random::Draw;
use crate::real::Real;
use crate::scale::Scale;

/// Neurons per tile, the unit of work of a thread: a row of `f32` is one page.
const WIDTH: usize = 1024;

/// What a forward pass reads, and its backward pass again. All lengths in elements.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a, F> {
    /// Time steps.
    pub steps: usize,
    /// Neurons of a step: batch, channels and space flattened.
    pub neurons: usize,
    /// The input currents.
    pub x: Input<'a, F>,
    /// Scaled and shifted per channel before the neurons see them, if wanted.
    pub scale: Option<Scale<'a, F>>,
    /// The states before the first step, one per [`Neuron::STATES`], `[neurons]` each; `None`, or none at all: where the neuron starts.
    pub start: &'a [Option<&'a [F]>],
    /// The neuron's constants.
    pub constants: &'a Constants<F>,
    /// Where surrogates that draw at random do so.
    pub draw: Draw,
}

impl<F: Real> Pass<'_, F> {
    /// Returns the length of a sequence.
    pub(crate) fn check<N: Neuron>(&self) -> Result<usize, Error> {
        use crate::neuron::{MAX_FIRES, MAX_KEPT, MAX_STATES};
        const { assert!(N::STATES.len() <= MAX_STATES && N::FIRES <= MAX_FIRES && N::KEPT <= MAX_KEPT) };
        let len = sequence_len(self.steps, self.neurons)?;
        self.x.check(self.steps, self.neurons)?;
        self.scale.map_or(Ok(()), |scale| scale.check(self.neurons))?;
        if !self.start.is_empty() {
            check_len("start", N::STATES.len(), self.start.len())?;
        }
        self.start.iter().try_for_each(|state| check_opt("start", self.neurons, *state))?;
        Ok(len)
    }
}

/// Where [`forward`] writes. All lengths in elements.
#[derive(Debug)]
pub struct ForwardOut<'a, F> {
    /// `[steps, neurons]`: the output, mostly 1 where the neuron fired, else 0.
    pub y: &'a mut [F],
    /// One per [`Neuron::STATES`], `[neurons]` each: the states after the last step.
    pub states: Vec<&'a mut [F]>,
    /// One per [`Neuron::STATES`], or none at all: `[steps, neurons]`, the state after each step (of `v` SpikingJelly's `v_seq`), if wanted.
    pub sequences: Vec<Option<&'a mut [F]>>,
}

/// Runs `pass.steps` steps of a layer of neurons.
///
/// Each step charges, fires (s = 1 where what the neuron says is >= 0; or what the surrogate says with `spiking: false`) and finishes, in the
/// order of SpikingJelly's f32 operations. `steps = 0` copies the first states to the last.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `neurons`.
pub fn forward<F: Real, N: Neuron>(neuron: &N, pass: Pass<'_, F>, out: ForwardOut<'_, F>) -> Result<(), Error> {
    forward_on(Arch::new(), neuron, pass, out)
}

/// [`forward`] with a given instruction set.
pub(crate) fn forward_on<F: Real, N: Neuron>(arch: Arch, neuron: &N, pass: Pass<'_, F>, out: ForwardOut<'_, F>) -> Result<(), Error> {
    let len = pass.check::<N>()?;
    let neurons = pass.neurons;
    check_len("out.y", len, out.y.len())?;
    check_len("out.states", N::STATES.len(), out.states.len())?;
    out.states.iter().try_for_each(|state| check_len("out.states", neurons, state.len()))?;
    if !out.sequences.is_empty() {
        check_len("out.sequences", N::STATES.len(), out.sequences.len())?;
    }
    out.sequences.iter().try_for_each(|sequence| check_opt("out.sequences", len, sequence.as_deref()))?;

    let run = Run {
        neuron: *neuron,
        firing: Firing::new(neuron.surrogate(), pass.draw),
        y: Columns::new(out.y, neurons),
        states: out.states.into_iter().map(|state| Columns::new(state, neurons)).collect(),
        sequences: out.sequences.into_iter().map(|sequence| sequence.map(|s| Columns::new(s, neurons))).collect(),
        pass,
    };
    map_tiles(neurons, WIDTH, pass.steps, &|| (), &|(), tile| {
        let (full, rest) = blocks(tile);
        vectorised(
            arch,
            #[inline(always)]
            || {
                // A loop: what is handed to `for_each` is compiled without the instruction set.
                for lanes in full.clone() {
                    run.block::<true>(arch, lanes);
                }
            },
        );
        // One block of a layer at most: plain code does, and is compiled once instead of once per instruction set.
        if let Some(lanes) = rest {
            run.block::<false>(arch, lanes);
        }
    });
    Ok(())
}

/// The arguments of one call, checked.
struct Run<'a, F, N> {
    neuron: N,
    firing: Firing,
    pass: Pass<'a, F>,
    y: Columns<'a, F>,
    states: Vec<Columns<'a, F>>,
    sequences: Vec<Option<Columns<'a, F>>>,
}

impl<F: Real, N: Neuron> Run<'_, F, N> {
    /// All steps of up to [`LANES`](crate::lanes::LANES) neurons, their states in registers.
    #[inline(always)]
    fn block<const FULL: bool>(&self, arch: Arch, of: Range<usize>) {
        let (neuron, firing, pass) = (self.neuron, self.firing, self.pass);
        let block = Block::new(&neuron, pass.constants, &of);
        let mut states = Block::<F, N>::start::<FULL>(pass.constants, pass.start, &of);
        let scale = pass.scale.map(|scale| scale.block(&of));
        for t in 0..pass.steps {
            let mut spare = [F::ZERO; LANES];
            let x = view::<F, FULL>(pass.x.row(t, pass.neurons, of.clone()), &mut spare);
            prefetch(x, AHEAD);
            // SAFETY: blocks are disjoint, and each takes a row once.
            fill::<F, FULL>(
                unsafe { self.y.row(t, of.clone()) },
                #[inline(always)]
                |y| {
                    if firing.plain {
                        block.step(&mut states, x, scale.as_ref(), &mut zeros(), y);
                    } else {
                        let x = &scale.as_ref().map_or(*x, |scale| scale.apply(x));
                        let (over, kept) = block.charge(&states, x);
                        let spikes = firing.spikes::<F, N>(arch, &over, t, of.start);
                        (*y, states) = block.finish(&states, x, &kept, &spikes);
                    }
                },
            );
            for (i, sequence) in self.sequences.iter().enumerate().take(N::STATES.len()) {
                if let Some(sequence) = sequence {
                    // SAFETY: as above.
                    store::<F, FULL>(&states[i], unsafe { sequence.row(t, of.clone()) });
                }
            }
        }
        for (i, state) in self.states.iter().enumerate().take(N::STATES.len()) {
            // SAFETY: as above.
            store::<F, FULL>(&states[i], unsafe { state.row(0, of.clone()) });
        }
    }
}
