//! Losses of classification by firing rates and spike counts. In: outputs at every step, `[T, N, C]`, and the classes `[N]`; out: one number.
//!
//! A [`Seq`](crate::Seq) or [`Steps`](crate::Steps), what a net gives that does not take the mean over time itself, is passed as it is: `&y`.

use tch::{Kind, Reduction, Tensor};

use super::loss::temporal_efficient_training_cross_entropy;
use crate::elements::plain;
use crate::error::{Error, Result};

/// Mean squared error between firing rates and what they should be: `[T, N, C]` to `[]`.
///
/// `target` are classes, `[N]` of `Int64`: the right one should always fire, the others never; or the rates themselves, `[N, C]` of floats.
/// The loss of SpikingJelly's tutorial: `F.mse_loss(net(x).mean(0), F.one_hot(label, C).float())`.
///
/// ```
/// use snn_runtime::{Tensor, functional::rate_mse_loss};
///
/// let spikes = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0]).view([2, 1, 2]); // 2 steps, 1 sample, 2 classes: rates 0.5 and 1
/// let loss = rate_mse_loss(&spikes, &Tensor::from_slice(&[1i64]))?;
/// assert_eq!(loss.double_value(&[]), 0.125); // (0.5² + 0²) / 2
/// # Ok::<(), snn_runtime::Error>(())
/// ```
///
/// # Errors
///
/// There is no step, outputs and target do not belong together, or a target is no class.
pub fn rate_mse_loss(x_seq: &Tensor, target: &Tensor) -> Result<Tensor> {
    const NAME: &str = "rate_mse_loss";
    let sizes = sizes(NAME, x_seq)?;
    plain(NAME, target)?;
    let want = match target.kind() {
        Kind::Int64 => one_hot(NAME, sizes, target, x_seq.kind())?,
        Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16 if target.size() == [sizes.batch, sizes.classes] => target.shallow_clone(),
        _ => return Err(belongs(NAME, sizes, target, &format!("or rates [{}, {}] of floats", sizes.batch, sizes.classes))),
    };
    let loss = || x_seq.f_mean_dim(0, false, None)?.f_mse_loss(&want, Reduction::Mean);
    loss().map_err(Error::in_layer(NAME))
}

/// Mean squared error between spike counts and `rate * T`, divided by `T`: `[T, N, C]` and classes `[N]` to `[]`.
///
/// The neuron of the right class should fire in the share `correct_rate` of the steps, the others in `incorrect_rate`. From SLAYER (Shrestha and
/// Orchard, NeurIPS 2018). snnTorch equivalent: `functional.mse_count_loss(correct_rate, incorrect_rate)`, which rounds the counts down.
///
/// # Errors
///
/// There is no step, outputs and target do not belong together, a target is no class, or a rate is not from 0 to 1.
pub fn count_mse_loss(x_seq: &Tensor, target: &Tensor, correct_rate: f64, incorrect_rate: f64) -> Result<Tensor> {
    const NAME: &str = "count_mse_loss";
    for (argument, rate) in [("correct_rate", correct_rate), ("incorrect_rate", incorrect_rate)] {
        if !(0.0..=1.0).contains(&rate) {
            return Err(Error::argument(NAME, argument, format!("must be from 0 to 1, but is {rate:?}"), "it is a share of the steps"));
        }
    }
    let sizes = sizes(NAME, x_seq)?;
    let hot = one_hot(NAME, sizes, target, x_seq.kind())?;
    let (steps, count) = (sizes.steps as f64, |rate: f64| rate * sizes.steps as f64);
    let loss = || {
        let want = hot.f_mul_scalar(count(correct_rate) - count(incorrect_rate))?.f_add_scalar(count(incorrect_rate))?;
        x_seq.f_sum_dim_intlist(0, false, None)?.f_mse_loss(&want, Reduction::Mean)?.f_div_scalar(steps)
    };
    loss().map_err(Error::in_layer(NAME))
}

