//! What the tests of generated models share. In: tensors; out: whether they agree, and random ones.
#![allow(dead_code, reason = "each test crate uses its share")]

use snn::{Device, Error, Kind, Tensor, nn};

pub(crate) const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

pub(crate) fn store() -> nn::VarStore {
    nn::VarStore::new(Device::Cpu)
}

/// Between -0.5 and 1.5: enough to make small nets fire.
pub(crate) fn input(sizes: &[i64]) -> Tensor {
    Tensor::rand(sizes, F32) * 2.0 - 0.5
}

/// The largest distance between two elements of tensors of the same sizes.
#[track_caller]
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    if a.numel() == 0 { 0.0 } else { (a.detach() - b.detach()).abs().max().double_value(&[]) }
}

#[track_caller]
pub(crate) fn assert_near(a: &Tensor, b: &Tensor, tolerance: f64) {
    let d = distance(a, b);
    assert!(d <= tolerance, "{d:e} apart");
}

/// Makes fresh weights larger, so that neurons fire, and none alike.
pub(crate) fn shake(vs: &nn::VarStore) {
    tch::no_grad(|| {
        for mut t in vs.trainable_variables() {
            let _ = t.uniform_(-0.4, 0.8);
        }
    });
}

/// Names of everything in a store, sorted.
pub(crate) fn names(vs: &nn::VarStore) -> Vec<String> {
    let mut names: Vec<String> = vs.variables().into_keys().collect();
    names.sort();
    names
}

/// The message of an error, which must contain all of `parts`.
#[track_caller]
pub(crate) fn assert_says<T>(result: Result<T, Error>, parts: &[&str]) {
    let Err(e) = result else { panic!("expected an error with {parts:?}") };
    let text = e.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}
