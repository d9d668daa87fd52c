//! Multi-step backward pass. In: what the forward pass had (x, v0) and the gradients of its results; out: the gradients of x, v0 and the
//! charge's parameters.

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_opt, sequence_len};
use crate::fire::{Fire, HardReset, Reset, Rule, SoftReset};
use crate::input::Input;
use crate::lanes::{LANES, blocks, load, prefetch, store};
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
    let sums = match fire.reset {
        Reset::Hard(v_reset) => pass.run(arch, HardReset(v_reset)),
        Reset::Soft => pass.run(arch, SoftReset { v_threshold: fire.v_threshold }),
    };
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
    /// The charged potential h.
    h: Vec<F>,
    /// h - v_threshold, then the surrogate's derivative there.
    g: Vec<F>,
    /// The output of a neuron that is not spiking; else empty, since spikes follow from h.
    s: Vec<F>,
}

impl<F: Real> Scratch<F> {
    /// Charged potential and spike of the block at `at`.
    #[inline(always)]
    fn fired<const SPIKING: bool>(&self, at: usize, v_threshold: F) -> ([F; LANES], [F; LANES]) {
        let h = load::<F, true>(&self.h[at..at + LANES]);
        (h, if SPIKING { h.map(|h| (h - v_threshold).heaviside()) } else { load::<F, true>(&self.s[at..at + LANES]) })
    }
}

