//! Mean and variance of each channel. In: `[samples, channels, inner]`; out: two numbers per channel.
//!
//! One pass, 4 bytes of f32 per element. Numbers are taken relative to the channel's first one, summed in blocks in the element type and
//! over blocks in `f64`, so that a mean far from 0 costs no digits. The same bits on any number of threads.

use pulp::Arch;
use rayon::prelude::*;

use crate::arch::vectorised;
use crate::constants::Channels;
use crate::error::{Error, check_len};
use crate::lanes::LANES;
use crate::real::Real;

/// Channels that a worker takes at once where each has few elements in a sample.
const COLUMNS: usize = LANES;

/// Rows whose sums are added in the element type.
const ROWS: usize = 64;

/// Mean and variance (biased) of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Of all its elements.
    pub mean: f64,
    /// The mean squared distance from the mean.
    pub variance: f64,
}

/// [`Moments`] of each channel of x (PyTorch: `torch.var_mean(x, [0, 2, 3], correction=0)`).
///
/// # Errors
/// [`Error::Length`] unless x holds whole samples.
pub fn moments<F: Real>(x: &[F], channels: Channels) -> Result<Vec<Moments>, Error> {
    moments_on(Arch::new(), x, channels)
}

/// [`moments`] with a given instruction set.
pub(crate) fn moments_on<F: Real>(arch: Arch, x: &[F], channels: Channels) -> Result<Vec<Moments>, Error> {
    let Channels { count, inner } = channels;
    let sample = count * inner;
    check_len("x", x.len().next_multiple_of(sample.max(1)), x.len())?;
    if x.is_empty() {
        return Ok(vec![Moments::default(); count]);
    }
    if inner >= LANES {
        let one = |channel: usize| {
            vectorised(
                arch,
                #[inline(always)]
                || plane(x, channel * inner, inner, sample),
            )
        };
        return Ok((0..count).into_par_iter().map(one).collect());
    }
    // Few elements per channel: columns of a matrix `[samples, channels * inner]`, joined by channel afterwards.
    let pivots: Vec<F> = (0..sample).map(|i| x[i / inner * inner]).collect();
    let starts: Vec<usize> = (0..sample).step_by(COLUMNS).collect();
    let tile = |&start: &usize| {
        vectorised(
            arch,
            #[inline(always)]
            || columns(&x[start..], &pivots[start..sample.min(start + COLUMNS)], sample),
        )
    };
    let sums: Vec<[f64; 2]> = starts.par_iter().map(tile).collect::<Vec<_>>().concat();
    let rows = (x.len() / sample * inner) as f64;
    let join = |(of, pivots): (&[[f64; 2]], &[F])| {
        let (sum, squares) = of.iter().fold((0.0, 0.0), |(s, q), [sum, squares]| (s + sum, q + squares));
        of_sums(sum, squares, rows, pivots[0].to_f64())
    };
    Ok(sums.chunks(inner).zip(pivots.chunks(inner)).map(join).collect())
}

fn of_sums(sum: f64, squares: f64, n: f64, pivot: f64) -> Moments {
    let mean = sum / n;
    Moments { mean: pivot + mean, variance: (squares / n - mean * mean).max(0.0) }
}

/// One channel whose samples are runs of `inner` elements.
#[inline(always)]
fn plane<F: Real>(x: &[F], at: usize, inner: usize, sample: usize) -> Moments {
    let pivot = x[at];
    let (mut sum, mut squares) = (0.0, 0.0);
    for run in x[at..].chunks(sample).map(|run| &run[..inner]) {
        for block in run.chunks(ROWS * LANES) {
            let (mut s, mut q) = ([F::ZERO; LANES], [F::ZERO; LANES]);
            let rows = block.chunks_exact(LANES);
            let rest = rows.remainder();
            for row in rows {
                for k in 0..LANES {
                    let d = row[k] - pivot;
                    s[k] = s[k] + d;
                    q[k] = q[k] + d * d;
                }
            }
            for (k, x) in rest.iter().enumerate() {
                let d = *x - pivot;
                s[k] = s[k] + d;
                q[k] = q[k] + d * d;
            }
            sum += s.iter().map(|s| s.to_f64()).sum::<f64>();
            squares += q.iter().map(|q| q.to_f64()).sum::<f64>();
        }
    }
    let n = (x[at..].len().div_ceil(sample) * inner) as f64;
    of_sums(sum, squares, n, pivot.to_f64())
}

/// Sums and sums of squares of up to [`COLUMNS`] columns.
#[inline(always)]
fn columns<F: Real>(x: &[F], pivots: &[F], width: usize) -> Vec<[f64; 2]> {
    let n = pivots.len();
    let mut totals = vec![[0.0; 2]; n];
    let rows: Vec<&[F]> = x.chunks(width).map(|row| &row[..n]).collect();
    for rows in rows.chunks(ROWS) {
        let (mut s, mut q) = ([F::ZERO; COLUMNS], [F::ZERO; COLUMNS]);
        for row in rows {
            for k in 0..n {
                let d = row[k] - pivots[k];
                s[k] = s[k] + d;
                q[k] = q[k] + d * d;
            }
        }
        for (k, total) in totals.iter_mut().enumerate() {
            total[0] += s[k].to_f64();
            total[1] += q[k].to_f64();
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(x: &[f64], channels: Channels) -> Vec<Moments> {
        let of = |c: usize| x.iter().enumerate().filter(move |(i, _)| channels.of(*i) == c).map(|(_, x)| *x).collect::<Vec<_>>();
        let moments = |c: usize| {
            let x = of(c);
            let mean = x.iter().sum::<f64>() / x.len() as f64;
            Moments { mean, variance: x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64 }
        };
        (0..channels.count).map(moments).collect()
    }

    #[test]
    fn moments_are_those_of_the_definition() {
        for (samples, count, inner) in [(1, 1, 1), (3, 2, 1), (200, 70, 1), (7, 5, 9), (3, 4, 64), (5, 3, 100), (2, 2, 5000)] {
            let channels = Channels { count, inner };
            // Far from 0, where sums of squares alone would lose the variance.
            let x: Vec<f32> = (0..samples * count * inner).map(|i| 300.0 + ((i * 7919) % 1013) as f32 / 500.0).collect();
            let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            for (got, want) in moments(&x, channels).unwrap().iter().zip(reference(&wide, channels)) {
                assert!((got.mean - want.mean).abs() < 1e-4, "{channels:?}: {got:?}, {want:?}");
                assert!((got.variance - want.variance).abs() < 1e-5 * want.variance.max(1e-3), "{channels:?}: {got:?}, {want:?}");
            }
            assert_eq!(moments_on(Arch::Scalar, &x, channels).unwrap(), moments(&x, channels).unwrap());
        }
    }

    #[test]
    fn half_a_sample_is_refused() {
        assert!(moments(&[0.0f32; 6], Channels { count: 2, inner: 2 }).is_err());
        assert_eq!(moments::<f32>(&[], Channels { count: 2, inner: 2 }).unwrap(), [Moments::default(); 2]);
    }
}
