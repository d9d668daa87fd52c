//! `Conv2d` and `Linear`. In: arguments of many kinds; out: what the sums of their definition give, weights that start within
//! torch's bounds, and errors that name the layer.

mod support;

use proptest::prelude::*;
use snn_runtime::{Conv2d, Conv2dConfig, Device, Error, Kind, Layer, Linear, LinearConfig, PaddingMode, Tensor, nn};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, randn};

const PLAIN: Conv2dConfig = Conv2dConfig {
    in_channels: 4,
    out_channels: 6,
    kernel_size: [3, 3],
    stride: [1, 1],
    padding: [[0, 0], [0, 0]],
    dilation: [1, 1],
    groups: 1,
    bias: true,
    padding_mode: PaddingMode::Zeros,
};

/// The cell of an image of length `len` that stands at position `i`, which may lie outside; none for a zero.
fn seen(i: i64, len: i64, mode: PaddingMode) -> Option<i64> {
    match mode {
        PaddingMode::Zeros => (0..len).contains(&i).then_some(i),
        PaddingMode::Replicate => Some(i.clamp(0, len - 1)),
        PaddingMode::Circular => Some(i.rem_euclid(len)),
        PaddingMode::Reflect => Some(if i < 0 {
            -i
        } else if i >= len {
            2 * (len - 1) - i
        } else {
            i
        }),
    }
}

/// The definition of a cross-correlation, sum by sum.
fn by_definition(x: &Tensor, conv: &Conv2d, c: &Conv2dConfig) -> Tensor {
    let [n, _, h, w] = <[i64; 4]>::try_from(x.size()).unwrap();
    let len = |axis: usize, size: i64| {
        let [low, high] = c.padding[axis].map(|p| p as i64);
        let reach = (c.dilation[axis] * (c.kernel_size[axis] - 1)) as i64;
        (size + low + high - reach - 1) / c.stride[axis] as i64 + 1
    };
    let (h_out, w_out) = (len(0, h), len(1, w));
    let (per_group_in, per_group_out) = ((c.in_channels / c.groups) as i64, (c.out_channels / c.groups) as i64);
    let mut out = Vec::new();
    for n in 0..n {
        for o in 0..c.out_channels as i64 {
            for (i, j) in (0..h_out).flat_map(|i| (0..w_out).map(move |j| (i, j))) {
                let mut sum = conv.bias.as_ref().map_or(0.0, |b| b.double_value(&[o]));
                for k in 0..per_group_in {
                    let channel = o / per_group_out * per_group_in + k;
                    for (a, b) in (0..c.kernel_size[0]).flat_map(|a| (0..c.kernel_size[1]).map(move |b| (a, b))) {
                        let at = |axis: usize, out: i64, k: usize, size: i64| {
                            let i = out * c.stride[axis] as i64 + (k * c.dilation[axis]) as i64 - c.padding[axis][0] as i64;
                            seen(i, size, c.padding_mode)
                        };
                        if let (Some(y), Some(z)) = (at(0, i, a, h), at(1, j, b, w)) {
                            sum += conv.weight.double_value(&[o, k, a as i64, b as i64]) * x.double_value(&[n, channel, y, z]);
                        }
                    }
                }
                out.push(sum);
            }
        }
    }
    Tensor::from_slice(&out).view([n, c.out_channels as i64, h_out, w_out]).to_kind(Kind::Float)
}

fn check(c: &Conv2dConfig) {
    let conv: Conv2d = lone(c.clone());
    let x = randn(&[2, c.in_channels as i64, 6, 5], Kind::Float);
    assert_near(&conv.step(&x, &mut (), &EVAL).unwrap(), &by_definition(&x, &conv, c), 1e-5, &format!("{c:?}"));
}

#[test]
fn a_convolution_is_its_definition() {
    check(&PLAIN);
    check(&Conv2dConfig { bias: false, ..PLAIN });
    check(&Conv2dConfig { kernel_size: [1, 2], stride: [2, 3], ..PLAIN });
    check(&Conv2dConfig { dilation: [2, 1], padding: [[1, 1], [0, 0]], ..PLAIN });
    check(&Conv2dConfig { groups: 2, ..PLAIN });
    check(&Conv2dConfig { groups: 4, out_channels: 8, ..PLAIN });
}

