//! One rise and one fall of the learning rate. In: a number of steps; out: the rate then.

use std::f64::consts::PI;

use super::{Schedule, at_least_1, half_cosine, positive, wrong};
use crate::error::{Error, Result};

/// How [`OneCycleLR`] goes from one rate to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnnealStrategy {
    /// As half a cosine. (PyTorch: `"cos"`.)
    #[default]
    Cos,
    /// On a line. (PyTorch: `"linear"`.)
    Linear,
}

/// Up to `max_lr`, then down to far below the start; it sets the rate itself, whatever the optimiser's was.
///
/// From "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates" (Smith and Topin, 2017).
/// PyTorch equivalent: `torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, total_steps, .., cycle_momentum=False)`; the momentum stays.
///
/// ```
/// use snn_runtime::train::{OneCycleLR, Schedule};
///
/// let schedule = OneCycleLR { pct_start: 0.1, ..OneCycleLR::new(2e-3, 1200) };
/// assert_eq!(schedule.lr(0.0, 119)?, 2e-3); // the last step of the first tenth
/// assert!(schedule.lr(0.0, 1200).is_err());
/// # Ok::<(), snn_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycleLR {
    /// The highest rate.
    pub max_lr: f64,
    /// Steps of the cycle.
    pub total_steps: u64,
    /// The share of the steps in which the rate rises, from 0 to 1.
    pub pct_start: f64,
    /// How it rises and falls.
    pub anneal_strategy: AnnealStrategy,
    /// It starts at `max_lr / div_factor`,
    pub div_factor: f64,
    /// and ends at that divided by `final_div_factor`.
    pub final_div_factor: f64,
    /// Back to the start in as many steps as it rose, and only then further down?
    pub three_phase: bool,
}

impl OneCycleLR {
    /// With torch's other arguments: `pct_start = 0.3`, `anneal_strategy = "cos"`, `div_factor = 25`, `final_div_factor = 1e4`, two phases.
    pub fn new(max_lr: f64, total_steps: u64) -> OneCycleLR {
        let anneal_strategy = AnnealStrategy::Cos;
        OneCycleLR { max_lr, total_steps, pct_start: 0.3, anneal_strategy, div_factor: 25.0, final_div_factor: 1e4, three_phase: false }
    }

    fn anneal(&self, from: f64, to: f64, done: f64) -> f64 {
        match self.anneal_strategy {
            AnnealStrategy::Cos => half_cosine(from, to, PI * done),
            AnnealStrategy::Linear => (to - from) * done + from,
        }
    }
}

impl Schedule for OneCycleLR {
    fn check(&self) -> Result<()> {
        const NAME: &str = "OneCycleLR";
        at_least_1(NAME, "total_steps", self.total_steps)?;
        positive(NAME, "max_lr", self.max_lr)?;
        positive(NAME, "div_factor", self.div_factor)?;
        positive(NAME, "final_div_factor", self.final_div_factor)?;
        if (0.0..=1.0).contains(&self.pct_start) { Ok(()) } else { Err(wrong(NAME, "pct_start", "from 0 to 1", self.pct_start)) }
    }

    fn lr(&self, _: f64, step: u64) -> Result<f64> {
        if step >= self.total_steps {
            let problem = format!("is {}, and step {step} would be one more (steps count from 0)", self.total_steps);
            return Err(Error::argument("OneCycleLR", "total_steps", problem, "give it the number of times that `step` is called, plus 1"));
        }
        let (total, rise) = (self.total_steps as f64, self.pct_start * self.total_steps as f64 - 1.0);
        let start = self.max_lr / self.div_factor;
        let last = (total - 1.0, start / self.final_div_factor);
        // Where each phase ends, and the rate there.
        let phases = match self.three_phase {
            true => vec![(rise, self.max_lr), (2.0 * rise, start), last],
            false => vec![(rise, self.max_lr), last],
        };
        let (mut from, mut lr, step) = (0.0, start, step as f64);
        for (end, to) in phases {
            if step <= end {
                let length = end - from;
                return Ok(self.anneal(lr, to, if length > 0.0 { (step - from) / length } else { 1.0 }));
            }
            (from, lr) = (end, to);
        }
        Ok(lr)
    }
}
