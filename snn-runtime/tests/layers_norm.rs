//! `BatchNorm2d`. In: images, in training and evaluation; out: normalised ones, and running statistics that move as torch's:
//! over time and batch together, once per call.

mod support;

use snn_runtime::{BatchNorm2d, BatchNorm2dConfig, Cx, Device, Kind, Layer, Tensor, nn};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, randn};

const C: i64 = 3;
const PLAIN: BatchNorm2dConfig =
    BatchNorm2dConfig { num_features: C as usize, eps: 1e-5, momentum: Some(0.1), affine: true, track_running_stats: true };

fn images(sizes: &[i64]) -> Tensor {
    randn(sizes, Kind::Float) * 3.0 + 1.5
}

/// `[N, C, H, W]` statistics per channel: mean, biased and unbiased variance.
fn statistics(x: &Tensor) -> [Tensor; 3] {
    let per_channel = x.transpose(0, 1).contiguous().view([x.size()[1], -1]).to_kind(Kind::Double);
    let n = per_channel.size()[1] as f64;
    let mean = per_channel.mean_dim(1, false, None);
    let var = (&per_channel - mean.unsqueeze(1)).square().mean_dim(1, false, None);
    [mean, var.shallow_clone(), var * (n / (n - 1.0))]
}

/// (x - mean) / sqrt(var + eps) * weight + bias
fn normalised(x: &Tensor, [mean, var]: [&Tensor; 2], eps: f64, bn: &BatchNorm2d) -> Tensor {
    let per_channel = |t: &Tensor| t.to_kind(Kind::Double).view([1, C, 1, 1]);
    let mut y = (x.to_kind(Kind::Double) - per_channel(mean)) / (per_channel(var) + eps).sqrt();
    if let (Some(weight), Some(bias)) = (&bn.weight, &bn.bias) {
        y = y * per_channel(weight) + per_channel(bias);
    }
    y.to_kind(Kind::Float)
}

/// Weights that are not at their start.
fn shaken(config: BatchNorm2dConfig) -> BatchNorm2d {
    let bn: BatchNorm2d = lone(config);
    tch::no_grad(|| {
        for t in [&bn.weight, &bn.bias].into_iter().flatten() {
            let _ = t.shallow_clone().uniform_(0.5, 1.5);
        }
    });
    bn
}

fn forward(bn: &BatchNorm2d, x: &Tensor, cx: &Cx) -> Tensor {
    let run = if x.dim() == 5 { bn.sequence(x, &mut (), cx) } else { bn.step(x, &mut (), cx) };
    run.unwrap()
}

fn running(bn: &BatchNorm2d) -> (Tensor, Tensor, i64) {
    let r = bn.running.as_ref().unwrap();
    (r.mean.copy(), r.var.copy(), r.num_batches_tracked.int64_value(&[]))
}

#[test]
fn training_normalises_by_the_batch_and_moves_the_running_statistics() {
    let bn = shaken(PLAIN);
    let (mut mean, mut var) = (Tensor::zeros([C], (Kind::Double, Device::Cpu)), Tensor::ones([C], (Kind::Double, Device::Cpu)));
    for call in 1..=3 {
        let x = images(&[4, C, 5, 6]);
        let y = forward(&bn, &x, &TRAIN);
        let [m, biased, unbiased] = statistics(&x);
        assert_near(&y, &normalised(&x, [&m, &biased], 1e-5, &bn), 1e-5, "output");
        mean = mean * 0.9 + m * 0.1;
        var = var * 0.9 + unbiased * 0.1;
        let (got_mean, got_var, batches) = running(&bn);
        assert_near(&got_mean, &mean.to_kind(Kind::Float), 1e-5, "running_mean");
        assert_near(&got_var, &var.to_kind(Kind::Float), 1e-5, "running_var");
        assert_eq!(batches, call);
    }
}

