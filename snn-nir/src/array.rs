//! Numbers with a shape. In: what a file holds, or a sequence to run a graph on; out: the same, with its sizes checked.

use crate::error::{Error, Result};

/// Numbers in row-major order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Array {
    /// An array of these sizes.
    ///
    /// # Errors
    ///
    /// If there are more or fewer numbers than the sizes say.
    pub fn new(shape: impl Into<Vec<usize>>, data: impl Into<Vec<f64>>) -> Result<Array> {
        let (shape, data) = (shape.into(), data.into());
        let count = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        if count != Some(data.len()) {
            let wants = count.map_or("fewer numbers".into(), |n| format!("{n} numbers"));
            return Err(Error::Input { input: "array".into(), wants: format!("{wants} for {shape:?}"), got: data.len().to_string() });
        }
        Ok(Array { shape, data })
    }

    /// The same number everywhere.
    ///
    /// # Panics
    ///
    /// As `vec![value; n]`: no memory has room for so many numbers.
    pub fn full(shape: impl Into<Vec<usize>>, value: f64) -> Array {
        let shape = shape.into();
        Array { data: vec![value; shape.iter().fold(1, |n: usize, &size| n.saturating_mul(size))], shape }
    }

    /// One axis.
    pub fn vector(data: impl Into<Vec<f64>>) -> Array {
        let data = data.into();
        Array { shape: vec![data.len()], data }
    }

    /// The sizes; none for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, row by row.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// The number for cell `index` of a layer: a single one holds for all cells.
    pub(crate) fn at(&self, index: usize) -> f64 {
        if self.data.len() == 1 { self.data[0] } else { self.data[index] }
    }

    /// The one number that all of them are.
    pub(crate) fn uniform(&self) -> Option<f64> {
        let first = *self.data.first()?;
        self.data.iter().all(|&x| x == first).then_some(first)
    }

    /// One number for each of `channels` channels, if it is the same over the cells of each.
    pub(crate) fn per_channel(&self, channels: usize) -> Option<Vec<f64>> {
        if let Some(value) = self.uniform() {
            return Some(vec![value; channels]);
        }
        let cells = self.data.len().checked_div(channels).filter(|cells| cells * channels == self.data.len() && *cells > 0)?;
        self.data.chunks(cells).map(|channel| channel.iter().all(|&x| x == channel[0]).then_some(channel[0])).collect()
    }
}
