//! The backward pass of the gates. In: x, what the forward pass kept, and y's gradient; out: the gradients of x and of the weights.
//!
//! From the last stage to the first; G is dL/d(what a stage gives), and each stage turns it into dL/d(what it got):
//! G gate + dL/dmean / (number of elements) + dL/dmax where the maximum is.

use std::ops::Range;

use pulp::Arch;

use super::forward::{AttentionKept, pixel_tiles};
use super::{Attention, AttentionSizes};
use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt};
use crate::lanes::{LANES, lanes, load, store};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// The gradients that [`attention_backward`] returns, of each stage's weights; empty where it is missing.
#[derive(Clone, Debug, Default)]
pub struct AttentionGrads<F> {
    /// Of the temporal gate's two layers.
    pub temporal: [Vec<F>; 2],
    /// Of the channel gate's two layers.
    pub channel: [Vec<F>; 2],
    /// Of the spatial gate's convolution.
    pub spatial: Vec<F>,
}

/// The gradients of an [`attention`](super::attention) call, which kept `kept`; `grad` is that of y. `out` is x's, if wanted.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes.
pub fn attention_backward<F: Real>(
    gates: &Attention<'_, F>,
    sizes: AttentionSizes,
    x: &[F],
    kept: &AttentionKept<F>,
    grad: &[F],
    out: Option<&mut [F]>,
) -> Result<AttentionGrads<F>, Error> {
    traced(Arch::new(), gates, sizes, x, kept, grad, out).map(|(grads, _)| grads)
}

/// What the backward pass found out on its way, which the kernels of a device give one by one; empty or none where a stage is missing.
#[derive(Debug)]
#[cfg_attr(not(test), allow(dead_code, reason = "tests of the CUDA kernels look at it"))]
pub(crate) struct Trace<F> {
    /// dL/d(gates) of pixels, channels and steps.
    pub(crate) pixel_gates: Vec<F>,
    pub(crate) channel_gates: Vec<F>,
    pub(crate) step_gates: Vec<F>,
    /// Of each row: the sum over pixels of x dL/d(what the spatial gate gets).
    pub(crate) along: Vec<F>,
    pub(crate) spatial: Option<Spread<F>>,
    pub(crate) channel: Option<Part<F>>,
    pub(crate) temporal: Option<Part<F>>,
}

