//! NeuNorm over all its steps. In: spikes, weights and the first trace; out: normalised spikes and the traces, and gradients the way back.
//!
//! u[t] = k u[t-1] + (1 - k) / C^2 sum_c x[t, c] is one trace per pixel, shared by its C channels, and y[t, c] = x[t, c] - w[c] u[t].
//! From "Direct Training for Spiking Neural Networks: Faster, Larger, Better" (Wu et al., AAAI 2019); SpikingJelly `NeuNorm`.
//!
//! A tile is a few pixels of one sample (backward: of a few samples): all channels and steps of it run before the next tile, so that a
//! step is summed over its channels and read again out of the cache. Memory sees 8 bytes of f32 per element and step both ways (x in, y
//! out; y's gradient in, x's out), plus the traces, 1 / C of that. The backward pass needs the traces and not x.

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt};
use crate::lanes::{LANES, lanes, load, store};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Samples whose weight gradients are added up by one tile: a number, so that sums do not depend on threads.
const SAMPLES: usize = 8;

/// Sizes of a sequence `[steps, samples, channels, pixels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeuNormSizes {
    /// Time steps.
    pub steps: usize,
    /// Samples in the batch.
    pub samples: usize,
    /// Channels, over which spikes are summed.
    pub channels: usize,
    /// Height times width.
    pub pixels: usize,
}

impl NeuNormSizes {
    fn blocks(self) -> usize {
        self.pixels.div_ceil(LANES)
    }

    /// Pixels of block `b`.
    fn of(self, b: usize) -> Range<usize> {
        b * LANES..self.pixels.min((b + 1) * LANES)
    }

    /// Row of `[steps, samples, channels, pixels]`.
    fn row(self, t: usize, n: usize, c: usize) -> usize {
        (t * self.samples + n) * self.channels + c
    }

    /// What a spike adds to the trace.
    pub(crate) fn gain(self, k: f64) -> f64 {
        (1.0 - k) / (self.channels * self.channels) as f64
    }

    fn len(self) -> Result<usize, Error> {
        let overflow =
            Error::Overflow { steps: self.steps, neurons: self.samples.saturating_mul(self.channels).saturating_mul(self.pixels) };
        [self.samples, self.channels, self.pixels].iter().try_fold(self.steps, |n, &size| n.checked_mul(size)).ok_or(overflow)
    }

    fn check_weights<F>(self, w: &NeuNorm<'_, F>) -> Result<(), Error> {
        // One row for all channels, or one for each.
        let want = if w.w.len() == self.pixels { self.pixels } else { self.channels * self.pixels };
        check_len("w", want, w.w.len())
    }
}

/// The constants and weights of a NeuNorm.
#[derive(Clone, Copy, Debug)]
pub struct NeuNorm<'a, F> {
    /// The share of the trace that is kept.
    pub k: f64,
    /// `[channels, pixels]`, or `[pixels]` for weights that all channels share.
    pub w: &'a [F],
}

impl<F: Real> NeuNorm<'_, F> {
    /// Row of channel `c`.
    fn row(&self, c: usize, pixels: usize) -> usize {
        if self.w.len() == pixels { 0 } else { c }
    }
}

/// Where [`neunorm`] writes.
#[derive(Debug)]
pub struct NeuNormOut<'a, F> {
    /// `[steps, samples, channels, pixels]`
    pub y: &'a mut [F],
    /// `[samples, pixels]`: the trace after the last step.
    pub u: &'a mut [F],
    /// `[steps, samples, pixels]`: the trace after each step, if wanted; [`neunorm_backward`] needs it.
    pub u_seq: Option<&'a mut [F]>,
}

/// Runs all steps from trace `u0` (`[samples, pixels]`; `None`: 0).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes.
pub fn neunorm<F: Real>(
    norm: &NeuNorm<'_, F>,
    sizes: NeuNormSizes,
    x: &[F],
    u0: Option<&[F]>,
    out: NeuNormOut<'_, F>,
) -> Result<(), Error> {
    forward_on(Arch::new(), norm, sizes, x, u0, out)
}

