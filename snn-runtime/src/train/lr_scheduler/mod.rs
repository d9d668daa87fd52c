//! Learning rates that change while a net trains. In: a schedule, an optimiser, and how many steps there were; out: the optimiser's learning
//! rate.
//!
//! Every schedule is a function of the number of steps, so that its position is that number, and a run that goes on (see
//! [`Checkpoint`](super::Checkpoint)) stores nothing else of it. The classes are those of `torch.optim.lr_scheduler`, with their names, arguments,
//! defaults and numbers.

mod cosine;
mod decay;
mod one_cycle;
mod sequential;

pub use cosine::{CosineAnnealingLR, CosineAnnealingWarmRestarts};
pub use decay::{ExponentialLR, LinearLR, MultiStepLR, StepLR};
pub use one_cycle::{AnnealStrategy, OneCycleLR};
pub use sequential::SequentialLR;

use std::fmt::Debug;

use tch::nn;

use super::{Adam, positive};
use crate::error::{Error, Result};

/// The learning rate as a function of the number of steps: epochs or batches, whichever [`LRScheduler::step`] is called after.
pub trait Schedule: Debug + Send {
    /// Its arguments can be worked with.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] names the argument.
    fn check(&self) -> Result<()>;

    /// The learning rate after `step` steps, where the optimiser's own is `base_lr`.
    ///
    /// # Errors
    ///
    /// The schedule is over ([`OneCycleLR`]).
    fn lr(&self, base_lr: f64, step: u64) -> Result<f64>;
}

/// What has a learning rate: [`Adam`], and tch's optimisers.
pub trait LearningRate {
    /// Another learning rate from here on.
    fn set_lr(&mut self, lr: f64);
}

impl LearningRate for Adam {
    fn set_lr(&mut self, lr: f64) {
        Adam::set_lr(self, lr);
    }
}

impl LearningRate for nn::Optimizer {
    fn set_lr(&mut self, lr: f64) {
        nn::Optimizer::set_lr(self, lr);
    }
}

/// A schedule at work: sets an optimiser's learning rate, and counts the steps.
///
/// PyTorch equivalent: `torch.optim.lr_scheduler.LRScheduler`, the base class of all.
///
/// ```
/// use snn_runtime::train::{Adam, AdamConfig, CosineAnnealingLR, LRScheduler, LinearLR, SequentialLR};
/// use snn_runtime::{Device, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let mut optimizer = Adam::new(&vs, AdamConfig::default())?;
/// // Up to 0.01 in 100 steps, then down to 0 in 900.
/// let warm_up = LinearLR { start_factor: 0.01, total_iters: 100, ..LinearLR::default() };
/// let schedule = SequentialLR::new(warm_up).then(100, CosineAnnealingLR::new(900));
/// let mut scheduler = LRScheduler::new(schedule, &mut optimizer, 0.01)?;
/// assert_eq!(optimizer.config().lr, 0.0001);
/// for _ in 0..100 {
///     // .. a batch: backward, optimizer.step() ..
///     scheduler.step(&mut optimizer)?;
/// }
/// assert_eq!(optimizer.config().lr, 0.01);
/// # Ok::<(), snn_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct LRScheduler {
    schedule: Box<dyn Schedule>,
    base_lr: f64,
    last_epoch: u64,
    last_lr: f64,
}

impl LRScheduler {
    /// Starts a schedule: the optimiser gets the learning rate of step 0. `base_lr` is what torch takes from the optimiser (tch does not tell it).
    ///
    /// # Errors
    ///
    /// An argument of the schedule that it cannot work with, or `base_lr` is no number from 0 up.
    pub fn new(schedule: impl Schedule + 'static, optimizer: &mut impl LearningRate, base_lr: f64) -> Result<LRScheduler> {
        schedule.check()?;
        at_least_0("LRScheduler", "base_lr", base_lr)?;
        let mut scheduler = LRScheduler { schedule: Box::new(schedule), base_lr, last_epoch: 0, last_lr: base_lr };
        scheduler.set_last_epoch(0, optimizer)?;
        Ok(scheduler)
    }

    /// One step on: the optimiser gets the next learning rate, which is returned. Called after the optimiser's own `step`.
    ///
    /// # Errors
    ///
    /// The schedule is over ([`OneCycleLR`]); the learning rate stays.
    pub fn step(&mut self, optimizer: &mut impl LearningRate) -> Result<f64> {
        self.set_last_epoch(self.last_epoch + 1, optimizer)
    }

    /// Steps so far. (PyTorch: `last_epoch`, whether it counts epochs or batches.)
    pub fn last_epoch(&self) -> u64 {
        self.last_epoch
    }

    /// The learning rate that the optimiser has got. (PyTorch: `get_last_lr()[0]`.)
    pub fn get_last_lr(&self) -> f64 {
        self.last_lr
    }

    /// Goes to another position, as if there had been `last_epoch` steps, and sets the learning rate of it.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn set_last_epoch(&mut self, last_epoch: u64, optimizer: &mut impl LearningRate) -> Result<f64> {
        let lr = self.schedule.lr(self.base_lr, last_epoch)?;
        (self.last_epoch, self.last_lr) = (last_epoch, lr);
        optimizer.set_lr(lr);
        Ok(lr)
    }
}

fn wrong(name: &str, argument: &str, wants: &str, got: impl Debug) -> Error {
    Error::argument(name, argument, format!("must be {wants}, but is {got:?}"), "")
}

fn at_least_0(name: &str, argument: &str, got: f64) -> Result<()> {
    if got >= 0.0 && got.is_finite() { Ok(()) } else { Err(wrong(name, argument, "a number from 0 up", got)) }
}

fn at_least_1(name: &str, argument: &str, got: u64) -> Result<()> {
    if got >= 1 { Ok(()) } else { Err(wrong(name, argument, "at least 1", got)) }
}

/// `from` at the angle 0, `to` at the angle pi.
fn half_cosine(from: f64, to: f64, angle: f64) -> f64 {
    to + (from - to) * (1.0 + angle.cos()) / 2.0
}
