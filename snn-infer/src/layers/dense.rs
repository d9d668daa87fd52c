//! Layers that work on numbers and take part in no fusion. In: one value, `[step][sample][cell][channel]`; out: another.

use std::fmt::Debug;

use snn_kernels::Error;
use snn_kernels::frozen::Windows;

use crate::graph::{Layout, Weight};
use crate::run::Memory;

/// Such a layer in the graph.
pub(crate) trait DenseLayer: Debug + Send + Sync {
    /// The tensors it needs.
    fn weights(&self) -> &[Weight] {
        &[]
    }

    /// The same layer at work. `weights` are in the order of [`weights`](DenseLayer::weights).
    fn kernel(&self, weights: Vec<Vec<f32>>) -> Box<dyn DenseKernel>;
}

/// Such a layer at work.
pub(crate) trait DenseKernel: Debug + Send + Sync {
    /// Numbers of a sample that go from step to step.
    fn carries(&self, layout: Layout) -> usize {
        let _ = layout;
        0
    }

    /// Has it no way to take one step?
    fn whole_sequences(&self) -> bool {
        false
    }

    /// Runs all steps.
    ///
    /// # Errors
    /// A kernel that was called wrongly.
    fn run(&self, call: Call<'_>) -> Result<(), Error>;
}

/// What a [`DenseKernel`] works on.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Steps that go out.
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    pub(crate) layout: Layout,
    /// All steps, or one if `fixed`.
    pub(crate) x: &'a [f32],
    pub(crate) fixed: bool,
    pub(crate) out: &'a mut [f32],
    /// Where its numbers go from call to call, if they do.
    pub(crate) memory: Option<Memory<'a>>,
}

impl Call<'_> {
    /// Steps that come in.
    pub(crate) fn x_steps(&self) -> usize {
        self.x.len() / (self.batch * self.layout.len()).max(1)
    }
}

/// y = a x + b, per channel: a normalisation with nothing before it that it could go into.
#[derive(Debug)]
pub(crate) struct ScaleShift {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
}

impl DenseKernel for ScaleShift {
    fn run(&self, call: Call<'_>) -> Result<(), Error> {
        let cells = call.x.chunks_exact(self.scale.len()).zip(call.out.chunks_exact_mut(self.scale.len()));
        for (x, y) in cells {
            for (c, (x, y)) in x.iter().zip(y).enumerate() {
                *y = x * self.scale[c] + self.shift[c];
            }
        }
        Ok(())
    }
}

/// The sum of each window, divided: every average pool.
#[derive(Clone, Debug)]
pub(crate) struct Average {
    pub(crate) windows: Windows,
    /// By output cell.
    pub(crate) divisors: Vec<f32>,
}

impl DenseLayer for Average {
    fn kernel(&self, _: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        Box::new(self.clone())
    }
}

impl DenseKernel for Average {
    fn run(&self, call: Call<'_>) -> Result<(), Error> {
        let Layout { cells, channels } = call.layout;
        let samples = call.x.chunks_exact(cells * channels);
        for (x, y) in samples.zip(call.out.chunks_exact_mut(self.divisors.len() * channels)) {
            for (o, (y, divisor)) in y.chunks_exact_mut(channels).zip(&self.divisors).enumerate() {
                y.fill(0.0);
                for cell in (0..self.windows.taps()).filter_map(|tap| self.windows.cell(tap, o)) {
                    for (y, x) in y.iter_mut().zip(&x[cell * channels..][..channels]) {
                        *y += x;
                    }
                }
                y.iter_mut().for_each(|y| *y /= divisor);
            }
        }
        Ok(())
    }
}
