//! Schedules that multiply. In: a base learning rate and a number of steps; out: the rate then.

use super::{Schedule, at_least_0, at_least_1, positive};
use crate::error::Result;

/// Multiplies the learning rate by `gamma` every `step_size` steps.
///
/// PyTorch equivalent: `torch.optim.lr_scheduler.StepLR(optimizer, step_size, gamma=0.1)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLR {
    /// Steps between two changes.
    pub step_size: u64,
    /// What a change multiplies by.
    pub gamma: f64,
}

impl StepLR {
    /// With torch's `gamma`, 0.1.
    pub fn new(step_size: u64) -> StepLR {
        StepLR { step_size, gamma: 0.1 }
    }
}

impl Schedule for StepLR {
    fn check(&self) -> Result<()> {
        at_least_1("StepLR", "step_size", self.step_size)?;
        positive("StepLR", "gamma", self.gamma)
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        Ok(base_lr * power(self.gamma, step / self.step_size))
    }
}

/// Multiplies the learning rate by `gamma` at each of some steps.
///
/// PyTorch equivalent: `torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)`.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiStepLR {
    /// The steps, in any order; one that stands there twice counts twice.
    pub milestones: Vec<u64>,
    /// What each of them multiplies by.
    pub gamma: f64,
}

impl MultiStepLR {
    /// With torch's `gamma`, 0.1.
    pub fn new(milestones: impl Into<Vec<u64>>) -> MultiStepLR {
        MultiStepLR { milestones: milestones.into(), gamma: 0.1 }
    }
}

impl Schedule for MultiStepLR {
    fn check(&self) -> Result<()> {
        positive("MultiStepLR", "gamma", self.gamma)
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        let passed = self.milestones.iter().filter(|&&at| at <= step).count();
        Ok(base_lr * power(self.gamma, passed as u64))
    }
}

/// Multiplies the learning rate by `gamma` at every step.
///
/// PyTorch equivalent: `torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialLR {
    /// What a step multiplies by.
    pub gamma: f64,
}

impl Schedule for ExponentialLR {
    fn check(&self) -> Result<()> {
        positive("ExponentialLR", "gamma", self.gamma)
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        Ok(base_lr * power(self.gamma, step))
    }
}

/// From `start_factor` to `end_factor` times the learning rate in `total_iters` steps, then as it is: a linear warm-up.
///
/// PyTorch equivalent: `torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1/3, end_factor=1.0, total_iters=5)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearLR {
    /// The first factor, greater than 0 and at most 1.
    pub start_factor: f64,
    /// The last factor, from 0 to 1.
    pub end_factor: f64,
    /// Steps from one to the other.
    pub total_iters: u64,
}

impl Default for LinearLR {
    fn default() -> Self {
        LinearLR { start_factor: 1.0 / 3.0, end_factor: 1.0, total_iters: 5 }
    }
}

impl Schedule for LinearLR {
    fn check(&self) -> Result<()> {
        const NAME: &str = "LinearLR";
        at_least_1(NAME, "total_iters", self.total_iters)?;
        positive(NAME, "start_factor", self.start_factor)?;
        at_least_0(NAME, "end_factor", self.end_factor)?;
        match [("start_factor", self.start_factor), ("end_factor", self.end_factor)].into_iter().find(|(_, f)| *f > 1.0) {
            Some((name, got)) => Err(super::wrong(NAME, name, "at most 1", got)),
            None => Ok(()),
        }
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        if step >= self.total_iters {
            return Ok(base_lr * self.end_factor);
        }
        let done = step as f64 / self.total_iters as f64;
        Ok(base_lr * (self.start_factor + (self.end_factor - self.start_factor) * done))
    }
}

fn power(gamma: f64, n: u64) -> f64 {
    gamma.powi(i32::try_from(n).unwrap_or(i32::MAX))
}
