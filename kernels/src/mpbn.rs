//! LIF neurons whose charged potential goes through batch normalisation at every step. In: x, the first potential; out: spikes, the
//! last potential and each step's statistics, and gradients the way back. From "Membrane Potential Batch Normalization for Spiking
//! Neural Networks" (Guo et al., ICCV 2023).
//!
//! Channels do not see each other, so a channel runs through all its steps before the next one does.

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::random::{Draw, Place};
use crate::real::Real;
use crate::surrogate::Surrogate;

/// Channels per tile where a channel's neurons lie apart: what shares a cache line shares a thread.
const NEIGHBOURS: usize = 16;

/// Where the statistics of a normalisation come from.
#[derive(Clone, Copy, Debug)]
pub enum Statistics<'a, F> {
    /// The mean and biased variance of the channel at that step.
    Batch,
    /// Given, `[channels]` each.
    Running {
        /// Means.
        mean: &'a [F],
        /// Variances.
        var: &'a [F],
    },
}

/// The normalisation y = (h - mean) / sqrt(var + eps) * weight + bias, `[channels]` each.
#[derive(Clone, Copy, Debug)]
pub struct Normalise<'a, F> {
    /// Means and variances.
    pub statistics: Statistics<'a, F>,
    /// Added to the variance.
    pub eps: f64,
    /// Scale.
    pub weight: &'a [F],
    /// Shift.
    pub bias: &'a [F],
}

/// A layer of such neurons: h = charge(v, x), y = normalised h, s = H(y - v_threshold), v = reset(y, s).
#[derive(Clone, Copy, Debug)]
pub struct Mpbn<'a, F> {
    /// Steps.
    pub steps: usize,
    /// Samples, channels, and neurons of a channel that lie next to each other.
    pub sizes: [usize; 3],
    /// `[steps, samples, channels, plane]`
    pub x: &'a [F],
    /// One step: the potential before the first; `None`: `v_reset`, or 0.
    pub v0: Option<&'a [F]>,
    /// Time constant of the leak towards `v_reset`, or 0.
    pub tau: F,
    /// v + (x - (v - rest)) / tau, or else v - (v - rest) / tau + x, where rest is `v_reset` or 0.
    pub decay_input: bool,
    /// `None`: y = h.
    pub normalise: Option<Normalise<'a, F>>,
    /// `[channels]`, or one for all. Gets a gradient.
    pub v_threshold: &'a [F],
    /// The potential after a spike, and where it starts; `None`: the threshold is subtracted, and it starts at 0.
    pub v_reset: Option<F>,
    /// Whether the spike counts as a constant in the reset when gradients are taken.
    pub detach_reset: bool,
    /// Fires at y - v_threshold, and stands in for the derivative of that.
    pub surrogate: Surrogate,
    /// For surrogates that fire at random.
    pub draw: Draw,
}

/// Where [`Mpbn::forward`] writes.
#[derive(Debug)]
pub struct MpbnOut<'a, F> {
    /// As x.
    pub spikes: &'a mut [F],
    /// One step: the potential after the last one.
    pub v: &'a mut [F],
    /// As x: the potential after each step's reset, if wanted.
    pub v_seq: Option<&'a mut [F]>,
}

/// Where [`Mpbn::backward`] writes; `None` is not computed.
#[derive(Debug)]
pub struct MpbnGradients<'a, F> {
    /// As x.
    pub x: Option<&'a mut [F]>,
    /// One step.
    pub v0: Option<&'a mut [F]>,
}

/// Gradients of [`Mpbn`]'s parameters, by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct MpbnParameters {
    /// dL/d(weight)
    pub weight: Vec<f64>,
    /// dL/d(bias)
    pub bias: Vec<f64>,
    /// dL/d(v_threshold)
    pub v_threshold: Vec<f64>,
}

