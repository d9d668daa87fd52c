//! A scale and a shift per channel in front of a neuron: what a batch normalisation is once its statistics are known. In: numbers per
//! channel; out: those of a block's lanes, and sums of gradients per channel.
//!
//! So a normalised input never goes to memory: the neuron reads x and normalises it in registers, forward and backward.

use std::ops::Range;

use rayon::prelude::*;

use crate::arch::vectorised;
use crate::block::{Lanes, zeros};
use crate::constants::Channels;
use crate::error::{Error, check_len};
use crate::lanes::{LANES, lanes};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// What neurons see instead of x: x `scale` + `shift`.
#[derive(Clone, Copy, Debug)]
pub struct Scale<'a, F> {
    /// Which element belongs to which channel.
    pub channels: Channels,
    /// One number per channel.
    pub scale: &'a [F],
    /// One number per channel.
    pub shift: &'a [F],
}

impl<F: Real> Scale<'_, F> {
    pub(crate) fn check(&self, neurons: usize) -> Result<(), Error> {
        check_len("scale", self.channels.count, self.scale.len())?;
        check_len("shift", self.channels.count, self.shift.len())?;
        // Whole samples.
        let sample = self.channels.count * self.channels.inner;
        check_len("scale.channels", neurons.next_multiple_of(sample.max(1)), neurons)
    }

    /// The numbers of the neurons `of`.
    #[inline(always)]
    pub(crate) fn block(&self, of: &Range<usize>) -> ScaleLanes<F> {
        let [mut scale, mut shift] = zeros();
        let Channels { count, inner } = self.channels;
        let (mut at, mut channel, mut left) = (0, self.channels.of(of.start), inner - of.start % inner);
        while at < of.len() {
            // Runs of one channel, or of channels that have one element each.
            let run = if inner == 1 { (count - channel).min(of.len() - at) } else { left.min(of.len() - at) };
            let to = at..at + run;
            if inner == 1 {
                scale[to.clone()].copy_from_slice(&self.scale[channel..channel + run]);
                shift[to].copy_from_slice(&self.shift[channel..channel + run]);
                channel += run;
            } else {
                scale[to.clone()].fill(self.scale[channel]);
                shift[to].fill(self.shift[channel]);
                channel += 1;
            }
            (at, left) = (at + run, inner);
            if channel == count {
                channel = 0;
            }
        }
        ScaleLanes { scale, shift }
    }
}

/// [`Scale`] of a block.
pub(crate) struct ScaleLanes<F> {
    pub(crate) scale: Lanes<F>,
    pub(crate) shift: Lanes<F>,
}

impl<F: Real> ScaleLanes<F> {
    #[inline(always)]
    pub(crate) fn apply(&self, x: &Lanes<F>) -> Lanes<F> {
        lanes(|k| self.lane(k, x[k]))
    }

    /// Lane k.
    #[inline(always)]
    pub(crate) fn lane(&self, k: usize, x: F) -> F {
        x * self.scale[k] + self.shift[k]
    }
}

/// The gradients of a block's [`Scale`], summed over the steps, and of its x.
pub(crate) struct ScaleGrad<F> {
    scale: Lanes<F>,
    shift: Lanes<F>,
}

impl<F: Real> ScaleGrad<F> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        ScaleGrad { scale: [F::ZERO; LANES], shift: [F::ZERO; LANES] }
    }

    /// One step: from the gradient of the scaled x to that of x.
    #[inline(always)]
    pub(crate) fn step(&mut self, by: &ScaleLanes<F>, x: &Lanes<F>, grad: &Lanes<F>) -> Lanes<F> {
        self.scale = lanes(|k| self.scale[k] + grad[k] * x[k]);
        self.shift = lanes(|k| self.shift[k] + grad[k]);
        lanes(|k| grad[k] * by.scale[k])
    }

    /// Scale and shift.
    #[inline(always)]
    pub(crate) fn rows(&self) -> [&Lanes<F>; 2] {
        [&self.scale, &self.shift]
    }
}

/// Sums of rows (`[rows, neurons]`, at most N) over the neurons of each channel, in `f64` and always in the same order.
pub(crate) fn sum_channels<F: Real, const N: usize>(rows: &[F], neurons: usize, channels: Channels) -> Vec<[f64; N]> {
    let sample = channels.count * channels.inner;
    let sum = |channel: usize| {
        let mut sums = [0.0; N];
        for (sum, row) in sums.iter_mut().zip(rows.chunks(neurons.max(1))) {
            let parts = row.chunks(sample).map(|sample| &sample[channel * channels.inner..][..channels.inner]);
            *sum = parts.flatten().map(|g| g.to_f64()).sum();
        }
        sums
    };
    (0..channels.count).into_par_iter().map(sum).collect()
}

/// `y[i] += x[i] scale + shift`, per channel, over whole samples: 12 bytes of f32 per element.
///
/// # Errors
/// [`Error::Length`] if the buffers do not fit.
pub fn add_scaled<F: Real>(by: Scale<'_, F>, x: &[F], y: &mut [F]) -> Result<(), Error> {
    by.check(x.len())?;
    check_len("y", x.len(), y.len())?;
    let y = Columns::new(y, x.len());
    let arch = pulp::Arch::new();
    map_tiles(x.len(), 64 * LANES, 1, &|| (), &|(), tile| {
        // SAFETY: tiles are disjoint.
        let (x, y) = (&x[tile.clone()], unsafe { y.row(0, tile.clone()) });
        vectorised(
            arch,
            #[inline(always)]
            || {
                for (i, (x, y)) in x.chunks(LANES).zip(y.chunks_mut(LANES)).enumerate() {
                    let start = tile.start + i * LANES;
                    let by = by.block(&(start..start + x.len()));
                    for k in 0..x.len() {
                        y[k] = y[k] + (x[k] * by.scale[k] + by.shift[k]);
                    }
                }
            },
        );
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the sizes, each element gets the numbers of its channel.
    #[test]
    fn channels_are_found_element_by_element() {
        for (count, inner) in [(1, 1), (3, 1), (100, 1), (2, 5), (3, 64), (2, 100), (5, 7), (64, 2)] {
            let channels = Channels { count, inner };
            let scale: Vec<f64> = (0..count).map(|c| c as f64 + 1.0).collect();
            let shift: Vec<f64> = scale.iter().map(|s| -s).collect();
            let by = Scale { channels, scale: &scale, shift: &shift };
            let neurons = count * inner * 3;
            for start in (0..neurons).step_by(13) {
                let of = start..neurons.min(start + LANES);
                let lanes = by.block(&of);
                for (k, element) in of.enumerate() {
                    let c = element / inner % count;
                    assert_eq!((lanes.scale[k], lanes.shift[k]), (scale[c], shift[c]), "{channels:?}, {element}");
                }
            }
            let x: Vec<f64> = (0..neurons).map(|i| i as f64).collect();
            let mut y = vec![0.5; neurons];
            add_scaled(by, &x, &mut y).unwrap();
            for (i, y) in y.iter().enumerate() {
                let c = i / inner % count;
                assert_eq!(*y, 0.5 + (x[i] * scale[c] + shift[c]));
            }
        }
    }

    #[test]
    fn half_a_sample_is_refused() {
        let by = Scale { channels: Channels { count: 2, inner: 2 }, scale: &[1.0; 2], shift: &[0.0; 2] };
        assert!(by.check(8).is_ok() && by.check(6).is_err());
        let wrong = Scale { scale: &[1.0; 3], ..by };
        assert!(wrong.check(8).is_err());
    }
}
