//! `fold_conv_bn`. In: a convolution's weight and bias, and what a batch normalisation behind it has learned; out: the weight and
//! bias of one convolution that does both, in evaluation.

use tch::{TchError, Tensor};

use crate::error::{Error, Result};

/// What a batch normalisation does in evaluation: (x - `running_mean`) / sqrt(`running_var` + `eps`) * `weight` + `bias`.
#[derive(Clone, Copy, Debug)]
pub struct Normalisation<'a> {
    /// `[C]`; `None` is 1. A tdBN's weight holds its alpha * v_th already.
    pub weight: Option<&'a Tensor>,
    /// `[C]`; `None` is 0.
    pub bias: Option<&'a Tensor>,
    /// `[C]`
    pub running_mean: &'a Tensor,
    /// `[C]`
    pub running_var: &'a Tensor,
    /// Added to the variance.
    pub eps: f64,
}

/// A convolution with the normalisation in it.
#[derive(Debug)]
pub struct Folded {
    /// As the convolution's: `[C, ..]`.
    pub weight: Tensor,
    /// `[C]`
    pub bias: Tensor,
}

/// Folds a batch normalisation into the convolution (or linear layer) before it, one output channel at a time:
/// W' = W * g / sqrt(var + eps), b' = (b - mean) * g / sqrt(var + eps) + beta.
///
/// `weight` is `[C, C_in / groups, ..]`, `bias` `[C]`. It holds for a threshold-dependent batch normalisation as well.
/// SpikingJelly equivalent: `functional.conv_bn_fusion.fuse_conv_bn_eval_modules(net)`.
///
/// # Errors
///
/// The normalisation is of another number of channels.
pub fn fold_conv_bn(weight: &Tensor, bias: Option<&Tensor>, bn: &Normalisation<'_>) -> Result<Folded> {
    let channels = weight.size().first().copied().unwrap_or(0);
    let vectors = [bias, bn.weight, bn.bias, Some(bn.running_mean), Some(bn.running_var)];
    if let Some(other) = vectors.into_iter().flatten().find(|v| v.size() != [channels]) {
        let wants = format!("[{channels}], one number per output channel of the weight {:?}", weight.size());
        return Err(Error::shape("fold_conv_bn", wants, &other.size(), ""));
    }
    fold(weight, bias, bn).map_err(Error::in_layer("fold_conv_bn"))
}

fn fold(weight: &Tensor, bias: Option<&Tensor>, bn: &Normalisation<'_>) -> Result<Folded, TchError> {
    let scale = bn.running_var.f_add_scalar(bn.eps)?.f_rsqrt()?;
    let scale = bn.weight.map_or(Ok(scale.shallow_clone()), |g| scale.f_mul(g))?;
    let centred = bias.map_or_else(|| bn.running_mean.f_neg(), |b| b.f_sub(bn.running_mean))?;
    let shifted = centred.f_mul(&scale)?;
    let mut per_channel = vec![1; weight.dim()];
    per_channel[0] = -1;
    Ok(Folded {
        weight: weight.f_mul(&scale.f_reshape(per_channel)?)?,
        bias: bn.bias.map_or(Ok(shifted.shallow_clone()), |beta| shifted.f_add(beta))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_of_channels_is_told() {
        let (weight, one) = (Tensor::from_slice(&[1.0; 6]).reshape([2, 3]), Tensor::from_slice(&[1.0]));
        let bn = Normalisation { weight: None, bias: None, running_mean: &one, running_var: &one, eps: 0.0 };
        let e = fold_conv_bn(&weight, None, &bn).unwrap_err().to_string();
        assert!(e.starts_with("fold_conv_bn: wants [2], one number per output channel of the weight [2, 3], but gets [1]"), "{e}");
    }

    #[test]
    fn what_is_not_learned_is_one_and_zero() {
        let (weight, mean, var) =
            (Tensor::from_slice(&[2.0, 4.0]).reshape([2, 1]), Tensor::from_slice(&[1.0; 2]), Tensor::from_slice(&[4.0; 2]));
        let bn = Normalisation { weight: None, bias: None, running_mean: &mean, running_var: &var, eps: 0.0 };
        let folded = fold_conv_bn(&weight, None, &bn).unwrap();
        assert!(folded.weight.equal(&Tensor::from_slice(&[1.0, 2.0]).reshape([2, 1])));
        assert!(folded.bias.equal(&Tensor::from_slice(&[-0.5; 2])));
    }
}
