//! A synapse filter over all its steps. In: spikes and the first current; out: the current of each step, and gradients the way back.
//!
//! i[t] = i[t-1] - (1 - x[t]) i[t-1] q + x[t]: a spike raises the current by 1, and the current decays by the rate q where no spike comes
//! (SpikingJelly `SynapseFilter`, q = 1 / tau).
//!
//! Both passes run all steps of a tile before the next tile. Memory sees, per neuron and step in f32, 8 bytes forward (x in, i out) and 12
//! backward (x and the gradient in, x's gradient out): the backward pass replays i from x.

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::input::Input;
use crate::lanes::{LANES, blocks, lanes, load, prefetch, store};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Neurons per tile of the forward pass: a row of `f32` is one page.
const WIDTH: usize = 1024;

/// Bytes of what a tile of the backward pass keeps in L1.
const TILE_BYTES: usize = 16 << 10;

/// The decay of a synapse filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynapseFilter<F> {
    /// The share of the current that is lost in a step without a spike: 1 / tau.
    pub q: F,
}

impl<F: Real> SynapseFilter<F> {
    #[inline(always)]
    fn next(self, i: [F; LANES], x: [F; LANES]) -> [F; LANES] {
        // The order of SpikingJelly's operations, so that the bits are its own.
        lanes(|k| i[k] - (F::ONE - x[k]) * i[k] * self.q + x[k])
    }
}

/// Runs `steps` steps from current `i0` (`[neurons]`; `None`: 0) and writes the current after each to `out` (`[steps, neurons]`).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `neurons`.
pub fn synapse_filter<F: Real>(
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    i0: Option<&[F]>,
    out: &mut [F],
) -> Result<(), Error> {
    forward_on(Arch::new(), filter, steps, neurons, x, i0, out)
}

pub(crate) fn forward_on<F: Real>(
    arch: Arch,
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    i0: Option<&[F]>,
    out: &mut [F],
) -> Result<(), Error> {
    x.check(steps, neurons)?;
    check_opt("i0", neurons, i0)?;
    check_len("out", sequence_len(steps, neurons)?, out.len())?;
    let pass = Forward { filter, steps, neurons, x, i0, out: Columns::new(out, neurons) };
    map_tiles(neurons, WIDTH, steps, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || pass.tile(tile.clone()),
        );
    });
    Ok(())
}

struct Forward<'a, F> {
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'a, F>,
    i0: Option<&'a [F]>,
    out: Columns<'a, F>,
}

impl<F: Real> Forward<'_, F> {
    #[inline(always)]
    fn tile(&self, tile: Range<usize>) {
        let (full, rest) = blocks(tile);
        for of in full {
            self.block::<true>(of);
        }
        if let Some(of) = rest {
            self.block::<false>(of);
        }
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>) {
        let mut i = first::<F, FULL>(self.i0, of.clone());
        for t in 0..self.steps {
            i = self.filter.next(i, load::<F, FULL>(self.x.row(t, self.neurons, of.clone())));
            // SAFETY: blocks are disjoint, and each takes a row once.
            store::<F, FULL>(&i, unsafe { self.out.row(t, of.clone()) });
        }
    }
}

#[inline(always)]
fn first<F: Real, const FULL: bool>(i0: Option<&[F]>, of: Range<usize>) -> [F; LANES] {
    i0.map_or([F::ZERO; LANES], |i0| load::<F, FULL>(&i0[of]))
}

/// Where [`synapse_filter_backward`] writes; `None` is not computed.
#[derive(Debug)]
pub struct SynapseFilterGrads<'a, F> {
    /// dL/dx: `[steps, neurons]` for [`Input::Sequence`], `[neurons]` (summed over the steps) for [`Input::Static`].
    pub x: Option<&'a mut [F]>,
    /// `[neurons]`: dL/di0.
    pub i0: Option<&'a mut [F]>,
}

/// The gradients of a [`synapse_filter`] call with the same arguments. Returns dL/dq, summed over a neuron's steps in `F` and over neurons
/// in `f64`.
///
/// `grad` (`[steps, neurons]`) are the loss's gradients with respect to the currents, `grad_last` (`[neurons]`) one more for the last of
/// them, as the state that the next call starts from; `None` is zero.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `neurons`.
#[allow(clippy::too_many_arguments, reason = "those of the forward pass, and gradients")]
pub fn synapse_filter_backward<F: Real>(
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    i0: Option<&[F]>,
    grad: Option<&[F]>,
    grad_last: Option<&[F]>,
    out: SynapseFilterGrads<'_, F>,
) -> Result<f64, Error> {
    backward_on(Arch::new(), filter, steps, neurons, x, i0, grad, grad_last, out)
}

