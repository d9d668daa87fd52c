//! Spike trains and labels as tensors. In: spikes or class numbers; out: first spikes, or one group of ones per label.

use tch::{Kind, Tensor};

use crate::elements::plain;
use crate::error::{Error, Result};

/// Where each train fires first: `[.., T]`, time last, to booleans of the same shape, at most one of them true per train.
///
/// SpikingJelly equivalent: `functional.first_spike_index(spikes)`.
///
/// # Errors
///
/// There is no time axis, or the values are not 0 and 1: a first value other than 1 would be overlooked.
pub fn first_spike_index(spikes: &Tensor) -> Result<Tensor> {
    const NAME: &str = "first_spike_index";
    plain(NAME, spikes)?;
    if spikes.dim() == 0 {
        return Err(Error::shape(NAME, "[.., T]", &spikes.size(), "time comes last"));
    }
    let fired = spikes.f_ne(0).map_err(Error::in_layer(NAME))?;
    let binary = fired.f_eq_tensor(spikes).and_then(|same| same.f_all()).and_then(|all| all.f_int64_value(&[]));
    if binary.map_err(Error::in_layer(NAME))? == 0 {
        return Err(Error::argument(NAME, "spikes", "holds values other than 0 and 1", "the first spike is the first 1"));
    }
    let first = || fired.f_cumsum(-1, Kind::Int64)?.f_eq(1)?.f_logical_and(&fired);
    first().map_err(Error::in_layer(NAME))
}

/// One-hot vectors with every entry repeated: `[N]` of `Int64` to `[N, num_classes * n]`, for outputs of `n` neurons per class.
///
/// SpikingJelly equivalent: `functional.redundant_one_hot(labels, num_classes, n)`.
///
/// # Errors
///
/// The labels are no `Int64` vector, or one of them is no class.
pub fn redundant_one_hot(labels: &Tensor, num_classes: usize, n: usize) -> Result<Tensor> {
    const NAME: &str = "redundant_one_hot";
    super::rank(NAME, "labels", labels, "[N]")?;
    plain(NAME, labels)?;
    if labels.kind() != Kind::Int64 {
        return Err(Error::Kind { layer: NAME.into(), wants: "whole numbers (`Int64`)", got: labels.kind() });
    }
    let number = |argument: &str, n: usize| {
        i64::try_from(n).map_err(|_| Error::argument(NAME, argument, format!("must be below 2^63, but is {n}"), ""))
    };
    let (num_classes, n) = (number("num_classes", num_classes)?, number("n", n)?);
    let repeated = || {
        let hot = labels.f_one_hot(num_classes)?.f_to_kind(Kind::Float)?;
        hot.f_repeat_interleave_self_int(n, 1, None)
    };
    repeated().map_err(Error::in_layer(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_spike_counts() {
        let trains = Tensor::from_slice2(&[[0.0f32, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]);
        let first = first_spike_index(&trains).unwrap();
        assert_eq!(first.kind(), Kind::Bool);
        let want = Tensor::from_slice2(&[[0i64, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]);
        assert!(first.to_kind(Kind::Int64).equal(&want));
        let e = first_spike_index(&Tensor::from_slice(&[0.0, 2.0])).unwrap_err().to_string();
        assert!(e.starts_with("first_spike_index: `spikes` holds values other than 0 and 1"), "{e}");
    }

    #[test]
    fn every_class_has_its_group() {
        let labels = Tensor::from_slice(&[1i64, 0]);
        let want = Tensor::from_slice2(&[[0.0f32, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]]);
        assert!(redundant_one_hot(&labels, 2, 2).unwrap().equal(&want));
        assert!(redundant_one_hot(&labels, 1, 2).unwrap_err().to_string().starts_with("redundant_one_hot: "));
        assert!(redundant_one_hot(&Tensor::from_slice(&[1.0]), 2, 2).unwrap_err().to_string().contains("wants a tensor of whole numbers"));
    }
}
