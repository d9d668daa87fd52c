//! Layers whose input is spikes. In: rare spikes, frequent ones, and other numbers; out: what libtorch's dense operations give, by sums of
//! rows where spikes are rare.

mod support;

use snn_runtime::{Conv, Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvConfig, Kind, Linear, LinearConfig, PaddingMode, Stateless, Tensor};
use support::{TRAIN, assert_near, assert_same, grads, lone, randn};

const SIZES: (i64, i64, i64) = (300, 70, 130);

fn spikes(rate: f64, kind: Kind) -> Tensor {
    let (rows, inputs, _) = SIZES;
    Tensor::rand([rows / 3, 3, inputs], (Kind::Float, snn_runtime::Device::Cpu)).lt(rate).to_kind(kind)
}

fn layer(bias: bool, kind: Kind) -> Linear {
    let mut linear: Linear = lone(LinearConfig { bias, ..LinearConfig::new(SIZES.1 as usize, SIZES.2 as usize) });
    linear.weight = learned(&linear.weight, kind);
    linear.bias = linear.bias.map(|bias| learned(&bias, kind));
    linear
}

fn learned(t: &Tensor, kind: Kind) -> Tensor {
    t.detach().to_kind(kind).set_requires_grad(true)
}

#[test]
fn a_linear_layer_of_spikes_is_the_dense_one() {
    snn_runtime::manual_seed(1);
    for (kind, tolerance) in [(Kind::Float, 1e-5), (Kind::Double, 1e-13)] {
        for (rate, bias, wants_x) in [(0.1, true, true), (0.1, false, true), (0.1, true, false), (0.0, true, true), (0.9, true, true)] {
            let linear = layer(bias, kind);
            let x = spikes(rate, kind).set_requires_grad(wants_x);
            let got = linear.forward(&x, &TRAIN).unwrap();
            let want = x.linear(&linear.weight, linear.bias.as_ref());
            let what = format!("{kind:?}, rate {rate}, bias {bias}");
            assert_near(&got, &want, tolerance, &what);
            let upstream = randn(&want.size(), kind);
            let wrt: Vec<&Tensor> = wants_x.then_some(&x).into_iter().chain([&linear.weight]).chain(&linear.bias).collect();
            for (a, b) in grads(&got, &upstream, &wrt).iter().zip(&grads(&want, &upstream, &wrt)) {
                assert_near(a, b, tolerance, &what);
            }
        }
    }
}

#[test]
fn a_single_sample_is_a_row() {
    snn_runtime::manual_seed(5);
    let mut linear: Linear = lone(LinearConfig::new(1024, 1100));
    linear.weight = learned(&linear.weight, Kind::Float);
    linear.bias = linear.bias.map(|bias| learned(&bias, Kind::Float));
    let x = Tensor::rand([1024], (Kind::Float, snn_runtime::Device::Cpu)).lt(0.1).to_kind(Kind::Float).set_requires_grad(true);
    let (got, want) = (linear.forward(&x, &TRAIN).unwrap(), x.linear(&linear.weight, linear.bias.as_ref()));
    assert_near(&got, &want, 1e-5, "y");
    let wrt: Vec<&Tensor> = [&x, &linear.weight].into_iter().chain(&linear.bias).collect();
    let upstream = randn(&want.size(), Kind::Float);
    for (a, b) in grads(&got, &upstream, &wrt).iter().zip(&grads(&want, &upstream, &wrt)) {
        assert_near(a, b, 1e-5, "gradients");
    }
}

/// What tells them apart: zero times infinity, which no sum of rows holds.
#[test]
fn sums_of_rows_are_taken_where_spikes_are_rare() {
    snn_runtime::manual_seed(2);
    let mut linear = layer(false, Kind::Float);
    linear.weight = tch::no_grad(|| linear.weight.index_fill(1, &Tensor::from_slice(&[0i64]), f64::INFINITY));
    let answer = |x: &Tensor| linear.forward(x, &TRAIN).unwrap();
    let silent = |rate: f64| {
        let x = spikes(rate, Kind::Float);
        x.select(2, 0).copy_(&Tensor::from(0.0f32));
        x
    };
    assert!(answer(&silent(0.1)).isfinite().all().int64_value(&[]) == 1);
    for dense in [silent(0.9), silent(0.1) * 2.0] {
        assert!(answer(&dense).isnan().all().int64_value(&[]) == 1);
        assert_same(
            &answer(&dense).nan_to_num(0.0, None, None),
            &dense.linear(&linear.weight, None::<Tensor>).nan_to_num(0.0, None, None),
            "dense",
        );
    }
}

