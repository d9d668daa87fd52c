//! Files that a build with libtorch wrote. In: a name; out: its path, its numbers, and whether others are near them.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

/// A file of `tests/tiny`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny").join(name)
}

/// A tensor of the file.
pub(crate) fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let (numbers, _) = file.tensor(name).expect("it is in the file").data().as_chunks::<4>();
    numbers.iter().map(|n| f32::from_le_bytes(*n)).collect()
}

/// Fails where a number differs.
#[track_caller]
pub(crate) fn assert_near(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-4), "{got:?} is not {want:?}");
}
