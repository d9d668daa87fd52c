//! Multi-step backward pass. In: what the forward pass had (x, v0) and the gradients of its results; out: the gradients of x, v0 and the
//! charge's parameters.

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_opt, sequence_len};
use crate::fire::Fire;
use crate::input::Input;
use crate::lanes::{LANES, blocks, lanes, load, prefetch, store};
use crate::neuron::{Charge, MAX_PARAMS};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Bytes of each of a tile's two buffers, h and g: both stay in L1 next to the rows that stream through it.
const TILE_BYTES: usize = 8 << 10;

/// Where [`backward`] writes; `None` is not computed. All lengths in elements.
#[derive(Debug)]
pub struct BackwardOut<'a, F> {
    /// dL/dx: `[steps, neurons]` for [`Input::Sequence`], `[neurons]` (summed over the steps) for [`Input::Static`].
    pub x: Option<&'a mut [F]>,
    /// `[neurons]`: dL/dv0.
    pub v0: Option<&'a mut [F]>,
}

/// The gradients of a [`forward`](crate::forward) call with the same arguments; `neurons` is its `out.v.len()`.
///
/// `grad_spikes` (`[steps, neurons]`) and `grad_v` (`[neurons]`) are the loss's gradients with respect to the spikes and the last
/// potential; `None` is zero. Returns dL/d(parameter) for each of the charge's parameters ([`Charge::PARAMS`]), summed over a neuron's
/// steps in `F` and over neurons in `f64`.
///
/// With G_s, G_v the gradients of spike and potential of a step and g the surrogate's derivative at h - v_threshold:
/// dL/dh = g (G_s + G_v dv/ds) + G_v dv/dh, without the dv/ds term if `detach_reset`. Thresholds and reset values get no gradient.
/// With `spiking = false` this is the true gradient of the forward pass.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `neurons`.
pub fn backward<F: Real, C: Charge<F>>(
    charge: &C,
    fire: &Fire<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    v0: Option<&[F]>,
    grad_spikes: Option<&[F]>,
    grad_v: Option<&[F]>,
    out: BackwardOut<'_, F>,
) -> Result<Vec<f64>, Error> {
    backward_on(Arch::new(), charge, fire, steps, neurons, x, v0, grad_spikes, grad_v, out)
}

/// [`backward`] with a given instruction set.
pub(crate) fn backward_on<F: Real, C: Charge<F>>(
    arch: Arch,
    charge: &C,
    fire: &Fire<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    v0: Option<&[F]>,
    grad_spikes: Option<&[F]>,
    grad_v: Option<&[F]>,
    out: BackwardOut<'_, F>,
) -> Result<Vec<f64>, Error> {
    const { assert!(C::PARAMS <= MAX_PARAMS) };
    let len = sequence_len(steps, neurons)?;
    x.check(steps, neurons)?;
    check_opt("v0", neurons, v0)?;
    check_opt("grad_spikes", len, grad_spikes)?;
    check_opt("grad_v", neurons, grad_v)?;
    check_opt("out.x", x.len(steps, neurons)?, out.x.as_deref())?;
    check_opt("out.v0", neurons, out.v0.as_deref())?;

    let pass = Pass {
        charge: *charge,
        fire: *fire,
        steps,
        neurons,
        x,
        v0,
        grad_spikes,
        grad_v,
        grad_x: out.x.map(|g| Columns::new(g, neurons)),
        grad_v0: out.v0.map(|g| Columns::new(g, neurons)),
    };
    let blocks = TILE_BYTES / size_of::<[F; LANES]>() / steps.max(1);
    let width = blocks.clamp(1, 64) * LANES;
    let rows = |wanted: bool| vec![F::ZERO; if wanted { steps * width } else { 0 }];
    let scratch = || Scratch { width, h: rows(true), g: rows(true), s: rows(!fire.spiking) };
    let sums = map_tiles(neurons, width, steps, &scratch, &|scratch, tile| {
        arch.dispatch(
            #[inline(always)]
            || pass.tile(arch, scratch, tile),
        )
    });
    let total = |i: usize| sums.iter().map(|tile| tile[i]).sum();
    Ok((0..C::PARAMS).map(total).collect())
}

/// The arguments of one call, checked.
struct Pass<'a, F, C> {
    charge: C,
    fire: Fire<F>,
    steps: usize,
    neurons: usize,
    x: Input<'a, F>,
    v0: Option<&'a [F]>,
    grad_spikes: Option<&'a [F]>,
    grad_v: Option<&'a [F]>,
    grad_x: Option<Columns<'a, F>>,
    grad_v0: Option<Columns<'a, F>>,
}

/// What one tile of neurons keeps in cache: `[steps, width]` each.
struct Scratch<F> {
    width: usize,
    /// The charged potential h.
    h: Vec<F>,
    /// h - v_threshold, then the surrogate's derivative there.
    g: Vec<F>,
    /// The output of a neuron that is not spiking; else empty, since spikes follow from h.
    s: Vec<F>,
}

impl<F: Real> Scratch<F> {
    /// Where the block that starts at `at` has its step `t`.
    #[inline(always)]
    fn place(&self, t: usize, at: usize) -> Range<usize> {
        t * self.width + at..t * self.width + at + LANES
    }

    /// Charged potential and spike.
    #[inline(always)]
    fn fired(&self, place: Range<usize>, fire: &Fire<F>) -> ([F; LANES], [F; LANES]) {
        let h = load::<F, true>(&self.h[place.clone()]);
        (h, if fire.spiking { lanes(|k| (h[k] - fire.v_threshold).heaviside()) } else { load::<F, true>(&self.s[place]) })
    }
}

/// Parameter gradients by parameter and lane.
type Sums = [[f64; LANES]; MAX_PARAMS];