#[test]
fn padding_may_differ_on_each_side_in_each_mode() {
    use PaddingMode::{Circular, Reflect, Replicate, Zeros};
    for padding_mode in [Zeros, Reflect, Replicate, Circular] {
        for padding in [[[0, 0], [0, 0]], [[1, 1], [2, 2]], [[1, 2], [0, 3]], [[2, 0], [3, 1]]] {
            check(&Conv2dConfig { padding, padding_mode, ..PLAIN });
            check(&Conv2dConfig { padding, padding_mode, stride: [2, 2], dilation: [1, 2], groups: 2, ..PLAIN });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_convolution_that_fits_is_its_definition(
        groups in 1usize..4, per_group in 1usize..3, out in 1usize..3, kernel in [1usize..4, 1usize..4], stride in [1usize..4, 1usize..4],
        dilation in [1usize..3, 1usize..3], padding in [[0usize..4, 0usize..4], [0usize..4, 0usize..4]], bias: bool, mode in 0usize..4,
    ) {
        let padding_mode = [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular][mode];
        let c = Conv2dConfig {
            in_channels: groups * per_group, out_channels: groups * out, kernel_size: kernel, stride, padding, dilation, groups, bias,
            padding_mode,
        };
        check(&c);
    }
}

#[test]
fn a_sequence_is_one_batch_of_images() {
    let conv: Conv2d = lone(Conv2dConfig { padding: [[1, 1], [1, 1]], ..PLAIN });
    let x = randn(&[3, 2, 4, 6, 5], Kind::Float).set_requires_grad(true);
    let whole = conv.sequence(&x, &mut (), &TRAIN).unwrap();
    let steps: Vec<Tensor> = (0..3).map(|t| conv.step(&x.get(t), &mut (), &TRAIN).unwrap()).collect();
    let steps = Tensor::stack(&steps, 0);
    assert_near(&whole, &steps, 1e-6, "outputs");
    let (weight, wrt) = (randn(&[3, 2, 6, 6, 5], Kind::Float), [&x, &conv.weight]);
    for (a, b) in grads(&whole, &weight, &wrt).iter().zip(&grads(&steps, &weight, &wrt)) {
        assert_near(a, b, 1e-5, "gradients");
    }
    let still = conv.repeat(&x.get(0), 4, &mut (), &EVAL).unwrap();
    assert_eq!(still.size(), [4, 2, 6, 6, 5]);
    assert_near(&still.get(3), &whole.get(0), 1e-6, "the same at every step");
}

#[test]
fn an_empty_batch_has_an_output_of_its_shape() {
    let conv: Conv2d = lone(PLAIN);
    assert_eq!(conv.sequence(&randn(&[3, 0, 4, 6, 5], Kind::Float), &mut (), &EVAL).unwrap().size(), [3, 0, 6, 4, 3]);
    let linear: Linear = lone(LinearConfig { in_features: 5, out_features: 2, bias: true });
    assert_eq!(linear.sequence(&randn(&[3, 0, 5], Kind::Float), &mut (), &EVAL).unwrap().size(), [3, 0, 2]);
}

#[test]
fn an_input_that_does_not_fit_is_an_error_of_the_layer() {
    let vs = nn::VarStore::new(Device::Cpu);
    let conv: Conv2d = build(&vs, "conv1", PLAIN).unwrap();
    for sizes in [&[2, 3, 6, 5][..], &[4, 6, 5], &[2, 4, 2, 2], &[3, 2, 4, 6, 5]] {
        assert_says(conv.step(&randn(sizes, Kind::Float), &mut (), &EVAL), &["Net.conv1"]);
    }
    assert_says(conv.sequence(&randn(&[3, 2, 5, 6, 5], Kind::Float), &mut (), &EVAL), &["Net.conv1"]);
    assert!(conv.sequence(&randn(&[3], Kind::Float), &mut (), &EVAL).is_err());
    let linear: Linear = build(&vs, "fc", LinearConfig { in_features: 5, out_features: 2, bias: true }).unwrap();
    assert_says(linear.step(&randn(&[2, 6], Kind::Float), &mut (), &EVAL), &["Net.fc"]);
    assert_says(linear.step(&Tensor::ones([2, 5], (Kind::Int64, Device::Cpu)), &mut (), &EVAL), &["Net.fc"]);
}

/// What the macro has checked already may come by hand: no division by zero, no panic.
#[test]
fn odd_arguments_are_errors() {
    let zero = [
        Conv2dConfig { groups: 0, ..PLAIN },
        Conv2dConfig { stride: [0, 1], ..PLAIN },
        Conv2dConfig { dilation: [1, 0], ..PLAIN },
        Conv2dConfig { kernel_size: [0, 3], ..PLAIN },
        Conv2dConfig { groups: 3, ..PLAIN },
    ];
    for config in zero {
        let vs = nn::VarStore::new(Device::Cpu);
        let says = format!("{config:?}");
        let built: Result<Conv2d, Error> = build(&vs, "conv", config);
        let refused = built.and_then(|conv| conv.step(&randn(&[2, 4, 6, 5], Kind::Float), &mut (), &EVAL));
        assert!(refused.is_err(), "{says}");
    }
}

#[test]
fn a_linear_layer_is_x_w_plus_b() {
    for bias in [true, false] {
        let linear: Linear = lone(LinearConfig { in_features: 5, out_features: 3, bias });
        assert_eq!(linear.bias.is_some(), bias);
        let x = randn(&[4, 2, 5], Kind::Float);
        let mut want = x.matmul(&linear.weight.transpose(0, 1));
        if let Some(b) = &linear.bias {
            want += b;
        }
        assert_near(&linear.sequence(&x, &mut (), &EVAL).unwrap(), &want, 1e-6, "a sequence");
        assert_near(&linear.step(&x.get(1), &mut (), &EVAL).unwrap(), &want.get(1), 1e-6, "a step");
        assert_near(&linear.repeat(&x.get(1), 3, &mut (), &EVAL).unwrap().get(2), &want.get(1), 1e-6, "a static input");
    }
}

/// U(-b, b) with b = 1 / sqrt(fan_in): within the bounds, close to them, the mean at 0 and the variance b^2 / 3.
fn assert_uniform(t: &Tensor, bound: f64, what: &str) {
    let t = t.detach().to_kind(Kind::Double);
    let n = t.numel() as f64;
    assert!(t.abs().max().double_value(&[]) <= bound * (1.0 + 1e-6), "{what}: beyond its bound");
    assert!(t.abs().max().double_value(&[]) >= bound * (1.0 - 20.0 / n), "{what}: far from its bound");
    assert!(t.mean(Kind::Double).double_value(&[]).abs() < 5.0 * bound / (3.0 * n).sqrt(), "{what}: not centred");
    assert!((t.std(true).double_value(&[]) / (bound / 3f64.sqrt()) - 1.0).abs() < 5.0 / n.sqrt(), "{what}: spread");
}

#[test]
fn weights_start_as_torchs_do() {
    let conv: Conv2d = lone(Conv2dConfig { in_channels: 64, out_channels: 512, groups: 4, kernel_size: [3, 5], ..PLAIN });
    assert_eq!(conv.weight.size(), [512, 16, 3, 5]);
    let bound = 1.0 / (16.0 * 15.0f64).sqrt();
    assert_uniform(&conv.weight, bound, "conv.weight");
    assert_uniform(conv.bias.as_ref().unwrap(), bound, "conv.bias");
    let linear: Linear = lone(LinearConfig { in_features: 100, out_features: 400, bias: true });
    assert_eq!(linear.weight.size(), [400, 100]);
    assert_uniform(&linear.weight, 0.1, "linear.weight");
    assert_uniform(linear.bias.as_ref().unwrap(), 0.1, "linear.bias");
}

#[test]
fn weights_are_learnable_and_named_as_in_torch() {
    let vs = nn::VarStore::new(Device::Cpu);
    let conv: Conv2d = build(&vs, "block.conv1", PLAIN).unwrap();
    let _: Linear = build(&vs, "fc", LinearConfig { in_features: 5, out_features: 3, bias: false }).unwrap();
    let mut names: Vec<String> = vs.variables().into_keys().collect();
    names.sort();
    assert_eq!(names, ["block.conv1.bias", "block.conv1.weight", "fc.weight"]);
    assert_eq!(vs.trainable_variables().len(), 3);
    // The layer's tensor is the store's: an optimiser moves it.
    let _ = tch::no_grad(|| vs.variables()["block.conv1.weight"].shallow_clone().fill_(0.5));
    assert_eq!(conv.weight.double_value(&[5, 3, 2, 2]), 0.5);
}

#[test]
fn a_name_taken_already_is_an_error() {
    let vs = nn::VarStore::new(Device::Cpu);
    let first: Linear = build(&vs, "fc", LinearConfig { in_features: 5, out_features: 3, bias: true }).unwrap();
    let before = first.weight.copy();
    for out_features in [3, 4] {
        let again = build::<Linear>(&vs, "fc", LinearConfig { in_features: 5, out_features, bias: true });
        assert_says(again, &["Net.fc", "`weight`", "already", "fc.weight", "help"]);
    }
    assert_eq!(vs.variables().len(), 2);
    assert_same(&first.weight, &before, "the first layer");
}

/// torch's generator belongs to the process, and other tests draw from it as well: two draws agree once nobody comes between.
#[test]
fn the_same_seed_gives_the_same_weights() {
    let draw = |seed| {
        snn_runtime::manual_seed(seed);
        lone::<Linear>(LinearConfig { in_features: 20, out_features: 20, bias: true }).weight
    };
    assert!((0..50).any(|_| draw(7).equal(&draw(7))));
    assert!(!draw(7).equal(&draw(8)));
}
