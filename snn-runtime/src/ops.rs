//! Functions that `forward` may call, and the operations on time behind the layers of the same name. In: tensors of one step
//! `[N, ..]` or of a sequence `[T, N, ..]`; out: a tensor.

use tch::Tensor;

use crate::error::Result;

/// `a + b`: element-wise residual of Fang et al., "Deep Residual Learning in Spiking Neural Networks", NeurIPS 2021.
///
/// # Errors
///
/// libtorch refuses, such as tensors on two devices.
pub fn sew_add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    add(a, b)
}

/// `a AND b` of spikes, as the product. Same source as [`sew_add`].
///
/// # Errors
///
/// As [`sew_add`].
pub fn sew_and(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    mul(a, b)
}

/// `(NOT a) AND b` of spikes: `(1 - a) * b`, with `a` the residual branch. Same source as [`sew_add`].
///
/// # Errors
///
/// As [`sew_add`].
pub fn sew_iand(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(b.f_mul(&(a.f_neg()?.f_add_scalar(1.0)?))?)
}

/// `a + b`.
///
/// # Errors
///
/// As [`sew_add`].
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(a.f_add(b)?)
}

/// `a * b`.
///
/// # Errors
///
/// As [`sew_add`].
pub fn mul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(a.f_mul(b)?)
}

/// Joined along `axis`; a net calls it with the first axis of a sample.
///
/// # Errors
///
/// As [`sew_add`].
pub fn cat(parts: &[&Tensor], axis: i64) -> Result<Tensor> {
    Ok(Tensor::f_cat(parts, axis)?)
}

/// Joined along a new `axis`; a net calls it with the first axis of a sample.
///
/// # Errors
///
/// As [`sew_add`].
pub fn stack(parts: &[&Tensor], axis: i64) -> Result<Tensor> {
    Ok(Tensor::f_stack(parts, axis)?)
}

/// The mean over the time axis: firing rates. SpikingJelly: `y.mean(0)`.
///
/// # Errors
///
/// As [`sew_add`].
pub fn mean_over_time(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_mean_dim(0i64, false, None)?)
}

/// The maximum over the time axis.
///
/// # Errors
///
/// As [`sew_add`].
pub fn max_over_time(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_max_dim(0, false)?.0)
}

/// The sum over the time axis: spike counts.
///
/// # Errors
///
/// As [`sew_add`].
pub fn sum_over_time(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_sum_dim_intlist(0i64, false, None)?)
}

/// The last step.
///
/// # Errors
///
/// As [`sew_add`].
pub fn last_step(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_select(0, -1)?)
}

/// `[N, ..]` as a sequence of `steps` equal steps, without a copy.
///
/// # Errors
///
/// As [`sew_add`].
pub fn at_every_step(x: &Tensor, steps: i64) -> Result<Tensor> {
    let mut size = vec![steps];
    size.extend(x.size());
    Ok(x.f_unsqueeze(0)?.f_expand(size, false)?)
}

/// Step `t` of a sequence.
#[doc(hidden)]
pub fn at_step(x: &Tensor, t: i64) -> Result<Tensor> {
    Ok(x.f_select(0, t)?)
}

/// Steps, one by one computed, as a sequence.
#[doc(hidden)]
pub fn series(steps: &[Tensor]) -> Result<Tensor> {
    Ok(Tensor::f_stack(steps, 0)?)
}
