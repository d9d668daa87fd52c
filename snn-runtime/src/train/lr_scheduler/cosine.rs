//! Schedules that fall as half a cosine. In: a base learning rate and a number of steps; out: the rate then.

use std::f64::consts::PI;

use super::{Schedule, at_least_0, at_least_1, half_cosine};
use crate::error::Result;

/// From the base learning rate to `eta_min` as half a cosine in `t_max` steps, and up again in as many.
///
/// From "SGDR: Stochastic Gradient Descent with Warm Restarts" (Loshchilov and Hutter, ICLR 2017), without its restarts.
/// PyTorch equivalent: `torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max, eta_min=0.0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineAnnealingLR {
    /// Steps to the lowest rate. (PyTorch: `T_max`.)
    pub t_max: u64,
    /// The lowest rate.
    pub eta_min: f64,
}

impl CosineAnnealingLR {
    /// Down to 0.
    pub fn new(t_max: u64) -> CosineAnnealingLR {
        CosineAnnealingLR { t_max, eta_min: 0.0 }
    }
}

impl Schedule for CosineAnnealingLR {
    fn check(&self) -> Result<()> {
        at_least_1("CosineAnnealingLR", "t_max", self.t_max)?;
        at_least_0("CosineAnnealingLR", "eta_min", self.eta_min)
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        // A period that is no `u64` is longer than any number of steps.
        let at = self.t_max.checked_mul(2).map_or(step, |period| step % period);
        Ok(half_cosine(base_lr, self.eta_min, PI * at as f64 / self.t_max as f64))
    }
}

/// From the base learning rate to `eta_min` as half a cosine in `t_0` steps, then from the start, each time `t_mult` times as long.
///
/// From "SGDR: Stochastic Gradient Descent with Warm Restarts" (Loshchilov and Hutter, ICLR 2017).
/// PyTorch equivalent: `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0, T_mult=1, eta_min=0.0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineAnnealingWarmRestarts {
    /// Steps of the first descent. (PyTorch: `T_0`.)
    pub t_0: u64,
    /// How much longer each descent is than the one before. (PyTorch: `T_mult`.)
    pub t_mult: u64,
    /// The rate that a descent ends at.
    pub eta_min: f64,
}

impl CosineAnnealingWarmRestarts {
    /// All descents of one length, down to 0.
    pub fn new(t_0: u64) -> CosineAnnealingWarmRestarts {
        CosineAnnealingWarmRestarts { t_0, t_mult: 1, eta_min: 0.0 }
    }
}

impl Schedule for CosineAnnealingWarmRestarts {
    fn check(&self) -> Result<()> {
        const NAME: &str = "CosineAnnealingWarmRestarts";
        at_least_1(NAME, "t_0", self.t_0)?;
        at_least_1(NAME, "t_mult", self.t_mult)?;
        at_least_0(NAME, "eta_min", self.eta_min)
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        let (mut at, mut length) = (step, self.t_0);
        if self.t_mult == 1 {
            at %= length;
        }
        while at >= length {
            at -= length;
            length = length.saturating_mul(self.t_mult);
        }
        Ok(half_cosine(base_lr, self.eta_min, PI * at as f64 / length as f64))
    }
}
