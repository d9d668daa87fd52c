//! Spike trains that stand for numbers. In: numbers from 0 to 1; out: spikes, `[steps, numbers]`, that say the same by their rate, their
//! time or their binary digits.

use std::ops::Range;

use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::philox::philox4x32_lanes;
use crate::real::Real;

/// Numbers per tile; a multiple of what one round of Philox serves.
const WIDTH: usize = 1 << 12;

/// Philox blocks computed side by side, one per vector lane.
const LANES: usize = 16;

/// One step of spikes at random, each with the probability that its number says: never for 0, always for 1 and more
/// (SpikingJelly `PoissonEncoder`).
///
/// Element i is word i % 4 of the Philox4x32-10 block with key `seed` and counter (i / 4, `draw`, `stream`), as in
/// [`dropout_mask`](crate::dropout_mask): the same bits on any number of threads.
///
/// # Errors
/// [`Error::Length`] if `out` has another length than `x`.
pub fn poisson<F: Real>(seed: u64, stream: u32, draw: u32, x: &[F], out: &mut [F]) -> Result<(), Error> {
    check_len("out", x.len(), out.len())?;
    let key = [seed as u32, (seed >> 32) as u32];
    tiles(x, 1, out, &|x, out, range| {
        let mut block = range.start as u64 / 4;
        // SAFETY: tiles are disjoint.
        let out = unsafe { out.row(0, range) };
        for (x, out) in x.chunks(4 * LANES).zip(out.chunks_mut(4 * LANES)) {
            let (mut low, mut high) = ([0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let block = block + lane as u64;
                (low[lane], high[lane]) = (block as u32, (block >> 32) as u32);
            }
            let words = philox4x32_lanes([low, high, [draw; LANES], [stream; LANES]], key);
            for (i, (x, out)) in x.iter().zip(out).enumerate() {
                // In (0, 1].
                let uniform = (f64::from(words[i % 4][i / 4]) + 1.0) / 4_294_967_296.0;
                *out = if uniform <= x.to_f64() { F::ONE } else { F::ZERO };
            }
            block += LANES as u64;
        }
    });
    Ok(())
}

/// How the time of a spike tells a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// At step (steps - 1)(1 - x).
    #[default]
    Linear,
    /// At step (steps - 1) - ln(a x + 1), where a = e^(steps - 1) - 1 makes it 0 for x = 1. That has to be a number: at most 89 steps in `f32`,
    /// 710 in `f64`; with more of them all spikes are at the first.
    Log,
}

impl Latency {
    /// The step of x's spike, rounded, ties to the even one.
    fn step<F: Real>(self, x: F, steps: usize) -> usize {
        let last = steps as f64 - 1.0;
        let at = match self {
            Latency::Linear => (F::of(last) * (F::ONE - x)).to_f64(),
            Latency::Log => {
                let a = F::of(last.exp() - 1.0);
                (F::of(last) - F::of((a * x + F::ONE).to_f64().ln())).to_f64()
            }
        };
        // Casts saturate: what rounding leaves outside falls on the first or the last step.
        (at.round_ties_even() as usize).min(steps.saturating_sub(1))
    }
}

/// One spike per number, the earlier the larger it is: `out` is `[steps, x.len()]` (SpikingJelly `LatencyEncoder`).
///
/// # Errors
/// [`Error::Length`] if `out` does not fit.
pub fn latency<F: Real>(x: &[F], steps: usize, code: Latency, out: &mut [F]) -> Result<(), Error> {
    check_len("out", sequence_len(steps, x.len())?, out.len())?;
    tiles(x, steps, out, &|x, out, range| {
        for t in 0..steps {
            // SAFETY: tiles are disjoint, and each takes a row once.
            let row = unsafe { out.row(t, range.clone()) };
            row.iter_mut().zip(x).for_each(|(out, x)| *out = if code.step(*x, steps) == t { F::ONE } else { F::ZERO });
        }
    });
    Ok(())
}

