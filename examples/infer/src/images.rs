//! The test images of `data/fmnist-small`. In: how many; out: pixels from 0 to 1 and classes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flate2::read::GzDecoder;

/// Pixels of an image.
pub(crate) const SIZE: usize = 28 * 28;

/// Images with a class each.
pub(crate) struct Images {
    /// `[n, 1, 28, 28]`
    pub(crate) pixels: Vec<f32>,
    pub(crate) labels: Vec<usize>,
}

impl Images {
    /// The first of the set, at most so many.
    pub(crate) fn read(most: usize) -> Result<Images> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/fmnist-small");
        let pixels = bytes(&dir.join("t10k-images-idx3-ubyte.gz"), 16, SIZE, most)?;
        let labels = bytes(&dir.join("t10k-labels-idx1-ubyte.gz"), 8, 1, most)?;
        ensure!(pixels.len() == labels.len() * SIZE, "{} has not one label for each image", dir.display());
        Ok(Images {
            pixels: pixels.iter().map(|p| f32::from(*p) / 255.0).collect(),
            labels: labels.iter().map(|l| usize::from(*l)).collect(),
        })
    }
}

/// What follows the header of an IDX file: at most so many items of `size` bytes.
fn bytes(path: &Path, header: usize, size: usize, most: usize) -> Result<Vec<u8>> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut from = GzDecoder::new(File::open(path)?).take((size as u64).saturating_mul(most as u64).saturating_add(header as u64));
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        bytes.drain(..header.min(bytes.len()));
        Ok(bytes)
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_images_are_the_first_of_all() {
        let (all, three) = (Images::read(usize::MAX).unwrap(), Images::read(3).unwrap());
        assert_eq!((all.labels.len(), all.pixels.len()), (500, 500 * SIZE));
        assert!(all.labels.iter().all(|label| *label < 10) && all.pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        assert_eq!((&three.labels[..], &three.pixels[..]), (&all.labels[..3], &all.pixels[..3 * SIZE]));
    }
}
