//! The forward pass of the gates. In: x and the weights; out: y, and what the backward pass keeps.

use std::ops::Range;

use pulp::Arch;

use super::{Attention, AttentionSizes};
use crate::arch::vectorised;
use crate::error::{Error, check_len};
use crate::lanes::{LANES, blocks, lanes, load, store};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// What [`attention`] found out on its way, for [`attention_backward`](super::attention_backward).
#[derive(Clone, Debug)]
pub struct AttentionKept<F> {
    /// `[steps, samples, channels]`: sum and maximum of x over pixels; empty without a temporal or channel gate.
    pub(crate) sum: Vec<F>,
    pub(crate) max: Vec<F>,
    /// `[samples, steps]` and `[samples, channels]`.
    pub(crate) temporal: Kept<F>,
    pub(crate) channel: Kept<F>,
    /// `[samples, 2, pixels]`: mean and maximum over steps and channels, before the spatial gate.
    pub(crate) planes: Vec<F>,
    /// `[samples, pixels]`
    pub(crate) spatial: Vec<F>,
}

/// Mean, maximum and gates of one stage; empty where it is missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept<F> {
    pub(crate) mean: Vec<F>,
    pub(crate) max: Vec<F>,
    pub(crate) gates: Vec<F>,
}

/// Gates x (`[steps, samples, channels, height, width]`) into `y`.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes.
pub fn attention<F: Real>(gates: &Attention<'_, F>, sizes: AttentionSizes, x: &[F], y: &mut [F]) -> Result<AttentionKept<F>, Error> {
    forward_on(Arch::new(), gates, sizes, x, y)
}

pub(crate) fn forward_on<F: Real>(
    arch: Arch,
    gates: &Attention<'_, F>,
    sizes: AttentionSizes,
    x: &[F],
    y: &mut [F],
) -> Result<AttentionKept<F>, Error> {
    let len = sizes.len()?;
    check_len("x", len, x.len())?;
    check_len("y", len, y.len())?;
    gates.check(sizes)?;
    let AttentionSizes { steps, samples, channels, height, width } = sizes;
    let pixels = sizes.pixels();
    let mut kept = AttentionKept {
        sum: Vec::new(),
        max: Vec::new(),
        temporal: Kept::default(),
        channel: Kept::default(),
        planes: Vec::new(),
        spatial: Vec::new(),
    };
    if gates.temporal.is_some() || gates.channel.is_some() {
        (kept.sum, kept.max) = sums_and_maxima(arch, sizes, x);
    }
    if let Some(gate) = &gates.temporal {
        let (mut mean, mut max) = (vec![F::ZERO; samples * steps], vec![F::ZERO; samples * steps]);
        let share = F::of(1.0 / (channels * pixels) as f64);
        for (n, t) in (0..samples).flat_map(|n| (0..steps).map(move |t| (n, t))) {
            let rows = sizes.row(t, n, 0)..sizes.row(t, n, channels);
            mean[n * steps + t] = kept.sum[rows.clone()].iter().fold(F::ZERO, |sum, &s| sum + s) * share;
            max[n * steps + t] = maximum(kept.max[rows].iter().copied());
        }
        let gates = gate.gates(arch, steps, &mean, &max);
        kept.temporal = Kept { mean, max, gates };
    }
    if let Some(gate) = &gates.channel {
        let (mut mean, mut max) = (vec![F::ZERO; samples * channels], vec![F::ZERO; samples * channels]);
        let share = F::of(1.0 / (steps * pixels) as f64);
        for (n, c) in (0..samples).flat_map(|n| (0..channels).map(move |c| (n, c))) {
            let of_step = |t: usize| (sizes.row(t, n, c), kept.step_gate(sizes, t, n));
            let sums = (0..steps).map(of_step).map(|(row, gate)| kept.sum[row] * gate);
            mean[n * channels + c] = sums.fold(F::ZERO, |sum, s| sum + s) * share;
            max[n * channels + c] = maximum((0..steps).map(of_step).map(|(row, gate)| kept.max[row] * gate));
        }
        let gates = gate.gates(arch, channels, &mean, &max);
        kept.channel = Kept { mean, max, gates };
    }
    if let Some(planes) = &gates.spatial {
        kept.planes = mean_and_maximum(arch, sizes, x, &kept);
        kept.spatial = planes.gates(arch, height, width, &kept.planes);
    }
    gate(arch, gates.relu, sizes, x, &kept, y);
    Ok(kept)
}

impl<F: Real> AttentionKept<F> {
    /// The temporal gate, 1 without that stage.
    #[inline(always)]
    pub(super) fn step_gate(&self, sizes: AttentionSizes, t: usize, n: usize) -> F {
        self.temporal.gates.get(n * sizes.steps + t).copied().unwrap_or(F::ONE)
    }

    /// The channel gate, 1 without that stage.
    #[inline(always)]
    pub(super) fn channel_gate(&self, sizes: AttentionSizes, n: usize, c: usize) -> F {
        self.channel.gates.get(n * sizes.channels + c).copied().unwrap_or(F::ONE)
    }

    /// The gates of some pixels, 1 without the spatial stage.
    #[inline(always)]
    pub(super) fn pixel_gates<const FULL: bool>(&self, sizes: AttentionSizes, n: usize, of: Range<usize>) -> [F; LANES] {
        if self.spatial.is_empty() { [F::ONE; LANES] } else { load::<F, FULL>(&self.spatial[n * sizes.pixels()..][of]) }
    }
}

