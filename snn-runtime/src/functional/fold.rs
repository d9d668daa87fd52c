//! `fold_conv_bn`. In: a convolution's weight and bias, and what a batch normalisation behind it has learned; out: the weight and
//! bias of one convolution that does both, in evaluation.

use snn_infer::__private::affine;
use tch::{Device, Kind, TchError, Tensor};

use crate::error::{Error, Result};

/// What a batch normalisation does in evaluation: (x - `running_mean`) / sqrt(`running_var` + `eps`) * `weight` + `bias`.
///
/// It is that of `BatchNorm1d` to `BatchNorm3d` and of `ThresholdDependentBatchNorm1d` to `3d`. The others that a net can have scale each time
/// step by another number.
#[derive(Clone, Copy, Debug)]
pub struct Normalisation<'a> {
    /// `[C]`; `None` is 1. A tdBN's weight holds its alpha * v_th already.
    pub weight: Option<&'a Tensor>,
    /// `[C]`; `None` is 0.
    pub bias: Option<&'a Tensor>,
    /// `[C]`; `None`, of a layer that tracks no statistics, cannot be folded: it normalises by each batch.
    pub running_mean: Option<&'a Tensor>,
    /// `[C]`; `None` as above.
    pub running_var: Option<&'a Tensor>,
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
/// `weight` is `[C, C_in / groups, ..]`, `bias` `[C]`: those of `Linear` and `Conv1d` to `Conv3d`. The weight of a transposed convolution is
/// `[C_in, C / groups, ..]`; do not fold it: where C_in is C, it cannot be told from the others, and the result is wrong.
/// It holds for a threshold-dependent batch normalisation as well.
/// SpikingJelly equivalent: `functional.conv_bn_fusion.fuse_conv_bn_eval_modules(net)`.
///
/// # Errors
///
/// The weight has no axis of inputs, the normalisation has no running statistics, or it is of another number of channels than the
/// weight's first axis (so that most transposed convolutions are refused).
pub fn fold_conv_bn(weight: &Tensor, bias: Option<&Tensor>, bn: &Normalisation<'_>) -> Result<Folded> {
    const NAME: &str = "fold_conv_bn";
    let [channels, _, ..] = weight.size()[..] else {
        return Err(Error::shape(NAME, "`weight` of [C, C_in / groups, ..]", &weight.size(), ""));
    };
    let there = |name: &str, statistics| {
        let missing =
            || Error::argument(NAME, name, "is missing: the layer normalises by each batch", "fold one that tracks its statistics");
        Option::ok_or_else(statistics, missing)
    };
    let (mean, var) = (there("running_mean", bn.running_mean)?, there("running_var", bn.running_var)?);
    let vectors = [bias, bn.weight, bn.bias, Some(mean), Some(var)];
    if let Some(other) = vectors.into_iter().flatten().find(|v| v.size() != [channels]) {
        let wants = format!("[{channels}], one number per output channel of the weight {:?}", weight.size());
        return Err(Error::shape(NAME, wants, &other.size(), "of a transposed convolution the first axis are inputs: it cannot be folded"));
    }
    fold(weight, bias, bn, [mean, var]).map_err(Error::in_layer(NAME))
}

fn fold(weight: &Tensor, bias: Option<&Tensor>, bn: &Normalisation<'_>, [mean, var]: [&Tensor; 2]) -> Result<Folded, TchError> {
    let numbers = |tensor: &Tensor| -> Result<Vec<f64>, TchError> {
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_contiguous()?;
        let mut values = vec![0.0; tensor.numel()];
        tensor.f_copy_data(&mut values, tensor.numel())?;
        Ok(values)
    };
    let [gamma, beta] = [bn.weight, bn.bias].map(|tensor| tensor.map(numbers).transpose());
    let (scale, shift) = affine(&numbers(mean)?, &numbers(var)?, gamma?.as_deref(), beta?.as_deref(), bn.eps);
    let [scale, shift] =
        [scale, shift].map(|values| Tensor::f_from_slice(&values)?.f_to_device(weight.device())?.f_to_kind(weight.f_kind()?));
    let (scale, shift) = (scale?, shift?);
    let mut per_channel = vec![1; weight.dim()];
    per_channel[0] = -1;
    Ok(Folded {
        weight: weight.f_mul(&scale.f_reshape(per_channel)?)?,
        bias: bias.map_or(Ok(shift.shallow_clone()), |bias| bias.f_mul(&scale)?.f_add(&shift))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_of_channels_is_told() {
        let (weight, one) = (Tensor::from_slice(&[1.0; 6]).reshape([2, 3]), Tensor::from_slice(&[1.0]));
        let bn = Normalisation { weight: None, bias: None, running_mean: Some(&one), running_var: Some(&one), eps: 0.0 };
        let e = fold_conv_bn(&weight, None, &bn).unwrap_err().to_string();
        assert!(e.starts_with("fold_conv_bn: wants [2], one number per output channel of the weight [2, 3], but gets [1]"), "{e}");
    }

    #[test]
    fn what_cannot_be_folded_is_told() {
        let (ones, weight) = (Tensor::from_slice(&[1.0; 2]), Tensor::from_slice(&[1.0; 6]).reshape([2, 3]));
        let bn = |running_mean, running_var| Normalisation { weight: None, bias: None, running_mean, running_var, eps: 0.0 };
        let say = |weight: &Tensor, bn: Normalisation<'_>| fold_conv_bn(weight, None, &bn).unwrap_err().to_string();
        assert!(say(&weight, bn(None, None)).starts_with("fold_conv_bn: `running_mean` is missing: the layer normalises by each batch"));
        assert!(say(&weight, bn(Some(&ones), None)).starts_with("fold_conv_bn: `running_var` is missing"));
        let tracked = || bn(Some(&ones), Some(&ones));
        assert!(say(&ones, tracked()).starts_with("fold_conv_bn: wants `weight` of [C, C_in / groups, ..], but gets [2]"));
        // 3 inputs, 2 outputs.
        let transposed = weight.reshape([3, 2, 1]);
        assert!(say(&transposed, tracked()).contains("help: of a transposed convolution the first axis are inputs"));
    }

    #[test]
    fn what_is_not_learned_is_one_and_zero() {
        let (weight, mean, var) =
            (Tensor::from_slice(&[2.0, 4.0]).reshape([2, 1]), Tensor::from_slice(&[1.0; 2]), Tensor::from_slice(&[4.0; 2]));
        let bn = Normalisation { weight: None, bias: None, running_mean: Some(&mean), running_var: Some(&var), eps: 0.0 };
        let folded = fold_conv_bn(&weight, None, &bn).unwrap();
        assert!(folded.weight.equal(&Tensor::from_slice(&[1.0, 2.0]).reshape([2, 1])));
        assert!(folded.bias.equal(&Tensor::from_slice(&[-0.5; 2])));
    }
}
