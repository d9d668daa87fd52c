//! Losses of spiking networks. In: outputs at every step, or spikes, and what they should be; out: one number.

use tch::{Kind, Reduction, TchError, Tensor};

use super::kernel::{Kernel, kernel_dot_product};
use crate::error::{Error, Result};
use crate::ops;

/// The cross-entropy of every step against the same target, averaged: `[T, N, C, ..]` and `[N, ..]` of class numbers to `[]`.
///
/// From "Temporal Efficient Training of Spiking Neural Network via Gradient Re-weighting" (Deng et al., ICLR 2022).
/// SpikingJelly equivalent: `functional.temporal_efficient_training_cross_entropy(x_seq, target)`.
///
/// # Errors
///
/// There is no step, or outputs and target do not belong together.
pub fn temporal_efficient_training_cross_entropy(x_seq: &Tensor, target: &Tensor) -> Result<Tensor> {
    const NAME: &str = "temporal_efficient_training_cross_entropy";
    let sizes = x_seq.size();
    let (steps, mut want) = match sizes[..] {
        [steps, batch, _, ref rest @ ..] => (steps, [&[batch], rest].concat()),
        _ => return Err(Error::shape(NAME, "`x_seq` of [T, N, C, ..]", &sizes, "time comes first")),
    };
    if steps == 0 {
        return Err(Error::Steps { layer: NAME.into(), problem: format!("there is no step in {sizes:?}") });
    }
    if target.size() != want {
        return Err(Error::shape(NAME, format!("`target` of {want:?}"), &target.size(), "one class number per output and sample"));
    }
    want[0] *= steps;
    let loss = || {
        let target = ops::shown(NAME, target, steps)?.f_reshape(&want)?;
        Ok(x_seq.f_flatten(0, 1)?.f_cross_entropy_loss::<Tensor>(&target, None, Reduction::Mean, -100, 0.0)?)
    };
    loss().map_err(|e| match e {
        Error::Torch(source) => Error::in_layer(NAME)(source),
        other => other,
    })
}

/// How [`spike_similar_loss`] compares two matrices of likeness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// Mean squared error.
    Mse,
    /// Mean absolute error.
    L1,
    /// Binary cross-entropy, for likeness from 0 to 1: [`Kernel::Sigmoid`] or [`Kernel::Gaussian`].
    Bce,
}

/// How far the likeness of the spikes of each pair of samples is from that of their labels: `[N, ..]` and `[N, C]` to `[]`.
///
/// Labels are one-hot or multi-hot: two samples are alike if they share a class. With [`Kernel::Linear`] spikes are compared by
/// their cosine. SpikingJelly equivalent: `functional.spike_similar_loss(spikes, labels, kernel_type, loss_type, *args)`.
///
/// # Errors
///
/// Spikes and labels do not belong together, or a likeness is outside [0, 1] and the distance is [`Distance::Bce`].
pub fn spike_similar_loss(spikes: &Tensor, labels: &Tensor, kernel: Kernel, distance: Distance) -> Result<Tensor> {
    const NAME: &str = "spike_similar_loss";
    let sizes = spikes.size();
    if sizes.len() < 2 || labels.dim() != 2 || labels.size()[0] != sizes[0] {
        let wants = format!("`labels` of [N, C] and `spikes` of [N, ..], here {sizes:?}");
        return Err(Error::shape(NAME, wants, &labels.size(), ""));
    }
    let flat = spikes.f_flatten(1, -1)?;
    let alike = kernel_dot_product(&flat, &flat, kernel)?;
    difference(&flat, alike, labels, kernel, distance).map_err(Error::in_layer(NAME))
}

fn difference(flat: &Tensor, alike: Tensor, labels: &Tensor, kernel: Kernel, distance: Distance) -> Result<Tensor, TchError> {
    let alike = match kernel {
        Kernel::Linear => {
            let length = flat.f_norm_scalaropt_dim(2, 1, true)?;
            alike.f_div(&length.f_mm(&length.f_tr()?)?.f_add_scalar(1e-8)?)?
        }
        _ => alike,
    };
    let labels = labels.f_to_kind(if flat.kind() == Kind::Double { Kind::Double } else { Kind::Float })?;
    let want = labels.f_mm(&labels.f_tr()?)?.f_clamp_max(1)?;
    match distance {
        Distance::Mse => alike.f_mse_loss(&want, Reduction::Mean),
        Distance::L1 => alike.f_l1_loss(&want, Reduction::Mean),
        Distance::Bce => alike.f_binary_cross_entropy::<Tensor>(&want, None, Reduction::Mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn every_step_counts_the_same() {
        let x = Tensor::rand([4, 3, 5], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let target = Tensor::from_slice(&[0i64, 4, 2]);
        let got = temporal_efficient_training_cross_entropy(&x, &target).unwrap();
        let steps: Vec<Tensor> = (0..4).map(|t| x.get(t).log_softmax(-1, Kind::Double).nll_loss(&target)).collect();
        let want = Tensor::stack(&steps, 0).mean(Kind::Double);
        assert!(got.allclose(&want, 1e-12, 1e-12, false));
        let gradient = |loss: &Tensor| Tensor::run_backward(&[loss], &[&x], true, false).swap_remove(0);
        assert!(gradient(&got).allclose(&gradient(&want), 1e-12, 1e-12, false));
    }

    /// |x|² + |y|² - 2 x · y of equal rows rounds to either side of 0.
    #[test]
    fn equal_rows_are_no_more_than_alike() {
        let rows = Tensor::randn([128, 100], (Kind::Float, Device::Cpu)) * 10.0;
        let kernel = Kernel::Gaussian { sigma: 1.0 };
        assert!(kernel_dot_product(&rows, &rows, kernel).unwrap().max().double_value(&[]) <= 1.0);
        let loss = spike_similar_loss(&rows, &Tensor::eye(128, (Kind::Int64, Device::Cpu)), kernel, Distance::Bce).unwrap();
        assert!((0.0..1e-2).contains(&loss.double_value(&[])), "each row is like itself alone, as its label says: {loss:?}");
    }

    #[test]
    fn what_does_not_belong_together_is_told() {
        let x = Tensor::zeros([4, 3, 5], (Kind::Float, Device::Cpu));
        let say =
            |x: &Tensor, target: &[i64]| temporal_efficient_training_cross_entropy(x, &Tensor::from_slice(target)).unwrap_err().to_string();
        assert!(say(&x, &[1, 2]).contains("wants `target` of [3], but gets [2]"));
        assert!(say(&x.get(0), &[1]).contains("`x_seq` of [T, N, C, ..]"));
        assert!(say(&x.narrow(0, 0, 0), &[0, 0, 0]).contains("there is no step"));
        assert!(say(&x, &[0, 9, 0]).starts_with("temporal_efficient_training_cross_entropy: "));
        let spikes = Tensor::zeros([4, 6], (Kind::Float, Device::Cpu));
        let e = spike_similar_loss(&spikes, &Tensor::zeros([3, 2], (Kind::Int64, Device::Cpu)), Kernel::Linear, Distance::Mse);
        assert!(e.unwrap_err().to_string().starts_with("spike_similar_loss: wants `labels` of [N, C]"));
    }
}
