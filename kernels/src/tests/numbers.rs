//! Numbers for tests. In: how many and which; out: the same ones in every run.

use crate::Real;
use crate::philox::philox4x32;

/// Uniform in [-1, 1), in steps that f32 has; no two of a stream are equal but by rare chance.
pub(crate) fn uniform<F: Real>(len: usize, stream: u32) -> Vec<F> {
    let word = |i: usize| philox4x32([i as u32, 0, 0, stream], [3, 1])[0] >> 8;
    (0..len).map(|i| F::of(f64::from(word(i)) / f64::from(1 << 23) - 1.0)).collect()
}

/// The slope of `loss` in each element of what `at` gives of `of`, by central differences.
pub(crate) fn slopes<T>(of: &mut T, at: impl Fn(&mut T) -> &mut [f64], loss: impl Fn(&T) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-6;
    let len = at(of).len();
    let moved = |of: &mut T, i: usize, by: f64| {
        at(of)[i] += by;
        let loss = loss(of);
        at(of)[i] -= by;
        loss
    };
    (0..len).map(|i| (moved(of, i, STEP) - moved(of, i, -STEP)) / (2.0 * STEP)).collect()
}

/// Equal up to `tolerance`.
#[track_caller]
pub(crate) fn assert_near(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance, "{what} at {i}: {got} instead of {want}");
    }
}

/// `len` numbers in [-1.5, 2.5), other ones for each `seed` and `stream`.
pub(crate) fn seeded(seed: u64, stream: u32, len: usize) -> Vec<f64> {
    let word = |i: usize| philox4x32([i as u32, stream, 0, 0], [seed as u32, (seed >> 32) as u32])[0] >> 8;
    (0..len).map(|i| f64::from(word(i)) / f64::from(1 << 24) * 4.0 - 1.5).collect()
}

/// sum a b
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `got` is the gradient of `loss` at `at`: some forty elements of it, by central differences.
#[track_caller]
pub(crate) fn assert_gradient(what: &str, at: &[f64], got: &[f64], loss: impl Fn(&[f64]) -> f64) {
    assert_eq!(at.len(), got.len(), "{what}");
    for i in (0..at.len()).step_by(at.len().div_ceil(40).max(1)) {
        let moved = |by: f64| {
            let mut at = at.to_vec();
            at[i] += by;
            loss(&at)
        };
        let want = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((got[i] - want).abs() < 1e-6 * (1.0 + want.abs()), "{what} at {i}: {} instead of {want}", got[i]);
    }
}
