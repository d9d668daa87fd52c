//! The test images of `data/fmnist-small`. In: nothing; out: pixels from 0 to 1 and classes.

use std::path::Path;

use anyhow::{Result, ensure};
use snn_data::Idx;

/// Pixels of an image.
pub(crate) const SIZE: usize = 28 * 28;

/// Images with a class each.
pub(crate) struct Images {
    /// `[n, 1, 28, 28]`
    pub(crate) pixels: Vec<f32>,
    pub(crate) labels: Vec<usize>,
}

impl Images {
    /// All of the set.
    pub(crate) fn read() -> Result<Images> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/fmnist-small");
        let (images, labels) = (Idx::read(dir.join("t10k-images-idx3-ubyte.gz"))?, Idx::read(dir.join("t10k-labels-idx1-ubyte.gz"))?);
        ensure!(
            images.sizes == [labels.data.len(), 28, 28],
            "{} has images {:?} for {} labels",
            dir.display(),
            images.sizes,
            labels.data.len()
        );
        Ok(Images {
            pixels: images.data.iter().map(|p| f32::from(*p) / 255.0).collect(),
            labels: labels.data.iter().map(|l| usize::from(*l)).collect(),
        })
    }
}