impl<F: Real> Mpbn<'_, F> {
    /// Runs all steps. Returns by step and channel the mean and biased variance that were used; nothing without normalisation.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn forward(&self, out: MpbnOut<'_, F>) -> Result<Vec<Vec<[f64; 2]>>, Error> {
        self.forward_on(Arch::new(), out)
    }

    pub(crate) fn forward_on(&self, arch: Arch, out: MpbnOut<'_, F>) -> Result<Vec<Vec<[f64; 2]>>, Error> {
        let (len, neurons) = self.check()?;
        check_len("out.spikes", len, out.spikes.len())?;
        check_len("out.v", neurons, out.v.len())?;
        check_opt("out.v_seq", len, out.v_seq.as_deref())?;
        let spikes = Columns::new(out.spikes, neurons);
        let last = Columns::new(out.v, neurons);
        let v_seq = out.v_seq.map(|v| Columns::new(v, neurons));
        let by_channel = self.channels(
            arch,
            #[inline(always)]
            |channel| {
                let mut v = self.first(channel);
                let mut used = Vec::with_capacity(self.steps);
                for t in 0..self.steps {
                    let Step { y, mut s, stats, .. } = self.step(t, channel, &v);
                    self.fire(arch, t, channel, &mut s);
                    self.scatter(&s, &spikes, t, channel);
                    v = self.next(&y, &s, channel);
                    if let Some(v_seq) = &v_seq {
                        self.scatter(&v, v_seq, t, channel);
                    }
                    used.extend(stats.map(|s| [s.mean, s.var]));
                }
                self.scatter(&v, &last, 0, channel);
                used
            },
        );
        let steps = if self.normalise.is_some() { self.steps } else { 0 };
        Ok((0..steps).map(|t| by_channel.iter().map(|channel| channel[t]).collect()).collect())
    }

    /// The gradients of a [`forward`](Mpbn::forward) call; `grad_spikes` and `grad_v` are those of its results, `None` is zero.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn backward(&self, grad_spikes: Option<&[F]>, grad_v: Option<&[F]>, out: MpbnGradients<'_, F>) -> Result<MpbnParameters, Error> {
        self.backward_on(Arch::new(), grad_spikes, grad_v, out)
    }

    pub(crate) fn backward_on(
        &self,
        arch: Arch,
        grad_spikes: Option<&[F]>,
        grad_v: Option<&[F]>,
        out: MpbnGradients<'_, F>,
    ) -> Result<MpbnParameters, Error> {
        let (len, neurons) = self.check()?;
        check_opt("grad_spikes", len, grad_spikes)?;
        check_opt("grad_v", neurons, grad_v)?;
        check_opt("out.x", len, out.x.as_deref())?;
        check_opt("out.v0", neurons, out.v0.as_deref())?;
        let grad_x = out.x.map(|x| Columns::new(x, neurons));
        let grad_v0 = out.v0.map(|v0| Columns::new(v0, neurons));
        let by_channel = self.channels(
            arch,
            #[inline(always)]
            |channel| {
                let mut sums = [0.0; 3];
                let grad = self.reverse(arch, channel, grad_spikes, grad_v, &mut sums, &|t, grad| {
                    if let Some(out) = &grad_x {
                        self.scatter(grad, out, t, channel);
                    }
                });
                if let Some(out) = &grad_v0 {
                    self.scatter(&grad, out, 0, channel);
                }
                sums
            },
        );
        let row = |i: usize| by_channel.iter().map(|sums| sums[i]).collect();
        let (weight, bias, v_threshold): (Vec<f64>, Vec<f64>, Vec<f64>) = (row(0), row(1), row(2));
        let v_threshold = if self.v_threshold.len() == 1 { vec![v_threshold.iter().sum()] } else { v_threshold };
        Ok(MpbnParameters { weight, bias, v_threshold })
    }

    /// Numbers in x and in one step of it.
    fn check(&self) -> Result<(usize, usize), Error> {
        let [samples, channels, plane] = self.sizes;
        let neurons = sequence_len(sequence_len(samples, channels)?, plane)?;
        let len = sequence_len(self.steps, neurons)?;
        check_len("x", len, self.x.len())?;
        check_opt("v0", neurons, self.v0)?;
        if self.v_threshold.len() != 1 {
            check_len("v_threshold", channels, self.v_threshold.len())?;
        }
        if let Some(n) = &self.normalise {
            check_len("weight", channels, n.weight.len())?;
            check_len("bias", channels, n.bias.len())?;
            if let Statistics::Running { mean, var } = n.statistics {
                check_len("mean", channels, mean.len())?;
                check_len("var", channels, var.len())?;
            }
        }
        Ok((len, neurons))
    }

    /// Runs `f` on every channel; its results in order.
    fn channels<R: Send>(&self, arch: Arch, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let [samples, channels, plane] = self.sizes;
        let width = if plane < NEIGHBOURS { NEIGHBOURS } else { 1 };
        let tiles = map_tiles(channels, width, self.steps * samples * plane, &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || tile.clone().map(&f).collect::<Vec<R>>(),
            )
        });
        tiles.into_iter().flatten().collect()
    }

    /// Where sample `n` of a channel lies in a step.
    #[inline(always)]
    fn part(&self, n: usize, channel: usize) -> Range<usize> {
        let [_, channels, plane] = self.sizes;
        let start = (n * channels + channel) * plane;
        start..start + plane
    }

    /// A channel of one step, its samples one after the other.
    #[inline(always)]
    fn gather(&self, step: &[F], channel: usize) -> Vec<F> {
        (0..self.sizes[0]).flat_map(|n| step[self.part(n, channel)].iter().copied()).collect()
    }

    #[inline(always)]
    fn scatter(&self, values: &[F], out: &Columns<'_, F>, t: usize, channel: usize) {
        let plane = self.sizes[2];
        for n in 0..self.sizes[0] {
            // SAFETY: channels are disjoint, and each takes a row once.
            unsafe { out.row(t, self.part(n, channel)) }.copy_from_slice(&values[n * plane..(n + 1) * plane]);
        }
    }

    /// Step `t` of x or of something like it.
    #[inline(always)]
    fn at<'b>(&self, series: &'b [F], t: usize) -> &'b [F] {
        let neurons: usize = self.sizes.iter().product();
        &series[t * neurons..(t + 1) * neurons]
    }

    #[inline(always)]
    fn first(&self, channel: usize) -> Vec<F> {
        match self.v0 {
            Some(v0) => self.gather(v0, channel),
            None => vec![self.rest(); self.sizes[0] * self.sizes[2]],
        }
    }

    #[inline(always)]
    fn rest(&self) -> F {
        self.v_reset.unwrap_or(F::ZERO)
    }

    /// The spikes of step `t`, where `over` says how far the potential is over its threshold.
    #[inline(always)]
    fn fire(&self, arch: Arch, t: usize, channel: usize, over: &mut [F]) {
        self.surrogate.spike_on(arch, over, Place { draw: self.draw, series: t, element: channel * over.len() });
    }

    #[inline(always)]
    fn threshold(&self, channel: usize) -> F {
        self.v_threshold[if self.v_threshold.len() == 1 { 0 } else { channel }]
    }

    /// Charge and normalisation.
    #[inline(always)]
    fn step(&self, t: usize, channel: usize, v: &[F]) -> Step<F> {
        let (x, rest, tau) = (self.gather(self.at(self.x, t), channel), self.rest(), self.tau);
        let charge = |(&v, &x): (&F, &F)| if self.decay_input { v + (x - (v - rest)) / tau } else { v - (v - rest) / tau + x };
        let h: Vec<F> = v.iter().zip(&x).map(charge).collect();
        let stats = self.normalise.map(|n| match n.statistics {
            Statistics::Batch => Stats::of(&h, n.eps),
            Statistics::Running { mean, var } => Stats::new(mean[channel].to_f64(), var[channel].to_f64(), n.eps),
        });
        let y = match (self.normalise, stats) {
            (Some(n), Some(stats)) => {
                let (scale, shift) = stats.affine(n.weight[channel], n.bias[channel]);
                h.iter().map(|&h| h * scale + shift).collect()
            }
            _ => h.clone(),
        };
        let threshold = self.threshold(channel);
        let s = y.iter().map(|&y| y - threshold).collect();
        Step { h, y, s, stats }
    }

    #[inline(always)]
    fn next(&self, y: &[F], s: &[F], channel: usize) -> Vec<F> {
        let threshold = self.threshold(channel);
        match self.v_reset {
            Some(v_reset) => y.iter().zip(s).map(|(&y, &s)| s * v_reset + (F::ONE - s) * y).collect(),
            None => y.iter().zip(s).map(|(&y, &s)| y - s * threshold).collect(),
        }
    }

    /// The backward pass of a channel: `give` gets dL/dx of each step, what comes back is dL/dv0. `sums`: weight, bias, threshold.
    #[inline(always)]
    fn reverse(
        &self,
        arch: Arch,
        channel: usize,
        grad_spikes: Option<&[F]>,
        grad_v: Option<&[F]>,
        sums: &mut [f64; 3],
        give: &dyn Fn(usize, &[F]),
    ) -> Vec<F> {
        let mut steps = Vec::with_capacity(self.steps);
        let mut v = self.first(channel);
        for t in 0..self.steps {
            let mut step = self.step(t, channel, &v);
            let mut slope = step.s.clone();
            self.surrogate.derivative_on(arch, &mut slope);
            self.fire(arch, t, channel, &mut step.s);
            v = self.next(&step.y, &step.s, channel);
            steps.push((step, slope));
        }
        let threshold = self.threshold(channel);
        let n = v.len();
        let zeros = || vec![F::ZERO; n];
        let mut grad_v = grad_v.map_or_else(zeros, |g| self.gather(g, channel));
        while let Some((Step { h, y, s, stats }, slope)) = steps.pop() {
            let t = steps.len();
            let grad_s = grad_spikes.map_or_else(zeros, |g| self.gather(self.at(g, t), channel));
            let over: Vec<F> = (0..n)
                .map(|k| {
                    let jump = self.v_reset.map_or(-threshold, |v_reset| v_reset - y[k]);
                    slope[k] * (grad_s[k] + if self.detach_reset { F::ZERO } else { grad_v[k] * jump })
                })
                .collect();
            // The threshold is subtracted before firing, and in the soft reset once more.
            sums[2] -= sum(n, |k| over[k]);
            let grad_y: Vec<F> = match self.v_reset {
                Some(_) => (0..n).map(|k| over[k] + grad_v[k] * (F::ONE - s[k])).collect(),
                None => {
                    sums[2] -= sum(n, |k| grad_v[k] * s[k]);
                    (0..n).map(|k| over[k] + grad_v[k]).collect()
                }
            };
            let grad_h = match (self.normalise, stats) {
                (Some(norm), Some(stats)) => {
                    let (mean, inverse) = (F::of(stats.mean), F::of(stats.inverse));
                    let unit: Vec<F> = h.iter().map(|&h| (h - mean) * inverse).collect();
                    let bias = sum(n, |k| grad_y[k]);
                    let weight = sum(n, |k| grad_y[k] * unit[k]);
                    sums[0] += weight;
                    sums[1] += bias;
                    let scale = norm.weight[channel] * inverse;
                    match norm.statistics {
                        Statistics::Running { .. } => grad_y.iter().map(|&g| g * scale).collect(),
                        Statistics::Batch => {
                            let (weight, bias) = (F::of(weight / n as f64), F::of(bias / n as f64));
                            (0..n).map(|k| scale * (grad_y[k] - bias - unit[k] * weight)).collect()
                        }
                    }
                }
                _ => grad_y,
            };
            let leak: Vec<F> = grad_h.iter().map(|&g| g / self.tau).collect();
            if self.decay_input {
                give(t, &leak);
            } else {
                give(t, &grad_h);
            }
            grad_v = grad_h.iter().zip(&leak).map(|(&g, &leak)| g - leak).collect();
        }
        grad_v
    }
}

