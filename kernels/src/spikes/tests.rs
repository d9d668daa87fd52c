//! Bits against plain sums.

use super::*;
use crate::philox::philox4x32;

fn word(i: usize) -> u32 {
    philox4x32([i as u32, 0, 0, 7], [0, 0])[0]
}

fn spikes(len: usize, rate: f64) -> Vec<f32> {
    (0..len).map(|i| if f64::from(word(i)) < rate * 2f64.powi(32) { 1.0 } else { 0.0 }).collect()
}

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (word(i) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// Rows, columns, and the columns of the other matrix: blocks and tiles that end early, and are one too long.
const SIZES: [(usize, usize, usize); 7] = [(1, 1, 1), (3, 64, 65), (5, 129, 64), (129, 128, 3), (1025, 70, 2), (300, 1, 70), (0, 5, 5)];

#[test]
fn what_is_packed_comes_out_again() {
    for (rows, cols, _) in SIZES {
        for rate in [0.0, 0.1, 1.0] {
            let x = spikes(rows * cols, rate);
            let packed = SpikeMatrix::pack(&x, rows, cols).unwrap().expect("zeros and ones");
            let mut out = vec![7.0; x.len()];
            packed.unpack(&mut out).unwrap();
            assert_eq!(out, x);
            assert_eq!(packed.rate(), x.iter().sum::<f32>() as f64 / x.len().max(1) as f64);
        }
    }
}

#[test]
fn other_numbers_are_no_spikes() {
    for (other, packs) in [(-0.0, true), (2.0, false), (0.5, false), (-1.0, false), (f32::NAN, false)] {
        let mut x = spikes(40 * 70, 0.5);
        x[39 * 70 + 69] = other;
        assert_eq!(SpikeMatrix::pack(&x, 40, 70).unwrap().is_some(), packs, "{other}");
    }
}

/// A sum per element, one after the other.
#[test]
fn products_are_the_sums_in_order() {
    for (rows, cols, n) in SIZES {
        for rate in [0.0, 0.1, 0.6, 1.0] {
            let x = spikes(rows * cols, rate);
            let packed = SpikeMatrix::pack(&x, rows, cols).unwrap().expect("zeros and ones");
            let (weight, bias, grad) = (numbers(n * cols), numbers(n), numbers(rows * n));
            let mut out = vec![7.0; rows * n];
            packed.times(&weight, n, Some(&bias), &mut out).unwrap();
            for (i, out) in out.iter().enumerate() {
                let (r, o) = (i / n, i % n);
                let ones = (0..cols).filter(|k| x[r * cols + k] == 1.0);
                assert_eq!(*out, ones.fold(bias[o], |sum, k| sum + weight[o * cols + k]), "{rows} x {cols} x {n}");
            }
            let mut out = vec![7.0; n * cols];
            packed.transposed_times(&grad, n, &mut out).unwrap();
            for (i, out) in out.iter().enumerate() {
                let (o, k) = (i / cols, i % cols);
                let ones = (0..rows).filter(|r| x[r * cols + k] == 1.0);
                assert_eq!(*out, ones.fold(0.0, |sum, r| sum + grad[r * n + o]), "{rows} x {cols} x {n}");
            }
        }
    }
}

#[test]
fn wrong_lengths_are_refused() {
    assert!(SpikeMatrix::pack(&[0.0f32; 5], 2, 3).is_err());
    let packed = SpikeMatrix::pack(&[0.0f32; 6], 2, 3).unwrap().expect("zeros");
    assert!(packed.unpack(&mut [0.0f32; 5]).is_err());
    assert!(packed.times(&[0.0f32; 11], 4, None, &mut [0.0; 8]).is_err());
    assert!(packed.times(&[0.0f32; 12], 4, Some(&[0.0; 3]), &mut [0.0; 8]).is_err());
    assert!(packed.times(&[0.0f32; 12], 4, None, &mut [0.0; 7]).is_err());
    assert!(packed.transposed_times(&[0.0f32; 7], 4, &mut [0.0; 12]).is_err());
    assert!(packed.transposed_times(&[0.0f32; 8], 4, &mut [0.0; 11]).is_err());
}
