//! Tensors against recorded ones. In: got, want and what may differ; out: nothing, or the worst element in words.

use anyhow::Result;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

/// Something that is not as recorded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Difference {
    /// How the net was driven.
    pub(crate) run: &'static str,
    /// The tensor's name in the case.
    pub(crate) what: String,
    pub(crate) text: String,
}

/// How far apart got and want may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Allowed {
    /// Bit for bit: spikes, indices, counters.
    Nothing,
    /// `|got - want| <= atol + rtol * |want|`
    Each { atol: f64, rtol: f64 },
    /// `|got - want| <= atol + rtol * max|want|`
    Largest { atol: f64, rtol: f64 },
}

/// Compares element by element; NaN equals NaN. `Some`: what differs.
///
/// # Errors
/// If a tensor cannot be read.
pub(crate) fn compare(got: &Tensor, want: &Tensor, allowed: Allowed) -> Result<Option<String>> {
    if got.size() != want.size() {
        return Ok(Some(format!("want a shape of {:?}, got {:?}", want.size(), got.size())));
    }
    let (got, expected) = (values(got)?, values(want)?);
    let largest = expected.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    let limit = |w: f64| match allowed {
        Allowed::Nothing => 0.0,
        Allowed::Each { atol, rtol } => atol + rtol * w.abs(),
        Allowed::Largest { atol, rtol } => atol + rtol * largest,
    };
    // How many times over what is allowed; anything that cannot be compared is worst.
    let excess = |g: f64, w: f64| {
        let off = (g - w).abs();
        if g == w || (g.is_nan() && w.is_nan()) || off <= limit(w) {
            None
        } else {
            Some(if off.is_nan() { f64::INFINITY } else { off / limit(w) })
        }
    };
    let wrong: Vec<(usize, f64)> = got.iter().zip(&expected).enumerate().filter_map(|(i, (&g, &w))| Some((i, excess(g, w)?))).collect();
    let Some(&(worst, _)) = wrong.iter().reduce(|a, b| if b.1 > a.1 { b } else { a }) else { return Ok(None) };
    let (g, w) = (got[worst], expected[worst]);
    Ok(Some(format!(
        "worst at {:?}: want {w:?}, got {g:?} (off by {:.2e}, allowed {:.2e}); {} of {} elements differ",
        position(worst, &want.size()),
        (g - w).abs(),
        limit(w),
        wrong.len(),
        expected.len(),
    )))
}

fn values(t: &Tensor) -> Result<Vec<f64>> {
    Ok(Vec::<f64>::try_from(t.detach().to_device(Device::Cpu).to_kind(Kind::Double).f_reshape([-1])?)?)
}

/// The index of the flat element `i`.
fn position(i: usize, size: &[i64]) -> Vec<usize> {
    let mut rest = i;
    let mut index: Vec<usize> = size
        .iter()
        .rev()
        .map(|&d| {
            let d = (d as usize).max(1);
            let at = rest % d;
            rest /= d;
            at
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(v: &[f32]) -> Tensor {
        Tensor::from_slice(v)
    }

    #[test]
    fn equal_within_what_is_allowed() {
        let each = Allowed::Each { atol: 0.1, rtol: 0.0 };
        assert_eq!(compare(&t(&[1.0, 2.05]), &t(&[1.0, 2.0]), each).unwrap(), None);
        assert_eq!(compare(&t(&[f32::NAN]), &t(&[f32::NAN]), Allowed::Nothing).unwrap(), None);
        let largest = Allowed::Largest { atol: 0.0, rtol: 0.1 };
        assert_eq!(compare(&t(&[0.5, 10.0]), &t(&[0.0, 10.0]), largest).unwrap(), None);
    }

    #[test]
    fn the_worst_element_is_told() {
        let got = t(&[0.0, 1.0, 0.0, 1.0]).reshape([2, 2]);
        let want = t(&[0.0, 1.0, 1.0, 1.0]).reshape([2, 2]);
        let text = compare(&got, &want, Allowed::Nothing).unwrap().unwrap();
        assert_eq!(text, "worst at [1, 0]: want 1.0, got 0.0 (off by 1.00e0, allowed 0.00e0); 1 of 4 elements differ");
        assert!(compare(&t(&[f32::NAN]), &t(&[1.0]), Allowed::Each { atol: 9.0, rtol: 0.0 }).unwrap().is_some());
        assert_eq!(compare(&t(&[1.0]), &got, Allowed::Nothing).unwrap().unwrap(), "want a shape of [2, 2], got [1]");
    }
}
