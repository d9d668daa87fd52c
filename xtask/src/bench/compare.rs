//! Whether two runners computed the same. In: their files of results; out: the largest differences.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

/// Two sides whose outputs differ by more than this share of their values do different work. Spikes at the threshold may fall either
/// way, so there is no saying "equal"; what is equal to the last bit is what the recorded cases check.
const TOLERANCE: f64 = 0.1;
/// Of gradients: four output spikes of the CSNN that fall the other way, of 320, move those of its first layers by a quarter.
/// A factor of two, or another surrogate, is beyond it.
const TOLERANCE_OF_GRADIENTS: f64 = 0.5;

/// How far results are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Difference {
    /// The largest of all elements.
    pub(crate) largest: f64,
    /// The norm of the difference over the norm of ours, of the tensor where that is largest.
    pub(crate) relative: f64,
}

impl Difference {
    /// Whether both did the same work, as far as this kind of result shows it.
    pub(crate) fn agrees(&self, kind: &str) -> bool {
        self.relative <= if kind == "gradient" { TOLERANCE_OF_GRADIENTS } else { TOLERANCE } // NaN does not
    }

    fn of(ours: &[f32], theirs: &[f32]) -> Difference {
        let (mut largest, mut apart, mut norm) = (0.0f64, 0.0, 0.0);
        for (&a, &b) in ours.iter().zip(theirs) {
            let (a, b) = (f64::from(a), f64::from(b));
            let d = (a - b).abs();
            largest = if d > largest || d.is_nan() { d } else { largest };
            apart += d * d;
            norm += a * a;
        }
        let relative = if apart == 0.0 { 0.0 } else { (apart / norm).sqrt() };
        Difference { largest, relative }
    }

    /// The worst of both, in each way.
    fn or(self, other: Difference) -> Difference {
        let worse = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
        Difference { largest: worse(self.largest, other.largest), relative: worse(self.relative, other.relative) }
    }
}

/// Differences of what both files have, by kind: `y`, `loss`, `gradient`, `after` (the weights after the step).
///
/// # Errors
/// If a file cannot be read, if a tensor is of other sizes in the other, or if they have nothing in common.
pub(crate) fn files(ours: &Path, theirs: &Path) -> Result<BTreeMap<String, Difference>> {
    let (ours, theirs) = (read(ours)?, read(theirs)?);
    let mut kinds: BTreeMap<String, Difference> = BTreeMap::new();
    for (name, a) in &ours {
        let Some(b) = theirs.get(name) else { continue };
        ensure!(a.sizes == b.sizes, "{name} is {:?} of ours, and {:?} of theirs", a.sizes, b.sizes);
        let kind = name.split('.').next().unwrap_or(name);
        let difference = Difference::of(&a.values, &b.values);
        kinds.entry(kind.to_string()).and_modify(|worst| *worst = worst.or(difference)).or_insert(difference);
    }
    ensure!(!kinds.is_empty(), "the results have no name in common");
    Ok(kinds)
}

struct Values {
    sizes: Vec<usize>,
    values: Vec<f32>,
}

fn read(path: &Path) -> Result<BTreeMap<String, Values>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = SafeTensors::deserialize(&bytes).with_context(|| format!("{} is no safetensors file", path.display()))?;
    let tensors = file.tensors().into_iter().map(|(name, view)| {
        ensure!(view.dtype() == Dtype::F32, "{name} is of {:?}, not of f32", view.dtype());
        let (words, _) = view.data().as_chunks::<4>();
        Ok((name, Values { sizes: view.shape().to_vec(), values: words.iter().map(|word| f32::from_le_bytes(*word)).collect() }))
    });
    tensors.collect()
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::scratch::Scratch;

    fn write(path: &Path, tensors: &[(&str, &[f32])]) {
        let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
        let views = tensors
            .iter()
            .zip(&bytes)
            .map(|((name, values), bytes)| (*name, TensorView::new(Dtype::F32, vec![values.len()], bytes).unwrap()));
        fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    }

    #[test]
    fn the_worst_of_each_kind_is_told() {
        let scratch = Scratch::new("compare");
        let (a, b) = (scratch.path().join("a"), scratch.path().join("b"));
        write(&a, &[("y", &[1.0, 0.0]), ("gradient.a", &[3.0, 4.0]), ("gradient.b", &[1.0, 0.0]), ("loss", &[1.0])]);
        write(&b, &[("y", &[1.0, 0.0]), ("gradient.a", &[3.0, 4.5]), ("gradient.b", &[1.0, 0.25])]);
        let kinds = files(&a, &b).unwrap();
        assert_eq!(kinds.keys().collect::<Vec<_>>(), ["gradient", "y"]); // a peer need not give all
        assert_eq!(kinds["y"], Difference::default());
        assert_eq!(kinds["gradient"], Difference { largest: 0.5, relative: 0.25 });
        assert!(kinds["y"].agrees("y") && kinds["gradient"].agrees("gradient") && !kinds["gradient"].agrees("after"));
    }

    #[test]
    fn what_is_no_number_agrees_with_nothing() {
        assert!(!Difference::of(&[1.0, 2.0], &[f32::NAN, 2.0]).agrees("gradient"));
        assert!(!Difference::of(&[0.0], &[1.0]).agrees("y"));
        assert!(!Difference::of(&[1.0, -2.0], &[2.0, -4.0]).agrees("gradient"), "a factor of two");
        let worst = Difference::of(&[1.0, 1.0], &[f32::NAN, 1.0]).or(Difference::default());
        assert!(worst.largest.is_nan() && !worst.agrees("y"));
    }

    #[test]
    fn results_of_other_work_are_refused() {
        let scratch = Scratch::new("compare-other");
        let (a, b) = (scratch.path().join("a"), scratch.path().join("b"));
        write(&a, &[("y", &[1.0, 0.0])]);
        write(&b, &[("y", &[1.0])]);
        assert!(files(&a, &b).unwrap_err().to_string().contains("[2] of ours, and [1] of theirs"));
        write(&b, &[("z", &[1.0])]);
        assert!(files(&a, &b).unwrap_err().to_string().contains("no name in common"));
        fs::write(&b, "x").unwrap();
        assert!(files(&a, &b).is_err());
    }
}
