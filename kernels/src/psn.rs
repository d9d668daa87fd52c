//! Parallel spiking neurons: no potential that runs through time, but a weighted sum of inputs at several steps. In: x, weights
//! over time; out: spikes, and gradients the way back.
//!
//! One pass over memory each way. The backward pass saves nothing but computes h again inside a tile that stays in cache.

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::lanes::{LANES, blocks, lanes, load, store};
use crate::par::{Columns, map_tiles};
use crate::random::{Draw, Place};
use crate::real::Real;
use crate::surrogate::Surrogate;
use crate::sweep::{Sweep, WIDTH, sweep};

/// Bytes of a tile's derivatives in the backward pass.
const TILE_BYTES: usize = 32 << 10;

/// Most partial sums of the weights' gradient: one per tile, and each has as many numbers as there are weights.
const MOST_TILES: usize = 64;

/// Weights over time. Rows are inputs, oldest first; the outputs are those of the last rows.
#[derive(Clone, Copy, Debug)]
pub enum TimeWeights<'a, F> {
    /// `[steps, rows]`: one weight per output and input.
    Matrix {
        /// By output, then by input.
        weight: &'a [F],
        /// How many inputs an output sees: its own and those before it. `None`: all, also later ones.
        window: Option<usize>,
    },
    /// `[k]`: the same for every output, which sees its own input (the last weight) and the k - 1 before it.
    Sliding(&'a [F]),
}

impl<F: Real> TimeWeights<'_, F> {
    fn values(&self) -> &[F] {
        match self {
            TimeWeights::Matrix { weight, .. } => weight,
            TimeWeights::Sliding(weight) => weight,
        }
    }
}

/// A layer of parallel spiking neurons: s = H(h) with h = weights * inputs + bias.
#[derive(Clone, Copy, Debug)]
pub struct Psn<'a, F> {
    /// Outputs, and inputs in x.
    pub steps: usize,
    /// Neurons at each step.
    pub neurons: usize,
    /// Inputs before x, oldest first, `[neurons]` each.
    pub before: &'a [&'a [F]],
    /// `[steps, neurons]`
    pub x: &'a [F],
    /// From inputs to outputs.
    pub weights: TimeWeights<'a, F>,
    /// `[steps]`, or one for all.
    pub bias: &'a [F],
    /// Fires at h, and stands in for the derivative of that.
    pub surrogate: Surrogate,
    /// For surrogates that fire at random.
    pub draw: Draw,
}

/// Where [`psn_backward`] writes; `None` is not computed.
#[derive(Debug)]
pub struct PsnGradients<'a, F> {
    /// dL/dx of each input before x, `[neurons]`; empty if none is wanted.
    pub before: Vec<Option<&'a mut [F]>>,
    /// `[steps, neurons]`: dL/dx.
    pub x: Option<&'a mut [F]>,
}

/// Fills `spikes` (`[steps, neurons]`).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit.
pub fn psn_forward<F: Real>(psn: &Psn<'_, F>, spikes: &mut [F]) -> Result<(), Error> {
    psn_forward_on(Arch::new(), psn, spikes)
}

/// [`psn_forward`] with a given instruction set.
pub(crate) fn psn_forward_on<F: Real>(arch: Arch, psn: &Psn<'_, F>, spikes: &mut [F]) -> Result<(), Error> {
    check_len("spikes", psn.check()?, spikes.len())?;
    let pass = Fire { arch, psn, out: Columns::new(spikes, psn.neurons) };
    sweep(arch, psn.neurons, WIDTH, &pass);
    Ok(())
}

/// The forward pass.
struct Fire<'a, F> {
    arch: Arch,
    psn: &'a Psn<'a, F>,
    out: Columns<'a, F>,
}

impl<F: Real> Sweep for Fire<'_, F> {
    type Share = ();

    fn cost(&self) -> usize {
        self.psn.cost()
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, (): &mut ()) {
        for i in 0..self.psn.steps {
            let h = self.psn.h::<FULL>(i, of.clone());
            // SAFETY: blocks are disjoint, and each takes a row once.
            let spikes = unsafe { self.out.row(i, of.clone()) };
            store::<F, FULL>(&h, spikes);
            let place = Place { draw: self.psn.draw, series: i, element: of.start };
            self.psn.surrogate.spike_on(self.arch, spikes, place);
        }
    }
}

