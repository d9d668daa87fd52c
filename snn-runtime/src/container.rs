//! What containers do to time. In: a sequence, or what came out of the last step; out: what the layers inside take.
//!
//! The containers themselves are generated: a list of layers inside, and one function that runs them step by step or at once.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Layer, split};
use crate::state::check_sizes;

/// `[T, N, ..]` through `layers` as one batch `[T * N, ..]` (SpikingJelly: `functional.seq_to_ann_forward`).
///
/// # Errors
///
/// `x` has no time and batch axis, the layers change the batch, or they fail.
pub fn as_one_batch(container: &str, x: &Tensor, layers: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let sizes = x.size();
    let (Some(&steps), Some(&batch)) = (sizes.first(), sizes.get(1)) else {
        return Err(Error::shape(container, "[T, N, ..]", &sizes, "time comes first, then the batch"));
    };
    let y = layers(&x.f_flatten(0, 1).map_err(Error::in_layer(container))?).map_err(|e| e.of_sequence(sizes))?;
    split(container, &y, steps, batch)
}

/// What came out of the last step, or zeros before the first. It has the sizes of one step `x`; beside `x`, on the last axis, it
/// makes up `features`.
///
/// # Errors
///
/// The last step had another batch, or there is no room for it in `features`.
pub fn fed_back(container: &str, y: Option<&Tensor>, x: &Tensor, features: Option<usize>) -> Result<Tensor> {
    let mut want = x.size();
    if let (Some(features), Some(last)) = (features, want.last_mut()) {
        match features as i64 - *last {
            left if left > 0 => *last = left,
            _ => return Err(Error::shape(container, format!("[.., fewer than {features}]"), &want, "")),
        }
    }
    match y {
        Some(y) => {
            check_sizes(container, y, &want)?;
            Ok(y.shallow_clone())
        }
        None => x.f_new_zeros(want, (x.kind(), x.device())).map_err(Error::in_layer(container)),
    }
}

/// `[N, .., T]` to `[T, N, ..]`.
///
/// # Errors
///
/// There is no step in `x`.
pub fn time_first(container: &str, x: &Tensor) -> Result<Tensor> {
    match x.size()[..] {
        [_, .., steps] if steps > 0 => Ok(x.f_movedim_int(-1, 0)?),
        _ => Err(Error::Steps { layer: container.into(), problem: format!("there is no step in {:?}", x.size()) }),
    }
}

/// `[T, N, ..]` to `[N, .., T]`.
///
/// # Errors
///
/// `y` has no axis.
pub fn time_last(y: &Tensor) -> Result<Tensor> {
    Ok(y.f_movedim_int(0, -1)?)
}

/// The state of a layer that has none.
#[diagnostic::on_unimplemented(
    message = "a layer that remembers `{Self}` is given all steps as one batch",
    label = "has state",
    note = "use `MultiStepContainer([..])`, which gives it one step after the other"
)]
pub trait Nothing {}

impl Nothing for () {}

/// Compiles for layers without state only.
pub fn remembers_nothing<L: Layer<State: Nothing>>() {}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    fn t(sizes: &[i64]) -> Tensor {
        Tensor::arange(sizes.iter().product::<i64>(), (Kind::Float, Device::Cpu)).reshape(sizes)
    }

    #[test]
    fn steps_and_batch_are_one_axis_inside() {
        let y = as_one_batch("c", &t(&[3, 2, 4]), |x| Ok(x.f_slice(1, 0, 1, 1)? * x.size()[0])).unwrap();
        assert!(y.equal(&(t(&[3, 2, 4]).slice(2, 0, 1, 1) * 6)));
        let e = as_one_batch("m", &t(&[3, 2, 4]), |x| Ok(x.f_slice(0, 0, 2, 1)?)).unwrap_err().to_string();
        assert!(e.starts_with("m: wants an output of [3 * 2, ..], but gets [2, 4]"), "{e}");
        assert!(as_one_batch("m", &t(&[3]), |x| Ok(x.shallow_clone())).is_err());
    }

    #[test]
    fn zeros_before_the_first_step_and_one_batch_from_then_on() {
        let x = t(&[2, 3]);
        assert!(fed_back("r", None, &x, None).unwrap().equal(&Tensor::zeros([2, 3], (Kind::Float, Device::Cpu))));
        assert!(fed_back("r", None, &x, Some(8)).unwrap().equal(&Tensor::zeros([2, 5], (Kind::Float, Device::Cpu))));
        assert!(fed_back("r", Some(&x), &x, None).unwrap().equal(&x));
        assert!(fed_back("r", None, &x, Some(3)).is_err());
        let e = fed_back("r", Some(&x), &t(&[1, 3]), None).unwrap_err().to_string();
        assert!(e.starts_with("r: its state is for a batch of 2, but gets 1"), "{e}");
    }

    #[test]
    fn time_moves_from_the_last_axis_to_the_first_and_back() {
        let x = t(&[2, 3, 4]);
        assert_eq!(time_first("c", &x).unwrap().size(), [4, 2, 3]);
        assert!(time_last(&time_first("c", &x).unwrap()).unwrap().equal(&x));
        assert!(time_first("c", &t(&[4])).is_err() && time_first("c", &t(&[2, 0])).is_err());
    }
}
