//! Multi-step backward pass. In: what the forward pass had and the gradients of its results; out: the gradients of x, the first states and
//! the constants.

use std::array::from_fn;
use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::block::{Block, Fires, Firing, Lanes, States, zeros};
use crate::constants::per_channel;
use crate::error::{Error, check_len, check_opt};
use crate::forward::Pass;
use crate::input::Input;
use crate::lanes::{AHEAD, LANES, blocks, lanes, load, prefetch, store, view};
use crate::neuron::{MAX_CONSTANTS, MAX_FIRES, MAX_STATES, Neuron};
use crate::par::{Columns, map_tiles};
use crate::real::Real;
use crate::scale::{ScaleGrad, sum_channels};

/// Bytes of a tile's rows, which stay in L1 next to the rows that stream through it: states and slopes.
const TILE_BYTES: usize = 16 << 10;

/// The loss's gradients with respect to what [`forward`](crate::forward) wrote. `None` is zero.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a, F> {
    /// `[steps, neurons]`: dL/dy.
    pub y: Option<&'a [F]>,
    /// One per [`Neuron::STATES`], or none at all: `[neurons]`, dL/d(state after the last step).
    pub states: &'a [Option<&'a [F]>],
}

/// Where [`backward`] writes; `None` is not computed. All lengths in elements.
#[derive(Debug)]
pub struct BackwardOut<'a, F> {
    /// dL/dx: `[steps, neurons]` for [`Input::Sequence`], `[neurons]` (summed over the steps) for [`Input::Static`].
    pub x: Option<&'a mut [F]>,
    /// One per [`Neuron::STATES`], or none at all: `[neurons]`, dL/d(state before the first step).
    pub start: Vec<Option<&'a mut [F]>>,
    /// `[channels]`, where the pass has a [`scale`](Pass::scale): dL/d(scale) and dL/d(shift).
    pub scale: Option<&'a mut [[f64; 2]]>,
}

/// The gradients of a [`forward`](crate::forward) call with the same `pass`.
///
/// Returns dL/d(constants), of the first [`Neuron::LEARNED_CONSTANTS`], one set per channel: summed over a neuron's steps in `F` and over
/// neurons in `f64`. [`learned_gradient`](crate::learned_gradient) makes gradients of parameters of them.
///
/// Nothing is saved by the forward pass: a tile of neurons runs it again, keeps the states before each step and the surrogate's derivatives
/// there, and then walks [`Neuron::adjoint`] from the last step to the first. With `spiking: false` this is the true gradient.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `neurons`.
pub fn backward<F: Real, N: Neuron>(
    neuron: &N,
    pass: Pass<'_, F>,
    upstream: Upstream<'_, F>,
    out: BackwardOut<'_, F>,
) -> Result<Vec<[f64; MAX_CONSTANTS]>, Error> {
    backward_on(Arch::new(), neuron, pass, upstream, out)
}

