//! What the user sees while it trains, and the result per class. In: numbers; out: lines. On a terminal one line lives at the
//! bottom; elsewhere there is one line per epoch.

use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use snn::data::Dataset;
use snn::monitor::{FiringRate, Health};

use crate::training::{Answers, Tally};

pub(crate) struct Progress {
    bar: ProgressBar,
    start: Instant,
    epochs: u32,
    total: usize,
    /// Steps that an earlier run has done.
    before: usize,
    done: usize,
    /// As last recorded.
    rates: Vec<FiringRate>,
    warned: Vec<String>,
}

impl Progress {
    /// `total` steps in `epochs` epochs, of which so many are done.
    pub(crate) fn new(epochs: u32, total: usize, before: usize) -> Progress {
        let bar = ProgressBar::new(total as u64);
        let style = ProgressStyle::with_template("{bar:10.cyan/blue} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━━╌"));
        Progress { bar, start: Instant::now(), epochs, total, before, done: before, rates: Vec::new(), warned: Vec::new() }
    }

    /// Firing rates, freshly measured.
    pub(crate) fn fires(&mut self, rates: Vec<FiringRate>) {
        self.rates = rates;
    }

    /// After each batch; `sum` is over the epoch.
    pub(crate) fn step(&mut self, epoch: u32, done: usize, sum: &Tally, images_per_second: f64) {
        self.done = done;
        self.bar.set_position(done as u64);
        if !self.bar.is_hidden() {
            self.bar.set_message(self.line(epoch, sum, None, images_per_second));
        }
    }

    /// After each epoch and its test.
    pub(crate) fn epoch(&mut self, epoch: u32, sum: &Tally, tested: f64, images_per_second: f64) {
        let line = self.line(epoch, sum, Some(tested), images_per_second);
        let sick = self.rates.iter().filter(|rate| rate.health() != Health::Ok && !self.warned.contains(&rate.layer));
        let sick: Vec<FiringRate> = sick.cloned().collect();
        self.bar.suspend(|| {
            println!("{line}");
            for warning in sick.iter().filter_map(FiringRate::warning) {
                println!("warning: {warning}");
            }
        });
        self.warned.extend(sick.into_iter().map(|rate| rate.layer));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, epoch: u32, sum: &Tally, tested: Option<f64>, images_per_second: f64) -> String {
        let width = self.epochs.to_string().len();
        let test = tested.map(|percent| format!("  test {percent:5.2} %")).unwrap_or_default();
        let rates: String = self.rates.iter().map(|r| format!(" {} {:.1}", r.layer, 100.0 * r.rate)).collect();
        let left = self.start.elapsed().mul_f64((self.total - self.done) as f64 / (self.done - self.before).max(1) as f64);
        let (loss, percent) = (sum.loss(), sum.percent());
        format!(
            "epoch {:>width$}/{}  loss {loss:.3}  train {percent:5.2} %{test}  {images_per_second:4.0} images/s  ETA {}  firing %{rates}",
            epoch + 1,
            self.epochs,
            clock(left)
        )
    }
}

/// `1:05`
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Accuracy, accuracy per class, and the most frequent confusions, in three lines.
pub(crate) fn per_class(set: &Dataset, answers: &Answers, names: [&str; 10]) -> Result<String> {
    let labels = Vec::<i64>::try_from(&set.labels)?;
    let mut counts = [[0usize; 10]; 10]; // [label][answer]
    for (&label, &answer) in labels.iter().zip(&answers.classes) {
        if let Some(count) = counts.get_mut(label as usize).and_then(|row| row.get_mut(answer as usize)) {
            *count += 1;
        }
    }
    let share = |class: usize| 100.0 * counts[class][class] as f64 / counts[class].iter().sum::<usize>().max(1) as f64;
    let classes: Vec<String> = (0..10).map(|class| format!("{} {:.0} %", names[class], share(class))).collect();
    let mut wrong: Vec<(usize, usize, usize)> =
        (0..100).map(|i| (counts[i / 10][i % 10], i / 10, i % 10)).filter(|&(n, label, answer)| n > 0 && label != answer).collect();
    wrong.sort_by_key(|&(n, ..)| std::cmp::Reverse(n));
    let confused: Vec<String> =
        wrong.iter().take(4).map(|&(n, label, answer)| format!("{} as {} ({n})", names[label], names[answer])).collect();
    Ok(format!(
        "test accuracy {:.2} %\n  by class: {}\n  most often confused: {}",
        100.0 * answers.accuracy(),
        classes.join(", "),
        if confused.is_empty() { "none".into() } else { confused.join(", ") }
    ))
}