impl<F: Real, C: Charge<F>> Pass<'_, F, C> {
    fn run<R: Rule<F>>(&self, arch: Arch, rule: R) -> Vec<[f64; MAX_PARAMS]> {
        match (self.fire.detach_reset, self.fire.spiking) {
            (false, true) => self.run_with::<R, false, true>(arch, rule),
            (true, true) => self.run_with::<R, true, true>(arch, rule),
            (false, false) => self.run_with::<R, false, false>(arch, rule),
            (true, false) => self.run_with::<R, true, false>(arch, rule),
        }
    }

    fn run_with<R: Rule<F>, const DETACH: bool, const SPIKING: bool>(&self, arch: Arch, rule: R) -> Vec<[f64; MAX_PARAMS]> {
        let blocks = TILE_BYTES / size_of::<[F; LANES]>() / self.steps.max(1);
        let width = blocks.clamp(1, 64) * LANES;
        let rows = |wanted: bool| vec![F::ZERO; if wanted { self.steps * width } else { 0 }];
        map_tiles(
            self.neurons,
            width,
            self.steps,
            || Scratch { h: rows(true), g: rows(true), s: rows(!SPIKING) },
            |scratch, tile| {
                arch.dispatch(
                    #[inline(always)]
                    || self.tile::<R, DETACH, SPIKING>(arch, rule, width, scratch, tile),
                )
            },
        )
    }

    /// Returns the tile's parameter gradients.
    #[inline(always)]
    fn tile<R: Rule<F>, const DETACH: bool, const SPIKING: bool>(
        &self,
        arch: Arch,
        rule: R,
        width: usize,
        scratch: &mut Scratch<F>,
        tile: Range<usize>,
    ) -> [f64; MAX_PARAMS] {
        let (full, rest) = blocks(tile.clone());
        let at = |lanes: &Range<usize>| lanes.start - tile.start;
        for lanes in full.clone() {
            self.replay::<R, SPIKING, true>(arch, rule, scratch, at(&lanes), width, lanes);
        }
        if let Some(lanes) = rest.clone() {
            self.replay::<R, SPIKING, false>(arch, rule, scratch, at(&lanes), width, lanes);
        }
        self.fire.surrogate.derivative_on(arch, &mut scratch.g);
        let mut sums = [[0.0; LANES]; MAX_PARAMS];
        for lanes in full {
            self.reverse::<R, DETACH, SPIKING, true>(rule, scratch, at(&lanes), width, lanes, &mut sums);
        }
        if let Some(lanes) = rest {
            self.reverse::<R, DETACH, SPIKING, false>(rule, scratch, at(&lanes), width, lanes, &mut sums);
        }
        let mut totals = [0.0; MAX_PARAMS];
        for (total, lanes) in totals.iter_mut().zip(&sums).take(C::PARAMS) {
            *total = lanes.iter().sum();
        }
        totals
    }

    /// The potential before the first step.
    #[inline(always)]
    fn first<const FULL: bool>(&self, lanes: Range<usize>) -> [F; LANES] {
        match self.v0 {
            Some(v0) => load::<F, FULL>(&v0[lanes]),
            None => [self.fire.reset.start(); LANES],
        }
    }

    /// The forward pass of a block again: fills its part of the scratch.
    #[inline(always)]
    fn replay<R: Rule<F>, const SPIKING: bool, const FULL: bool>(
        &self,
        arch: Arch,
        rule: R,
        scratch: &mut Scratch<F>,
        at: usize,
        width: usize,
        lanes: Range<usize>,
    ) {
        let (charge, v_threshold) = (self.charge, self.fire.v_threshold);
        let mut v = self.first::<FULL>(lanes.clone());
        for t in 0..self.steps {
            let x = load::<F, FULL>(self.x.row(t, self.neurons, lanes.clone()));
            if let Some(grad) = self.grad_spikes {
                // For `reverse`. The hardware does not see it coming: the steps' rows are far apart and a tile's are short.
                prefetch(&grad[t * self.neurons..][lanes.clone()]);
            }
            let (mut h, mut g) = ([F::ZERO; LANES], [F::ZERO; LANES]);
            for k in 0..LANES {
                h[k] = charge.charge(v[k], x[k]);
                g[k] = h[k] - v_threshold;
            }
            let row = t * width + at..t * width + at + LANES;
            store::<F, true>(&h, &mut scratch.h[row.clone()]);
            store::<F, true>(&g, &mut scratch.g[row.clone()]);
            let mut s = g;
            if SPIKING {
                for s in &mut s {
                    *s = s.heaviside();
                }
            } else {
                self.fire.surrogate.primitive_on(arch, &mut s);
                store::<F, true>(&s, &mut scratch.s[row]);
            }
            for k in 0..LANES {
                v[k] = rule.next(s[k], h[k]);
            }
        }
    }

    /// The recurrence of a block from its last step to its first.
    #[inline(always)]
    fn reverse<R: Rule<F>, const DETACH: bool, const SPIKING: bool, const FULL: bool>(
        &self,
        rule: R,
        scratch: &Scratch<F>,
        at: usize,
        width: usize,
        lanes: Range<usize>,
        sums: &mut [[f64; LANES]; MAX_PARAMS],
    ) {
        let (charge, v_threshold) = (self.charge, self.fire.v_threshold);
        let fired = |t: usize| scratch.fired::<SPIKING>(t * width + at, v_threshold);
        let mut grad_v = match self.grad_v {
            Some(grad) => load::<F, FULL>(&grad[lanes.clone()]),
            None => [F::ZERO; LANES],
        };
        let mut total = [F::ZERO; LANES];
        let mut params = [[F::ZERO; LANES]; MAX_PARAMS];
        for t in (0..self.steps).rev() {
            let x = load::<F, FULL>(self.x.row(t, self.neurons, lanes.clone()));
            let (h, s) = fired(t);
            let g = load::<F, true>(&scratch.g[t * width + at..][..LANES]);
            let grad_s = match self.grad_spikes {
                Some(grad) => load::<F, FULL>(&grad[t * self.neurons..][lanes.clone()]),
                None => [F::ZERO; LANES],
            };
            // The potential before the step. Most charges are linear and do not look at it: then none of this is compiled.
            let v = if t == 0 {
                self.first::<FULL>(lanes.clone())
            } else {
                let (h, s) = fired(t - 1);
                std::array::from_fn(
                    #[inline(always)]
                    |k| rule.next(s[k], h[k]),
                )
            };
            let mut grad_x = [F::ZERO; LANES];
            for k in 0..LANES {
                let through_spike = if DETACH { grad_s[k] } else { grad_s[k] + grad_v[k] * rule.jump(h[k]) };
                let grad_h = g[k] * through_spike + grad_v[k] * rule.keep(s[k]);
                grad_x[k] = grad_h * charge.dx(v[k], x[k]);
                grad_v[k] = grad_h * charge.dv(v[k], x[k]);
                for i in 0..C::PARAMS {
                    params[i][k] = params[i][k] + grad_h * charge.dparam(i, v[k], x[k]);
                }
            }
            match (&self.grad_x, self.x) {
                // SAFETY: blocks are disjoint, and each takes a row once.
                (Some(out), Input::Sequence(_)) => store::<F, FULL>(&grad_x, unsafe { out.row(t, lanes.clone()) }),
                (Some(_), Input::Static(_)) => {
                    for k in 0..LANES {
                        total[k] = total[k] + grad_x[k];
                    }
                }
                (None, _) => {}
            }
        }
        for i in 0..C::PARAMS {
            for k in 0..LANES {
                sums[i][k] += params[i][k].to_f64();
            }
        }
        if let (Some(out), Input::Static(_)) = (&self.grad_x, self.x) {
            // SAFETY: as above.
            store::<F, FULL>(&total, unsafe { out.row(0, lanes.clone()) });
        }
        if let Some(out) = &self.grad_v0 {
            // SAFETY: as above.
            store::<F, FULL>(&grad_v, unsafe { out.row(0, lanes) });
        }
    }
}
