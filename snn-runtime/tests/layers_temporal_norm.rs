//! `BatchNorm` over one to three axes, `GroupNorm`, and the normalisations that know of time. In: sequences; out: what their
//! definitions make of a plain batch normalisation, statistics that move once per batch that went through, and errors.

mod support;

use proptest::prelude::*;
use snn_runtime::{BatchNorm, BatchNormConfig, BatchNormThroughTime, BatchNormThroughTimeConfig, Conv, ConvConfig, Cx, Error, GroupNorm};
use snn_runtime::{GroupNormConfig, Kind, Layer, State, TemporalEffectiveBatchNorm, TemporalEffectiveBatchNormConfig, Tensor};
use snn_runtime::{ThresholdDependentBatchNorm, ThresholdDependentBatchNormConfig, named_tensors, nn};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, randn};

const T: usize = 4;
const C: usize = 3;

/// `[T, N, C, ..]` with `axes` axes of space.
fn sequence(axes: usize) -> Tensor {
    randn(&[&[T as i64, 2, C as i64], &[5, 4, 3][..axes]].concat(), Kind::Float) * 2.0 + 0.5
}

fn plain() -> BatchNormConfig {
    BatchNormConfig::new(C)
}

/// Weights, biases and running statistics away from their start.
fn shake<const D: usize>(bn: &BatchNorm<D>) {
    let running = bn.running.as_ref().map(|r| [&r.mean, &r.var]);
    tch::no_grad(|| {
        for t in [&bn.weight, &bn.bias].into_iter().flatten().chain(running.into_iter().flatten()) {
            let _ = t.shallow_clone().uniform_(0.5, 1.5);
        }
    });
}

/// (x - mean) / sqrt(var + eps) * weight + bias of `[N, C, ..]`, with statistics given or its own.
fn normalised<const D: usize>(x: &Tensor, bn: &BatchNorm<D>, given: bool) -> Tensor {
    let per_channel = |t: &Tensor| {
        let mut sizes = vec![1; x.dim()];
        sizes[1] = -1;
        t.reshape(sizes)
    };
    let (mean, var) = match &bn.running {
        Some(r) if given => (r.mean.shallow_clone(), r.var.shallow_clone()),
        _ => {
            let channels = x.transpose(0, 1).flatten(1, -1);
            let mean = channels.mean_dim(1, false, None);
            let var = (&channels - mean.unsqueeze(1)).square().mean_dim(1, false, None);
            (mean, var)
        }
    };
    let mut y = (x - per_channel(&mean)) / (per_channel(&var) + bn.config().eps).sqrt();
    if let Some(w) = &bn.weight {
        y *= per_channel(w);
    }
    if let Some(b) = &bn.bias {
        y += per_channel(b);
    }
    y
}