/// [`backward`] with a given instruction set.
pub(crate) fn backward_on<F: Real, N: Neuron>(
    arch: Arch,
    neuron: &N,
    pass: Pass<'_, F>,
    upstream: Upstream<'_, F>,
    out: BackwardOut<'_, F>,
) -> Result<Vec<[f64; MAX_CONSTANTS]>, Error> {
    let len = pass.check::<N>()?;
    let (steps, neurons) = (pass.steps, pass.neurons);
    check_opt("upstream.y", len, upstream.y)?;
    if !upstream.states.is_empty() {
        check_len("upstream.states", N::STATES.len(), upstream.states.len())?;
    }
    upstream.states.iter().try_for_each(|state| check_opt("upstream.states", neurons, *state))?;
    check_opt("out.x", pass.x.len(steps, neurons)?, out.x.as_deref())?;
    if !out.start.is_empty() {
        check_len("out.start", N::STATES.len(), out.start.len())?;
    }
    out.start.iter().try_for_each(|state| check_opt("out.start", neurons, state.as_deref()))?;

    let channels = pass.scale.map_or(0, |scale| scale.channels.count);
    check_opt("out.scale", channels, out.scale.as_deref())?;

    let mut own_scale = vec![F::ZERO; if out.scale.is_some() { 2 * neurons } else { 0 }];
    let mut own = vec![F::ZERO; if per_channel::<N>() { N::LEARNED_CONSTANTS * neurons } else { 0 }];
    let firing = Firing::new(neuron.surrogate(), pass.draw);
    let run = Run {
        neuron: *neuron,
        firing,
        pass,
        upstream,
        grad_x: out.x.map(|g| Columns::new(g, neurons)),
        grad_start: out.start.into_iter().map(|g| g.map(|g| Columns::new(g, neurons))).collect(),
        own: Columns::new(&mut own, neurons),
        own_scale: out.scale.is_some().then(|| Columns::new(&mut own_scale, neurons)),
    };
    let rows = N::STATES.len() + N::FIRES * if firing.plain { 1 } else { 2 };
    let width = (TILE_BYTES / size_of::<Lanes<F>>() / (rows * steps).max(1)).clamp(1, 64) * LANES;
    let row = |wanted: usize| vec![F::ZERO; wanted * steps * width];
    let spikes = if firing.plain { 0 } else { N::FIRES };
    let scratch = || Scratch { width, steps, states: row(N::STATES.len()), slopes: row(N::FIRES), spikes: row(spikes) };
    let sums = map_tiles(neurons, width, steps, &scratch, &|scratch, tile| run.tile(arch, scratch, tile));
    drop(run);
    if let (Some(out), Some(scale)) = (out.scale, pass.scale) {
        out.copy_from_slice(&sum_channels::<F, 2>(&own_scale, neurons, scale.channels));
    }
    if per_channel::<N>() {
        return Ok(sum_channels::<F, MAX_CONSTANTS>(&own, neurons, pass.constants.channels()));
    }
    let mut total = [0.0; MAX_CONSTANTS];
    for tile in &sums {
        total.iter_mut().zip(tile).for_each(|(total, tile)| *total += tile);
    }
    Ok(vec![total])
}

/// The arguments of one call, checked.
struct Run<'a, F, N> {
    neuron: N,
    firing: Firing,
    pass: Pass<'a, F>,
    upstream: Upstream<'a, F>,
    grad_x: Option<Columns<'a, F>>,
    grad_start: Vec<Option<Columns<'a, F>>>,
    /// Gradients of constants that channels have of their own: `[LEARNED_CONSTANTS, neurons]`.
    own: Columns<'a, F>,
    /// Gradients of scale and shift, if wanted: `[2, neurons]`.
    own_scale: Option<Columns<'a, F>>,
}

/// What one tile of neurons keeps in cache: `[steps, width]`, for each state or call of the surrogate function.
struct Scratch<F> {
    width: usize,
    steps: usize,
    /// The states before each step.
    states: Vec<F>,
    /// What the surrogate function is given, then its derivative there.
    slopes: Vec<F>,
    /// What comes out of it; empty where the sign of what goes in says it.
    spikes: Vec<F>,
}

impl<F: Real> Scratch<F> {
    /// Where the block that starts at `at` has step `t` of row group `i`.
    #[inline(always)]
    fn place(&self, i: usize, t: usize, at: usize) -> Range<usize> {
        let start = (i * self.steps + t) * self.width + at;
        start..start + LANES
    }
}