fn maximum<F: Real>(values: impl Iterator<Item = F>) -> F {
    values.reduce(|a, b| if b > a { b } else { a }).unwrap_or(F::ZERO)
}

/// Of every row of pixels.
fn sums_and_maxima<F: Real>(arch: Arch, sizes: AttentionSizes, x: &[F]) -> (Vec<F>, Vec<F>) {
    let (rows, pixels) = (sizes.rows(), sizes.pixels());
    let (mut sum, mut max) = (vec![F::ZERO; rows], vec![F::ZERO; rows]);
    let (sums, maxima) = (Columns::new(&mut sum, 1), Columns::new(&mut max, 1));
    map_tiles(rows, sizes.rows_per_tile(), pixels, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || {
                for row in tile.clone() {
                    let x = &x[row * pixels..][..pixels];
                    let (mut sum, mut max) = ([F::ZERO; LANES], [x.first().copied().unwrap_or(F::ZERO); LANES]);
                    let (full, rest) = blocks(0..pixels);
                    for of in full {
                        let x = load::<F, true>(&x[of]);
                        sum = lanes(|k| sum[k] + x[k]);
                        max = lanes(|k| if x[k] > max[k] { x[k] } else { max[k] });
                    }
                    for (k, &x) in x[rest.unwrap_or(pixels..pixels)].iter().enumerate() {
                        sum[k] = sum[k] + x;
                        max[k] = if x > max[k] { x } else { max[k] };
                    }
                    // SAFETY: each row takes its element once.
                    unsafe {
                        sums.row(row, 0..1)[0] = F::of(sum.iter().map(|s| s.to_f64()).sum());
                        maxima.row(row, 0..1)[0] = maximum(max.into_iter());
                    }
                }
            },
        );
    });
    (sum, max)
}

/// `[samples, 2, pixels]`: over the steps and channels of x behind its temporal and channel gates.
fn mean_and_maximum<F: Real>(arch: Arch, sizes: AttentionSizes, x: &[F], kept: &AttentionKept<F>) -> Vec<F> {
    let pixels = sizes.pixels();
    let mut planes = vec![F::ZERO; sizes.samples * 2 * pixels];
    let out = Columns::new(&mut planes, pixels);
    let share = F::of(1.0 / (sizes.steps * sizes.channels) as f64);
    pixel_tiles(
        arch,
        sizes,
        #[inline(always)]
        |n, of: Range<usize>, full| {
            let (mut sum, mut max) = ([F::ZERO; LANES], [F::ZERO; LANES]);
            for (t, c) in (0..sizes.steps).flat_map(|t| (0..sizes.channels).map(move |c| (t, c))) {
                let at = sizes.row(t, n, c) * pixels;
                let x = &x[at..][of.clone()];
                let x = if full { load::<F, true>(x) } else { load::<F, false>(x) };
                let (step, channel) = (kept.step_gate(sizes, t, n), kept.channel_gate(sizes, n, c));
                let z = lanes(|k| x[k] * step * channel);
                sum = lanes(|k| sum[k] + z[k]);
                max = if (t, c) == (0, 0) { z } else { lanes(|k| if z[k] > max[k] { z[k] } else { max[k] }) };
            }
            let mean = lanes(|k| sum[k] * share);
            // SAFETY: tiles are disjoint, and each takes a row once.
            unsafe {
                store::<F, false>(&mean, out.row(2 * n, of.clone()));
                store::<F, false>(&max, out.row(2 * n + 1, of));
            }
        },
    );
    planes
}

/// Runs `f` on every block of pixels of every sample; the flag says whether the block is full.
pub(super) fn pixel_tiles(arch: Arch, sizes: AttentionSizes, f: impl Fn(usize, Range<usize>, bool) + Sync) {
    let (pixels, count) = (sizes.pixels(), sizes.pixels().div_ceil(LANES));
    map_tiles(sizes.samples * count, 1, sizes.steps * sizes.channels * LANES, &|| (), &|(), tile| {
        for i in tile {
            let start = i % count * LANES;
            let of = start..pixels.min(start + LANES);
            let full = of.len() == LANES;
            vectorised(
                arch,
                #[inline(always)]
                || f(i / count, of.clone(), full),
            );
        }
    });
}

/// y, row by row.
fn gate<F: Real>(arch: Arch, relu: bool, sizes: AttentionSizes, x: &[F], kept: &AttentionKept<F>, y: &mut [F]) {
    let pixels = sizes.pixels();
    let y = Columns::new(y, pixels);
    map_tiles(sizes.rows(), sizes.rows_per_tile(), pixels, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || {
                for row in tile.clone() {
                    let (t, n, c) = sizes.place(row);
                    let (step, channel) = (kept.step_gate(sizes, t, n), kept.channel_gate(sizes, n, c));
                    let x = &x[row * pixels..][..pixels];
                    // SAFETY: each row is taken once.
                    let y = unsafe { y.row(row, 0..pixels) };
                    if kept.spatial.is_empty() {
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = Attention::last(relu, x * step * channel);
                        }
                    } else {
                        let spatial = &kept.spatial[n * pixels..][..pixels];
                        for ((y, &x), &pixel) in y.iter_mut().zip(x).zip(spatial) {
                            *y = Attention::last(relu, x * step * channel * pixel);
                        }
                    }
                }
            },
        );
    });
}