fn over_time(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> Tensor {
    f(&x.flatten(0, 1)).reshape_as(x)
}

/// The sequence with step t times `scale[t]`.
fn scaled(y: &Tensor, scale: &Tensor) -> Tensor {
    let mut sizes = vec![1; y.dim()];
    sizes[0] = -1;
    y * scale.reshape(sizes)
}

fn assert_grads(got: &Tensor, want: &Tensor, wrt: &[&Tensor], what: &str) {
    assert_near(got, want, 1e-5, what);
    let upstream = randn(&got.size(), Kind::Float);
    for (a, b) in grads(got, &upstream, wrt).iter().zip(&grads(want, &upstream, wrt)) {
        assert_near(a, b, 1e-4, what);
    }
}

/// Over `D` axes, with as many in the input (over one axis also with none).
fn check_batch_norm<const D: usize>(axes: usize) {
    let bn: BatchNorm<D> = lone(plain());
    shake(&bn);
    let x = sequence(axes).set_requires_grad(true);
    let wrt = [&x, bn.weight.as_ref().unwrap(), bn.bias.as_ref().unwrap()];
    let what = format!("over {D} axes of {axes}");
    let eval = bn.sequence(&x, &mut (), &EVAL).unwrap();
    assert_grads(&eval, &over_time(&x, |x| normalised(x, &bn, true)), &wrt, &what);
    let steps = (0..T as i64).map(|t| bn.step(&x.get(t), &mut (), &EVAL).unwrap()).collect::<Vec<_>>();
    assert_near(&eval, &Tensor::stack(&steps, 0), 1e-6, &what);
    let train = bn.sequence(&x, &mut (), &TRAIN).unwrap();
    assert_grads(&train, &over_time(&x, |x| normalised(x, &bn, false)), &wrt, &what);
    assert_eq!(bn.running.as_ref().unwrap().num_batches_tracked.int64_value(&[]), 1, "{what}: once per call");
}

fn check_threshold_dependent<const D: usize>(axes: usize, alpha: f64, v_th: f64) {
    let config = ThresholdDependentBatchNormConfig { alpha, v_th, bn: plain() };
    let layer: ThresholdDependentBatchNorm<D> = lone(config);
    let weight = layer.bn.weight.as_ref().unwrap();
    assert_near(weight, &weight.full_like(alpha * v_th), 1e-6, "the weight at its start");
    let like: BatchNorm<D> = lone(plain());
    tch::no_grad(|| like.weight.as_ref().unwrap().shallow_clone().copy_(&weight.full_like(alpha * v_th)));
    let x = sequence(axes).set_requires_grad(true);
    for cx in [&EVAL, &TRAIN, &EVAL] {
        let (got, want) = (layer.sequence(&x, &mut (), cx).unwrap(), like.sequence(&x, &mut (), cx).unwrap());
        assert_grads(&got, &want, &[&x], "tdBN");
        let still = layer.repeat(&x.get(0), 3, &mut (), cx).unwrap();
        assert_near(&still, &like.repeat(&x.get(0), 3, &mut (), cx).unwrap(), 1e-6, "tdBN of a static input");
    }
    assert_says(layer.step(&x.get(0), &mut (), &EVAL), &["Net.layer", "whole sequences", "help"]);
}

fn check_temporal_effective<const D: usize>(axes: usize) {
    let layer: TemporalEffectiveBatchNorm<D> = lone(TemporalEffectiveBatchNormConfig { steps: T, bn: plain() });
    assert_same(&layer.scale, &layer.scale.ones_like(), "scales at their start");
    shake(&layer.bn);
    let _ = tch::no_grad(|| layer.scale.shallow_clone().uniform_(0.5, 2.0));
    let x = sequence(axes).set_requires_grad(true);
    let wrt = [&x, &layer.scale, layer.bn.weight.as_ref().unwrap()];
    for (cx, given) in [(&EVAL, true), (&TRAIN, false)] {
        let want = scaled(&over_time(&x, |x| normalised(x, &layer.bn, given)), &layer.scale);
        assert_grads(&layer.sequence(&x, &mut (), cx).unwrap(), &want, &wrt, "TEBN");
    }
    let still = layer.repeat(&x.get(1), T as i64, &mut (), &EVAL).unwrap();
    let shown = x.get(1).unsqueeze(0).expand_as(&x).contiguous();
    assert_near(&still, &layer.sequence(&shown, &mut (), &EVAL).unwrap(), 1e-6, "TEBN of a static input");
    assert_says(layer.step(&x.get(0), &mut (), &EVAL), &["Net.layer", "whole sequences"]);
    for steps in [1, 3, 5] {
        let other = x.get(0).unsqueeze(0).repeat([&[steps][..], &vec![1; axes + 2]].concat());
        assert_says(layer.sequence(&other, &mut (), &EVAL), &["Net.layer", "`T` is 4", &format!("has {steps} steps")]);
        assert!(layer.repeat(&x.get(0), steps, &mut (), &EVAL).is_err());
    }
}

fn check_through_time<const D: usize>(axes: usize, cx: &Cx) {
    let layer: BatchNormThroughTime<D> = lone(BatchNormThroughTimeConfig { steps: T, bn: plain() });
    layer.bn_list.iter().for_each(shake);
    assert!(layer.bn_list.iter().all(|bn| bn.bias.is_none()));
    let x = sequence(axes).set_requires_grad(true);
    let want = Tensor::stack(&layer.bn_list.iter().zip(0..).map(|(bn, t)| normalised(&x.get(t), bn, !cx.train)).collect::<Vec<_>>(), 0);
    let weights = layer.bn_list.iter().map(|bn| bn.weight.as_ref().unwrap());
    let wrt: Vec<&Tensor> = [&x].into_iter().chain(weights).collect();

    let mut s = layer.state();
    assert!(named_tensors(&s).is_empty(), "fresh");
    assert_grads(&layer.sequence(&x, &mut s, cx).unwrap(), &want, &wrt, "BNTT");
    assert_eq!(s.t, Some(T - 1));
    let stored = named_tensors(&s);
    assert_eq!((stored[0].0.as_str(), stored[0].1.int64_value(&[])), ("t", T as i64 - 1));
    // A step too many is told, and is none.
    assert_says(layer.step(&x.get(0), &mut s, cx), &["Net.layer", "`T` is 4", "one step more", "`reset()`"]);
    assert_eq!(s.t, Some(T - 1));
    s.reset();
    assert_eq!(s, layer.state());
    if !cx.train {
        for (t, want) in (0..T as i64).map(|t| (t, want.get(t))) {
            assert_near(&layer.step(&x.get(t), &mut s, cx).unwrap(), &want, 1e-5, "step by step, after a reset");
        }
    }
    // A step that is refused is not counted, neither in the state nor in the statistics.
    s.reset();
    let batches = || layer.bn_list.iter().map(|bn| bn.running.as_ref().unwrap().num_batches_tracked.int64_value(&[])).sum::<i64>();
    let before = batches();
    assert!(layer.step(&x.get(0).narrow(1, 0, 2), &mut s, cx).is_err());
    assert_eq!((s.t, batches()), (None, before));
}

#[test]
fn batch_normalisation_over_any_number_of_axes() {
    check_batch_norm::<1>(0);
    check_batch_norm::<1>(1);
    check_batch_norm::<2>(2);
    check_batch_norm::<3>(3);
}

#[test]
fn a_scale_for_each_step() {
    check_temporal_effective::<1>(0);
    check_temporal_effective::<1>(1);
    check_temporal_effective::<2>(2);
    check_temporal_effective::<3>(3);
}

#[test]
fn a_normalisation_for_each_step() {
    for cx in [&EVAL, &TRAIN] {
        check_through_time::<1>(0, cx);
        check_through_time::<1>(1, cx);
        check_through_time::<2>(2, cx);
        check_through_time::<3>(3, cx);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_weight_starts_at_alpha_times_the_threshold(alpha in -2.0f64..2.0, v_th in 0.0f64..2.0) {
        check_threshold_dependent::<1>(0, alpha, v_th);
        check_threshold_dependent::<1>(1, alpha, v_th);
        check_threshold_dependent::<2>(2, alpha, v_th);
        check_threshold_dependent::<3>(3, alpha, v_th);
    }

    #[test]
    fn groups_of_channels_are_normalised(groups in 1usize..4, per_group in 1usize..4, affine: bool, eps in 1e-5f64..0.1, axes in 0usize..4) {
        // One value has no spread: a group needs more.
        let per_group = if axes == 0 { per_group + 1 } else { per_group };
        let channels = groups * per_group;
        let layer: GroupNorm = lone(GroupNormConfig { num_groups: groups, num_channels: channels, eps, affine });
        let affine: Vec<&Tensor> = [&layer.weight, &layer.bias].into_iter().flatten().collect();
        tch::no_grad(|| affine.iter().for_each(|t| drop(t.shallow_clone().uniform_(0.5, 1.5))));
        let x = randn(&[&[3, 2, channels as i64], &[5, 4, 3][..axes]].concat(), Kind::Float).set_requires_grad(true);
        let of_sample = |x: &Tensor| {
            let rows = x.reshape([groups as i64, -1]);
            let centred = &rows - rows.mean_dim(1, true, None);
            let y = &centred / (centred.square().mean_dim(1, true, None) + eps).sqrt();
            let mut sizes = vec![1; x.dim()];
            sizes[0] = -1;
            let y = y.reshape_as(x);
            match affine[..] {
                [w, b] => y * w.reshape(sizes.as_slice()) + b.reshape(sizes),
                _ => y,
            }
        };
        let want = || over_time(&x, |x| Tensor::stack(&(0..6).map(|i| of_sample(&x.get(i))).collect::<Vec<_>>(), 0));
        let wrt: Vec<&Tensor> = [&x].into_iter().chain(affine.iter().copied()).collect();
        for cx in [&EVAL, &TRAIN] {
            assert_grads(&layer.sequence(&x, &mut (), cx).unwrap(), &want(), &wrt, "GroupNorm");
            assert_near(&layer.step(&x.get(2), &mut (), cx).unwrap(), &want().get(2), 1e-5, "a step");
        }
    }

    /// W' = W * g / sqrt(var + eps), b' = (b - mean) * g / sqrt(var + eps) + beta: in evaluation a convolution and its batch
    /// normalisation, tdBN included, are one convolution.
    #[test]
    fn a_convolution_takes_its_normalisation_in(bias: bool, alpha in 0.1f64..2.0) {
        fold::<1>(bias, alpha);
        fold::<2>(bias, alpha);
        fold::<3>(bias, alpha);
    }
}

fn fold<const D: usize>(bias: bool, alpha: f64) {
    let conv: Conv<D> = lone(ConvConfig { bias, ..ConvConfig::new(2, C, [2; D]) });
    let (bn, td): (BatchNorm<D>, ThresholdDependentBatchNorm<D>) =
        (lone(plain()), lone(ThresholdDependentBatchNormConfig { alpha, v_th: 1.0, bn: plain() }));
    shake(&bn);
    let x = randn(&[&[3, 2, 2], &[5, 4, 3][..D]].concat(), Kind::Float);
    let y = conv.sequence(&x, &mut (), &EVAL).unwrap();
    for (bn, want) in [(&bn, bn.sequence(&y, &mut (), &EVAL)), (&td.bn, td.sequence(&y, &mut (), &EVAL))] {
        let r = bn.running.as_ref().unwrap();
        let factor = bn.weight.as_ref().unwrap() / (&r.var + bn.config().eps).sqrt();
        let zero = r.mean.zeros_like();
        let shift = (conv.bias.as_ref().unwrap_or(&zero) - &r.mean) * &factor + bn.bias.as_ref().unwrap();
        let folded: Conv<D> = lone(ConvConfig::new(2, C, [2; D]));
        tch::no_grad(|| {
            let rows = factor.reshape([&[-1][..], &vec![1; D + 1]].concat());
            folded.weight.shallow_clone().copy_(&(&conv.weight * rows));
            folded.bias.as_ref().unwrap().shallow_clone().copy_(&shift);
        });
        assert_near(&folded.sequence(&x, &mut (), &EVAL).unwrap(), &want.unwrap(), 1e-5, "folded");
    }
}

#[test]
fn a_batch_that_is_refused_is_not_counted() {
    let bn: BatchNorm<2> = lone(plain());
    let untouched = |what: &str| {
        let r = bn.running.as_ref().unwrap();
        assert_eq!(r.num_batches_tracked.int64_value(&[]), 0, "{what}");
        assert_same(&r.mean, &r.mean.zeros_like(), what);
        assert_same(&r.var, &r.var.ones_like(), what);
    };
    let float = |sizes: &[i64]| randn(sizes, Kind::Float);
    let of_one_value = bn.step(&float(&[1, C as i64, 1, 1]), &mut (), &TRAIN);
    assert_says(of_one_value, &["Net.layer", "more than one value per channel", "[1, 3, 1, 1]", "use a larger batch"]);
    untouched("one value per channel");
    for x in [float(&[2, 4, 5, 5]), float(&[2, C as i64, 5]), float(&[2, C as i64, 5, 5]).to_kind(Kind::Int64)] {
        assert_says(bn.step(&x, &mut (), &TRAIN), &["Net.layer"]);
        untouched(&format!("{x:?}"));
    }
    assert!(bn.sequence(&float(&[1, 1, C as i64, 1, 1]), &mut (), &TRAIN).is_err());
    untouched("a sequence of one value");
    assert!(bn.step(&float(&[1, C as i64, 1, 1]), &mut (), &EVAL).is_ok(), "evaluation takes no statistics");
    let features: BatchNorm<1> = lone(plain());
    assert_says(features.step(&float(&[2, 4]), &mut (), &TRAIN), &["[N, 3] or [N, 3, L]", "[2, 4]"]);
    assert_says(features.sequence(&float(&[2, 2, 4]), &mut (), &TRAIN), &["[T, N, 3] or [T, N, 3, L]", "[2, 2, 4]"]);
    assert_says(features.step(&float(&[1, C as i64]), &mut (), &TRAIN), &["more than one value per channel"]);
}

#[test]
fn names_are_spikingjellys() {
    let vs = nn::VarStore::new(snn_runtime::Device::Cpu);
    let _: ThresholdDependentBatchNorm<2> =
        build(&vs, "td", ThresholdDependentBatchNormConfig { alpha: 1.0, v_th: 1.0, bn: plain() }).unwrap();
    let _: TemporalEffectiveBatchNorm<2> = build(&vs, "te", TemporalEffectiveBatchNormConfig { steps: 2, bn: plain() }).unwrap();
    let _: BatchNormThroughTime<2> = build(&vs, "tt", BatchNormThroughTimeConfig { steps: 2, bn: plain() }).unwrap();
    let _: GroupNorm = build(&vs, "gn", GroupNormConfig::new(1, 4)).unwrap();
    let mut names: Vec<String> = vs.variables().into_keys().collect();
    names.sort();
    let buffers = ["num_batches_tracked", "running_mean", "running_var"];
    let mut want: Vec<String> =
        ["td", "te", "tt.bn_list.0", "tt.bn_list.1"].iter().flat_map(|l| buffers.map(|b| format!("{l}.{b}"))).collect();
    want.extend(["gn.bias", "gn.weight", "td.bias", "td.weight", "te.bias", "te.scale", "te.weight"].map(String::from));
    want.extend(["tt.bn_list.0.weight", "tt.bn_list.1.weight"].map(String::from));
    want.sort();
    assert_eq!(names, want);
}

#[test]
fn odd_arguments_are_errors() {
    let vs = nn::VarStore::new(snn_runtime::Device::Cpu);
    let bn = |bn: BatchNormConfig| build::<BatchNorm<1>>(&vs, "bn", bn).map(|_| ());
    assert_says(bn(BatchNormConfig { momentum: Some(1.5), ..plain() }), &["Net.bn", "`momentum`", "1.5"]);
    assert_says(bn(BatchNormConfig { eps: f64::NAN, ..plain() }), &["Net.bn", "`eps`"]);
    assert_says(bn(BatchNormConfig::new(0)), &["Net.bn", "`num_features`"]);
    let flat = BatchNormConfig { affine: false, ..plain() };
    let td = build::<ThresholdDependentBatchNorm<1>>(&vs, "td", ThresholdDependentBatchNormConfig { alpha: 1.0, v_th: 1.0, bn: flat });
    assert_says(td, &["Net.td", "`affine`", "alpha * v_th"]);
    let te = build::<TemporalEffectiveBatchNorm<1>>(&vs, "te", TemporalEffectiveBatchNormConfig { steps: 0, bn: plain() });
    assert_says(te, &["Net.te", "`T`"]);
    let tt = build::<BatchNormThroughTime<1>>(&vs, "tt", BatchNormThroughTimeConfig { steps: 0, bn: plain() });
    assert_says(tt, &["Net.tt", "`T`"]);
    let gn = build::<GroupNorm>(&vs, "gn", GroupNormConfig::new(4, 6));
    let e: Error = assert_says(gn, &["Net.gn", "`num_channels`", "a multiple of `num_groups = 4`", "6"]);
    assert!(matches!(e, Error::Argument { .. }));
    let gn: GroupNorm = build(&vs, "gn", GroupNormConfig::new(2, 6)).unwrap();
    assert_says(gn.step(&randn(&[2, 5, 3], Kind::Float), &mut (), &EVAL), &["Net.gn", "[N, 6, ..]"]);
    assert_says(gn.sequence(&randn(&[2, 5, 3], Kind::Float), &mut (), &EVAL), &["Net.gn", "[T, N, 6, ..]"]);
}
