//! What a training loop needs beside the net. In: outputs and labels, gradients; out: numbers, weights moved on.

mod adam;
mod checkpoint;
mod clip;
mod lr_scheduler;
mod memory;

pub use adam::{Adam, AdamConfig};
pub use checkpoint::{Checkpoint, Progress};
pub use clip::{clip_grad_norm_, clip_grad_value_};
pub use lr_scheduler::{
    AnnealStrategy, CosineAnnealingLR, CosineAnnealingWarmRestarts, ExponentialLR, LRScheduler, LearningRate, LinearLR, MultiStepLR,
    OneCycleLR, Schedule, SequentialLR, StepLR,
};
pub use memory::keep_freed_memory;
use tch::{Kind, Tensor};

use crate::error::{Error, Result};

/// The share of samples whose largest output is the label's, from 0 to 1.
///
/// `outputs` is `[N, classes]` (firing rates, spike counts, ..), `labels` `[N]` of `Int64`.
///
/// # Errors
///
/// [`Error::Shape`]: the two do not belong together, or there is no sample.
pub fn accuracy(outputs: &Tensor, labels: &Tensor) -> Result<f64> {
    let (got, want) = (outputs.size(), labels.size());
    if got.len() != 2 || want.len() != 1 || got[0] != want[0] || got[0] == 0 {
        let wants = format!("outputs [N, classes] with N as in the labels' {want:?}, and at least 1");
        return Err(Error::shape("accuracy", wants, &got, ""));
    }
    let right = tch::no_grad(|| outputs.f_argmax(1, false)?.f_eq_tensor(labels)?.f_sum(Kind::Int64)?.f_int64_value(&[]))?;
    Ok(right as f64 / got[0] as f64)
}

/// An argument that is a number greater than 0.
fn positive(name: &str, argument: &str, got: f64) -> Result<()> {
    match got > 0.0 && got.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(name, argument, format!("must be a number greater than 0, but is {got:?}"), "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_largest_outputs() {
        let outputs = Tensor::from_slice2(&[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]);
        assert_eq!(accuracy(&outputs, &Tensor::from_slice(&[1i64, 0, 0])).unwrap(), 2.0 / 3.0);
        let e = accuracy(&outputs, &Tensor::from_slice(&[1i64])).unwrap_err().to_string();
        assert!(e.contains("[1]") && e.contains("[3, 2]"), "{e}");
    }
}
