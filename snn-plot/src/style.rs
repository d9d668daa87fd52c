//! What all plots share: colours, lines, dots, ticks, the axis of time.

use kuva::prelude::{LinePlot, ScatterPlot};

use crate::error::{Error, Result};

/// Colours that can be told apart by the colour-blind (Okabe and Ito, 2008), in the order that layers and curves take them.
pub(crate) const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
pub(crate) const BLUE: &str = COLORS[0];
pub(crate) const ORANGE: &str = COLORS[1];
pub(crate) const GREY: &str = "#555555";

pub(crate) fn color(i: usize) -> &'static str {
    COLORS[i % COLORS.len()]
}

pub(crate) fn line(points: impl IntoIterator<Item = (f64, f64)>, color: &str) -> LinePlot {
    LinePlot::new().with_data(points).with_color(color).with_stroke_width(2.0)
}

pub(crate) fn dots(points: impl IntoIterator<Item = (f64, f64)>, color: &str, size: f64) -> ScatterPlot {
    ScatterPlot::new().with_data(points).with_color(color).with_size(size)
}

/// 1, 2 or 5 times a power of ten: at most `most` of them make up `length`.
pub(crate) fn tick_step(length: f64, most: f64) -> f64 {
    let at_least = length / most;
    let power = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|&step| step >= at_least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// What a step is on the axis of time. Step t of `[T, ..]` is shown at (t + 1) times `step`: where it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// How long a step is, in units. Default: 1.
    pub step: f64,
    /// The unit. Default: `steps`.
    pub unit: String,
}

impl Default for Time {
    fn default() -> Time {
        Time { step: 1.0, unit: "steps".into() }
    }
}

impl Time {
    pub(crate) fn check(&self, plot: &'static str) -> Result<()> {
        if self.step.is_finite() && self.step > 0.0 {
            return Ok(());
        }
        Err(Error::argument(plot, "`time.step`", format!("must be greater than 0 and finite, but is {}", self.step), ""))
    }

    pub(crate) fn label(&self) -> String {
        format!("time ({})", self.unit)
    }

    /// Where step t, counted from 0, ends.
    pub(crate) fn at(&self, t: usize) -> f64 {
        (t + 1) as f64 * self.step
    }

    /// At most ten ticks, at whole steps.
    pub(crate) fn tick_step(&self, steps: usize) -> f64 {
        tick_step(steps as f64, 10.0).max(1.0) * self.step
    }
}

/// `count` of `n` things, evenly spread; all of them if there are not more.
pub(crate) fn spread(n: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(n);
    (0..count).map(move |i| i * n / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        for (length, step) in [(10.0, 1.0), (12.0, 2.0), (32.0, 5.0), (0.7, 0.1), (1000.0, 100.0), (1001.0, 200.0)] {
            assert!((tick_step(length, 10.0) - step).abs() < 1e-12, "{length}: {}", tick_step(length, 10.0));
        }
        assert_eq!(Time::default().tick_step(4), 1.0);
    }

    #[test]
    fn things_are_evenly_spread() {
        assert_eq!(spread(10, 5).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
        assert_eq!(spread(3, 5).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
