//! Numbers with a shape. In: a slice and sizes; out: an array that is known to have numbers in it, all of them finite.

use crate::error::{Error, Result};

const NAME: &str = "Array";

/// Numbers to look at, the last axis fastest, as in torch. There is at least one, and each is finite.
///
/// ```
/// use snn_plot::Array;
///
/// let spikes = Array::new([4, 2, 3], vec![0.0; 24])?; // [T, N, neurons]
/// assert_eq!(spikes.sample(1)?.shape(), [4, 3]);
/// assert!(Array::new([2, 2], [0.0, 1.0, 2.0]).is_err());
/// # Ok::<(), snn_plot::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    /// # Errors
    ///
    /// There are no numbers, their count is not that of the shape, or one is infinite or not a number.
    pub fn new(shape: impl Into<Vec<usize>>, values: impl Into<Vec<f32>>) -> Result<Array> {
        let (shape, values) = (shape.into(), values.into());
        let wants = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        if wants != Some(values.len()) {
            let problem = format!("of shape {shape:?} wants as many numbers, but gets {}", values.len());
            return Err(Error::argument(NAME, "`values`", problem, "give sizes whose product is the number of values"));
        }
        if values.is_empty() {
            return Err(Error::argument(NAME, "`values`", format!("of shape {shape:?} are empty: there is nothing to show"), ""));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            let problem = format!("must be finite, but number {i} is {}", values[i]);
            return Err(Error::argument(
                NAME,
                "`values`",
                problem,
                "find out where it comes from: too high a learning rate, a division by 0",
            ));
        }
        Ok(Array { shape, values })
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, the last axis fastest.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One sample of a sequence: `[T, N, ..]` to `[T, ..]`.
    ///
    /// # Errors
    ///
    /// There are fewer than two axes, or not so many samples.
    pub fn sample(&self, n: usize) -> Result<Array> {
        self.pick(1, n, "sample", "a sequence of samples, [T, N, ..]")
    }

    /// One step of a sequence: `[T, ..]` to `[..]`. Also one sample of a batch: `[N, ..]` to `[..]`.
    ///
    /// # Errors
    ///
    /// There is no axis, or not so many steps.
    pub fn step(&self, t: usize) -> Result<Array> {
        self.pick(0, t, "step", "a sequence, [T, ..]")
    }

    /// Means over the first axis: `[T, ..]` to `[..]`. Of spikes: firing rates.
    ///
    /// # Errors
    ///
    /// There is no axis.
    pub fn mean_over_time(&self) -> Result<Array> {
        let Some((&steps, rest)) = self.shape.split_first() else {
            return Err(Error::argument(NAME, "`mean_over_time`", "wants a sequence, [T, ..], but gets one number", ""));
        };
        let cells = self.values.len() / steps;
        let mean = |cell: usize| self.values[cell..].iter().step_by(cells).map(|&v| f64::from(v)).sum::<f64>() / steps as f64;
        Ok(Array { shape: rest.to_vec(), values: (0..cells).map(|cell| mean(cell) as f32).collect() })
    }

    fn pick(&self, axis: usize, index: usize, what: &str, wants: &str) -> Result<Array> {
        let Some(&size) = self.shape.get(axis) else {
            return Err(Error::argument(NAME, format!("`{what}`"), format!("wants {wants}, but gets {:?}", self.shape), ""));
        };
        if index >= size {
            let problem = format!("{index} is not there: an array of shape {:?} has {size}, counted from 0", self.shape);
            return Err(Error::argument(NAME, format!("`{what}`"), problem, ""));
        }
        let inner: usize = self.shape[axis + 1..].iter().product();
        let chunks = self.values.chunks_exact(size * inner).map(|chunk| &chunk[index * inner..][..inner]);
        let values = chunks.flatten().copied().collect();
        let shape = [&self.shape[..axis], &self.shape[axis + 1..]].concat();
        Ok(Array { shape, values })
    }

    /// `[T, ..]` as steps and neurons.
    pub(crate) fn over_time(&self, plot: &'static str, argument: &str) -> Result<Series<'_>> {
        match self.shape.split_first() {
            Some((&steps, rest)) if !rest.is_empty() => Ok(Series { steps, neurons: rest.iter().product(), values: &self.values }),
            _ => {
                let problem = format!("wants [T, neurons] or [T, ..], but gets {:?}", self.shape);
                Err(Error::argument(plot, argument, problem, "pick a sample of [T, N, ..] with `sample`"))
            }
        }
    }

    /// The smallest and the largest number.
    pub(crate) fn range(&self) -> (f64, f64) {
        range(self.values.iter().map(|&v| f64::from(v)))
    }
}

/// The smallest and the largest number.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// Numbers of some neurons over some steps.
#[derive(Clone, Copy)]
pub(crate) struct Series<'a> {
    pub(crate) steps: usize,
    pub(crate) neurons: usize,
    values: &'a [f32],
}

impl Series<'_> {
    pub(crate) fn at(&self, t: usize, neuron: usize) -> f64 {
        f64::from(self.values[t * self.neurons + neuron])
    }

    /// One neuron.
    pub(crate) fn of(&self, neuron: usize) -> impl Iterator<Item = f64> {
        (0..self.steps).map(move |t| self.at(t, neuron))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_and_means() -> Result<()> {
        let x = Array::new([2, 3, 2], (0..12u8).map(f32::from).collect::<Vec<_>>())?;
        assert_eq!(x.sample(1)?, Array::new([2, 2], [2.0, 3.0, 8.0, 9.0])?);
        assert_eq!(x.step(1)?, Array::new([3, 2], [6.0, 7.0, 8.0, 9.0, 10.0, 11.0])?);
        assert_eq!(x.mean_over_time()?, Array::new([3, 2], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0])?);
        assert_eq!(x.step(0)?.step(2)?.step(1)?, Array::new([], [5.0])?);
        Ok(())
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let problem = |shape: &[usize], values: &[f32]| Array::new(shape, values).unwrap_err().to_string();
        assert!(problem(&[2], &[1.0]).contains("of shape [2] wants as many numbers, but gets 1"));
        assert!(problem(&[0, 4], &[]).contains("are empty"));
        assert!(problem(&[usize::MAX, 2], &[1.0]).contains("wants as many"));
        assert!(problem(&[2], &[1.0, f32::NAN]).contains("number 1 is NaN"));
        let x = Array::new([2], [1.0, 2.0]).unwrap();
        assert!(x.sample(0).unwrap_err().to_string().contains("`sample` wants a sequence of samples, [T, N, ..], but gets [2]"));
        assert!(x.step(2).unwrap_err().to_string().contains("`step` 2 is not there"));
        assert!(x.step(0).unwrap().mean_over_time().is_err());
    }
}
