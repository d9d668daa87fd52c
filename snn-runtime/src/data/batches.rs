//! Labelled images and their mini-batches. In: two IDX files, or two tensors; out: batches in order, or shuffled by a seed.

use std::path::{Path, PathBuf};

use snn_data::{Idx, permutation};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};

/// Images with a class each.
#[derive(Debug)]
pub struct Dataset {
    /// `[n, 1, H, W]`, `f32` from 0 to 1.
    pub images: Tensor,
    /// `[n]`, `i64` class numbers.
    pub labels: Tensor,
}

impl Dataset {
    /// Images and labels from two IDX files, each plain or gzip.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is not what it should be, there are no images, or there are more of one than of the other;
    /// the error names the file.
    pub fn read(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Dataset> {
        let (image_path, label_path) = (images.as_ref(), labels.as_ref());
        let (images, labels) = (Idx::read(image_path)?, Idx::read(label_path)?);
        let &[n, height, width] = &images.sizes[..] else {
            return Err(wrong(image_path, format!("wants images [n, H, W], but has sizes {:?}", images.sizes)));
        };
        let &[count] = &labels.sizes[..] else {
            return Err(wrong(label_path, format!("wants labels [n], but has sizes {:?}", labels.sizes)));
        };
        if n != count {
            return Err(wrong(label_path, format!("has {count} labels, but {} has {n} images", image_path.display())));
        }
        if images.data.is_empty() {
            return Err(wrong(image_path, format!("has no images: its sizes are {:?}", images.sizes)));
        }
        let size = [n, 1, height, width].map(|n| n as i64);
        let images = Tensor::f_from_data_size(&images.data, &size, Kind::Uint8)?.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?;
        let labels = Tensor::f_from_data_size(&labels.data, &[n as i64], Kind::Uint8)?.f_to_kind(Kind::Int64)?;
        Ok(Dataset { images, labels })
    }

    /// Training and test set from a folder with the four files of MNIST, `train-images-idx3-ubyte` and so on, each with or
    /// without `.gz`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn mnist_like(dir: impl AsRef<Path>) -> Result<(Dataset, Dataset)> {
        let dir = dir.as_ref();
        let file = |name: &str| -> PathBuf {
            let plain = dir.join(name);
            if plain.exists() { plain } else { dir.join(format!("{name}.gz")) }
        };
        let set = |part: &str| Dataset::read(file(&format!("{part}-images-idx3-ubyte")), file(&format!("{part}-labels-idx1-ubyte")));
        Ok((set("train")?, set("t10k")?))
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.numel()
    }

    /// No images?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Batches of `size` in order; the last may be smaller. They share the memory of the set.
    ///
    /// # Errors
    ///
    /// `size` is 0, or the set has more images than labels or the reverse.
    pub fn batches(&self, size: usize) -> Result<Batches<'_>> {
        self.ordered(size, None)
    }

    /// Batches of `size` in random order; the last may be smaller. The order depends on the seed, the epoch and the number of
    /// images only, not on torch's generator or the number of threads.
    ///
    /// # Errors
    ///
    /// As [`batches`](Self::batches).
    pub fn shuffled(&self, size: usize, seed: u64, epoch: u32) -> Result<Batches<'_>> {
        let order: Vec<i64> = permutation(self.len(), seed, epoch).into_iter().map(|i| i as i64).collect();
        self.ordered(size, Some(Tensor::f_from_slice(&order)?))
    }

    fn ordered(&self, size: usize, order: Option<Tensor>) -> Result<Batches<'_>> {
        if size == 0 {
            return Err(Error::argument("Dataset", "size", "must be at least 1, but is 0", ""));
        }
        let images = self.images.size().first().map_or(0, |&n| n as usize);
        if images != self.len() {
            let problem = format!("has {} entries for {images} images", self.len());
            return Err(Error::argument("Dataset", "labels", problem, ""));
        }
        Ok(Batches { set: self, order, size, at: 0 })
    }
}

/// The batches of one pass over a [`Dataset`]: images `[size, 1, H, W]` and labels `[size]`.
#[derive(Debug)]
pub struct Batches<'a> {
    set: &'a Dataset,
    order: Option<Tensor>,
    size: usize,
    at: usize,
}

impl Batches<'_> {
    fn cut(&self, from: i64, count: i64) -> Result<(Tensor, Tensor)> {
        let Dataset { images, labels } = self.set;
        match &self.order {
            Some(order) => {
                let these = order.f_narrow(0, from, count)?;
                Ok((images.f_index_select(0, &these)?, labels.f_index_select(0, &these)?))
            }
            None => Ok((images.f_narrow(0, from, count)?, labels.f_narrow(0, from, count)?)),
        }
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(Tensor, Tensor)>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.size.min(self.set.len().saturating_sub(self.at));
        if count == 0 {
            return None;
        }
        let batch = self.cut(self.at as i64, count as i64);
        self.at += count;
        Some(batch)
    }

    /// Batches that are skipped are not made: a run that goes on skips those it has seen.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.at = self.at.saturating_add(n.saturating_mul(self.size)).min(self.set.len());
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.set.len().saturating_sub(self.at).div_ceil(self.size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}

fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// An IDX file of the given sizes.
    fn file(sizes: &[u32], data: &[u8]) -> Vec<u8> {
        let header = [0, 0, 8, sizes.len() as u8];
        [&header[..], &sizes.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>(), data].concat()
    }

    /// `n` images of 2 x 2; each pixel, and the label, is the image's number.
    fn numbered(n: i64) -> Dataset {
        let labels = Tensor::arange(n, (Kind::Int64, tch::Device::Cpu));
        Dataset { images: labels.to_kind(Kind::Float).view([n, 1, 1, 1]).expand([n, 1, 2, 2], false), labels }
    }

    fn labels(batches: Batches<'_>) -> Vec<i64> {
        batches.flat_map(|b| Vec::try_from(b.unwrap().1).unwrap()).collect()
    }

    /// A folder of its own with the two files of a set.
    fn written(name: &str, images: &[u8], labels: &[u8]) -> (PathBuf, PathBuf) {
        let dir = std::env::temp_dir().join(format!("snn-data-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let paths = (dir.join("images"), dir.join("labels"));
        fs::write(&paths.0, images).unwrap();
        fs::write(&paths.1, labels).unwrap();
        paths
    }

    #[test]
    fn files_become_tensors() {
        let (images, labels) = written("good", &file(&[2, 1, 2], &[0, 255, 51, 0]), &file(&[2], &[9, 3]));
        let set = Dataset::read(images, labels).unwrap();
        assert_eq!(set.images.size(), [2, 1, 1, 2]);
        assert_eq!(Vec::<f32>::try_from(set.images.view([-1])).unwrap(), [0.0, 1.0, 0.2, 0.0]);
        assert_eq!(Vec::<i64>::try_from(&set.labels).unwrap(), [9, 3]);
    }

    #[test]
    fn sets_that_do_not_fit_are_named() {
        let cases: [(&str, &[u32], &[u32], &str); 4] = [
            ("count", &[3, 1, 1], &[2], "labels: has 2 labels, but "),
            ("rank", &[3, 1], &[3], "images: wants images [n, H, W], but has sizes [3, 1]"),
            ("swapped", &[1, 1, 1], &[1, 1, 1], "labels: wants labels [n], but has sizes [1, 1, 1]"),
            ("none", &[0, 28, 28], &[0], "images: has no images: its sizes are [0, 28, 28]"),
        ];
        for (name, images, labels, says) in cases {
            let bytes = |sizes: &[u32]| file(sizes, &vec![0; sizes.iter().product::<u32>() as usize]);
            let (images, labels) = written(name, &bytes(images), &bytes(labels));
            let error = Dataset::read(images, labels).unwrap_err().to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }

    #[test]
    fn the_embedded_subset_is_balanced() {
        let (train, test) = Dataset::mnist_like(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/fmnist-small")).unwrap();
        assert_eq!((train.images.size(), test.images.size()), (vec![1000, 1, 28, 28], vec![500, 1, 28, 28]));
        for (set, each) in [(&train, 100), (&test, 50)] {
            assert_eq!(Vec::<i64>::try_from(set.labels.bincount::<Tensor>(None, 0)).unwrap(), [each; 10]);
        }
    }

    #[test]
    fn batches_in_order_keep_the_rest() {
        let set = numbered(10);
        assert_eq!(set.batches(4).unwrap().len(), 3);
        let sizes: Vec<Vec<i64>> = set.batches(4).unwrap().map(|b| b.unwrap().0.size()).collect();
        assert_eq!(sizes, [[4, 1, 2, 2], [4, 1, 2, 2], [2, 1, 2, 2]]);
        assert_eq!(labels(set.batches(4).unwrap()), (0..10).collect::<Vec<_>>());
        assert!(set.batches(0).unwrap_err().to_string().contains("`size` must be at least 1"));
        assert_eq!(numbered(0).batches(4).unwrap().count(), 0);
        let skipped = |n| set.batches(4).unwrap().skip(n).flat_map(|b| Vec::<i64>::try_from(b.unwrap().1).unwrap()).collect::<Vec<_>>();
        assert_eq!((skipped(1), skipped(2), skipped(3)), ((4..10).collect(), vec![8, 9], vec![]));
        assert!(skipped(usize::MAX).is_empty());
    }

    #[test]
    fn shuffles_depend_on_seed_and_epoch_only() {
        let set = numbered(1000);
        let order = |seed, epoch| labels(set.shuffled(64, seed, epoch).unwrap());
        assert_eq!(order(1, 0), order(1, 0));
        assert_eq!(labels(set.shuffled(7, 1, 0).unwrap()), order(1, 0)); // whatever the batch size
        assert!(order(1, 0) != order(1, 1) && order(1, 0) != order(2, 0) && order(1, 0) != order(1 << 32, 0));
        let mut sorted = order(1, 0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn images_and_labels_stay_together() {
        let set = numbered(50);
        for batch in set.shuffled(8, 3, 1).unwrap() {
            let (images, labels) = batch.unwrap();
            assert_eq!(images.select(3, 1).select(2, 0).view([-1]).to_kind(Kind::Int64), labels);
        }
    }
}
