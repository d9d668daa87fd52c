//! Layers over space. In: kernels of any number of axes, groups, strides, dilations, borders; out: what plain loops give.

mod support;

use snn_infer::{
    AdaptiveAvgPoolConfig, AvgPoolConfig, Builder, ConvConfig, ConvTransposeConfig, Frozen, GroupNormConfig, MaxPoolConfig, Model,
    PaddingMode, Result, UpsampleConfig, Value, VotingLayerConfig, WSLinearConfig, frozen,
};
use support::{Numbers, Weights, assert_near, batch_norm};

/// What a stateless layer gives for one sample.
fn run(shape: &[usize], weights: &Weights, layer: impl FnOnce(&mut Builder, Value) -> Result<Value>) -> Result<Vec<f32>> {
    let mut b = Builder::new("Net", 1);
    let x = b.input("x", shape, false);
    let y = layer(&mut b, x)?;
    b.output("y", y);
    let mut model = Model::new(b.finish(), weights.source())?;
    let x = sample(shape);
    let mut y = vec![9.0; model.output_len(0)];
    model.infer(&[&x], &mut [&mut y])?;
    Ok(y)
}

fn sample(shape: &[usize]) -> Vec<f32> {
    Numbers::new(11).take(shape.iter().product())
}

#[test]
fn convolution_of_a_series_in_groups_around_the_edge() -> Result<()> {
    let c = ConvConfig {
        padding: [[1, 2]],
        stride: [2],
        dilation: [2],
        groups: 2,
        padding_mode: PaddingMode::Circular,
        ..ConvConfig::new(4, 6, [3])
    };
    let weights = Weights::new(&[("conv.weight", &[6, 2, 3]), ("conv.bias", &[6])]);
    let y = run(&[4, 9], &weights, |b, x| frozen::Conv1d::freeze(b, "conv", c, &[x]))?;
    let (x, w, bias) = (sample(&[4, 9]), weights.get("conv.weight"), weights.get("conv.bias"));
    let mut want = Vec::new();
    for o in 0..6 {
        for at in 0..4 {
            let mut sum = bias[o];
            for (i, k) in (0..2).flat_map(|i| (0..3).map(move |k| (i, k))) {
                let cell = (at * 2 + k * 2 + 9 - 1) % 9;
                sum += w[(o * 2 + i) * 3 + k] * x[(o / 3 * 2 + i) * 9 + cell];
            }
            want.push(sum);
        }
    }
    assert_near(&y, &want, 1e-5);
    Ok(())
}

#[test]
fn transposed_convolution_adds_the_kernel_where_each_cell_lies() -> Result<()> {
    let c = ConvTransposeConfig {
        stride: [2, 1],
        padding: [1, 0],
        output_padding: [1, 0],
        groups: 2,
        ..ConvTransposeConfig::new(4, 6, [3, 2])
    };
    let weights = Weights::new(&[("up.weight", &[4, 3, 3, 2]), ("up.bias", &[6])]);
    let y = run(&[4, 3, 2], &weights, |b, x| frozen::ConvTranspose2d::freeze(b, "up", c, &[x]))?;
    let (x, w, bias) = (sample(&[4, 3, 2]), weights.get("up.weight"), weights.get("up.bias"));
    let (height, width) = (6, 3);
    let mut want: Vec<f32> = (0..6 * height * width).map(|i| bias[i / (height * width)]).collect();
    for (i, r, s) in (0..4).flat_map(|i| (0..3).flat_map(move |r| (0..2).map(move |s| (i, r, s)))) {
        for (o, k, l) in (0..3).flat_map(|o| (0..3).flat_map(move |k| (0..2).map(move |l| (o, k, l)))) {
            if let Some(row) = usize::checked_sub(r * 2 + k, 1).filter(|row| *row < height) {
                want[((i / 2 * 3 + o) * height + row) * width + s + l] += w[((i * 3 + o) * 3 + k) * 2 + l] * x[(i * 3 + r) * 2 + s];
            }
        }
    }
    assert_near(&y, &want, 1e-5);
    Ok(())
}