#[allow(clippy::too_many_arguments, reason = "as above")]
pub(crate) fn backward_on<F: Real>(
    arch: Arch,
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    i0: Option<&[F]>,
    grad: Option<&[F]>,
    grad_last: Option<&[F]>,
    out: SynapseFilterGrads<'_, F>,
) -> Result<f64, Error> {
    x.check(steps, neurons)?;
    check_opt("i0", neurons, i0)?;
    check_opt("grad", sequence_len(steps, neurons)?, grad)?;
    check_opt("grad_last", neurons, grad_last)?;
    check_opt("out.x", x.len(steps, neurons)?, out.x.as_deref())?;
    check_opt("out.i0", neurons, out.i0.as_deref())?;
    let pass = Backward {
        filter,
        steps,
        neurons,
        x,
        i0,
        grad,
        grad_last,
        grad_x: out.x.map(|g| Columns::new(g, neurons)),
        grad_i0: out.i0.map(|g| Columns::new(g, neurons)),
    };
    let width = (TILE_BYTES / size_of::<[F; LANES]>() / steps.max(1)).clamp(1, 32) * LANES;
    let scratch = || vec![F::ZERO; steps * width];
    let sums = map_tiles(neurons, width, steps, &scratch, &|before, tile| {
        vectorised(
            arch,
            #[inline(always)]
            || pass.tile(before, width, tile.clone()),
        )
    });
    Ok(sums.iter().sum())
}

struct Backward<'a, F> {
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'a, F>,
    i0: Option<&'a [F]>,
    grad: Option<&'a [F]>,
    grad_last: Option<&'a [F]>,
    grad_x: Option<Columns<'a, F>>,
    grad_i0: Option<Columns<'a, F>>,
}

impl<F: Real> Backward<'_, F> {
    /// `before`: `[steps, width]`, the current before each step. Returns the tile's share of dL/dq.
    #[inline(always)]
    fn tile(&self, before: &mut [F], width: usize, tile: Range<usize>) -> f64 {
        let (full, rest) = blocks(tile.clone());
        for of in full.clone() {
            self.replay::<true>(before, width, of.start - tile.start, of);
        }
        if let Some(of) = rest.clone() {
            self.replay::<false>(before, width, of.start - tile.start, of);
        }
        let mut sum = [0.0; LANES];
        for of in full {
            self.reverse::<true>(before, width, of.start - tile.start, of, &mut sum);
        }
        if let Some(of) = rest {
            self.reverse::<false>(before, width, of.start - tile.start, of, &mut sum);
        }
        sum.iter().sum()
    }

    #[inline(always)]
    fn replay<const FULL: bool>(&self, before: &mut [F], width: usize, at: usize, of: Range<usize>) {
        let mut i = first::<F, FULL>(self.i0, of.clone());
        for t in 0..self.steps {
            store::<F, true>(&i, &mut before[t * width + at..][..LANES]);
            let x = load::<F, FULL>(self.x.row(t, self.neurons, of.clone()));
            if let Some(grad) = self.grad {
                prefetch(&grad[t * self.neurons..][of.clone()]);
            }
            i = self.filter.next(i, x);
        }
    }

    #[inline(always)]
    fn reverse<const FULL: bool>(&self, before: &[F], width: usize, at: usize, of: Range<usize>, sum: &mut [f64; LANES]) {
        let q = self.filter.q;
        let mut carried = first::<F, FULL>(self.grad_last, of.clone());
        let (mut total, mut rate) = ([F::ZERO; LANES], [F::ZERO; LANES]);
        for t in (0..self.steps).rev() {
            let x = load::<F, FULL>(self.x.row(t, self.neurons, of.clone()));
            let i = load::<F, true>(&before[t * width + at..][..LANES]);
            let grad = match self.grad {
                Some(grad) => {
                    let grad = load::<F, FULL>(&grad[t * self.neurons..][of.clone()]);
                    lanes(|k| grad[k] + carried[k])
                }
                None => carried,
            };
            rate = lanes(|k| rate[k] - grad[k] * (F::ONE - x[k]) * i[k]);
            let grad_x = lanes(|k| grad[k] * (F::ONE + i[k] * q));
            carried = lanes(|k| grad[k] * (F::ONE - (F::ONE - x[k]) * q));
            match (&self.grad_x, self.x) {
                // SAFETY: blocks are disjoint, and each takes a row once.
                (Some(out), Input::Sequence(_)) => store::<F, FULL>(&grad_x, unsafe { out.row(t, of.clone()) }),
                (Some(_), Input::Static(_)) => total = lanes(|k| total[k] + grad_x[k]),
                (None, _) => {}
            }
        }
        for (sum, rate) in sum.iter_mut().zip(rate) {
            *sum += rate.to_f64();
        }
        if let (Some(out), Input::Static(_)) = (&self.grad_x, self.x) {
            // SAFETY: as above.
            store::<F, FULL>(&total, unsafe { out.row(0, of.clone()) });
        }
        if let Some(out) = &self.grad_i0 {
            // SAFETY: as above.
            store::<F, FULL>(&carried, unsafe { out.row(0, of) });
        }
    }
}
