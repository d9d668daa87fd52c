//! `TemporalWiseAttention`, `MultiDimensionalAttention`. In: random sequences; out: what their equations in torch's own operations give,
//! gradients of inputs and weights included.

mod support;

use proptest::prelude::*;
use snn_runtime::{
    Device, Error, Kind, Layer, MultiDimensionalAttention, MultiDimensionalAttentionConfig, TemporalWiseAttention,
    TemporalWiseAttentionConfig, Tensor, nn,
};
use support::{TRAIN, assert_near, assert_says, build, grads, lone, randn};

/// w2 relu(w1 v) for `[N, size]`.
fn perceptron([w1, w2]: &[Tensor; 2], v: &Tensor) -> Tensor {
    let flat = |w: &Tensor| w.reshape([w.size()[0], w.size()[1]]).to_kind(v.kind());
    v.matmul(&flat(w1).tr()).relu().matmul(&flat(w2).tr())
}

/// sigmoid(P(mean) + P(max)) of `z` `[N, size, ..]` over everything behind the second axis.
fn scores(mlp: &[Tensor; 2], z: &Tensor) -> Tensor {
    let z = z.flatten(2, -1);
    (perceptron(mlp, &z.mean_dim(2, false, z.kind())) + perceptron(mlp, &z.max_dim(2, false).0)).sigmoid()
}