#[test]
fn pools_upsampling_and_votes() -> Result<()> {
    let none = Weights::new(&[]);
    let x = sample(&[1, 4]);
    let avg = AvgPoolConfig { stride: [2], padding: [1], count_include_pad: false, ..AvgPoolConfig::new([2]) };
    let y = run(&[1, 4], &none, |b, x| frozen::AvgPool1d::freeze(b, "avg", avg.clone(), &[x]))?;
    assert_near(&y, &[x[0], (x[1] + x[2]) / 2.0, x[3]], 1e-6);
    let y = run(&[1, 4], &none, |b, x| frozen::AvgPool1d::freeze(b, "avg", AvgPoolConfig { count_include_pad: true, ..avg }, &[x]))?;
    assert_near(&y, &[x[0] / 2.0, (x[1] + x[2]) / 2.0, x[3] / 2.0], 1e-6);
    let adaptive = AdaptiveAvgPoolConfig { output_size: [Some(3)] };
    let y = run(&[1, 4], &none, |b, x| frozen::AdaptiveAvgPool1d::freeze(b, "avg", adaptive, &[x]))?;
    assert_near(&y, &[(x[0] + x[1]) / 2.0, (x[1] + x[2]) / 2.0, (x[2] + x[3]) / 2.0], 1e-6);
    let max = MaxPoolConfig { stride: [1], dilation: [2], ..MaxPoolConfig::new([2]) };
    let y = run(&[1, 4], &none, |b, x| frozen::MaxPool1d::freeze(b, "max", max, &[x]))?;
    assert_near(&y, &[x[0].max(x[2]), x[1].max(x[3])], 0.0);
    let twice = UpsampleConfig { scale_factor: Some(vec![2.0]), ..Default::default() };
    let y = run(&[1, 4], &none, |b, x| frozen::Upsample::freeze(b, "up", twice, &[x]))?;
    assert_near(&y, &(0..8).map(|i| x[i / 2]).collect::<Vec<_>>(), 0.0);
    let y = run(&[4], &none, |b, x| frozen::VotingLayer::freeze(b, "vote", VotingLayerConfig { voting_size: 2 }, &[x]))?;
    assert_near(&y, &[(x[0] + x[1]) / 2.0, (x[2] + x[3]) / 2.0], 1e-6);
    Ok(())
}

#[test]
fn group_norm_and_standardised_weights() -> Result<()> {
    let weights = Weights::new(&[("gn.weight", &[4]), ("gn.bias", &[4]), ("ws.weight", &[2, 12]), ("ws.bias", &[2]), ("ws.gain", &[2, 1])]);
    let y = run(&[4, 3], &weights, |b, x| frozen::GroupNorm::freeze(b, "gn", GroupNormConfig::new(2, 4), &[x]))?;
    let x = sample(&[4, 3]);
    let normal = |x: &[f32], eps: f32, unbiased: f32| {
        let mean = x.iter().sum::<f32>() / x.len() as f32;
        let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / (x.len() as f32 - unbiased);
        (mean, var, eps)
    };
    let group = |i: usize| normal(&x[i / 6 * 6..][..6], 1e-5, 0.0);
    let want: Vec<f32> = (0..12)
        .map(|i| {
            let (mean, var, eps) = group(i);
            (x[i] - mean) / (var + eps).sqrt() * weights.get("gn.weight")[i / 3] + weights.get("gn.bias")[i / 3]
        })
        .collect();
    assert_near(&y, &want, 1e-5);

    let config = WSLinearConfig { linear: snn_infer::LinearConfig::new(12, 2), gain: true, eps: 1e-4 };
    let y = run(&[12], &weights, |b, x| frozen::WSLinear::freeze(b, "ws", config, &[x]))?;
    let x = sample(&[12]);
    let of = |o: usize| {
        let w = &weights.get("ws.weight")[o * 12..][..12];
        let (mean, var, eps) = normal(w, 1e-4, 1.0);
        let factor = weights.get("ws.gain")[o] / (var * 12.0 + eps).sqrt();
        w.iter().zip(&x).map(|(w, x)| (w - mean) * factor * x).sum::<f32>() + weights.get("ws.bias")[o]
    };
    assert_near(&y, &[of(0), of(1)], 1e-5);
    Ok(())
}