/// A step of a channel up to what is fired on.
struct Step<F> {
    h: Vec<F>,
    y: Vec<F>,
    /// y - v_threshold
    s: Vec<F>,
    stats: Option<Stats>,
}

/// Mean, biased variance, and 1 / sqrt(var + eps).
#[derive(Clone, Copy)]
struct Stats {
    mean: f64,
    var: f64,
    inverse: f64,
}

impl Stats {
    fn new(mean: f64, var: f64, eps: f64) -> Stats {
        Stats { mean, var, inverse: 1.0 / (var + eps).sqrt() }
    }

    #[inline(always)]
    fn of<F: Real>(h: &[F], eps: f64) -> Stats {
        let n = h.len() as f64;
        let mean = sum(h.len(), |k| h[k]) / n;
        let centre = F::of(mean);
        let var = sum(h.len(), |k| (h[k] - centre) * (h[k] - centre)) / n;
        Stats::new(mean, var, eps)
    }

    /// Normalisation as one product and one sum.
    fn affine<F: Real>(&self, weight: F, bias: F) -> (F, F) {
        let scale = self.inverse * weight.to_f64();
        (F::of(scale), F::of(bias.to_f64() - self.mean * scale))
    }
}

/// The sum of f(0), .., f(n - 1) in `f64`.
#[inline(always)]
fn sum<F: Real>(n: usize, f: impl Fn(usize) -> F) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0; LANES];
    let full = n - n % LANES;
    for at in (0..full).step_by(LANES) {
        for (k, lane) in lanes.iter_mut().enumerate() {
            *lane += f(at + k).to_f64();
        }
    }
    lanes.iter().sum::<f64>() + (full..n).map(|k| f(k).to_f64()).sum::<f64>()
}