/// The binary digits of each number, the largest first: step t stands for 2^-(t + 1). `out` is `[digits, x.len()]` (SpikingJelly
/// `WeightedPhaseEncoder`).
///
/// # Errors
/// [`Error::Length`] if `out` does not fit.
pub fn weighted_phase<F: Real>(x: &[F], digits: usize, out: &mut [F]) -> Result<(), Error> {
    check_len("out", sequence_len(digits, x.len())?, out.len())?;
    tiles(x, digits, out, &|x, out, range| {
        let mut left = x.to_vec();
        let mut weight = F::of(0.5);
        for t in 0..digits {
            // SAFETY: as in `latency`.
            let row = unsafe { out.row(t, range.clone()) };
            for (out, left) in row.iter_mut().zip(&mut left) {
                *out = (*left - weight).heaviside();
                *left = *left - weight * *out;
            }
            weight = weight * F::of(0.5);
        }
    });
    Ok(())
}

/// A tile's numbers, all of the output, and which of its columns are the tile's.
type OnTile<'a, F> = dyn Fn(&[F], &Columns<'_, F>, Range<usize>) + Sync + 'a;

/// Runs `f` on tiles of `x`, on rayon's threads; `out` has `rows` rows.
fn tiles<F: Real>(x: &[F], rows: usize, out: &mut [F], f: &OnTile<'_, F>) {
    let out = Columns::new(out, x.len());
    map_tiles(x.len(), WIDTH, rows, &|| (), &|(), range| f(&x[range.clone()], &out, range));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox4x32;
    use proptest::prelude::*;

    #[test]
    fn latency_tells_the_number_by_time() {
        let x = [0.0f32, 0.25, 0.5, 0.9, 1.0];
        let times = |code| {
            let mut out = [0.0; 25];
            latency(&x, 5, code, &mut out).unwrap();
            (0..5).map(|i| (0..5).filter(|t| out[t * 5 + i] == 1.0).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(times(Latency::Linear), [[4], [3], [2], [0], [0]]);
        assert_eq!(times(Latency::Log), [[4], [1], [1], [0], [0]]);
        let mut one = [0.0; 5];
        latency(&x, 1, Latency::Log, &mut one).unwrap();
        assert_eq!(one, [1.0; 5]);
        assert!(latency(&x, 5, Latency::Linear, &mut one).is_err());
    }

    proptest! {
        #[test]
        fn digits_add_up_to_the_number(x in prop::collection::vec(0.0..1.0f64, 1..40), digits in 1usize..30) {
            let mut out = vec![0.0; digits * x.len()];
            weighted_phase(&x, digits, &mut out).unwrap();
            for (i, x) in x.iter().enumerate() {
                let sum: f64 = (0..digits).map(|t| out[t * (out.len() / digits) + i] * 0.5f64.powi(t as i32 + 1)).sum();
                prop_assert!(sum <= *x && x - sum < 0.5f64.powi(digits as i32) * 1.0001);
            }
        }

        /// Against the definition, one block at a time.
        #[test]
        fn poisson_is_the_stream_it_says(seed: u64, stream: u32, draw: u32, n in 1usize..300, p in 0.0..1.0f32) {
            let mut out = vec![0.0; n];
            poisson(seed, stream, draw, &vec![p; n], &mut out).unwrap();
            for (i, out) in out.iter().enumerate() {
                let word = philox4x32([i as u32 / 4, 0, draw, stream], [seed as u32, (seed >> 32) as u32])[i % 4];
                prop_assert_eq!(*out == 1.0, (f64::from(word) + 1.0) / 4_294_967_296.0 <= f64::from(p));
            }
        }
    }

    #[test]
    fn never_for_0_always_for_1_and_in_between_as_often_as_the_number_says() {
        let share = |p: f64| {
            let mut out = vec![0.0; 100_000];
            poisson(7, 1, 2, &vec![p; 100_000], &mut out).unwrap();
            out.iter().sum::<f64>() / 1e5
        };
        assert_eq!((share(0.0), share(1.0), share(f64::NAN)), (0.0, 1.0, 0.0));
        assert!((share(0.3) - 0.3).abs() < 0.01);
    }
}
