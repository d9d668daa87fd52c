//! Schedules one after the other. In: schedules and the steps at which they start; out: the rate of the one whose turn it is.

use super::Schedule;
use crate::error::{Error, Result};

/// Several schedules, each of which starts at a step of its own and counts from 0 there.
///
/// PyTorch equivalent: `torch.optim.lr_scheduler.SequentialLR(optimizer, schedulers, milestones)`.
#[derive(Debug)]
pub struct SequentialLR {
    parts: Vec<(u64, Box<dyn Schedule>)>,
}

impl SequentialLR {
    /// Starts with this one.
    pub fn new(first: impl Schedule + 'static) -> SequentialLR {
        SequentialLR { parts: vec![(0, Box::new(first))] }
    }

    /// Goes on with `next` from step `milestone` on.
    #[must_use]
    pub fn then(mut self, milestone: u64, next: impl Schedule + 'static) -> SequentialLR {
        self.parts.push((milestone, Box::new(next)));
        self
    }
}

impl Schedule for SequentialLR {
    fn check(&self) -> Result<()> {
        let starts: Vec<u64> = self.parts.iter().map(|(at, _)| *at).collect();
        if !starts.is_sorted_by(|a, b| a < b) {
            let problem = format!("must be later and later, and after 0, but the schedules start at {starts:?}");
            return Err(Error::argument("SequentialLR", "milestone", problem, ""));
        }
        self.parts.iter().try_for_each(|(_, schedule)| schedule.check())
    }

    fn lr(&self, base_lr: f64, step: u64) -> Result<f64> {
        match self.parts.iter().rev().find(|(at, _)| *at <= step) {
            Some((at, schedule)) => schedule.lr(base_lr, step - at),
            None => Ok(base_lr),
        }
    }
}