#[test]
fn a_sequence_is_one_batch_of_all_its_steps() {
    let (bn, flat) = (shaken(PLAIN), images(&[12, C, 5, 6]));
    let y = forward(&bn, &flat.view([4, 3, C, 5, 6]), &TRAIN);
    let [m, biased, unbiased] = statistics(&flat);
    assert_near(&y.view([12, C, 5, 6]), &normalised(&flat, [&m, &biased], 1e-5, &bn), 1e-5, "statistics of T * N images");
    let (mean, var, batches) = running(&bn);
    assert_near(&mean, &(m * 0.1).to_kind(Kind::Float), 1e-5, "moved once");
    assert_near(&var, &(unbiased * 0.1 + 0.9).to_kind(Kind::Float), 1e-5, "moved once");
    assert_eq!(batches, 1);
}

#[test]
fn steps_are_batches_of_their_own() {
    let (bn, x) = (shaken(PLAIN), images(&[4, 3, C, 5, 6]));
    for t in 0..4 {
        let y = forward(&bn, &x.get(t), &TRAIN);
        let [m, biased, _] = statistics(&x.get(t));
        assert_near(&y, &normalised(&x.get(t), [&m, &biased], 1e-5, &bn), 1e-5, "statistics of one step");
    }
    assert_eq!(running(&bn).2, 4);
}

#[test]
fn evaluation_uses_the_running_statistics_and_leaves_them() {
    let bn = shaken(PLAIN);
    for _ in 0..3 {
        let _ = forward(&bn, &images(&[4, C, 5, 6]), &TRAIN);
    }
    let (mean, var, batches) = running(&bn);
    let x = images(&[2, 3, C, 5, 6]);
    let y = forward(&bn, &x, &EVAL);
    assert_near(&y.flatten(0, 1), &normalised(&x.flatten(0, 1), [&mean, &var], 1e-5, &bn), 1e-5, "output");
    let steps: Vec<Tensor> = (0..2).map(|t| forward(&bn, &x.get(t), &EVAL)).collect();
    assert_near(&y, &Tensor::stack(&steps, 0), 1e-6, "'s' and 'm'");
    let after = running(&bn);
    assert_same(&after.0, &mean, "running_mean");
    assert_same(&after.1, &var, "running_var");
    assert_eq!(after.2, batches);
}

#[test]
fn no_momentum_averages_all_batches() {
    let bn = shaken(BatchNorm2dConfig { momentum: None, ..PLAIN });
    let batches: Vec<Tensor> = (0..3).map(|_| images(&[4, C, 5, 6])).collect();
    for x in &batches {
        let _ = forward(&bn, x, &TRAIN);
    }
    let mean_of = |which: usize| {
        let all: Vec<Tensor> = batches.iter().map(|x| statistics(x)[which].shallow_clone()).collect();
        Tensor::stack(&all, 0).mean_dim(0, false, None).to_kind(Kind::Float)
    };
    let (mean, var, _) = running(&bn);
    assert_near(&mean, &mean_of(0), 1e-5, "running_mean");
    assert_near(&var, &mean_of(2), 1e-5, "running_var");
}

#[test]
fn without_running_statistics_every_batch_is_its_own() {
    let bn = shaken(BatchNorm2dConfig { track_running_stats: false, ..PLAIN });
    assert!(bn.running.is_none());
    let x = images(&[4, C, 5, 6]);
    let [m, biased, _] = statistics(&x);
    let want = normalised(&x, [&m, &biased], 1e-5, &bn);
    for cx in [&TRAIN, &EVAL] {
        assert_near(&forward(&bn, &x, cx), &want, 1e-5, "output");
    }
}

#[test]
fn eps_and_affine_are_used() {
    let bn: BatchNorm2d = lone(BatchNorm2dConfig { eps: 0.5, affine: false, ..PLAIN });
    assert!(bn.weight.is_none() && bn.bias.is_none());
    let x = images(&[4, C, 5, 6]) * 0.1;
    let [m, biased, _] = statistics(&x);
    assert_near(&forward(&bn, &x, &TRAIN), &normalised(&x, [&m, &biased], 0.5, &bn), 1e-5, "output");
}