/// Samples, channels in and out.
const IMAGES: (i64, i64, i64) = (9, 20, 70);

fn conv<const D: usize>(c: ConvConfig<D>) -> Conv<D> {
    let mut conv: Conv<D> = lone(c);
    conv.weight = learned(&conv.weight, Kind::Float);
    conv.bias = conv.bias.map(|bias| learned(&bias, Kind::Float));
    conv
}

fn images(plane: &[i64], rate: f64) -> Tensor {
    let sizes = [&[IMAGES.0, IMAGES.1], plane].concat();
    Tensor::rand(&sizes[..], (Kind::Float, snn_runtime::Device::Cpu)).lt(rate).to_kind(Kind::Float)
}

fn wide<const D: usize>(kernel: [usize; D]) -> ConvConfig<D> {
    ConvConfig::new(IMAGES.1 as usize, IMAGES.2 as usize, kernel)
}

/// libtorch's own, whatever arrives.
fn dense<const D: usize>(conv: &Conv<D>, x: &Tensor) -> Tensor {
    let c = conv.config();
    let list = |of: &[usize]| of.iter().map(|n| *n as i64).collect::<Vec<i64>>();
    let padding: Vec<usize> = c.padding.iter().rev().flatten().copied().collect();
    let mode = match c.padding_mode {
        PaddingMode::Zeros => "constant",
        PaddingMode::Reflect => "reflect",
        PaddingMode::Replicate => "replicate",
        PaddingMode::Circular => "circular",
    };
    let x = x.pad(list(&padding), mode, None);
    x.convolution(&conv.weight, conv.bias.as_ref(), list(&c.stride), vec![0; D], list(&c.dilation), false, vec![0; D], c.groups as i64)
}

fn check_conv<const D: usize>(c: ConvConfig<D>, plane: &[i64], rate: f64) {
    let conv = conv(c);
    for wants_x in [true, false] {
        let x = images(plane, rate).set_requires_grad(wants_x);
        let (got, want) = (conv.forward(&x, &TRAIN).unwrap(), dense(&conv, &x));
        let what = format!("{:?}, rate {rate}", conv.config());
        assert_near(&got, &want, 1e-5, &what);
        let upstream = randn(&want.size(), Kind::Float);
        let wrt: Vec<&Tensor> = wants_x.then_some(&x).into_iter().chain([&conv.weight]).chain(&conv.bias).collect();
        for (a, b) in grads(&got, &upstream, &wrt).iter().zip(&grads(&want, &upstream, &wrt)) {
            assert_near(a, b, 2e-5, &what);
        }
    }
}

#[test]
fn a_convolution_of_spikes_is_the_dense_one() {
    snn_runtime::manual_seed(3);
    let same = Conv2dConfig { padding: [[1, 1], [1, 1]], ..wide([3, 3]) };
    for rate in [0.0, 0.1, 0.3, 0.9] {
        check_conv(same.clone(), &[11, 13], rate);
        check_conv(Conv2dConfig { bias: false, ..same.clone() }, &[11, 13], rate);
    }
    for c in [
        wide([1, 1]),
        wide([2, 5]),
        Conv2dConfig { padding: [[3, 3], [0, 0]], ..wide([3, 3]) },
        Conv2dConfig { padding: [[1, 2], [0, 3]], ..wide([3, 3]) },
        Conv2dConfig { padding: [[1, 1], [2, 2]], padding_mode: PaddingMode::Circular, ..wide([3, 3]) },
        Conv2dConfig { dilation: [2, 3], padding: [[2, 2], [3, 3]], ..wide([3, 3]) },
        // Not for sums of rows.
        Conv2dConfig { stride: [2, 2], ..same.clone() },
        Conv2dConfig { groups: 10, ..same },
    ] {
        check_conv(c, &[11, 13], 0.1);
    }
    check_conv(Conv1dConfig { padding: [[2, 2]], dilation: [2], ..wide([3]) }, &[150], 0.1);
    check_conv(Conv3dConfig { padding: [[1, 1]; 3], ..wide([3, 3, 3]) }, &[4, 5, 6], 0.1);
}

