//! Spike counts as binary spikes in slots of time, and back. In: counts, `[steps, neurons]`; out: `[steps * slots, neurons]` of 0 and 1, or
//! sums over slots.

use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Neurons per tile.
const WIDTH: usize = 1 << 10;

/// Slot d of a step spikes if d is below the count: `out` is `[steps * slots, neurons]` (SpikingJelly `SpikeCountToBinary`).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps`, `slots` and `neurons`.
pub fn count_to_slots<F: Real>(counts: &[F], steps: usize, slots: usize, neurons: usize, out: &mut [F]) -> Result<(), Error> {
    check_len("counts", sequence_len(steps, neurons)?, counts.len())?;
    check_len("out", sequence_len(sequence_len(steps, slots)?, neurons)?, out.len())?;
    let out = Columns::new(out, neurons);
    map_tiles(neurons, WIDTH, steps * slots, &|| (), &|(), of| {
        for t in 0..steps {
            let counts = &counts[t * neurons..][of.clone()];
            for d in 0..slots {
                let slot = F::of(d as f64);
                // SAFETY: tiles are disjoint, and each takes a row once.
                let row = unsafe { out.row(t * slots + d, of.clone()) };
                row.iter_mut().zip(counts).for_each(|(out, count)| *out = if slot < *count { F::ONE } else { F::ZERO });
            }
        }
    });
    Ok(())
}

/// Sums each `slots` rows of `x` (`[rows, neurons]`) and multiplies by `factor`: `out` is `[ceil(rows / slots), neurons]`, the last row of
/// what is left over (SpikingJelly `TemporalBinSum`).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `rows`, `slots` and `neurons`.
pub fn sum_slots<F: Real>(x: &[F], rows: usize, slots: usize, neurons: usize, factor: F, out: &mut [F]) -> Result<(), Error> {
    check_len("x", sequence_len(rows, neurons)?, x.len())?;
    let bins = rows.div_ceil(slots.max(1));
    check_len("out", sequence_len(bins, neurons)?, out.len())?;
    let out = Columns::new(out, neurons);
    map_tiles(neurons, WIDTH, rows, &|| (), &|(), of| {
        for bin in 0..bins {
            // SAFETY: as above.
            let row = unsafe { out.row(bin, of.clone()) };
            row.fill(F::ZERO);
            for t in bin * slots..rows.min((bin + 1) * slots) {
                row.iter_mut().zip(&x[t * neurons..][of.clone()]).for_each(|(sum, x)| *sum = *sum + *x);
            }
            row.iter_mut().for_each(|sum| *sum = *sum * factor);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What went into slots comes out of them, whatever the tiles.
        #[test]
        fn sums_of_slots_are_the_counts(slots in 1usize..5, steps in 1usize..4, neurons in 1usize..2500, seed: u64) {
            let count = |i: usize| ((seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(i as u32 % 61)) % (slots as u64 + 1)) as f64;
            let counts: Vec<f64> = (0..steps * neurons).map(count).collect();
            let mut binary = vec![f64::NAN; counts.len() * slots];
            count_to_slots(&counts, steps, slots, neurons, &mut binary).unwrap();
            prop_assert!(binary.iter().all(|b| *b == 0.0 || *b == 1.0));
            let mut sums = vec![f64::NAN; counts.len()];
            sum_slots(&binary, steps * slots, slots, neurons, 1.0, &mut sums).unwrap();
            prop_assert_eq!(sums, counts);
        }
    }

    #[test]
    fn the_last_bin_may_be_short() {
        let x = [1.0f32, 2.0, 3.0, 4.0, 5.0];
        let mut out = [f32::NAN; 3];
        sum_slots(&x, 5, 2, 1, 0.5, &mut out).unwrap();
        assert_eq!(out, [1.5, 3.5, 2.5]);
        assert!(sum_slots(&x, 5, 2, 1, 0.5, &mut out[..2]).is_err() && count_to_slots(&x, 5, 2, 1, &mut out).is_err());
    }
}
