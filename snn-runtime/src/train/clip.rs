//! Gradients kept small. In: the variables of a store, with gradients; out: the gradients made smaller in place, and how large they were.

use tch::{Tensor, nn};

use super::positive;
use crate::error::{Error, Result};

/// Scales all gradients by one factor, so that their norm, as one vector, is at most `max_norm`; gives the norm that it was before.
///
/// `norm_type` is 2 for the Euclidean norm, `f64::INFINITY` for the largest absolute value, or any number greater than 0. Called between the
/// loss's `backward` and the optimiser's `step`; variables without a gradient count as 0.
/// PyTorch equivalent: `torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=True)`.
///
/// ```
/// use snn_runtime::train::clip_grad_norm_;
/// use snn_runtime::{Device, Kind, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let w = vs.root().ones("w", &[4]);
/// (&w * &w).sum(Kind::Float).backward(); // gradient 2, 2, 2, 2: its norm is 4
/// assert_eq!(clip_grad_norm_(&vs, 1.0, 2.0)?, 4.0);
/// assert!((w.grad().double_value(&[0]) - 0.5).abs() < 1e-6);
/// # Ok::<(), snn_runtime::Error>(())
/// ```
///
/// # Errors
///
/// A gradient has a NaN or an infinite value: the error names the variables, and no gradient has changed. `max_norm` or `norm_type` is no number
/// greater than 0.
pub fn clip_grad_norm_(vs: &nn::VarStore, max_norm: f64, norm_type: f64) -> Result<f64> {
    const NAME: &str = "clip_grad_norm_";
    positive(NAME, "max_norm", max_norm)?;
    if norm_type != f64::INFINITY {
        positive(NAME, "norm_type", norm_type)?;
    }
    let mut gradients = gradients(vs)?;
    let total = total_norm(&gradients, norm_type).map_err(Error::in_layer(NAME))?;
    if !total.is_finite() {
        return Err(not_finite(NAME, vs));
    }
    // torch's 1e-6 keeps a norm of 0 from being divided by.
    let scale = max_norm / (total + 1e-6);
    if scale < 1.0 {
        tch::no_grad(|| gradients.iter_mut().try_for_each(|g| g.f_mul_scalar_(scale).map(drop))).map_err(Error::in_layer(NAME))?;
    }
    Ok(total)
}

/// Brings every value of every gradient into -`clip_value` to `clip_value`; gives the largest absolute value that there was before.
///
/// PyTorch equivalent: `torch.nn.utils.clip_grad_value_(parameters, clip_value)`, which lets NaN through.
///
/// # Errors
///
/// A gradient has a NaN or an infinite value: the error names the variables, and no gradient has changed. `clip_value` is no number greater
/// than 0.
pub fn clip_grad_value_(vs: &nn::VarStore, clip_value: f64) -> Result<f64> {
    const NAME: &str = "clip_grad_value_";
    positive(NAME, "clip_value", clip_value)?;
    let mut gradients = gradients(vs)?;
    let largest = total_norm(&gradients, f64::INFINITY).map_err(Error::in_layer(NAME))?;
    if !largest.is_finite() {
        return Err(not_finite(NAME, vs));
    }
    if largest > clip_value {
        let clip = |g: &mut Tensor| g.f_clamp_(-clip_value, clip_value).map(drop);
        tch::no_grad(|| gradients.iter_mut().try_for_each(clip)).map_err(Error::in_layer(NAME))?;
    }
    Ok(largest)
}

/// Those that there are, in the order of their variables: sums of them are the same in every run.
fn gradients(vs: &nn::VarStore) -> Result<Vec<Tensor>> {
    let gradients: Vec<Tensor> = vs.trainable_variables().iter().map(|v| v.f_grad()).collect::<Result<_, _>>()?;
    Ok(gradients.into_iter().filter(Tensor::defined).filter(|g| g.numel() > 0).collect())
}

/// The norm of the gradients' norms.
fn total_norm(gradients: &[Tensor], norm_type: f64) -> Result<f64, tch::TchError> {
    let norms = gradients.iter().map(|g| {
        let norm = if norm_type == f64::INFINITY { g.f_abs()?.f_max()? } else { g.f_norm_scalaropt_dtype(norm_type, g.kind())? };
        norm.f_double_value(&[])
    });
    let norms = tch::no_grad(|| norms.collect::<Result<Vec<f64>, _>>())?;
    // `f64::max` would overlook a NaN.
    Ok(if let Some(odd) = norms.iter().find(|n| !n.is_finite()) {
        *odd
    } else if norm_type == f64::INFINITY {
        norms.into_iter().fold(0.0, f64::max)
    } else {
        norms.iter().map(|n| n.powf(norm_type)).sum::<f64>().powf(1.0 / norm_type)
    })
}

