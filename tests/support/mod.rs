//! What the tests of generated models share. In: tensors; out: whether they agree, and random ones.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test crate uses its share")]

pub(crate) mod frozen;

use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use snn::{Device, Error, Kind, Result, Tensor, nn};

pub(crate) const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

/// A frozen file and numbers that builds without libtorch read, in `examples/infer/tests/tiny`. With `SNN_UPDATE` in the environment `write` makes
/// them anew: it saves the model and gives the numbers.
pub(crate) fn for_infer(
    model: &str,
    numbers: &str,
    write: impl FnOnce(&Path) -> Result<Vec<(&'static str, Tensor)>>,
) -> Result<(PathBuf, HashMap<String, Tensor>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infer/tests/tiny");
    let (model, numbers) = (dir.join(model), dir.join(numbers));
    if env::var_os("SNN_UPDATE").is_some() {
        fs::create_dir_all(&dir).expect("a folder");
        Tensor::write_safetensors(&write(&model)?, &numbers)?;
    }
    Ok((model, Tensor::read_safetensors(&numbers)?.into_iter().collect()))
}

pub(crate) fn store() -> nn::VarStore {
    nn::VarStore::new(Device::Cpu)
}

thread_local! {
    /// Each test runs on a thread of its own: the same numbers in every run, whatever other tests draw.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// From here on the numbers of another seed.
pub(crate) fn reseed(seed: u64) {
    SEED.set(seed);
}

/// Uniform between 0 and 1. (SplitMix64: Steele et al., OOPSLA 2014.)
pub(crate) fn rand(sizes: &[i64]) -> Tensor {
    let n = sizes.iter().product::<i64>() as usize;
    let next = || {
        let seed = SEED.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        SEED.set(seed);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32
    };
    Tensor::from_slice(&(0..n).map(|_| next()).collect::<Vec<f32>>()).view(sizes)
}

/// Between -0.5 and 1.5: enough to make small nets fire.
pub(crate) fn input(sizes: &[i64]) -> Tensor {
    rand(sizes) * 2.0 - 0.5
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

/// Replaces fresh weights by larger ones, so that neurons fire at every depth.
pub(crate) fn shake(vs: &nn::VarStore) {
    tch::no_grad(|| {
        for mut t in vs.trainable_variables() {
            let (low, high) = match t.size()[..] {
                [] => (-0.4, 0.8),
                [_] => (0.2, 1.0),
                [outputs, ..] => {
                    let fan_in = t.numel() as f64 / outputs as f64;
                    (-2.5 / fan_in.sqrt(), 4.0 / fan_in.sqrt())
                }
            };
            t.copy_(&(rand(&t.size()) * (high - low) + low));
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
