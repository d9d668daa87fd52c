//! Histograms. In: numbers; out: counts between limits that grow by a tenth each, as torch's and TensorFlow's do.

use crate::error::{Error, Result};
use crate::proto::Message;

/// Limits of the buckets: 1e-12 and up by a tenth each to 1e20, the same below 0, and 0.
fn limits() -> Vec<f64> {
    let mut positive = Vec::new();
    let mut v = 1e-12;
    while v < 1e20 {
        positive.push(v);
        v *= 1.1;
    }
    let negative = positive.iter().rev().map(|v| -v);
    let mut limits: Vec<f64> = negative.chain([0.0]).chain(positive.iter().copied()).collect();
    limits.push(f64::MAX);
    limits
}

/// `HistogramProto` of some numbers: buckets from the first that has one to the last.
pub(crate) fn histogram(tag: &str, values: &[f32]) -> Result<Message> {
    let (Some(&first), help) = (values.first(), "find out where it comes from: too high a learning rate, a division by 0") else {
        return Err(Error::value(tag, "a histogram of no numbers", "leave it out where there are none"));
    };
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::value(tag, format!("a histogram wants finite numbers, but number {i} is {}", values[i]), help));
    }
    let limits = limits();
    let mut counts = vec![0.0; limits.len()];
    let (mut low, mut high, mut sum, mut squares) = (f64::from(first), f64::from(first), 0.0, 0.0);
    for v in values.iter().map(|&v| f64::from(v)) {
        (low, high) = (low.min(v), high.max(v));
        sum += v;
        squares += v * v;
        // The bucket ends above v.
        counts[limits.partition_point(|&limit| limit <= v).min(limits.len() - 1)] += 1.0;
    }
    let from = counts.iter().position(|&n| n > 0.0).unwrap_or(0);
    let to = counts.iter().rposition(|&n| n > 0.0).unwrap_or(0);
    // An empty bucket in front says where the first begins.
    let from = from.saturating_sub(1);
    Ok(Message::default()
        .double(1, low)
        .double(2, high)
        .double(3, values.len() as f64)
        .double(4, sum)
        .double(5, squares)
        .doubles(6, &limits[from..=to])
        .doubles(7, &counts[from..=to]))
}