impl<F: Real, C: Charge<F>> Pass<'_, F, C> {
    /// Returns the tile's parameter gradients.
    #[inline(always)]
    fn tile(&self, arch: Arch, scratch: &mut Scratch<F>, tile: Range<usize>) -> [f64; MAX_PARAMS] {
        let (full, rest) = blocks(tile.clone());
        let at = |of: &Range<usize>| of.start - tile.start;
        for of in full.clone() {
            self.replay::<true>(arch, scratch, at(&of), of);
        }
        if let Some(of) = rest.clone() {
            self.replay::<false>(arch, scratch, at(&of), of);
        }
        self.fire.surrogate.derivative_on(arch, &mut scratch.g);
        let mut sums = [[0.0; LANES]; MAX_PARAMS];
        for of in full {
            self.reverse::<true>(scratch, at(&of), of, &mut sums);
        }
        if let Some(of) = rest {
            self.reverse::<false>(scratch, at(&of), of, &mut sums);
        }
        let mut totals = [0.0; MAX_PARAMS];
        for (total, lanes) in totals.iter_mut().zip(&sums).take(C::PARAMS) {
            *total = lanes.iter().sum();
        }
        totals
    }

    /// The potential before the first step.
    #[inline(always)]
    fn first<const FULL: bool>(&self, of: Range<usize>) -> [F; LANES] {
        match self.v0 {
            Some(v0) => load::<F, FULL>(&v0[of]),
            None => [self.fire.reset.start(); LANES],
        }
    }

    /// The forward pass of a block again: fills its part of the scratch.
    #[inline(always)]
    fn replay<const FULL: bool>(&self, arch: Arch, scratch: &mut Scratch<F>, at: usize, of: Range<usize>) {
        let (charge, fire) = (self.charge, self.fire);
        let mut v = self.first::<FULL>(of.clone());
        for t in 0..self.steps {
            let x = load::<F, FULL>(self.x.row(t, self.neurons, of.clone()));
            if let Some(grad) = self.grad_spikes {
                // For `reverse`. The hardware does not see it coming: the steps' rows are far apart and a tile's are short.
                prefetch(&grad[t * self.neurons..][of.clone()]);
            }
            let h = lanes(|k| charge.charge(v[k], x[k]));
            let over = lanes(|k| h[k] - fire.v_threshold);
            let place = scratch.place(t, at);
            store::<F, true>(&h, &mut scratch.h[place.clone()]);
            store::<F, true>(&over, &mut scratch.g[place.clone()]);
            let s = if fire.spiking {
                lanes(|k| over[k].heaviside())
            } else {
                let s = &mut scratch.s[place];
                store::<F, true>(&over, s);
                fire.surrogate.primitive_on(arch, s);
                load::<F, true>(s)
            };
            v = fire.next(s, h);
        }
    }

    /// The recurrence of a block from its last step to its first.
    #[inline(always)]
    fn reverse<const FULL: bool>(&self, scratch: &Scratch<F>, at: usize, of: Range<usize>, sums: &mut Sums) {
        let (charge, fire) = (self.charge, self.fire);
        let mut grad_v = match self.grad_v {
            Some(grad) => load::<F, FULL>(&grad[of.clone()]),
            None => [F::ZERO; LANES],
        };
        let mut total = [F::ZERO; LANES];
        let mut params = [[F::ZERO; LANES]; MAX_PARAMS];
        for t in (0..self.steps).rev() {
            let x = load::<F, FULL>(self.x.row(t, self.neurons, of.clone()));
            let g = load::<F, true>(&scratch.g[scratch.place(t, at)]);
            let grad_s = match self.grad_spikes {
                Some(grad) => load::<F, FULL>(&grad[t * self.neurons..][of.clone()]),
                None => [F::ZERO; LANES],
            };
            let (h, s) = scratch.fired(scratch.place(t, at), &fire);
            // The potential before the step. Most charges are linear and do not look at it: then none of this is compiled.
            let v = if t == 0 {
                self.first::<FULL>(of.clone())
            } else {
                let (h, s) = scratch.fired(scratch.place(t - 1, at), &fire);
                fire.next(s, h)
            };
            let (keep, jump) = fire.slopes(s, h);
            let grad_h = lanes(|k| g[k] * (grad_s[k] + grad_v[k] * jump[k]) + grad_v[k] * keep[k]);
            let grad_x = lanes(|k| grad_h[k] * charge.dx(v[k], x[k]));
            grad_v = lanes(|k| grad_h[k] * charge.dv(v[k], x[k]));
            for (i, sum) in params.iter_mut().enumerate().take(C::PARAMS) {
                *sum = lanes(|k| sum[k] + grad_h[k] * charge.dparam(i, v[k], x[k]));
            }
            match (&self.grad_x, self.x) {
                // SAFETY: blocks are disjoint, and each takes a row once.
                (Some(out), Input::Sequence(_)) => store::<F, FULL>(&grad_x, unsafe { out.row(t, of.clone()) }),
                (Some(_), Input::Static(_)) => total = lanes(|k| total[k] + grad_x[k]),
                (None, _) => {}
            }
        }
        for (sums, params) in sums.iter_mut().zip(&params).take(C::PARAMS) {
            for k in 0..LANES {
                sums[k] += params[k].to_f64();
            }
        }
        if let (Some(out), Input::Static(_)) = (&self.grad_x, self.x) {
            // SAFETY: as above.
            store::<F, FULL>(&total, unsafe { out.row(0, of.clone()) });
        }
        if let Some(out) = &self.grad_v0 {
            // SAFETY: as above.
            store::<F, FULL>(&grad_v, unsafe { out.row(0, of) });
        }
    }
}