impl<F: Real, N: Neuron> Run<'_, F, N> {
    /// Returns the tile's gradients of shared constants.
    ///
    /// Full blocks run with the machine's instruction set. What is left is one block of a layer at most: plain code does, and is
    /// compiled once instead of once per instruction set.
    fn tile(&self, arch: Arch, scratch: &mut Scratch<F>, tile: Range<usize>) -> [f64; MAX_CONSTANTS] {
        let (full, rest) = blocks(tile.clone());
        let at = |of: &Range<usize>| of.start - tile.start;
        vectorised(
            arch,
            #[inline(always)]
            || {
                // A loop: what is handed to `for_each` is compiled without the instruction set.
                for of in full.clone() {
                    self.replay::<true>(arch, scratch, at(&of), of);
                }
            },
        );
        if let Some(of) = rest.clone() {
            self.replay::<false>(arch, scratch, at(&of), of);
        }
        self.neuron.surrogate().derivative_on(arch, &mut scratch.slopes);
        let mut sums = [[0.0; LANES]; MAX_CONSTANTS];
        vectorised(
            arch,
            #[inline(always)]
            || {
                for of in full.clone() {
                    self.reverse::<true>(scratch, at(&of), of, &mut sums);
                }
            },
        );
        if let Some(of) = rest {
            self.reverse::<false>(scratch, at(&of), of, &mut sums);
        }
        let mut totals = [0.0; MAX_CONSTANTS];
        for (total, lanes) in totals.iter_mut().zip(&sums).take(N::LEARNED_CONSTANTS) {
            *total = lanes.iter().sum();
        }
        totals
    }

    /// The forward pass of a block again: fills its part of the scratch.
    #[inline(always)]
    fn replay<const FULL: bool>(&self, arch: Arch, scratch: &mut Scratch<F>, at: usize, of: Range<usize>) {
        let (neuron, firing, pass) = (self.neuron, self.firing, self.pass);
        let block = Block::new(&neuron, pass.constants, &of);
        let mut states = Block::<F, N>::start::<FULL>(pass.constants, pass.start, &of);
        let scale = pass.scale.map(|scale| scale.block(&of));
        for t in 0..pass.steps {
            let mut spare = [F::ZERO; LANES];
            let x = view::<F, FULL>(pass.x.row(t, pass.neurons, of.clone()), &mut spare);
            prefetch(x, AHEAD);
            if let Some(grad) = self.upstream.y {
                // For `reverse`. The hardware does not see it coming: the steps' rows are far apart and a tile's are short.
                prefetch(&grad[t * pass.neurons + of.start..], 0);
            }
            for (i, state) in states.iter().enumerate().take(N::STATES.len()) {
                let place = scratch.place(i, t, at);
                store::<F, true>(state, &mut scratch.states[place]);
            }
            if firing.plain {
                let mut over: Fires<F> = zeros();
                block.step(&mut states, x, scale.as_ref(), &mut over, &mut [F::ZERO; LANES]);
                for i in 0..N::FIRES {
                    let place = scratch.place(i, t, at);
                    store::<F, true>(&over[i], &mut scratch.slopes[place]);
                }
                continue;
            }
            let x = &scale.as_ref().map_or(*x, |scale| scale.apply(x));
            let (over, kept) = block.charge(&states, x);
            let spikes = firing.spikes::<F, N>(arch, &over, t, of.start);
            for i in 0..N::FIRES {
                let place = scratch.place(i, t, at);
                store::<F, true>(&over[i], &mut scratch.slopes[place.clone()]);
                store::<F, true>(&spikes[i], &mut scratch.spikes[place]);
            }
            (_, states) = block.finish(&states, x, &kept, &spikes);
        }
    }

    /// The recurrence of a block from its last step to its first.
    #[inline(always)]
    fn reverse<const FULL: bool>(&self, scratch: &Scratch<F>, at: usize, of: Range<usize>, totals: &mut [[f64; LANES]; MAX_CONSTANTS]) {
        let (neuron, firing, pass) = (self.neuron, self.firing, self.pass);
        let block = Block::<F, N>::new(&neuron, pass.constants, &of);
        let mut grad_states: States<F> = zeros();
        for (i, grad) in grad_states.iter_mut().enumerate().take(N::STATES.len()) {
            if let Some(Some(given)) = self.upstream.states.get(i) {
                *grad = load::<F, FULL>(&given[of.clone()]);
            }
        }
        let mut grad_static = [F::ZERO; LANES];
        let mut sums = zeros();
        let zero = [F::ZERO; LANES];
        let scale = pass.scale.map(|scale| scale.block(&of));
        let mut scale_grad = ScaleGrad::new();
        for t in (0..pass.steps).rev() {
            let (mut spare, mut spare_grad) = ([F::ZERO; LANES], [F::ZERO; LANES]);
            let given = view::<F, FULL>(pass.x.row(t, pass.neurons, of.clone()), &mut spare);
            let scaled;
            let x = match &scale {
                Some(scale) => {
                    scaled = scale.apply(given);
                    &scaled
                }
                None => given,
            };
            let grad_y = match self.upstream.y {
                Some(grad) => view::<F, FULL>(&grad[t * pass.neurons..][of.clone()], &mut spare_grad),
                None => &zero,
            };
            let mut spare_out = [F::ZERO; LANES];
            let row = match (&self.grad_x, pass.x) {
                // SAFETY: blocks are disjoint, and each takes a row once.
                (Some(out), Input::Sequence(_)) => Some(unsafe { out.row(t, of.clone()) }),
                _ => None,
            };
            let (grad_x, rest): (&mut Lanes<F>, _) = match row {
                Some(row) if FULL => (row.try_into().unwrap_or_else(|_| unreachable!("a full block")), None),
                row => (&mut spare_out, row),
            };
            if firing.plain {
                let states: [&Lanes<F>; MAX_STATES] =
                    from_fn(|i| if i < N::STATES.len() { row_of(&scratch.states, scratch.place(i, t, at)) } else { &zero });
                let slopes: [&Lanes<F>; MAX_FIRES] =
                    from_fn(|i| if i < N::FIRES { row_of(&scratch.slopes, scratch.place(i, t, at)) } else { &zero });
                block.step_back(&states, x, &slopes, grad_y, &mut grad_states, &mut sums, grad_x);
            } else {
                let (mut states, mut slopes, mut spikes): (States<F>, Fires<F>, Fires<F>) = (zeros(), zeros(), zeros());
                for (i, state) in states.iter_mut().enumerate().take(N::STATES.len()) {
                    *state = load::<F, true>(&scratch.states[scratch.place(i, t, at)]);
                }
                for i in 0..N::FIRES {
                    slopes[i] = load::<F, true>(&scratch.slopes[scratch.place(i, t, at)]);
                    spikes[i] = load::<F, true>(&scratch.spikes[scratch.place(i, t, at)]);
                }
                let (_, kept) = block.charge(&states, x);
                (*grad_x, grad_states) = block.adjoint(&states, x, &kept, &spikes, &slopes, grad_y, &grad_states, &mut sums);
            }
            if let Some(scale) = &scale {
                *grad_x = scale_grad.step(scale, given, grad_x);
            }
            match (rest, pass.x) {
                (Some(rest), _) => rest.copy_from_slice(&grad_x[..rest.len()]),
                (None, Input::Static(_)) => grad_static = lanes(|k| grad_static[k] + grad_x[k]),
                _ => {}
            }
        }
        if let Some(own) = &self.own_scale {
            for (i, row) in scale_grad.rows().into_iter().enumerate() {
                // SAFETY: as above.
                store::<F, FULL>(row, unsafe { own.row(i, of.clone()) });
            }
        }
        for (i, sum) in sums.iter().enumerate().take(N::LEARNED_CONSTANTS) {
            if const { per_channel::<N>() } {
                // SAFETY: as above.
                store::<F, FULL>(sum, unsafe { self.own.row(i, of.clone()) });
            } else {
                // Lanes beyond the last neuron may hold anything.
                for k in 0..if FULL { LANES } else { of.len() } {
                    totals[i][k] += sum[k].to_f64();
                }
            }
        }
        if let (Some(out), Input::Static(_)) = (&self.grad_x, pass.x) {
            // SAFETY: as above.
            store::<F, FULL>(&grad_static, unsafe { out.row(0, of.clone()) });
        }
        for (i, out) in self.grad_start.iter().enumerate().take(N::STATES.len()) {
            if let Some(out) = out {
                // SAFETY: as above.
                store::<F, FULL>(&grad_states[i], unsafe { out.row(0, of.clone()) });
            }
        }
    }
}

/// A block of the scratch.
#[inline(always)]
fn row_of<F: Real>(rows: &[F], at: Range<usize>) -> &Lanes<F> {
    rows[at].try_into().unwrap_or_else(|_| unreachable!("a row"))
}