#[test]
fn gradients_are_those_of_the_definition() {
    let bn = shaken(PLAIN);
    let x = images(&[4, C, 5, 6]).set_requires_grad(true);
    let weight = randn(&[4, C, 5, 6], Kind::Float);
    let wrt = [&x, bn.weight.as_ref().unwrap(), bn.bias.as_ref().unwrap()];
    let [m, biased, _] = statistics(&x);
    let want = grads(&normalised(&x, [&m, &biased], 1e-5, &bn), &weight, &wrt);
    for (got, want) in grads(&forward(&bn, &x, &TRAIN), &weight, &wrt).iter().zip(&want) {
        assert_near(got, want, 1e-4, "gradients");
    }
    assert!(!bn.running.as_ref().unwrap().mean.requires_grad(), "running statistics are no part of the graph");
}

#[test]
fn one_value_per_channel_cannot_be_normalised_in_training() {
    let vs = nn::VarStore::new(Device::Cpu);
    let bn: BatchNorm2d = build(&vs, "bn1", PLAIN).unwrap();
    let x = images(&[1, C, 1, 1]);
    assert_says(bn.step(&x, &mut (), &TRAIN), &["Net.bn1", "one value per channel"]);
    assert_says(bn.sequence(&x.unsqueeze(0), &mut (), &TRAIN), &["Net.bn1", "one value per channel"]);
    assert_eq!(running(&bn).2, 0, "nothing was counted");
    // Two steps are two values; and evaluation needs none.
    let _ = bn.sequence(&images(&[2, 1, C, 1, 1]), &mut (), &TRAIN).unwrap();
    let _ = bn.step(&x, &mut (), &EVAL).unwrap();
}

#[test]
fn wrong_channels_are_an_error_of_the_layer() {
    let bn: BatchNorm2d = build(&nn::VarStore::new(Device::Cpu), "bn1", PLAIN).unwrap();
    for cx in [&TRAIN, &EVAL] {
        assert_says(bn.step(&images(&[4, C + 1, 5, 6]), &mut (), cx), &["Net.bn1"]);
    }
    assert_eq!(running(&bn).2, 0, "nothing was counted");
}

#[test]
fn arguments_are_checked() {
    let vs = nn::VarStore::new(Device::Cpu);
    for eps in [-1.0, f64::NAN] {
        assert_says(build::<BatchNorm2d>(&vs, "bn", BatchNorm2dConfig { eps, ..PLAIN }), &["Net.bn", "`eps`"]);
    }
}

#[test]
fn weights_and_statistics_start_as_torchs_and_are_saved() {
    let vs = nn::VarStore::new(Device::Cpu);
    let bn: BatchNorm2d = build(&vs, "bn1", PLAIN).unwrap();
    let mut names: Vec<String> = vs.variables().into_keys().collect();
    names.sort();
    let want = ["bn1.bias", "bn1.num_batches_tracked", "bn1.running_mean", "bn1.running_var", "bn1.weight"];
    assert_eq!(names, want);
    assert_eq!(vs.trainable_variables().len(), 2, "an optimiser leaves statistics alone");
    let values = |t: &Tensor| Vec::<f32>::try_from(t).unwrap();
    assert_eq!(values(bn.weight.as_ref().unwrap()), [1.0; C as usize]);
    assert_eq!(values(bn.bias.as_ref().unwrap()), [0.0; C as usize]);
    let r = bn.running.as_ref().unwrap();
    assert_eq!((values(&r.mean), values(&r.var)), (vec![0.0; C as usize], vec![1.0; C as usize]));
    assert_eq!((r.num_batches_tracked.kind(), r.num_batches_tracked.size()), (Kind::Int64, vec![]));
}
