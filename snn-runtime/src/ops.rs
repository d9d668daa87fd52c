//! Functions of `forward`: element by element, joining, and over time. In: tensors, `[N, ..]` for one step or `[T, N, ..]` for
//! a sequence; out: one tensor.

use tch::{Device, Kind, TchError, Tensor};

use crate::elements::plain;
use crate::error::{Error, Result};

/// 0, 1, .. in front of `dim` axes of size 1 on a device: `[len, 1, ..]`.
pub(crate) fn places(len: usize, dim: usize, kind: Kind, device: Device) -> Result<Tensor, TchError> {
    let len = len as i64;
    // Room that there is not is an error here; of `f_arange`, which has a number beside the tensor, it would be a panic of tch.
    drop(Tensor::f_empty([len], (kind, Device::Cpu))?);
    Tensor::f_arange(len, (kind, Device::Cpu))?.f_to_device(device)?.f_reshape([&[len], &vec![1; dim][..]].concat())
}

/// a + b. PyTorch equivalent: `torch.add`, or `+`; sizes as torch broadcasts them.
///
/// # Errors
///
/// As all functions here: the sizes do not fit.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.f_add(b).map_err(Error::in_layer("add"))
}

/// a * b, element by element. PyTorch equivalent: `torch.mul`, or `*`.
///
/// # Errors
///
/// As [`add`].
pub fn mul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.f_mul(b).map_err(Error::in_layer("mul"))
}

/// a - b. PyTorch equivalent: `torch.sub`, or `-`.
///
/// # Errors
///
/// As [`add`].
pub fn sub(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.f_sub(b).map_err(Error::in_layer("sub"))
}

/// The larger of a and b, element by element; where they are equal, each has half of the gradient. PyTorch equivalent: `torch.maximum`.
///
/// # Errors
///
/// As [`add`].
pub fn max(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.f_maximum(b).map_err(Error::in_layer("max"))
}

/// a + b: the ADD of "Deep Residual Learning in Spiking Neural Networks" (Fang et al., NeurIPS 2021). SpikingJelly equivalent:
/// `connect_f='ADD'` of `sew_resnet`.
///
/// # Errors
///
/// As [`add`].
pub fn sew_add(out: &Tensor, shortcut: &Tensor) -> Result<Tensor> {
    shortcut.f_add(out).map_err(Error::in_layer("sew_add"))
}

/// a * b: the AND of the same paper.
///
/// # Errors
///
/// As [`add`].
pub fn sew_and(out: &Tensor, shortcut: &Tensor) -> Result<Tensor> {
    shortcut.f_mul(out).map_err(Error::in_layer("sew_and"))
}

/// (1 - out) * shortcut: the IAND of the same paper.
///
/// # Errors
///
/// As [`add`].
pub fn sew_iand(out: &Tensor, shortcut: &Tensor) -> Result<Tensor> {
    plain("sew_iand", out)?;
    let inverse = |out: &Tensor| out.f_neg()?.f_add_scalar(1.0);
    inverse(out).and_then(|inverse| shortcut.f_mul(&inverse)).map_err(Error::in_layer("sew_iand"))
}

/// Joins along axis `dim`, which all have: 1 is the first axis of a sample for one step, 2 in a sequence. PyTorch equivalent: `torch.cat`.
///
/// # Errors
///
/// As [`add`].
pub fn cat(tensors: &[&Tensor], dim: i64) -> Result<Tensor> {
    Tensor::f_cat(tensors, dim).map_err(Error::in_layer("cat"))
}

/// Joins along a new axis `dim`, counted as in [`cat`]. PyTorch equivalent: `torch.stack`.
///
/// # Errors
///
/// As [`add`].
pub fn stack(tensors: &[&Tensor], dim: i64) -> Result<Tensor> {
    Tensor::f_stack(tensors, dim).map_err(Error::in_layer("stack"))
}

/// `[T, N, ..]` to `[N, ..]`: the mean of all steps, the firing rate where they are spikes. PyTorch equivalent: `x.mean(0)`.
///
/// # Errors
///
/// As all functions over time: there is no step.
pub fn mean_over_time(x: &Tensor) -> Result<Tensor> {
    over_time("mean_over_time", x, |x| x.f_mean_dim(0, false, None))
}

/// `[T, N, ..]` to `[N, ..]`: the sum of all steps, the spike count where they are spikes. PyTorch equivalent: `x.sum(0)`.
///
/// # Errors
///
/// As [`mean_over_time`].
pub fn sum_over_time(x: &Tensor) -> Result<Tensor> {
    over_time("sum_over_time", x, |x| x.f_sum_dim_intlist(0, false, None))
}

/// `[T, N, ..]` to `[N, ..]`: the largest value of all steps; the gradient goes to the first step that has it. PyTorch equivalent: `x.max(0)`.
///
/// # Errors
///
/// As [`mean_over_time`].
pub fn max_over_time(x: &Tensor) -> Result<Tensor> {
    over_time("max_over_time", x, |x| x.f_max_dim(0, false).map(|(max, _)| max))
}

/// `[T, N, ..]` to `[N, ..]`: the last step. PyTorch equivalent: `x[-1]`.
///
/// # Errors
///
/// As [`mean_over_time`].
pub fn last_step(x: &Tensor) -> Result<Tensor> {
    over_time("last_step", x, |x| x.f_select(0, -1))
}