/// The gradients, and how they came about.
pub(crate) fn traced<F: Real>(
    arch: Arch,
    gates: &Attention<'_, F>,
    sizes: AttentionSizes,
    x: &[F],
    kept: &AttentionKept<F>,
    grad: &[F],
    out: Option<&mut [F]>,
) -> Result<(AttentionGrads<F>, Trace<F>), Error> {
    let len = sizes.len()?;
    check_len("x", len, x.len())?;
    check_len("grad", len, grad.len())?;
    check_opt("out", len, out.as_deref())?;
    gates.check(sizes)?;
    let AttentionSizes { steps, samples, channels, height, width } = sizes;
    let mut grads = AttentionGrads { temporal: Default::default(), channel: Default::default(), spatial: Vec::new() };
    let mut pass = Pass { relu: gates.relu, sizes, x, kept, grad, spatial: None, channel: None, temporal: None };
    let [mut of_pixels, mut of_channels, mut of_steps] = [const { Vec::new() }; 3];

    if let Some(planes) = &gates.spatial {
        let (grad_gates, first) = pass.pixels(arch);
        let (grad_planes, w) = planes.backward(arch, height, width, &kept.planes, &kept.spatial, &grad_gates);
        grads.spatial = w.into_iter().map(F::of).collect();
        of_pixels = grad_gates;
        pass.spatial = Some(Spread { grad: grad_planes, first });
    }
    let along = if gates.channel.is_some() || gates.temporal.is_some() { pass.along_x(arch) } else { Vec::new() };
    if let Some(gate) = &gates.channel {
        let mut grad_gates = vec![F::ZERO; samples * channels];
        for (n, c) in (0..samples).flat_map(|n| (0..channels).map(move |c| (n, c))) {
            let of_step = |t: usize| along[sizes.row(t, n, c)] * kept.step_gate(sizes, t, n);
            grad_gates[n * channels + c] = (0..steps).map(of_step).fold(F::ZERO, |sum, g| sum + g);
        }
        let g = gate.backward(arch, channels, &kept.channel.mean, &kept.channel.max, &kept.channel.gates, &grad_gates);
        grads.channel = [g.w1, g.w2];
        // The step that the maximum came from.
        let first = |n: usize, c: usize| {
            let max = kept.channel.max[n * channels + c];
            (0..steps).position(|t| kept.max[sizes.row(t, n, c)] * kept.step_gate(sizes, t, n) == max).unwrap_or(usize::MAX)
        };
        let first = (0..samples * channels).map(|i| first(i / channels, i % channels)).collect();
        of_channels = grad_gates;
        pass.channel = Some(Part { mean: g.mean, max: g.max, first, share: F::of(1.0 / (steps * sizes.pixels()) as f64) });
    }
    if let Some(gate) = &gates.temporal {
        let mut grad_gates = vec![F::ZERO; samples * steps];
        for (n, t) in (0..samples).flat_map(|n| (0..steps).map(move |t| (n, t))) {
            let of_channel = |c: usize| {
                let row = sizes.row(t, n, c);
                let mut g = along[row] * kept.channel_gate(sizes, n, c);
                if let Some(channel) = &pass.channel {
                    let i = n * channels + c;
                    g = g + channel.mean[i] * channel.share * kept.sum[row];
                    g = if channel.first[i] == t { g + channel.max[i] * kept.max[row] } else { g };
                }
                g
            };
            grad_gates[n * steps + t] = (0..channels).map(of_channel).fold(F::ZERO, |sum, g| sum + g);
        }
        let g = gate.backward(arch, steps, &kept.temporal.mean, &kept.temporal.max, &kept.temporal.gates, &grad_gates);
        grads.temporal = [g.w1, g.w2];
        // The channel that the maximum came from.
        let first = |n: usize, t: usize| {
            let max = kept.temporal.max[n * steps + t];
            (0..channels).position(|c| kept.max[sizes.row(t, n, c)] == max).unwrap_or(usize::MAX)
        };
        let first = (0..samples * steps).map(|i| first(i / steps, i % steps)).collect();
        of_steps = grad_gates;
        pass.temporal = Some(Part { mean: g.mean, max: g.max, first, share: F::of(1.0 / (channels * sizes.pixels()) as f64) });
    }
    if let Some(out) = out {
        pass.x(arch, out);
    }
    let Pass { spatial, channel, temporal, .. } = pass;
    Ok((grads, Trace { pixel_gates: of_pixels, channel_gates: of_channels, step_gates: of_steps, along, spatial, channel, temporal }))
}

/// Gradients of the statistics behind temporal or channel gates, and what the maximum came from.
#[derive(Debug)]
pub(crate) struct Part<F> {
    pub(crate) mean: Vec<F>,
    pub(crate) max: Vec<F>,
    pub(crate) first: Vec<usize>,
    /// 1 / (number of elements in a mean)
    share: F,
}

/// The same of the spatial gate.
#[derive(Debug)]
pub(crate) struct Spread<F> {
    /// `[samples, 2, pixels]`
    pub(crate) grad: Vec<F>,
    /// `[samples, pixels]`: steps and channels counted as one.
    pub(crate) first: Vec<u32>,
}

struct Pass<'a, F> {
    relu: bool,
    sizes: AttentionSizes,
    x: &'a [F],
    kept: &'a AttentionKept<F>,
    grad: &'a [F],
    spatial: Option<Spread<F>>,
    channel: Option<Part<F>>,
    temporal: Option<Part<F>>,
}

