//! Bits and the numbers they stand for.

use proptest::prelude::*;

use super::{channels, planes_of, spikes};
use crate::frozen::{add_bits, and_bits, and_not_bits, count, from_dense, planes_of_sum, to_dense};

proptest! {
    #[test]
    fn planes_are_numbers(channels in channels(), cells in 1usize..5, planes in 1usize..4, rate in 0.0..1.0, seed: u64) {
        let x = spikes(cells * channels, planes, rate, seed);
        let bits = planes_of(&x, planes, channels);
        let mut back = vec![f32::NAN; x.len()];
        to_dense(&bits, planes, channels, &mut back).unwrap();
        prop_assert_eq!(back, x);
    }

    #[test]
    fn numbers_are_bits_where_they_are_not_0(channels in channels(), cells in 1usize..5, rate in 0.0..1.0, seed: u64) {
        let x = spikes(cells * channels, 1, rate, seed);
        let want = planes_of(&x, 1, channels);
        prop_assert_eq!(count(&want), x.iter().filter(|x| **x == 1.0).count() as u64);
        let mut bits = vec![u64::MAX; want.len()];
        from_dense(&x, channels, &mut bits).unwrap();
        prop_assert_eq!(&bits, &want);
        let half: Vec<f32> = x.iter().map(|x| -0.5 * x).collect();
        from_dense(&half, channels, &mut bits).unwrap();
        prop_assert_eq!(&bits, &want);
    }

    #[test]
    fn sums_are_sums(channels in channels(), cells in 1usize..4, a in 1usize..4, b in 1usize..4, rate in 0.0..1.0, seed: u64) {
        let (x, y) = (spikes(cells * channels, a, rate, seed), spikes(cells * channels, b, rate, !seed));
        let sum: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
        let planes = planes_of_sum(a, b);
        let want = planes_of(&sum, planes, channels);
        let mut got = vec![u64::MAX; want.len()];
        add_bits(&planes_of(&x, a, channels), &planes_of(&y, b, channels), (a, b), &mut got).unwrap();
        prop_assert_eq!(got, want);
    }

    #[test]
    fn products_are_and(channels in channels(), cells in 1usize..4, rate in 0.0..1.0, seed: u64) {
        let (x, y) = (spikes(cells * channels, 1, rate, seed), spikes(cells * channels, 1, rate, !seed));
        let (a, b) = (planes_of(&x, 1, channels), planes_of(&y, 1, channels));
        let mut got = vec![u64::MAX; a.len()];
        and_bits(&a, &b, &mut got).unwrap();
        let product: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
        prop_assert_eq!(&got, &planes_of(&product, 1, channels));
        and_not_bits(&a, &b, &mut got).unwrap();
        let without: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x * (1.0 - y)).collect();
        prop_assert_eq!(&got, &planes_of(&without, 1, channels));
    }
}

#[test]
fn planes_hold_the_largest_sum() {
    assert_eq!((planes_of_sum(1, 1), planes_of_sum(2, 1), planes_of_sum(2, 2), planes_of_sum(3, 1)), (2, 3, 3, 4));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    assert!(add_bits(&[0; 4], &[0; 2], (2, 1), &mut [0; 6]).is_ok());
    assert!(add_bits(&[0; 4], &[0; 3], (2, 1), &mut [0; 6]).is_err() && add_bits(&[0; 4], &[0; 2], (2, 1), &mut [0; 4]).is_err());
    assert!(and_bits(&[0; 2], &[0; 1], &mut [0; 2]).is_err() && and_not_bits(&[0; 2], &[0; 2], &mut [0; 1]).is_err());
    assert!(to_dense(&[0; 2], 1, 70, &mut [0.0; 140]).is_err() && from_dense(&[0.0; 140], 70, &mut [0; 2]).is_err());
}