/// The gradients of a [`psn_forward`] call with the same arguments, `grad` (`[steps, neurons]`) being the loss's with respect to its
/// output. Returns dL/d(weights) and dL/d(bias), summed within a tile in `F` and over tiles in `f64`.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit.
pub fn psn_backward<F: Real>(psn: &Psn<'_, F>, grad: &[F], out: PsnGradients<'_, F>) -> Result<(Vec<f64>, Vec<f64>), Error> {
    psn_backward_on(Arch::new(), psn, grad, out)
}

/// [`psn_backward`] with a given instruction set.
pub(crate) fn psn_backward_on<F: Real>(
    arch: Arch,
    psn: &Psn<'_, F>,
    grad: &[F],
    out: PsnGradients<'_, F>,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let len = psn.check()?;
    check_len("grad", len, grad.len())?;
    check_opt("out.x", len, out.x.as_deref())?;
    if !out.before.is_empty() {
        check_len("out.before", psn.before.len(), out.before.len())?;
    }
    for row in &out.before {
        check_opt("out.before", psn.neurons, row.as_deref())?;
    }
    let out = Rows {
        before: out.before.into_iter().map(|row| row.map(|row| Columns::new(row, psn.neurons))).collect(),
        x: out.x.map(|x| Columns::new(x, psn.neurons)),
    };
    // A chunk is what stays in cache, a tile is many of them.
    let chunk = (TILE_BYTES / size_of::<[F; LANES]>() / psn.steps.max(1)).clamp(1, WIDTH / LANES) * LANES;
    let width = psn.neurons.div_ceil(MOST_TILES).next_multiple_of(chunk).max(chunk);
    let scratch = || vec![F::ZERO; psn.steps * chunk];
    let sums = map_tiles(psn.neurons, width, psn.cost(), &scratch, &|g, tile| {
        let mut sums = (vec![0.0; psn.weights.values().len()], vec![0.0; psn.bias.len()]);
        for start in tile.clone().step_by(chunk) {
            let of = start..tile.end.min(start + chunk);
            vectorised(
                arch,
                #[inline(always)]
                || psn.chunk(arch, g, chunk, grad, &out, of.clone(), &mut sums),
            );
        }
        sums
    });
    let mut total = (vec![0.0; psn.weights.values().len()], vec![0.0; psn.bias.len()]);
    for (weights, bias) in sums {
        total.0.iter_mut().zip(weights).for_each(|(sum, x)| *sum += x);
        total.1.iter_mut().zip(bias).for_each(|(sum, x)| *sum += x);
    }
    Ok(total)
}

/// Where gradients of inputs go.
struct Rows<'a, F> {
    before: Vec<Option<Columns<'a, F>>>,
    x: Option<Columns<'a, F>>,
}

