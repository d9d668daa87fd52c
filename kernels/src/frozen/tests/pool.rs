//! Maxima over windows.

use proptest::prelude::*;

use super::{channels, planes_of, spikes, weights};
use crate::frozen::{Axis, Windows, max_pool, or_pool};

fn windows(h: usize, w: usize) -> Windows {
    Windows::new(&[Axis::pool(h, 3, 2, 1, 1, false).unwrap(), Axis::pool(w, 2, 2, 0, 1, true).unwrap()])
}

/// The maximum of what an output sees.
fn plain(windows: &Windows, rows: usize, channels: usize, x: &[f32]) -> Vec<f32> {
    let mut out = vec![];
    for row in 0..rows {
        for cell in 0..windows.outputs() {
            for channel in 0..channels {
                let seen = (0..windows.taps()).filter_map(|tap| windows.cell(tap, cell));
                let seen = seen.map(|from| x[(row * windows.inputs() + from) * channels + channel]);
                out.push(seen.fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }
    out
}

proptest! {
    #[test]
    fn of_spikes(channels in channels(), h in 2usize..6, w in 2usize..6, rows in 1usize..4, rate in 0.0..1.0, seed: u64) {
        let windows = windows(h, w);
        let x = spikes(rows * h * w * channels, 1, rate, seed);
        let want = planes_of(&plain(&windows, rows, channels, &x), 1, channels);
        let mut got = vec![u64::MAX; want.len()];
        or_pool(&windows, rows, channels, &planes_of(&x, 1, channels), &mut got).unwrap();
        prop_assert_eq!(got, want);
    }

    #[test]
    fn of_numbers(channels in 1usize..20, h in 2usize..6, w in 2usize..6, rows in 1usize..4, seed: u64) {
        let windows = windows(h, w);
        let x = weights(rows * h * w * channels, seed);
        let want = plain(&windows, rows, channels, &x);
        let mut got = vec![f32::NAN; want.len()];
        max_pool(&windows, rows, channels, &x, &mut got).unwrap();
        prop_assert_eq!(got, want);
    }
}

#[test]
fn nan_is_the_greatest_number() {
    let windows = Windows::new(&[Axis::pool(4, 2, 2, 0, 1, false).unwrap()]);
    let mut out = [0.0; 2];
    max_pool(&windows, 1, 1, &[f32::NAN, 1.0, 2.0, f32::NAN], &mut out).unwrap();
    assert!(out.iter().all(|x| x.is_nan()));
    assert!(max_pool(&windows, 1, 1, &[0.0; 3], &mut out).is_err() && or_pool(&windows, 2, 1, &[0; 8], &mut [0; 2]).is_err());
}
