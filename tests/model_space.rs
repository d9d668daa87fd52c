//! Nets over one, two and three axes of space. In: every layer that knows space or normalises; out: declared shapes, sizes that only
//! rustc knows included, the same numbers in both step modes, and gradients for every weight.

mod support;

use snn::{Kind, Result, Static, Tensor, snn_net};
use support::frozen::{frozen, unfrozen};
use support::{assert_near, input, rand, shake, store};

mod cfg {
    pub(crate) const LENGTH: usize = 32;
    pub(crate) const CHANNELS: usize = 8;
    pub(crate) const GROUPS: usize = 4;
    pub(crate) const KERNEL: usize = 3;
    pub(crate) const CELLS: usize = 5;
    pub(crate) const FACTOR: f64 = 1.5;
    pub(crate) const STEPS: usize = 3;
}

snn_net! {
    /// Sound: all sizes are literals.
    net Series(x: [T, 2, 32]) -> [T, 8, 7] {
        T = 3;
        step_mode = 'm';
        conv: Conv1d(_, 8, 3, padding = "same", padding_mode = "circular"), bn: BatchNorm1d(_), sn1: IFNode(),
        AvgPool1d(2),
        up: ConvTranspose1d(_, 8, 4, stride = 2, padding = 1, groups = 2), gn: GroupNorm(4, _), sn2: IFNode(),
        MaxPool1d(3, stride = 2, ceil_mode = true),
        AdaptiveAvgPool1d(5),
        Upsample(scale_factor = 1.5, mode = "linear"),
    }

    /// The same of sizes that rustc knows, step by step.
    net Outside(x: [T, 2, cfg::LENGTH]) -> [T, cfg::CHANNELS, 7] {
        T = cfg::STEPS;
        step_mode = 's';
        conv: Conv1d(_, cfg::CHANNELS, cfg::KERNEL, padding = "same", padding_mode = "circular"), bn: BatchNorm1d(_), sn1: IFNode(),
        AvgPool1d(2),
        up: ConvTranspose1d(_, cfg::CHANNELS, 4, stride = 2, padding = 1, groups = 2), gn: GroupNorm(cfg::GROUPS, _), sn2: IFNode(),
        MaxPool1d(cfg::KERNEL, stride = 2, ceil_mode = true),
        AdaptiveAvgPool1d(cfg::CELLS),
        Upsample(scale_factor = cfg::FACTOR, mode = "linear"),
    }

    /// A video, step by step.
    net Volume(x: [T, 1, 4, 8, 8]) -> [10] {
        T = 3;
        step_mode = 's';
        conv: Conv3d(_, 4, (2, 3, 3), padding = (0, 1, 1), bias = false), bn: BatchNorm3d(_), sn1: IFNode(),
        MaxPool3d((1, 2, 2)),
        up: ConvTranspose3d(_, 2, 2, stride = 2, output_padding = (0, 1, 0)), IFNode(),
        AvgPool3d(2, padding = (1, 0, 0), count_include_pad = false),
        AdaptiveAvgPool3d((None, 2, 2)),
        PrintShapeModule("flat"),
        Flatten(), WSLinear(_, 10), MeanOverTime(),
    }

    /// Normalisations that know of time. The image is the same at every step.
    net Temporal(x: [2, 8, 8]) -> [T, 5] {
        T = 3;
        step_mode = 'm';
        conv: WSConv2d(_, 6, 3),
        td: ThresholdDependentBatchNorm2d(1.0, 0.5, _), sn1: IFNode(),
        te: TemporalEffectiveBatchNorm2d(_, _), sn2: IFNode(),
        tt: BatchNormThroughTime2d(_, _), sn3: IFNode(),
        Flatten(), fc: Linear(_, 5), bn: BatchNorm1d(_),
    }

    /// Maxima go back where they were, in 'm'.
    net Undone(x: [T, 2, 5, 6]) -> ([T, 2, 5, 6], [T, 2, 2, 3]) {
        T = 3;
        step_mode = 'm';
        pool: MaxPool2d(2, return_indices = true),
        unpool: MaxUnpool2d(2, output_size = (5, 6)),
        forward(x) {
            let (y, indices) = pool(x);
            (unpool(y, indices), y)
        }
    }

    /// And in 's'.
    net UndoneS(x: [T, 2, 5, 6]) -> ([T, 2, 5, 6], [T, 2, 2, 3]) {
        T = 3;
        step_mode = 's';
        pool: MaxPool2d(2, return_indices = true),
        unpool: MaxUnpool2d(2, output_size = (5, 6)),
        forward(x) {
            let (y, indices) = pool(x);
            (unpool(y, indices), y)
        }
    }
}

/// Every weight gets a gradient that is not zero everywhere.
fn assert_learns(vs: &snn::nn::VarStore, loss: &Tensor) {
    loss.backward();
    for (name, t) in vs.variables() {
        assert!(!t.requires_grad() || t.grad().defined() && t.grad().abs().sum(Kind::Float).double_value(&[]) > 0.0, "{name}");
    }
}