impl<F: Real> Psn<'_, F> {
    /// The number of outputs.
    fn check(&self) -> Result<usize, Error> {
        let len = sequence_len(self.steps, self.neurons)?;
        check_len("x", len, self.x.len())?;
        for row in self.before {
            check_len("before", self.neurons, row.len())?;
        }
        if let TimeWeights::Matrix { weight, .. } = self.weights {
            check_len("weight", self.steps * self.rows(), weight.len())?;
        }
        if self.bias.len() != 1 {
            check_len("bias", self.steps, self.bias.len())?;
        }
        Ok(len)
    }

    /// Products per neuron.
    fn cost(&self) -> usize {
        self.steps * self.window().unwrap_or(self.rows())
    }

    fn rows(&self) -> usize {
        self.before.len() + self.steps
    }

    /// How many inputs an output sees at most; `None`: all.
    fn window(&self) -> Option<usize> {
        match self.weights {
            TimeWeights::Matrix { window, .. } => window,
            TimeWeights::Sliding(weight) => Some(weight.len()),
        }
    }

    /// The inputs that output `i` sees.
    #[inline(always)]
    fn seen(&self, i: usize) -> Range<usize> {
        match self.window() {
            None => 0..self.rows(),
            Some(k) => {
                let own = self.before.len() + i;
                (own + 1).saturating_sub(k)..own + 1
            }
        }
    }

    /// The outputs that see input `j`.
    #[inline(always)]
    fn seeing(&self, j: usize) -> Range<usize> {
        match self.window() {
            None => 0..self.steps,
            Some(k) => {
                let lag = self.before.len();
                j.saturating_sub(lag)..(j + k).saturating_sub(lag).min(self.steps)
            }
        }
    }

    /// The place of the weight from input `j` to output `i`, which sees it.
    #[inline(always)]
    fn slot(&self, i: usize, j: usize) -> usize {
        match self.weights {
            TimeWeights::Matrix { .. } => i * self.rows() + j,
            TimeWeights::Sliding(weight) => weight.len() - 1 - (self.before.len() + i - j),
        }
    }

    #[inline(always)]
    fn bias_slot(&self, i: usize) -> usize {
        if self.bias.len() == 1 { 0 } else { i }
    }

    #[inline(always)]
    fn row(&self, j: usize, of: Range<usize>) -> &[F] {
        match j.checked_sub(self.before.len()) {
            Some(t) => &self.x[t * self.neurons..][of],
            None => &self.before[j][of],
        }
    }

    /// h of a block at output `i`.
    #[inline(always)]
    fn h<const FULL: bool>(&self, i: usize, of: Range<usize>) -> [F; LANES] {
        let mut h = [self.bias[self.bias_slot(i)]; LANES];
        for j in self.seen(i) {
            let w = self.weights.values()[self.slot(i, j)];
            let x = load::<F, FULL>(self.row(j, of.clone()));
            h = lanes(|k| h[k] + w * x[k]);
        }
        h
    }

    /// The backward pass of some neurons. `g` (`[steps, width]`) is what it works in.
    #[inline(always)]
    fn chunk(
        &self,
        arch: Arch,
        g: &mut [F],
        width: usize,
        grad: &[F],
        out: &Rows<'_, F>,
        of: Range<usize>,
        sums: &mut (Vec<f64>, Vec<f64>),
    ) {
        let place = |i: usize, block: &Range<usize>| {
            let at = i * width + block.start - of.start;
            at..at + LANES
        };
        let (full, rest) = blocks(of.clone());
        for i in 0..self.steps {
            for block in full.clone() {
                store::<F, true>(&self.h::<true>(i, block.clone()), &mut g[place(i, &block)]);
            }
            if let Some(block) = rest.clone() {
                store::<F, true>(&self.h::<false>(i, block.clone()), &mut g[place(i, &block)]);
            }
        }
        self.surrogate.derivative_on(arch, g);
        for i in 0..self.steps {
            let mut sum = [F::ZERO; LANES];
            let mut scale = |block: Range<usize>, grad: [F; LANES]| {
                let at = place(i, &block);
                let slope = load::<F, true>(&g[at.clone()]);
                let dh = lanes(|k| slope[k] * grad[k]);
                store::<F, true>(&dh, &mut g[at]);
                sum = lanes(|k| sum[k] + dh[k]);
            };
            for block in full.clone() {
                scale(block.clone(), load::<F, true>(&grad[i * self.neurons..][block]));
            }
            if let Some(block) = rest.clone() {
                scale(block.clone(), load::<F, false>(&grad[i * self.neurons..][block]));
            }
            sums.1[self.bias_slot(i)] += total(sum);
            for j in self.seen(i) {
                let mut dot = [F::ZERO; LANES];
                for block in full.clone() {
                    let (dh, x) = (load::<F, true>(&g[place(i, &block)]), load::<F, true>(self.row(j, block)));
                    dot = lanes(|k| dot[k] + dh[k] * x[k]);
                }
                if let Some(block) = rest.clone() {
                    let (dh, x) = (load::<F, true>(&g[place(i, &block)]), load::<F, false>(self.row(j, block)));
                    dot = lanes(|k| dot[k] + dh[k] * x[k]);
                }
                sums.0[self.slot(i, j)] += total(dot);
            }
        }
        for j in 0..self.rows() {
            let row = match j.checked_sub(self.before.len()) {
                Some(t) => out.x.as_ref().map(|x| (x, t)),
                None => out.before.get(j).and_then(Option::as_ref).map(|row| (row, 0)),
            };
            let Some((columns, t)) = row else { continue };
            let dx = |block: &Range<usize>| {
                let mut dx = [F::ZERO; LANES];
                for i in self.seeing(j) {
                    let w = self.weights.values()[self.slot(i, j)];
                    let dh = load::<F, true>(&g[place(i, block)]);
                    dx = lanes(|k| dx[k] + w * dh[k]);
                }
                dx
            };
            for block in full.clone() {
                // SAFETY: blocks are disjoint, and each takes a row once.
                store::<F, true>(&dx(&block), unsafe { columns.row(t, block) });
            }
            if let Some(block) = rest.clone() {
                // SAFETY: as above.
                store::<F, false>(&dx(&block), unsafe { columns.row(t, block) });
            }
        }
    }
}

fn total<F: Real>(block: [F; LANES]) -> f64 {
    block.iter().map(|x| x.to_f64()).sum()
}