/// Cross-entropy of firing rates: the mean over time as logits, `[T, N, C]` and classes `[N]` to `[]`.
///
/// `label_smoothing` is torch's: the share of the right class that all classes have alike. SpikingJelly:
/// `F.cross_entropy(net(x).mean(0), target)`. A net that ends with `MeanOverTime()` gives the rates already.
///
/// # Errors
///
/// There is no step, outputs and target do not belong together, a target is no class, or `label_smoothing` is not from 0 to 1.
pub fn rate_cross_entropy(x_seq: &Tensor, target: &Tensor, label_smoothing: f64) -> Result<Tensor> {
    cross_entropy("rate_cross_entropy", x_seq, target, label_smoothing, |x| x.f_mean_dim(0, false, None))
}

/// Cross-entropy of summed outputs: spike counts, or summed potentials, as logits, `[T, N, C]` and classes `[N]` to `[]`.
///
/// It is [`rate_cross_entropy`] of outputs that are `T` times as large, so it is surer of its answers. snnTorch equivalent:
/// `functional.ce_count_loss()`. `label_smoothing` is torch's.
///
/// # Errors
///
/// As [`rate_cross_entropy`].
pub fn count_cross_entropy(x_seq: &Tensor, target: &Tensor, label_smoothing: f64) -> Result<Tensor> {
    cross_entropy("count_cross_entropy", x_seq, target, label_smoothing, |x| x.f_sum_dim_intlist(0, false, None))
}

/// The loss of temporal efficient training: the cross-entropy of every step, averaged, and a share `lambda` of how far outputs are from `means`:
/// `(1 - lambda) * TET + lambda * MSE(x_seq, means)`, `[T, N, C]` and classes `[N]` to `[]`.
///
/// From "Temporal Efficient Training of Spiking Neural Network via Gradient Re-weighting" (Deng et al., ICLR 2022), eq. 9 to 11: there `means` is the
/// threshold, 1, and `lambda` 0.05 for images and 1e-4 to 0.1 elsewhere. SpikingJelly has the first part alone,
/// [`temporal_efficient_training_cross_entropy`], which is this with `lambda` 0.
///
/// # Errors
///
/// There is no step, outputs and target do not belong together, a target is no class, or `lambda` is not from 0 to 1.
pub fn tet_loss(x_seq: &Tensor, target: &Tensor, means: f64, lambda: f64) -> Result<Tensor> {
    const NAME: &str = "tet_loss";
    if !(0.0..=1.0).contains(&lambda) {
        return Err(Error::argument(NAME, "lambda", format!("must be from 0 to 1, but is {lambda:?}"), ""));
    }
    let sizes = sizes(NAME, x_seq)?;
    check_classes(NAME, sizes, target)?;
    let each_step = temporal_efficient_training_cross_entropy(x_seq, target)?;
    if lambda == 0.0 {
        return Ok(each_step);
    }
    let loss = || {
        let far = x_seq.f_sub_scalar(means)?.f_square()?.f_mean(None)?;
        each_step.f_mul_scalar(1.0 - lambda)?.f_add(&far.f_mul_scalar(lambda)?)
    };
    loss().map_err(Error::in_layer(NAME))
}

fn cross_entropy(
    name: &str,
    x_seq: &Tensor,
    target: &Tensor,
    label_smoothing: f64,
    over_time: impl Fn(&Tensor) -> Result<Tensor, tch::TchError>,
) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&label_smoothing) {
        return Err(Error::argument(name, "label_smoothing", format!("must be from 0 to 1, but is {label_smoothing:?}"), ""));
    }
    let sizes = sizes(name, x_seq)?;
    check_classes(name, sizes, target)?;
    let logits = over_time(x_seq).map_err(Error::in_layer(name))?;
    logits.f_cross_entropy_loss::<Tensor>(target, None, Reduction::Mean, -100, label_smoothing).map_err(Error::in_layer(name))
}

/// Sizes of `[T, N, C]`.
#[derive(Clone, Copy)]
struct Sizes {
    steps: i64,
    batch: i64,
    classes: i64,
}