pub(crate) fn forward_on<F: Real>(
    arch: Arch,
    norm: &NeuNorm<'_, F>,
    sizes: NeuNormSizes,
    x: &[F],
    u0: Option<&[F]>,
    out: NeuNormOut<'_, F>,
) -> Result<(), Error> {
    let NeuNormSizes { steps, samples, channels, pixels } = sizes;
    let len = sizes.len()?;
    sizes.check_weights(norm)?;
    check_len("x", len, x.len())?;
    check_opt("u0", samples * pixels, u0)?;
    check_len("out.y", len, out.y.len())?;
    check_len("out.u", samples * pixels, out.u.len())?;
    check_opt("out.u_seq", steps * samples * pixels, out.u_seq.as_deref())?;
    let pass = Forward {
        norm: *norm,
        sizes,
        x,
        u0,
        y: Columns::new(out.y, pixels),
        u: Columns::new(out.u, pixels),
        u_seq: out.u_seq.map(|u| Columns::new(u, pixels)),
    };
    map_tiles(samples * sizes.blocks(), 1, steps * channels * LANES, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || {
                for (n, of) in tile.clone().map(|i| (i / sizes.blocks(), sizes.of(i % sizes.blocks()))) {
                    if of.len() == LANES { pass.block::<true>(n, of) } else { pass.block::<false>(n, of) }
                }
            },
        );
    });
    Ok(())
}

struct Forward<'a, F> {
    norm: NeuNorm<'a, F>,
    sizes: NeuNormSizes,
    x: &'a [F],
    u0: Option<&'a [F]>,
    y: Columns<'a, F>,
    u: Columns<'a, F>,
    u_seq: Option<Columns<'a, F>>,
}

impl<F: Real> Forward<'_, F> {
    #[inline(always)]
    fn block<const FULL: bool>(&self, n: usize, of: Range<usize>) {
        let NeuNormSizes { steps, samples, channels, pixels } = self.sizes;
        let (k, gain) = (F::of(self.norm.k), F::of(self.sizes.gain(self.norm.k)));
        let mut u = self.u0.map_or([F::ZERO; LANES], |u0| load::<F, FULL>(&u0[n * pixels..][of.clone()]));
        for t in 0..steps {
            let mut sum = [F::ZERO; LANES];
            for c in 0..channels {
                let x = load::<F, FULL>(&self.x[self.sizes.row(t, n, c) * pixels..][of.clone()]);
                sum = lanes(|i| sum[i] + x[i]);
            }
            u = lanes(|i| k * u[i] + gain * sum[i]);
            for c in 0..channels {
                let row = self.sizes.row(t, n, c);
                let x = load::<F, FULL>(&self.x[row * pixels..][of.clone()]);
                let w = load::<F, FULL>(&self.norm.w[self.norm.row(c, pixels) * pixels..][of.clone()]);
                let y = lanes(|i| x[i] - w[i] * u[i]);
                // SAFETY: tiles are disjoint, and each takes a row once.
                store::<F, FULL>(&y, unsafe { self.y.row(row, of.clone()) });
            }
            if let Some(u_seq) = &self.u_seq {
                // SAFETY: as above.
                store::<F, FULL>(&u, unsafe { u_seq.row(t * samples + n, of.clone()) });
            }
        }
        // SAFETY: as above.
        store::<F, FULL>(&u, unsafe { self.u.row(n, of) });
    }
}

/// Where [`neunorm_backward`] writes; `None` is not computed.
#[derive(Debug)]
pub struct NeuNormGrads<'a, F> {
    /// dL/dx: `[steps, samples, channels, pixels]`.
    pub x: Option<&'a mut [F]>,
    /// dL/dw, of the weights' length. Summed over the steps of 8 samples in `F`, over those sums in `f64`.
    pub w: Option<&'a mut [F]>,
    /// dL/du0: `[samples, pixels]`.
    pub u0: Option<&'a mut [F]>,
}

/// The gradients of a [`neunorm`] call; `u_seq` is what it wrote there.
///
/// `grad_y` (`[steps, samples, channels, pixels]`) and `grad_u` (`[samples, pixels]`) are the loss's gradients with respect to the outputs
/// and the last trace; `None` is zero.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes.
pub fn neunorm_backward<F: Real>(
    norm: &NeuNorm<'_, F>,
    sizes: NeuNormSizes,
    u_seq: &[F],
    grad_y: Option<&[F]>,
    grad_u: Option<&[F]>,
    out: NeuNormGrads<'_, F>,
) -> Result<(), Error> {
    backward_on(Arch::new(), norm, sizes, u_seq, grad_y, grad_u, out)
}