fn over_time(name: &str, x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor, TchError>) -> Result<Tensor> {
    if x.dim() == 0 || x.size()[0] == 0 {
        return Err(Error::Steps { layer: name.into(), problem: format!("there is no step in {:?}", x.size()) });
    }
    f(x).map_err(Error::in_layer(name))
}

/// `[T, N, ..]` to `[N, ..]`: step `t`.
///
/// # Errors
///
/// There is no such step.
pub fn at_step(x: &Tensor, t: i64) -> Result<Tensor> {
    x.f_select(0, t).map_err(Error::in_layer("at_step"))
}

/// `[N, ..]` to `[T, N, ..]`: the same at every step, without a copy. PyTorch equivalent: `x.expand(T, ..)`.
///
/// # Errors
///
/// `steps` is negative.
pub fn at_every_step(x: &Tensor, steps: i64) -> Result<Tensor> {
    shown("at_every_step", x, steps)
}

/// [`at_every_step`] for the layer of that name.
pub(crate) fn shown(layer: &str, x: &Tensor, steps: i64) -> Result<Tensor> {
    if steps < 0 {
        return Err(Error::Steps { layer: layer.into(), problem: format!("there is no sequence of {steps} steps") });
    }
    x.f_expand([&[steps], &x.size()[..]].concat(), false).map_err(Error::in_layer(layer))
}

/// Steps, `[N, ..]` each, to `[T, N, ..]`. PyTorch equivalent: `torch.stack(steps)`.
///
/// # Errors
///
/// There is no step, or they differ in size.
pub fn series(steps: &[Tensor]) -> Result<Tensor> {
    Tensor::f_stack(steps, 0).map_err(Error::in_layer("series"))
}

/// What a function of the user's own may return: a `Tensor`, or a `Result` of one with any error.
pub trait OwnOutput {
    /// As the library's result.
    ///
    /// # Errors
    ///
    /// The function's own.
    fn into_result(self) -> Result<Tensor>;
}

impl OwnOutput for Tensor {
    fn into_result(self) -> Result<Tensor> {
        Ok(self)
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> OwnOutput for Result<Tensor, E> {
    fn into_result(self) -> Result<Tensor> {
        // The library's own error comes through as it is.
        self.map_err(|e| match e.into().downcast::<Error>() {
            Ok(ours) => *ours,
            Err(theirs) => Error::Own(theirs),
        })
    }
}

/// Calls on a function of the user's own end here.
///
/// # Errors
///
/// The function's own.
pub fn own(output: impl OwnOutput) -> Result<Tensor> {
    output.into_result()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(values: &[f64]) -> Tensor {
        Tensor::from_slice(values)
    }

    #[test]
    fn spike_element_wise_functions() {
        let (out, shortcut) = (t(&[0.0, 0.0, 1.0, 1.0]), t(&[0.0, 1.0, 0.0, 1.0]));
        assert!(sew_add(&out, &shortcut).unwrap().equal(&t(&[0.0, 1.0, 1.0, 2.0])));
        assert!(sew_and(&out, &shortcut).unwrap().equal(&t(&[0.0, 0.0, 0.0, 1.0])));
        assert!(sew_iand(&out, &shortcut).unwrap().equal(&t(&[0.0, 1.0, 0.0, 0.0])));
        let e = sew_add(&out, &t(&[1.0; 3])).unwrap_err().to_string();
        assert!(e.starts_with("sew_add: ") && e.contains("must match"), "{e}");
    }

    #[test]
    fn over_time() {
        let x = t(&[1.0, 5.0, 3.0, 5.0, 2.0, 2.0]).reshape([3, 2]).set_requires_grad(true);
        assert!(mean_over_time(&x).unwrap().equal(&t(&[2.0, 4.0])));
        assert!(sum_over_time(&x).unwrap().equal(&t(&[6.0, 12.0])));
        assert!(last_step(&x).unwrap().equal(&t(&[2.0, 2.0])));
        let max = max_over_time(&x).unwrap();
        assert!(max.equal(&t(&[3.0, 5.0])));
        max.sum(tch::Kind::Double).backward();
        assert!(x.grad().equal(&t(&[0.0, 1.0, 1.0, 0.0, 0.0, 0.0]).reshape([3, 2])), "the first of equal steps");
        for f in [mean_over_time, sum_over_time, last_step, max_over_time] {
            let e = f(&t(&[]).reshape([0, 2])).unwrap_err().to_string();
            assert!(e.contains("there is no step in [0, 2]"), "{e}");
        }
        assert!(series(&[]).is_err() && at_step(&x, 3).is_err() && at_every_step(&x, -1).is_err());
        assert_eq!(at_every_step(&x, 4).unwrap().size(), [4, 3, 2]);
    }

    #[test]
    fn functions_of_the_users_own_may_fail_in_any_way() {
        assert!(own(t(&[1.0])).is_ok() && own(Ok::<_, Error>(t(&[1.0]))).is_ok());
        let say = |r: Result<Tensor>| r.unwrap_err();
        assert!(matches!(say(own(Err::<Tensor, _>(TchError::Kind("odd".into())))), Error::Own(_)));
        assert_eq!(say(own(Err::<Tensor, _>("too long"))).to_string(), "too long");
        let ours = Error::Steps { layer: "shift".into(), problem: "none".into() };
        assert!(matches!(say(own(Err::<Tensor, _>(ours))), Error::Steps { .. }), "the library's own comes through as it is");
    }
}