fn sizes(name: &str, x_seq: &Tensor) -> Result<Sizes> {
    match x_seq.size()[..] {
        [0, ..] => Err(Error::Steps { layer: name.into(), problem: format!("there is no step in {:?}", x_seq.size()) }),
        [steps, batch, classes] if batch > 0 && classes > 0 => match x_seq.kind() {
            Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16 => Ok(Sizes { steps, batch, classes }),
            got => Err(Error::Kind { layer: name.into(), wants: "floats", got }),
        },
        _ => {
            let help = "time comes first; end the net without `MeanOverTime()`, and declare `-> [T, C]`";
            Err(Error::shape(name, "`x_seq` of [T, N, C]", &x_seq.size(), help))
        }
    }
}

fn belongs(name: &str, sizes: Sizes, target: &Tensor, or: &str) -> Error {
    if target.size() == [sizes.batch] && target.kind() != Kind::Int64 {
        return Error::Argument {
            layer: name.into(),
            argument: "`target`".into(),
            problem: format!("must be class numbers of `Int64`, but is of {:?}", target.kind()),
            help: "convert it: `target.to_kind(Kind::Int64)`".into(),
        };
    }
    let or = if or.is_empty() { String::new() } else { format!(" {or}") };
    Error::shape(name, format!("`target` of [{}]{or}", sizes.batch), &target.size(), "one class number per sample")
}

/// One class number per sample, each from 0 to below C.
fn check_classes(name: &str, sizes: Sizes, target: &Tensor) -> Result<()> {
    if target.size() != [sizes.batch] || target.kind() != Kind::Int64 {
        return Err(belongs(name, sizes, target, ""));
    }
    let (low, high) = target.f_aminmax(None, false).map_err(Error::in_layer(name))?;
    let (low, high) = (low.f_int64_value(&[])?, high.f_int64_value(&[])?);
    let odd = if low < 0 { low } else { high };
    if (0..sizes.classes).contains(&odd) {
        return Ok(());
    }
    let problem = format!("holds class {odd}, but there are {} classes, from 0 to {}", sizes.classes, sizes.classes - 1);
    Err(Error::argument(name, "target", problem, ""))
}