impl<F: Real> Pass<'_, F> {
    /// x behind the temporal and channel gates, in row `row` at some pixels.
    #[inline(always)]
    fn before_spatial(&self, (t, n, c): (usize, usize, usize), x: [F; LANES]) -> [F; LANES] {
        let (step, channel) = (self.kept.step_gate(self.sizes, t, n), self.kept.channel_gate(self.sizes, n, c));
        lanes(|k| x[k] * step * channel)
    }

    /// dL/d(what the spatial gate gives): y's gradient where y is not cut off.
    #[inline(always)]
    fn after_spatial(&self, z: [F; LANES], gate: [F; LANES], grad: [F; LANES]) -> [F; LANES] {
        if self.relu { lanes(|k| if z[k] * gate[k] > F::ZERO { grad[k] } else { F::ZERO }) } else { grad }
    }

    /// dL/d(spatial gates), and where each pixel's maximum came from.
    fn pixels(&self, arch: Arch) -> (Vec<F>, Vec<u32>) {
        let (sizes, pixels) = (self.sizes, self.sizes.pixels());
        let (mut grad_gates, mut first) = (vec![F::ZERO; sizes.samples * pixels], vec![u32::MAX; sizes.samples * pixels]);
        let (out, out_first) = (Columns::new(&mut grad_gates, pixels), Columns::new(&mut first, pixels));
        pixel_tiles(
            arch,
            sizes,
            #[inline(always)]
            |n, of, full| {
                if full { self.pixel_block::<true>(n, of, &out, &out_first) } else { self.pixel_block::<false>(n, of, &out, &out_first) }
            },
        );
        (grad_gates, first)
    }

    #[inline(always)]
    fn pixel_block<const FULL: bool>(&self, n: usize, of: Range<usize>, out: &Columns<'_, F>, out_first: &Columns<'_, u32>) {
        let (sizes, pixels) = (self.sizes, self.sizes.pixels());
        let gate = self.kept.pixel_gates::<FULL>(sizes, n, of.clone());
        let max = load::<F, FULL>(&self.kept.planes[(2 * n + 1) * pixels..][of.clone()]);
        let (mut sum, mut first) = ([F::ZERO; LANES], [u32::MAX; LANES]);
        for (t, c) in (0..sizes.steps).flat_map(|t| (0..sizes.channels).map(move |c| (t, c))) {
            let at = sizes.row(t, n, c) * pixels;
            let z = self.before_spatial((t, n, c), load::<F, FULL>(&self.x[at..][of.clone()]));
            let grad = self.after_spatial(z, gate, load::<F, FULL>(&self.grad[at..][of.clone()]));
            sum = lanes(|k| sum[k] + grad[k] * z[k]);
            let here = (t * sizes.channels + c) as u32;
            for k in 0..LANES {
                first[k] = if z[k] == max[k] { first[k].min(here) } else { first[k] };
            }
        }
        // SAFETY: tiles are disjoint, and each takes a row once.
        unsafe {
            store::<F, FULL>(&sum, out.row(n, of.clone()));
            out_first.row(n, of.clone()).copy_from_slice(&first[..of.len()]);
        }
    }

    /// dL/d(what the spatial gate gets) at some pixels of a row.
    #[inline(always)]
    fn to_spatial<const FULL: bool>(&self, place: (usize, usize, usize), of: Range<usize>, x: [F; LANES]) -> [F; LANES] {
        let (sizes, pixels) = (self.sizes, self.sizes.pixels());
        let (t, n, c) = place;
        let grad = load::<F, FULL>(&self.grad[sizes.row(t, n, c) * pixels..][of.clone()]);
        let gate = self.kept.pixel_gates::<FULL>(sizes, n, of.clone());
        let grad = self.after_spatial(self.before_spatial(place, x), gate, grad);
        let Some(spread) = &self.spatial else { return grad };
        let share = F::of(1.0 / (sizes.steps * sizes.channels) as f64);
        let mean = load::<F, FULL>(&spread.grad[2 * n * pixels..][of.clone()]);
        let max = load::<F, FULL>(&spread.grad[(2 * n + 1) * pixels..][of.clone()]);
        let here = (t * sizes.channels + c) as u32;
        let mut first = [u32::MAX; LANES];
        first[..of.len()].copy_from_slice(&spread.first[n * pixels..][of]);
        lanes(|k| {
            let g = grad[k] * gate[k] + mean[k] * share;
            if first[k] == here { g + max[k] } else { g }
        })
    }

    /// Of each row: the sum over pixels of x dL/d(what the spatial gate gets).
    fn along_x(&self, arch: Arch) -> Vec<F> {
        let (sizes, pixels) = (self.sizes, self.sizes.pixels());
        let mut along = vec![F::ZERO; sizes.rows()];
        let out = Columns::new(&mut along, 1);
        map_tiles(sizes.rows(), sizes.rows_per_tile(), pixels, &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for row in tile.clone() {
                        let mut sum = [F::ZERO; LANES];
                        for start in (0..pixels).step_by(LANES) {
                            let of = start..pixels.min(start + LANES);
                            sum = if of.len() == LANES { self.along::<true>(row, of, sum) } else { self.along::<false>(row, of, sum) };
                        }
                        // SAFETY: each row takes its element once.
                        unsafe { out.row(row, 0..1)[0] = F::of(sum.iter().map(|s| s.to_f64()).sum()) };
                    }
                },
            );
        });
        along
    }

    #[inline(always)]
    fn along<const FULL: bool>(&self, row: usize, of: Range<usize>, sum: [F; LANES]) -> [F; LANES] {
        let x = load::<F, FULL>(&self.x[row * self.sizes.pixels()..][of.clone()]);
        let grad = self.to_spatial::<FULL>(self.sizes.place(row), of, x);
        lanes(|k| sum[k] + grad[k] * x[k])
    }

    /// dL/dx.
    fn x(&self, arch: Arch, out: &mut [F]) {
        let (sizes, pixels) = (self.sizes, self.sizes.pixels());
        let out = Columns::new(out, pixels);
        map_tiles(sizes.rows(), sizes.rows_per_tile(), pixels, &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for row in tile.clone() {
                        // SAFETY: each row is taken once.
                        self.row(row, unsafe { out.row(row, 0..pixels) });
                    }
                },
            );
        });
    }

    #[inline(always)]
    fn row(&self, row: usize, out: &mut [F]) {
        let (sizes, pixels) = (self.sizes, self.sizes.pixels());
        let place @ (t, n, c) = sizes.place(row);
        let (step, channel) = (self.kept.step_gate(sizes, t, n), self.kept.channel_gate(sizes, n, c));
        // The same for all pixels: through the means. And for the one with the maximum.
        let (mut to_all, mut to_first) = (F::ZERO, F::ZERO);
        if let Some(part) = &self.channel {
            let i = n * sizes.channels + c;
            to_all = to_all + part.mean[i] * part.share * step;
            to_first = if part.first[i] == t { to_first + part.max[i] * step } else { to_first };
        }
        if let Some(part) = &self.temporal {
            let i = n * sizes.steps + t;
            to_all = to_all + part.mean[i] * part.share;
            to_first = if part.first[i] == c { to_first + part.max[i] } else { to_first };
        }
        let x = &self.x[row * pixels..][..pixels];
        let scale = channel * step;
        for start in (0..pixels).step_by(LANES) {
            let of = start..pixels.min(start + LANES);
            if of.len() == LANES {
                let grad = self.to_spatial::<true>(place, of.clone(), load::<F, true>(&x[of.clone()]));
                store::<F, true>(&lanes(|k| grad[k] * scale + to_all), &mut out[of]);
            } else {
                let grad = self.to_spatial::<false>(place, of.clone(), load::<F, false>(&x[of.clone()]));
                store::<F, false>(&lanes(|k| grad[k] * scale + to_all), &mut out[of]);
            }
        }
        if to_first != F::ZERO
            && let Some(p) = x.iter().position(|x| *x == self.kept.max[row])
        {
            out[p] = out[p] + to_first;
        }
    }
}