/// Names what is not finite.
fn not_finite(name: &str, vs: &nn::VarStore) -> Error {
    let mut odd: Vec<String> = vs.variables().into_iter().filter(|(_, v)| has_odd_gradient(v)).map(|(name, _)| name).collect();
    odd.sort_unstable();
    let (shown, more) = (odd.iter().take(8).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "), odd.len().saturating_sub(8));
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let problem = match odd.is_empty() {
        // Every value is finite, and their norm is not.
        true => "have a norm that is too large to be told".to_string(),
        false => format!("hold NaN or infinite values, those of {shown}{more}"),
    };
    let help = "look at the loss and the inputs, and try a lower learning rate";
    Error::Argument { layer: name.into(), argument: "gradients".into(), problem, help: help.into() }
}

fn has_odd_gradient(variable: &Tensor) -> bool {
    let g = variable.grad();
    let finite = |g: &Tensor| g.f_isfinite()?.f_all()?.f_int64_value(&[]).map(|all| all != 0);
    g.defined() && !finite(&g).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    /// Variables with these gradients.
    fn store(gradients: &[&[f32]]) -> nn::VarStore {
        let vs = nn::VarStore::new(Device::Cpu);
        for (i, g) in gradients.iter().enumerate() {
            let w = (vs.root() / format!("layer{i}")).zeros("weight", &[g.len() as i64]);
            (w * Tensor::from_slice(g)).sum(Kind::Float).backward();
        }
        let _without = vs.root().zeros("unused", &[3]);
        vs
    }

    fn values(vs: &nn::VarStore) -> Vec<f64> {
        let all = vs.trainable_variables().into_iter().map(|v| v.grad()).filter(Tensor::defined);
        all.flat_map(|g| Vec::<f64>::try_from(g.to_kind(Kind::Double)).unwrap()).collect()
    }

    #[test]
    fn one_factor_for_all() {
        let vs = store(&[&[3.0, 0.0], &[-4.0]]);
        assert_eq!(clip_grad_norm_(&vs, 10.0, 2.0).unwrap(), 5.0);
        assert_eq!(values(&vs), [3.0, 0.0, -4.0], "small enough");
        assert_eq!(clip_grad_norm_(&vs, 1.0, 2.0).unwrap(), 5.0);
        let want = [0.6, 0.0, -0.8];
        assert!(values(&vs).iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{:?}", values(&vs));
        for (norm_type, want) in [(1.0, 7.0), (f64::INFINITY, 4.0)] {
            assert_eq!(clip_grad_norm_(&store(&[&[3.0, 0.0], &[-4.0]]), 1.0, norm_type).unwrap(), want);
        }
        assert_eq!(clip_grad_norm_(&store(&[&[0.0]]), 1.0, 2.0).unwrap(), 0.0);
    }

    #[test]
    fn each_value_for_itself() {
        let vs = store(&[&[3.0, -0.5], &[-4.0]]);
        assert_eq!(clip_grad_value_(&vs, 1.0).unwrap(), 4.0);
        assert_eq!(values(&vs), [1.0, -0.5, -1.0]);
    }

    #[test]
    fn what_is_not_finite_is_named_and_nothing_changes() {
        for odd in [f32::NAN, f32::INFINITY] {
            let vs = store(&[&[3.0], &[odd, 1.0]]);
            for e in [clip_grad_norm_(&vs, 1.0, 2.0), clip_grad_norm_(&vs, 1.0, f64::INFINITY), clip_grad_value_(&vs, 1.0)] {
                let e = e.unwrap_err().to_string();
                assert!(e.contains("gradients hold NaN or infinite values, those of `layer1.weight`\n  help: "), "{e}");
            }
            assert_eq!(values(&vs)[0], 3.0);
        }
        let vs = store(&[&[1.0]]);
        assert_eq!(
            clip_grad_norm_(&vs, 0.0, 2.0).unwrap_err().to_string(),
            "clip_grad_norm_: `max_norm` must be a number greater than 0, but is 0.0"
        );
        assert!(clip_grad_norm_(&vs, 1.0, -1.0).is_err() && clip_grad_value_(&vs, f64::NAN).is_err());
    }
}