/// What tells them apart, as above: an infinite weight, whose channel is silent.
#[test]
fn sums_of_rows_are_taken_where_spikes_are_rare_and_steps_are_single_cells() {
    snn_runtime::manual_seed(4);
    let answer = |c: Conv2dConfig, x: &Tensor| {
        let mut conv = conv(Conv2dConfig { bias: false, ..c });
        conv.weight = tch::no_grad(|| conv.weight.index_fill(1, &Tensor::from_slice(&[0i64]), f64::INFINITY));
        conv.forward(x, &TRAIN).unwrap().isfinite().all().int64_value(&[]) == 1
    };
    let silent_of = |plane: &[i64], rate: f64| {
        let x = images(plane, rate);
        x.select(1, 0).copy_(&Tensor::from(0.0f32));
        x
    };
    let silent = |rate: f64| silent_of(&[11, 13], rate);
    for c in [
        wide([3, 3]),
        wide([2, 5]),
        Conv2dConfig { padding: [[3, 3], [0, 0]], ..wide([3, 3]) },
        Conv2dConfig { padding: [[1, 2], [0, 3]], ..wide([3, 3]) },
        Conv2dConfig { dilation: [2, 3], padding: [[2, 2], [3, 3]], ..wide([3, 3]) },
    ] {
        assert!(answer(c.clone(), &silent(0.1)), "{c:?}");
    }
    assert!(answer(wide([3, 3]), &silent(0.1).transpose(2, 3)), "not row by row");
    assert!(answer(wide([3, 3]), &silent(0.1).narrow(0, 0, 1).repeat([3, 1, 1, 1])));
    for (c, x) in [
        (wide([3, 3]), silent(0.9)),
        (wide([3, 3]), silent(0.1) * 0.5),
        (wide([3, 3]), silent(0.1).narrow(0, 0, 1).narrow(2, 0, 3).narrow(3, 0, 3)), // too small
        (Conv2dConfig { stride: [2, 1], ..wide([3, 3]) }, silent(0.1)),
        (Conv2dConfig { groups: 2, ..wide([3, 3]) }, silent(0.1)),
        (Conv2dConfig { dilation: [1, 40], padding: [[0, 0], [40, 40]], ..wide([31, 3]) }, silent_of(&[31, 80], 0.1)), // too far apart
    ] {
        assert!(!answer(c.clone(), &x), "{c:?}");
    }
    let mut series = conv(Conv1dConfig { bias: false, padding: [[2, 2]], dilation: [2], ..wide([3]) });
    series.weight = tch::no_grad(|| series.weight.index_fill(1, &Tensor::from_slice(&[0i64]), f64::INFINITY));
    assert!(series.forward(&silent_of(&[150], 0.1), &TRAIN).unwrap().isfinite().all().int64_value(&[]) == 1);
}

/// Weights are public: of other sizes they are libtorch's to refuse, whatever arrives.
#[test]
fn weights_that_do_not_fit_are_no_bug_of_ours() {
    let mut conv = conv(wide([3, 3]));
    conv.weight = randn(&[IMAGES.2, IMAGES.1 / 2, 3, 3], Kind::Float);
    let mut linear = layer(true, Kind::Float);
    linear.bias = Some(randn(&[3], Kind::Float));
    for rate in [0.1, 0.9] {
        for error in [
            conv.forward(&images(&[11, 13], rate), &TRAIN).map(drop).unwrap_err().to_string(),
            linear.forward(&spikes(rate, Kind::Float), &TRAIN).map(drop).unwrap_err().to_string(),
        ] {
            assert!(!error.contains("bug of snn"), "{error}");
        }
    }
}