#[test]
fn sizes_that_rustc_knows_give_the_same_net() -> Result<()> {
    let (vs, outside) = (store(), store());
    let (net, other) = (Series::new(&vs.root())?, Outside::new(&outside.root())?);
    shake(&vs);
    let (from, mut to) = (vs.variables(), outside.variables());
    assert_eq!(from.len(), to.len());
    tch::no_grad(|| to.iter_mut().for_each(|(name, t)| t.copy_(&from[name])));
    let x = rand(&[3, 2, 2, 32]) * 3.0;
    // In evaluation 's' is 'm', statistics aside.
    let (a, b) = (net.forward(&Series::input(x.shallow_clone())?)?, other.forward(&Outside::input(x.shallow_clone())?)?);
    assert_eq!(a.size(), [3, 2, 8, 7]);
    assert_near(&a, &b, 1e-5);
    assert!(a.abs().sum(Kind::Float).double_value(&[]) > 0.0, "it fires");
    assert_eq!(Series::SUMMARY.params(), Outside::SUMMARY.params());
    assert_eq!(Series::SUMMARY.macs(), Outside::SUMMARY.macs());
    let y = net.forward_t(&Series::input(x)?, true)?;
    assert_learns(&vs, &(y.square()).sum(Kind::Float));
    Ok(())
}

#[test]
fn a_volume_step_by_step() -> Result<()> {
    let vs = store();
    let net = Volume::new(&vs.root())?;
    shake(&vs);
    let x = Volume::input(input(&[3, 2, 1, 4, 8, 8]) * 2.0)?;
    let y = net.forward_t(&x, true)?;
    assert_eq!(y.size(), [2, 10]);
    assert_learns(&vs, &y.square().sum(Kind::Float));
    let (mut s, mut mean) = (net.state(2), Tensor::zeros([2, 10], support::F32));
    for t in 0..3 {
        mean += net.step(&Static::new(x.get(t))?, &mut s)?.into_tensor() / 3.0;
    }
    assert_near(&mean, net.forward(&x)?.as_ref(), 1e-5);
    Ok(())
}

#[test]
fn normalisations_of_a_sequence_made_of_one_image() -> Result<()> {
    let vs = store();
    let net = Temporal::new(&vs.root())?;
    shake(&vs);
    let x = Temporal::input(input(&[4, 2, 8, 8]) * 2.0)?;
    let y = net.forward_t(&x, true)?;
    assert_eq!(y.size(), [3, 4, 5]);
    assert_learns(&vs, &y.square().sum(Kind::Float));
    // Steps continue where the state is, and end where the last normalisation is.
    let mut s = net.state(4);
    let _ = net.forward_from(&x, &mut s, false)?;
    assert_eq!(s.tt.t, Some(2));
    let error = net.forward_from(&x, &mut s, false).unwrap_err().to_string();
    assert!(error.contains("Temporal.tt") && error.contains("`reset()`"), "{error}");
    s.reset();
    assert_near(net.forward_from(&x, &mut s, false)?.as_ref(), net.forward(&x)?.as_ref(), 1e-6);
    Ok(())
}

#[test]
fn maxima_go_back_where_they_were() -> Result<()> {
    let (vs, x) = (store(), rand(&[3, 2, 2, 5, 6]) + 0.1);
    let (net, steps) = (Undone::new(&vs.root())?, UndoneS::new(&vs.root())?);
    let (back, y) = net.forward(&Undone::input(x.shallow_clone())?)?;
    let (by_step, _) = steps.forward(&UndoneS::input(x.shallow_clone())?)?;
    assert_near(&back, &by_step, 0.0);
    // What is not zero is the input, once for each window.
    assert_eq!(back.count_nonzero(None::<i64>).int64_value(&[]), y.numel() as i64);
    assert_near(&(back.as_ref() * back.ne(0.0)), &(&x * back.ne(0.0)), 0.0);
    assert_near(&back.flatten(0, -1).sum(Kind::Float), &y.sum(Kind::Float), 1e-4);
    Ok(())
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Series, SeriesFrozen, x: seq [3, 2, 2, 32]);
    frozen!(Outside, OutsideFrozen, x: seq [cfg::STEPS as i64, 2, 2, cfg::LENGTH as i64]);
    frozen!(Volume, VolumeFrozen, x: seq [3, 2, 1, 4, 8, 8]);
    unfrozen!(Temporal, "Temporal.te", "`TemporalEffectiveBatchNorm2d`");
    unfrozen!(Undone, "Undone.pool", "`MaxPool2d` with `return_indices = true`");
    unfrozen!(UndoneS, "UndoneS.pool", "`MaxPool2d` with `return_indices = true`");
    Ok(())
}
