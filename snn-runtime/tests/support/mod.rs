//! What the tests of this crate share. In: tensors; out: whether they agree, and by how much not.
#![allow(dead_code, reason = "each test crate uses its share")]

pub(crate) mod cut;
pub(crate) mod neuron;

use std::cell::Cell;

use snn_runtime::{Cx, Device, Error, Kind, Layer, Scope, Tensor, nn};

pub(crate) const EVAL: Cx = Cx { train: false };
pub(crate) const TRAIN: Cx = Cx { train: true };

/// The largest distance between two elements; sizes and kinds must be equal. 0 for NaNs in the same places.
#[track_caller]
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    assert_eq!(a.kind(), b.kind());
    if a.numel() == 0 || a.equal(b) {
        return 0.0;
    }
    let d = (a.detach().to_kind(Kind::Double) - b.detach().to_kind(Kind::Double)).abs().max().double_value(&[]);
    assert!(!d.is_nan(), "not a number");
    d
}

/// Equal up to `tolerance`, relative to the largest element of `want` where that is above 1.
#[track_caller]
pub(crate) fn assert_near(got: &Tensor, want: &Tensor, tolerance: f64, what: &str) {
    let d = distance(got, want);
    let scale = if want.numel() == 0 { 1.0 } else { want.detach().abs().max().to_kind(Kind::Double).double_value(&[]).max(1.0) };
    assert!(d <= tolerance * scale, "{what}: {d:e} apart, at a scale of {scale:.3}");
}

/// Equal to the last bit.
#[track_caller]
pub(crate) fn assert_same(got: &Tensor, want: &Tensor, what: &str) {
    let d = distance(got, want);
    assert!(d == 0.0, "{what}: {d:e} apart");
}

thread_local! {
    /// Each test runs on a thread of its own: the same numbers in every run, whatever other tests draw.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// Uniform between 0 and 1. (SplitMix64: Steele et al., OOPSLA 2014.)
pub(crate) fn rand(sizes: &[i64], kind: Kind) -> Tensor {
    let n = sizes.iter().product::<i64>() as usize;
    let next = || {
        let seed = SEED.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        SEED.set(seed);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    Tensor::from_slice(&(0..n).map(|_| next()).collect::<Vec<f64>>()).view(sizes).to_kind(kind)
}

/// Normally distributed. (Box and Muller, 1958.)
pub(crate) fn randn(sizes: &[i64], kind: Kind) -> Tensor {
    // 1 - u is not 0, and has a logarithm.
    let squared = (-rand(sizes, Kind::Double)).log1p() * -2.0;
    (squared.sqrt() * (rand(sizes, Kind::Double) * std::f64::consts::TAU).cos()).to_kind(kind)
}

/// Gradients of a sum weighted by `weight`.
pub(crate) fn grads(y: &Tensor, weight: &Tensor, wrt: &[&Tensor]) -> Vec<Tensor> {
    Tensor::run_backward(&[(y * weight).sum(y.kind())], wrt, false, false)
}

/// A layer named `Net.<name>` under `<name>` of `vs`.
pub(crate) fn build<L: Layer>(vs: &nn::VarStore, name: &str, config: L::Config) -> Result<L, Error> {
    L::build(&Scope::root("Net", &vs.root()).child(name), config)
}

/// A layer with weights of its own.
pub(crate) fn lone<L: Layer>(config: L::Config) -> L {
    build(&nn::VarStore::new(Device::Cpu), "layer", config).unwrap()
}

/// The message of an error, which must contain all of `parts`.
#[track_caller]
pub(crate) fn assert_says<T>(result: Result<T, Error>, parts: &[&str]) -> Error {
    let Err(e) = result else { panic!("expected an error with {parts:?}") };
    let text = e.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    e
}