pub(crate) fn backward_on<F: Real>(
    arch: Arch,
    norm: &NeuNorm<'_, F>,
    sizes: NeuNormSizes,
    u_seq: &[F],
    grad_y: Option<&[F]>,
    grad_u: Option<&[F]>,
    out: NeuNormGrads<'_, F>,
) -> Result<(), Error> {
    let NeuNormSizes { steps, samples, channels, pixels } = sizes;
    let len = sizes.len()?;
    sizes.check_weights(norm)?;
    check_len("u_seq", steps * samples * pixels, u_seq.len())?;
    check_opt("grad_y", len, grad_y)?;
    check_opt("grad_u", samples * pixels, grad_u)?;
    check_opt("out.x", len, out.x.as_deref())?;
    check_opt("out.w", norm.w.len(), out.w.as_deref())?;
    check_opt("out.u0", samples * pixels, out.u0.as_deref())?;
    let chunks = samples.div_ceil(SAMPLES);
    let mut parts = vec![F::ZERO; if out.w.is_some() { chunks * norm.w.len() } else { 0 }];
    let pass = Backward {
        norm: *norm,
        sizes,
        u_seq,
        grad_y,
        grad_u,
        grad_x: out.x.map(|g| Columns::new(g, pixels)),
        parts: out.w.is_some().then(|| Columns::new(&mut parts, pixels)),
        grad_u0: out.u0.map(|g| Columns::new(g, pixels)),
    };
    map_tiles(chunks * sizes.blocks(), 1, steps * channels * LANES * SAMPLES, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || {
                for (chunk, of) in tile.clone().map(|i| (i / sizes.blocks(), sizes.of(i % sizes.blocks()))) {
                    for n in chunk * SAMPLES..samples.min((chunk + 1) * SAMPLES) {
                        if of.len() == LANES { pass.block::<true>(chunk, n, of.clone()) } else { pass.block::<false>(chunk, n, of.clone()) }
                    }
                }
            },
        );
    });
    for (i, w) in out.w.into_iter().flatten().enumerate() {
        *w = F::of((0..chunks).map(|chunk| parts[chunk * norm.w.len() + i].to_f64()).sum());
    }
    Ok(())
}

struct Backward<'a, F> {
    norm: NeuNorm<'a, F>,
    sizes: NeuNormSizes,
    u_seq: &'a [F],
    grad_y: Option<&'a [F]>,
    grad_u: Option<&'a [F]>,
    grad_x: Option<Columns<'a, F>>,
    /// `[chunks, weights]`: each tile's share of dL/dw.
    parts: Option<Columns<'a, F>>,
    grad_u0: Option<Columns<'a, F>>,
}

impl<F: Real> Backward<'_, F> {
    #[inline(always)]
    fn grad<const FULL: bool>(&self, row: usize, of: Range<usize>) -> [F; LANES] {
        match self.grad_y {
            Some(g) => load::<F, FULL>(&g[row * self.sizes.pixels..][of]),
            None => [F::ZERO; LANES],
        }
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, chunk: usize, n: usize, of: Range<usize>) {
        let NeuNormSizes { steps, samples, channels, pixels } = self.sizes;
        let (k, gain, weight_rows) = (F::of(self.norm.k), F::of(self.sizes.gain(self.norm.k)), self.norm.w.len() / pixels.max(1));
        let mut carried = self.grad_u.map_or([F::ZERO; LANES], |g| load::<F, FULL>(&g[n * pixels..][of.clone()]));
        for t in (0..steps).rev() {
            let u = load::<F, FULL>(&self.u_seq[(t * samples + n) * pixels..][of.clone()]);
            let mut grad_u = carried;
            for c in 0..channels {
                let (g, row) = (self.grad::<FULL>(self.sizes.row(t, n, c), of.clone()), self.norm.row(c, pixels));
                let w = load::<F, FULL>(&self.norm.w[row * pixels..][of.clone()]);
                grad_u = lanes(|i| grad_u[i] - w[i] * g[i]);
                if let Some(parts) = &self.parts {
                    // SAFETY: a tile's chunk and pixels are its own, and it drops the slice before it takes the next.
                    let part = unsafe { parts.row(chunk * weight_rows + row, of.clone()) };
                    let sum = load::<F, FULL>(part);
                    store::<F, FULL>(&lanes(|i| sum[i] - g[i] * u[i]), part);
                }
            }
            if let Some(grad_x) = &self.grad_x {
                for c in 0..channels {
                    let row = self.sizes.row(t, n, c);
                    let g = self.grad::<FULL>(row, of.clone());
                    // SAFETY: tiles are disjoint, and each takes a row once.
                    store::<F, FULL>(&lanes(|i| g[i] + gain * grad_u[i]), unsafe { grad_x.row(row, of.clone()) });
                }
            }
            carried = lanes(|i| k * grad_u[i]);
        }
        if let Some(out) = &self.grad_u0 {
            // SAFETY: as above.
            store::<F, FULL>(&carried, unsafe { out.row(n, of) });
        }
    }
}
