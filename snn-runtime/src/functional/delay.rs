//! `delay`. In: a sequence; out: the same, some steps later.

use tch::Tensor;

use crate::error::{Error, Result};

/// `[T, ..]` to the same, where y at step t is x at step `t - delay_steps`, and 0 before. Gradients flow back the same way.
///
/// SpikingJelly equivalent: `functional.delay(x_seq, delay_steps)`. The layer `Delay` does it across calls.
///
/// # Errors
///
/// There is no time axis.
pub fn delay(x_seq: &Tensor, delay_steps: usize) -> Result<Tensor> {
    let sizes = x_seq.size();
    let Some(&steps) = sizes.first() else { return Err(Error::shape("delay", "[T, ..]", &sizes, "time comes first")) };
    let late = i64::try_from(delay_steps).map_or(steps, |d| d.min(steps));
    // What falls off the end is cut, what is missing at the start is 0: padding is counted from the last axis.
    let mut pad = vec![0; 2 * (sizes.len() - 1)];
    pad.extend([late, -late]);
    x_seq.f_constant_pad_nd(pad).map_err(Error::in_layer("delay"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_later_than_the_sequence_is_lost() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0]).reshape([3, 1]);
        let late = |d| Vec::<f64>::try_from(delay(&x, d).unwrap().reshape([-1])).unwrap();
        assert_eq!(late(0), [1.0, 2.0, 3.0]);
        assert_eq!(late(1), [0.0, 1.0, 2.0]);
        assert_eq!(late(3), [0.0; 3]);
        assert_eq!(late(usize::MAX), [0.0; 3]);
        assert!(delay(&Tensor::from(1.0), 1).unwrap_err().to_string().starts_with("delay: wants [T, ..], but gets []"));
    }
}