#[track_caller]
fn agree(got: &Tensor, want: &Tensor, wrt: &[&Tensor]) {
    assert_near(got, want, 1e-5, "output");
    let weight = randn(&got.size(), got.kind());
    let (got, want) = (grads(got, &weight, wrt), grads(want, &weight, wrt));
    got.iter().zip(&want).enumerate().for_each(|(i, (a, b))| assert_near(a, b, 1e-4, &format!("gradient {i}")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn temporal_attention_is_its_equation(steps in 2..9usize, reduction in 1..3usize, n in 1..4i64, flat: bool, wide: bool) {
        let kind = if wide { Kind::Double } else { Kind::Float };
        let dimension = if flat { 2 } else { 4 };
        let layer: TemporalWiseAttention = lone(TemporalWiseAttentionConfig { T: steps, reduction, dimension });
        let t = steps as i64;
        let x = if flat { randn(&[t, n, 9], kind) } else { randn(&[t, n, 3, 4, 5], kind) }.set_requires_grad(true);
        let y = layer.sequence(&x, &mut (), &TRAIN).unwrap();
        let gates = scores(&layer.shared_mlp, &x.transpose(0, 1)).transpose(0, 1);
        let ones: Vec<i64> = vec![1; x.dim() - 2];
        let want = &x * gates.reshape([&[t, n], &ones[..]].concat());
        let [first, last] = &layer.shared_mlp;
        agree(&y, &want, &[&x, first, last]);
    }

    #[test]
    fn multi_dimensional_attention_is_its_three_stages(
        (steps, c) in (2..5usize, 2..5usize), n in 1..3i64, kernel in 0..2usize, stages in 1..8u8, wide: bool,
    ) {
        let (kind, kernel_size) = (if wide { Kind::Double } else { Kind::Float }, [3, 7][kernel]);
        let [use_temporal, use_channel, use_spatial] = [1, 2, 4].map(|bit| stages & bit != 0);
        let config = MultiDimensionalAttentionConfig { reduction_t: 2, reduction_c: 2, kernel_size, use_temporal, use_channel, use_spatial, ..MultiDimensionalAttentionConfig::new(steps, c) };
        let layer: MultiDimensionalAttention = lone(config);
        let (t, channels) = (steps as i64, c as i64);
        let x = randn(&[t, n, channels, 4, 5], kind).set_requires_grad(true);
        let y = layer.sequence(&x, &mut (), &TRAIN).unwrap();

        let mut z = x.transpose(0, 1);
        if let Some(ta) = &layer.ta {
            z = &z * scores(ta, &z).reshape([n, t, 1, 1, 1]);
        }
        if let Some(ca) = &layer.ca {
            z = &z * scores(ca, &z.transpose(1, 2)).reshape([n, 1, channels, 1, 1]);
        }
        if let Some(sa) = &layer.sa {
            let f = z.reshape([n, t * channels, 4, 5]);
            let planes = Tensor::cat(&[f.mean_dim(1, true, kind), f.max_dim(1, true).0], 1);
            let pad = kernel_size as i64 / 2;
            let gates = planes.conv2d(&sa.to_kind(kind), None::<Tensor>, 1, pad, 1, 1).sigmoid();
            z = &z * gates.reshape([n, 1, 1, 4, 5]);
        }
        let want = z.relu().transpose(0, 1).contiguous();
        let mut wrt = vec![&x];
        wrt.extend(layer.ta.iter().chain(&layer.ca).flatten().chain(&layer.sa));
        agree(&y, &want, &wrt);
    }
}

/// Equal maxima: the first in the order of memory gets the gradient, as in torch's pools.
#[test]
fn of_equal_maxima_the_first_counts() {
    let layer: TemporalWiseAttention = lone(TemporalWiseAttentionConfig { T: 2, reduction: 1, dimension: 2 });
    // Hidden units that are at work: weights of 0.1 and more.
    for w in &layer.shared_mlp {
        w.shallow_clone().set_data(&(w.detach().abs() + 0.1));
    }
    let x = Tensor::ones([2, 1, 6], (Kind::Double, Device::Cpu)).set_requires_grad(true);
    let y = layer.sequence(&x, &mut (), &TRAIN).unwrap();
    let grad = grads(&y, &Tensor::from_slice(&[1.0, -0.3]).reshape([2, 1, 1]).expand([2, 1, 6], false).contiguous(), &[&x]);
    let rest = grad[0].narrow(2, 1, 5);
    assert_near(&rest, &rest.narrow(2, 0, 1).expand([2, 1, 5], false).contiguous(), 1e-12, "all but the first are alike");
    assert!((grad[0].narrow(2, 0, 1) - rest.narrow(2, 0, 1)).abs().max().double_value(&[]) > 1e-9, "the first gets more");
}

#[test]
fn weights_have_spikingjellys_names_and_spread() {
    let vs = nn::VarStore::new(Device::Cpu);
    let config = MultiDimensionalAttentionConfig { reduction_t: 4, reduction_c: 3, ..MultiDimensionalAttentionConfig::new(8, 6) };
    let _: MultiDimensionalAttention = build(&vs, "mda", config).unwrap();
    let _: TemporalWiseAttention = build(&vs, "twa", TemporalWiseAttentionConfig { T: 8, reduction: 4, dimension: 4 }).unwrap();
    let mut names: Vec<_> = vs.variables().into_iter().map(|(name, t)| (name, t.size(), t.abs().max().double_value(&[]))).collect();
    names.sort_by(|a, b| a.0.cmp(&b.0));
    let want: [(&str, &[i64], f64); 7] = [
        ("mda.ca.sharedMLP.0.weight", &[2, 6, 1, 1, 1], 6.0),
        ("mda.ca.sharedMLP.2.weight", &[6, 2, 1, 1, 1], 2.0),
        ("mda.sa.conv.weight", &[1, 2, 3, 3], 18.0),
        ("mda.ta.sharedMLP.0.weight", &[2, 8, 1, 1, 1], 8.0),
        ("mda.ta.sharedMLP.2.weight", &[8, 2, 1, 1, 1], 2.0),
        ("twa.sharedMLP.0.weight", &[2, 8], 8.0),
        ("twa.sharedMLP.2.weight", &[8, 2], 2.0),
    ];
    assert_eq!(names.len(), want.len());
    for ((name, sizes, largest), (want, want_sizes, fan_in)) in names.iter().zip(want) {
        assert_eq!((name.as_str(), sizes.as_slice()), (want, want_sizes));
        let bound = 1.0 / f64::sqrt(fan_in);
        assert!(*largest <= bound && *largest > bound / 2.0, "{name}: {largest} of {bound}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let twa: TemporalWiseAttention = lone(TemporalWiseAttentionConfig { T: 8, reduction: 4, dimension: 4 });
    let run = |sizes: &[i64]| twa.sequence(&randn(sizes, Kind::Float), &mut (), &TRAIN);
    for sizes in [&[6, 2, 3, 4, 4][..], &[8, 2, 4, 4], &[8, 2, 10], &[0, 2, 3, 4, 4]] {
        let _ = assert_says(run(sizes), &["[8, N, C, H, W]"]);
    }
    assert_eq!(run(&[8, 0, 3, 4, 4]).unwrap().size(), [8, 0, 3, 4, 4]);
    assert!(matches!(twa.step(&randn(&[2, 3, 4, 4], Kind::Float), &mut (), &TRAIN), Err(Error::WholeSequence { .. })));
    let mda: MultiDimensionalAttention =
        lone(MultiDimensionalAttentionConfig { reduction_t: 2, reduction_c: 2, ..MultiDimensionalAttentionConfig::new(4, 4) });
    for sizes in [&[4, 2, 4, 5][..], &[4, 2, 5, 5, 5], &[3, 2, 4, 5, 5]] {
        let _ = assert_says(mda.sequence(&randn(sizes, Kind::Float), &mut (), &TRAIN), &["[4, N, 4, H, W]"]);
    }

    let vs = nn::VarStore::new(Device::Cpu);
    let twa = |reduction, dimension| build::<TemporalWiseAttention>(&vs, "twa", TemporalWiseAttentionConfig { T: 4, reduction, dimension });
    let _ = assert_says(twa(16, 4), &["Net.twa", "`reduction`", "4", "16"]);
    let _ = assert_says(twa(2, 3), &["Net.twa", "`dimension`", "3"]);
    let mda = |config| build::<MultiDimensionalAttention>(&vs, "mda", config);
    let fits = || MultiDimensionalAttentionConfig::new(16, 16);
    let _ = assert_says(mda(MultiDimensionalAttentionConfig { T: 4, ..fits() }), &["Net.mda", "`reduction_t`"]);
    let _ = assert_says(mda(MultiDimensionalAttentionConfig { C: 8, ..fits() }), &["Net.mda", "`reduction_c`"]);
    let _ = assert_says(mda(MultiDimensionalAttentionConfig { kernel_size: 5, ..fits() }), &["Net.mda", "`kernel_size`", "5"]);
    let off = MultiDimensionalAttentionConfig { use_temporal: false, use_channel: false, use_spatial: false, ..fits() };
    let _ = assert_says(mda(off), &["Net.mda", "no stage"]);
}
