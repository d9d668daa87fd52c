//! TensorBoard, from tensors. In: a net in training; out: event files of `snn-tensorboard`, whose [`SummaryWriter`] this module re-exports.
//!
//! ```
//! use snn_runtime::tensorboard::{SummaryWriter, TensorSummaries};
//! use snn_runtime::{Device, Tensor, nn};
//!
//! # let folder = std::env::temp_dir().join(format!("snn-runtime-tensorboard-{}", std::process::id()));
//! let vs = nn::VarStore::new(Device::Cpu);
//! let _weight = vs.root().randn_standard("weight", &[4, 3]);
//! let mut writer = SummaryWriter::new(folder.join("runs/first"))?;
//! for epoch in 0..3 {
//!     writer.add_scalar("loss/train", 1.0 / (1.0 + epoch as f64), epoch)?;
//!     writer.add_variables(&vs, epoch)?; // histograms of weights and gradients
//! }
//! # std::fs::remove_dir_all(folder).ok();
//! # Ok::<(), snn_runtime::Error>(())
//! ```

use tch::{Tensor, nn};

use crate::error::{Error, Result};
use crate::frozen::numbers;

pub use snn_tensorboard::{Error as TensorBoardError, SummaryWriter};

/// Summaries of tensors, for a [`SummaryWriter`].
pub trait TensorSummaries {
    /// How the elements of a tensor of any shape are distributed. torch equivalent: `SummaryWriter.add_histogram`.
    ///
    /// # Errors
    ///
    /// It is empty, an element is infinite or not a number, or the file cannot be written.
    fn add_tensor_histogram(&mut self, tag: &str, x: &Tensor, global_step: i64) -> Result<()>;

    /// An image, `[H, W]` or `[C, H, W]` with numbers from 0 to 1. torch equivalent: `SummaryWriter.add_image`.
    ///
    /// # Errors
    ///
    /// The shape is another one, a number is out of range, or the file cannot be written.
    fn add_tensor_image(&mut self, tag: &str, image: &Tensor, global_step: i64) -> Result<()>;

    /// Histograms of all that is trained, as `weights/conv1.weight`, and of the gradients that are there, as `gradients/conv1.weight`.
    ///
    /// # Errors
    ///
    /// One holds something infinite or not a number, or the file cannot be written.
    fn add_variables(&mut self, vs: &nn::VarStore, global_step: i64) -> Result<()>;
}

impl TensorSummaries for SummaryWriter {
    fn add_tensor_histogram(&mut self, tag: &str, x: &Tensor, global_step: i64) -> Result<()> {
        Ok(self.add_histogram(tag, &numbers(x)?.1, global_step)?)
    }

    fn add_tensor_image(&mut self, tag: &str, image: &Tensor, global_step: i64) -> Result<()> {
        let (shape, pixels) = numbers(image)?;
        let shape = match shape[..] {
            [height, width] => [1, height, width],
            [channels, height, width] => [channels, height, width],
            _ => return Err(Error::shape(tag, "an image, [H, W] or [C, H, W]", &image.size(), "")),
        };
        Ok(self.add_image(tag, &pixels, shape, global_step)?)
    }

    fn add_variables(&mut self, vs: &nn::VarStore, global_step: i64) -> Result<()> {
        let mut variables: Vec<(String, Tensor)> = vs.variables().into_iter().filter(|(_, x)| x.requires_grad()).collect();
        variables.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, x) in &variables {
            // TensorBoard groups by what stands before the slash.
            self.add_tensor_histogram(&format!("weights/{name}"), x, global_step)?;
            let grad = x.f_grad()?;
            if grad.defined() {
                self.add_tensor_histogram(&format!("gradients/{name}"), &grad, global_step)?;
            }
        }
        Ok(())
    }
}