/// `[N, C]`: 1 for each sample's class.
fn one_hot(name: &str, sizes: Sizes, target: &Tensor, kind: Kind) -> Result<Tensor> {
    check_classes(name, sizes, target)?;
    target.f_one_hot(sizes.classes).and_then(|hot| hot.f_to_kind(kind)).map_err(Error::in_layer(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Seq, Shape1};
    use tch::Device;

    /// Four steps, three samples, five classes.
    fn outputs() -> Tensor {
        Tensor::rand([4, 3, 5], (Kind::Double, Device::Cpu)).set_requires_grad(true)
    }

    fn classes() -> Tensor {
        Tensor::from_slice(&[0i64, 4, 2])
    }

    /// The same value, and the same gradient of the outputs.
    fn same(x: &Tensor, got: &Tensor, want: &Tensor) {
        assert!(got.allclose(want, 1e-12, 1e-12, false), "{got:?} {want:?}");
        let gradient = |loss: &Tensor| Tensor::run_backward(&[loss], &[x], true, false).swap_remove(0);
        assert!(gradient(got).allclose(&gradient(want), 1e-12, 1e-12, false));
    }

    /// -log softmax(logits)[class], averaged, by its definition.
    fn plain_cross_entropy(logits: &Tensor) -> Tensor {
        let chosen = logits.gather(1, &classes().unsqueeze(1), false).squeeze_dim(1);
        (logits.logsumexp([1], false) - chosen).mean(None)
    }

    #[test]
    fn rates_and_counts_by_their_definitions() {
        let x = outputs();
        let hot = Tensor::eye(5, (Kind::Double, Device::Cpu)).index_select(0, &classes());
        let (rates, counts) = (x.sum_dim_intlist(0, false, None) / 4.0, x.sum_dim_intlist(0, false, None));
        same(&x, &rate_mse_loss(&x, &classes()).unwrap(), &(&rates - &hot).square().mean(None));
        same(&x, &rate_mse_loss(&x, &(&hot * 0.5)).unwrap(), &(&rates - &hot * 0.5).square().mean(None));
        let want = &hot * (0.75 * 4.0) + (1.0 - &hot) * (0.25 * 4.0);
        same(&x, &count_mse_loss(&x, &classes(), 0.75, 0.25).unwrap(), &((&counts - &want).square().mean(None) / 4.0));
        same(&x, &rate_cross_entropy(&x, &classes(), 0.0).unwrap(), &plain_cross_entropy(&rates));
        same(&x, &count_cross_entropy(&x, &classes(), 0.0).unwrap(), &plain_cross_entropy(&counts));
        let even = rates.logsumexp([1], false).mean(None) - rates.mean(None);
        same(&x, &rate_cross_entropy(&x, &classes(), 0.2).unwrap(), &(plain_cross_entropy(&rates) * 0.8 + even * 0.2));
    }

    #[test]
    fn temporal_efficient_training_is_a_mean_of_steps_and_a_pull_to_the_threshold() {
        let x = outputs();
        let each = (0..4).map(|t| plain_cross_entropy(&x.get(t))).collect::<Vec<_>>();
        let each = Tensor::stack(&each, 0).mean(None);
        let far = (&x - 1.0).square().mean(None);
        same(&x, &tet_loss(&x, &classes(), 1.0, 0.0).unwrap(), &each);
        same(&x, &tet_loss(&x, &classes(), 1.0, 0.05).unwrap(), &(each * 0.95 + far * 0.05));
    }

    #[test]
    fn what_a_net_gives_is_passed_as_it_is() {
        let y = Seq::<Shape1<5>, 4>::new(outputs()).unwrap();
        assert!(tet_loss(&y, &classes(), 1.0, 0.05).unwrap().double_value(&[]) > 0.0);
    }

    #[test]
    fn what_does_not_belong_together_is_told() {
        let x = outputs();
        type Loss = fn(&Tensor, &Tensor) -> Result<Tensor>;
        let losses: [(&str, Loss); 5] = [
            ("rate_mse_loss", rate_mse_loss),
            ("count_mse_loss", |x, y| count_mse_loss(x, y, 1.0, 0.0)),
            ("rate_cross_entropy", |x, y| rate_cross_entropy(x, y, 0.0)),
            ("count_cross_entropy", |x, y| count_cross_entropy(x, y, 0.0)),
            ("tet_loss", |x, y| tet_loss(x, y, 1.0, 0.05)),
        ];
        for (name, loss) in losses {
            let say = |x: &Tensor, y: &Tensor| loss(x, y).unwrap_err().to_string();
            let says = |x: &Tensor, y: &Tensor, text: &str| {
                let got = say(x, y);
                assert!(got.starts_with(&format!("{name}: ")) && got.contains(text), "{got}");
            };
            says(&x.get(0), &classes(), "wants `x_seq` of [T, N, C], but gets [3, 5]");
            says(&x.narrow(0, 0, 0), &classes(), "there is no step in [0, 3, 5]");
            says(&x, &Tensor::from_slice(&[0i64, 1]), "wants `target` of [3]");
            says(&x, &Tensor::from_slice(&[0.0, 1.0, 2.0]), "must be class numbers of `Int64`, but is of Double");
            says(&x, &Tensor::from_slice(&[0i64, 5, 1]), "`target` holds class 5, but there are 5 classes, from 0 to 4");
            says(&x, &Tensor::from_slice(&[0i64, -1, 1]), "`target` holds class -1");
            says(&x.to_kind(Kind::Int64), &classes(), "wants a tensor of floats");
        }
        assert!(tet_loss(&x, &classes(), 1.0, 1.5).unwrap_err().to_string().contains("`lambda` must be from 0 to 1"));
        assert!(count_mse_loss(&x, &classes(), 2.0, 0.0).unwrap_err().to_string().contains("`correct_rate` must be from 0 to 1"));
        assert!(rate_cross_entropy(&x, &classes(), -0.1).unwrap_err().to_string().contains("`label_smoothing`"));
    }
}