#[test]
fn values_beside_each_other_keep_torchs_order() -> Result<()> {
    let none = Weights::new(&[]);
    let flat = |b: &mut Builder, x| frozen::Flatten::freeze(b, "flat", snn_infer::FlattenConfig { start_dim: 1, end_dim: 2 }, &[x]);
    let x = sample(&[2, 3]);
    let y = run(&[2, 3], &none, |b, x| b.function("cat", &[x, x]))?;
    assert_eq!(y, [&x[..], &x[..]].concat());
    let y = run(&[2, 3], &none, |b, x| {
        let f = flat(b, x)?;
        b.function("cat", &[f, f])
    })?;
    assert_eq!(y, [&x[..], &x[..]].concat());
    let y = run(&[2, 3], &none, |b, x| b.function("stack", &[x, x, x]))?;
    assert_eq!(y, [&x[..], &x[..], &x[..]].concat());
    Ok(())
}

#[test]
fn what_does_not_fit_is_told_by_layer() {
    let say =
        |shape: &[usize], layer: fn(&mut Builder, Value) -> Result<Value>| run(shape, &Weights::new(&[]), layer).unwrap_err().to_string();
    let e = say(&[2, 5, 5], |b, x| frozen::Conv2d::freeze(b, "a.conv", ConvConfig::new(3, 4, [3, 3]), &[x]));
    assert_eq!(e, "Net.a.conv: wants [3, H, W], but gets [2, 5, 5]");
    let e = say(&[3, 2, 2], |b, x| frozen::Conv2d::freeze(b, "conv", ConvConfig::new(3, 4, [3, 3]), &[x]));
    assert_eq!(
        e,
        "Net.conv: wants at least the 3x3 kernel's reach in H, W, but gets [3, 2, 2]\n  help: use a smaller kernel, or more padding"
    );
    let e = say(&[3, 2, 2], |b, x| frozen::Conv2d::freeze(b, "conv", ConvConfig { groups: 2, ..ConvConfig::new(3, 4, [1, 1]) }, &[x]));
    assert_eq!(e, "Net.conv: `in_channels` must be a multiple of `groups = 2`, but is 3");
    let e = say(&[3, 2, 2], |b, x| frozen::Conv2d::freeze(b, "conv", ConvConfig::new(3, 4, [1, 1]), &[x]));
    assert_eq!(e, "the weights do not fit `Net`\n  missing: conv: weight, bias");
}

#[test]
fn a_normalisation_goes_into_a_transposed_convolution_in_groups() -> Result<()> {
    let c = ConvTransposeConfig { groups: 2, ..ConvTransposeConfig::new(4, 6, [2]) };
    let names = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"];
    let mut shapes: Vec<(&str, &[usize])> = vec![("up.weight", &[4, 3, 2]), ("up.bias", &[6])];
    shapes.extend(names.iter().map(|name| (*name, &[6][..])));
    let weights = Weights::new(&shapes);
    let alone = |b: &mut Builder, x| frozen::ConvTranspose1d::freeze(b, "up", c.clone(), &[x]);
    let mut want = run(&[4, 3], &weights, alone)?;
    batch_norm(&mut want, "bn", &weights);
    let y = run(&[4, 3], &weights, |b, x| {
        let y = alone(b, x)?;
        frozen::BatchNorm1d::freeze(b, "bn", snn_infer::BatchNormConfig::new(6), &[y])
    })?;
    assert_near(&y, &want, 1e-5);
    Ok(())
}
