//! Convolutions, transposed ones, pools and `Upsample` over one, two and three axes. In: arguments of any kind that fits, and some
//! that do not; out: each step of a sequence is what torch's function of that many axes gives for it, and is refused where torch
//! refuses it.

mod support;

use proptest::prelude::*;
use snn_runtime::{AdaptiveAvgPool, AdaptiveAvgPoolConfig, AvgPool, AvgPoolConfig, Conv, ConvConfig, ConvTranspose, ConvTransposeConfig};
use snn_runtime::{Conv2dConfig, Kind, Layer, LinearConfig, MaxPool, MaxPoolConfig, MaxPoolWithIndices, PaddingMode, TchError, Tensor};
use snn_runtime::{Upsample, UpsampleConfig, UpsampleMode, WSConv2d, WSConv2dConfig, WSLinear, WSLinearConfig, nn};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, randn};

/// Longer than any kernel's reach, and different on each axis.
const SPACE: [i64; 3] = [6, 5, 7];

fn space<const D: usize>() -> [i64; D] {
    std::array::from_fn(|i| SPACE[i])
}

/// `[T, N, channels, ..]`
fn sequence<const D: usize>(channels: usize) -> Tensor {
    randn(&[&[3, 2, channels as i64], &space::<D>()[..]].concat(), Kind::Float)
}

fn first<const D: usize>(sizes: [usize; 3]) -> [usize; D] {
    std::array::from_fn(|i| sizes[i])
}

fn dims(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&n| n as i64).collect()
}

/// Each step on its own, by `reference`.
fn by_step(x: &Tensor, reference: impl Fn(&Tensor) -> Tensor) -> Tensor {
    Tensor::stack(&(0..x.size()[0]).map(|t| reference(&x.get(t))).collect::<Vec<_>>(), 0)
}

/// Values and gradients of a sequence are those of its steps by `reference`.
fn assert_is<L: Layer<State = ()>>(layer: &L, x: &Tensor, weights: &[&Tensor], reference: impl Fn(&Tensor) -> Tensor) {
    let x = x.set_requires_grad(true);
    let got = layer.sequence(&x, &mut (), &TRAIN).unwrap();
    let want = by_step(&x, reference);
    let what = format!("{layer:?}");
    assert_near(&got, &want, 1e-5, &what);
    let (upstream, wrt) = (randn(&got.size(), Kind::Float), [&[&x], weights].concat());
    for (a, b) in grads(&got, &upstream, &wrt).iter().zip(&grads(&want, &upstream, &wrt)) {
        assert_near(a, b, 1e-4, &what);
    }
    assert_near(&layer.step(&x.get(1), &mut (), &EVAL).unwrap(), &want.get(1), 1e-5, &what);
}

/// The image with `low` and `high` cells more on axis `axis`, cell by cell.
fn padded(x: &Tensor, axis: i64, [low, high]: [usize; 2], mode: PaddingMode) -> Tensor {
    let len = x.size()[axis as usize];
    let cells: Vec<i64> = (-(low as i64)..len + high as i64).collect();
    let seen = cells.iter().map(|&i| match mode {
        PaddingMode::Zeros | PaddingMode::Replicate => i.clamp(0, len - 1),
        PaddingMode::Circular => i.rem_euclid(len),
        PaddingMode::Reflect if i < 0 => -i,
        PaddingMode::Reflect if i >= len => 2 * (len - 1) - i,
        PaddingMode::Reflect => i,
    });
    let y = x.index_select(axis, &Tensor::from_slice(&seen.collect::<Vec<_>>()));
    let inside = cells.iter().map(|i| if mode != PaddingMode::Zeros || (0..len).contains(i) { 1f32 } else { 0.0 });
    let mut sizes = vec![1; y.dim()];
    sizes[axis as usize] = -1;
    y * Tensor::from_slice(&inside.collect::<Vec<_>>()).reshape(sizes)
}

fn check_conv<const D: usize>(c: &ConvConfig<D>) {
    let conv: Conv<D> = lone(c.clone());
    let (w, b) = (&conv.weight, conv.bias.as_ref());
    let weights: Vec<&Tensor> = [Some(w), b].into_iter().flatten().collect();
    assert_is(&conv, &sequence::<D>(c.in_channels), &weights, |x| {
        let x = (0..D).fold(x.shallow_clone(), |x, i| padded(&x, i as i64 + 2, c.padding[i], c.padding_mode));
        let (s, p, d, g) = (dims(&c.stride), vec![0i64; D], dims(&c.dilation), c.groups as i64);
        match D {
            1 => x.conv1d(w, b, s, p, d, g),
            2 => x.conv2d(w, b, s, p, d, g),
            _ => x.conv3d(w, b, s, p, d, g),
        }
    });
}

fn check_conv_transpose<const D: usize>(c: &ConvTransposeConfig<D>) {
    let conv: ConvTranspose<D> = lone(c.clone());
    let (w, b) = (&conv.weight, conv.bias.as_ref());
    let weights: Vec<&Tensor> = [Some(w), b].into_iter().flatten().collect();
    assert_is(&conv, &sequence::<D>(c.in_channels), &weights, |x| {
        let (s, p, o, g, d) = (dims(&c.stride), dims(&c.padding), dims(&c.output_padding), c.groups as i64, dims(&c.dilation));
        match D {
            1 => x.conv_transpose1d(w, b, s, p, o, g, d),
            2 => x.conv_transpose2d(w, b, s, p, o, g, d),
            _ => x.conv_transpose3d(w, b, s, p, o, g, d),
        }
    });
}

/// Both are refused, or both give the same.
fn agree(got: Result<Tensor, snn_runtime::Error>, want: Result<Tensor, TchError>, what: &str) -> Option<(Tensor, Tensor)> {
    match (got, want) {
        (Ok(got), Ok(want)) => Some((got, want)),
        (Err(e), Err(_)) => {
            assert!(matches!(e, snn_runtime::Error::Shape { .. }), "{what}: {e}");
            None
        }
        (got, want) => panic!("{what}: the layer gives {got:?}, torch {want:?}"),
    }
}

fn check_max_pool<const D: usize>(c: &MaxPoolConfig<D>, x: &Tensor) {
    let what = format!("{c:?} on {:?}", x.size());
    let (plain, indexed): (MaxPool<D>, MaxPoolWithIndices<D>) = (lone(c.clone()), lone(c.clone()));
    let reference = |x: &Tensor| {
        let (k, s, p, d) = (dims(&c.kernel_size), dims(&c.stride), dims(&c.padding), dims(&c.dilation));
        match D {
            1 => x.f_max_pool1d_with_indices(k, s, p, d, c.ceil_mode),
            2 => x.f_max_pool2d_with_indices(k, s, p, d, c.ceil_mode),
            _ => x.f_max_pool3d_with_indices(k, s, p, d, c.ceil_mode),
        }
    };
    let Some((first, want)) = agree(plain.step(&x.get(0), &mut (), &EVAL), reference(&x.get(0)).map(|(y, _)| y), &what) else {
        assert!(indexed.sequence(x, &EVAL).is_err());
        return;
    };
    assert_same(&first, &want, &what);
    // A dilated window may see nothing but padding: no index points to its cell, and its gradient (torch's goes anywhere) to nobody.
    if first.isfinite().all().int64_value(&[]) == 0 {
        assert_says(indexed.sequence(x, &EVAL).map(drop), &["Net.layer", "a cell under each window"]);
        let x = x.get(0).set_requires_grad(true);
        plain.step(&x, &mut (), &EVAL).unwrap().sum(Kind::Float).backward();
        assert_eq!(x.grad().isfinite().all().int64_value(&[]), 1, "{what}");
        return;
    }
    let (values, indices) = indexed.sequence(x, &EVAL).unwrap();
    assert_same(&values.get(0), &first, &what);
    assert_same(&values, &by_step(x, |x| reference(x).unwrap().0), &what);
    assert_same(&indices, &by_step(x, |x| reference(x).unwrap().1), &what);
    assert_is(&plain, x, &[], |x| reference(x).unwrap().0);
}

fn check_avg_pool<const D: usize>(c: &AvgPoolConfig<D>, x: &Tensor) {
    let what = format!("{c:?} on {:?}", x.size());
    let pool: AvgPool<D> = lone(c.clone());
    let reference = |x: &Tensor| {
        let (k, s, p, by) = (dims(&c.kernel_size), dims(&c.stride), dims(&c.padding), c.divisor_override.map(|n| n as i64));
        match D {
            1 => x.f_avg_pool1d(k, s, p, c.ceil_mode, c.count_include_pad),
            2 => x.f_avg_pool2d(k, s, p, c.ceil_mode, c.count_include_pad, by),
            _ => x.f_avg_pool3d(k, s, p, c.ceil_mode, c.count_include_pad, by),
        }
    };
    if agree(pool.step(&x.get(0), &mut (), &EVAL), reference(&x.get(0)), &what).is_some() {
        assert_is(&pool, x, &[], |x| reference(x).unwrap());
    }
}

/// Cell i of O is the mean from floor(i L / O) up to ceil((i + 1) L / O), axis by axis.
fn adaptive_by_definition(x: &Tensor, axis: i64, out: i64) -> Tensor {
    let len = x.size()[axis as usize];
    let cell = |i: i64| {
        let (from, to) = (i * len / out, ((i + 1) * len + out - 1) / out);
        x.narrow(axis, from, to - from).mean_dim(axis, true, None)
    };
    Tensor::cat(&(0..out).map(cell).collect::<Vec<_>>(), axis)
}

fn check_adaptive_pool<const D: usize>(output_size: [Option<usize>; D]) {
    let pool: AdaptiveAvgPool<D> = lone(AdaptiveAvgPoolConfig { output_size });
    assert_is(&pool, &sequence::<D>(2), &[], |x| {
        let axes = output_size.iter().enumerate();
        axes.fold(x.shallow_clone(), |x, (i, n)| match n {
            Some(n) => adaptive_by_definition(&x, i as i64 + 2, *n as i64),
            None => x,
        })
    });
}

/// The input with an axis of cells cut to `sizes`.
fn cut<const D: usize>(sizes: [usize; 3]) -> Tensor {
    (0..D).fold(sequence::<D>(2), |x, i| x.narrow(i as i64 + 3, 0, (sizes[i] as i64).min(SPACE[i])).contiguous())
}

macro_rules! each_rank {
    ($check:ident($config:ident { $($field:ident: $value:expr),* $(,)? } $(, $x:ident($sizes:expr))?)) => {
        $check(&$config::<1> { $($field: $value),* } $(, &$x::<1>($sizes))?);
        $check(&$config::<2> { $($field: $value),* } $(, &$x::<2>($sizes))?);
        $check(&$config::<3> { $($field: $value),* } $(, &$x::<3>($sizes))?);
    };
}

const MODES: [PaddingMode; 4] = [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular];

fn three(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 3]> {
    prop::array::uniform3(range)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_convolution_is_torchs_at_each_step(
        groups in 1usize..3, ins in 1usize..3, outs in 1usize..3, kernel in three(1..4), stride in three(1..3), dilation in three(1..3),
        low in three(0..4), high in three(0..4), even: bool, bias: bool, mode in 0usize..4,
    ) {
        each_rank!(check_conv(ConvConfig {
            in_channels: groups * ins, out_channels: groups * outs, kernel_size: first(kernel), stride: first(stride),
            padding: std::array::from_fn(|i| [low[i], if even { low[i] } else { high[i] }]),
            dilation: first(dilation), groups: groups, bias: bias, padding_mode: MODES[mode],
        }));
    }

    #[test]
    fn a_transposed_convolution_is_torchs_at_each_step(
        groups in 1usize..3, ins in 1usize..3, outs in 1usize..3, kernel in three(1..4), stride in three(1..4), dilation in three(1..3),
        padding in three(0..3), added in three(0..4), bias: bool,
    ) {
        each_rank!(check_conv_transpose(ConvTransposeConfig {
            in_channels: groups * ins, out_channels: groups * outs, kernel_size: first(kernel), stride: first(stride),
            padding: first(padding), output_padding: std::array::from_fn(|i| added[i] % stride[i].max(dilation[i])),
            groups: groups, bias: bias, dilation: first(dilation),
        }));
    }

    #[test]
    fn a_max_pool_is_torchs_at_each_step_with_its_indices(
        kernel in three(1..5), stride in three(1..4), padding in three(0..3), dilation in three(1..3), ceil_mode: bool, sizes in three(1..8),
    ) {
        each_rank!(check_max_pool(MaxPoolConfig {
            kernel_size: first(kernel), stride: first(stride), padding: std::array::from_fn(|i| padding[i].min(kernel[i] / 2)),
            dilation: first(dilation), ceil_mode: ceil_mode,
        }, cut(sizes)));
    }

    #[test]
    fn an_average_pool_is_torchs_at_each_step(
        kernel in three(1..5), stride in three(1..4), padding in three(0..3), ceil_mode: bool, count_include_pad: bool,
        divisor in prop::option::of(1usize..5), sizes in three(1..8),
    ) {
        let padding: [usize; 3] = std::array::from_fn(|i| padding[i].min(kernel[i] / 2));
        macro_rules! config {
            ($divisor:expr) => { AvgPoolConfig {
                kernel_size: first(kernel), stride: first(stride), padding: first(padding), ceil_mode, count_include_pad,
                divisor_override: $divisor,
            } };
        }
        check_avg_pool::<1>(&config!(None), &cut::<1>(sizes));
        check_avg_pool::<2>(&config!(divisor), &cut::<2>(sizes));
        check_avg_pool::<3>(&config!(divisor), &cut::<3>(sizes));
    }

    #[test]
    fn an_adaptive_pool_is_its_definition(out in prop::array::uniform3(prop::option::of(1usize..9))) {
        check_adaptive_pool::<1>([out[0]]);
        check_adaptive_pool::<2>([out[0], out[1]]);
        check_adaptive_pool::<3>(out);
    }

    #[test]
    fn upsampling_is_its_definition(size in three(1..12), factor in prop::array::uniform3(0.3f64..3.0), by_size: bool, corners: bool, recompute: bool) {
        // libtorch copies where the size stays, whatever the factor.
        let factor: [f64; 3] = std::array::from_fn(|i| if (factor[i] * SPACE[i] as f64) as i64 == SPACE[i] { 1.0 } else { factor[i] });
        use UpsampleMode::{Bicubic, Bilinear, Linear, Nearest, Trilinear};
        for (mode, axes) in [(Nearest, 1), (Nearest, 2), (Nearest, 3), (Linear, 1), (Bilinear, 2), (Bicubic, 2), (Trilinear, 3)] {
            check_upsample(UpsampleConfig {
                size: by_size.then(|| size[..axes].to_vec()),
                scale_factor: (!by_size).then(|| factor[..axes].to_vec()),
                mode,
                align_corners: (mode != Nearest).then_some(corners),
                // A border between two cells may fall to either, unless sizes decide.
                recompute_scale_factor: (!by_size).then_some(recompute || mode == Nearest),
            }, axes);
        }
    }
}

/// How much of each input cell is in each output cell of one axis: `[out, len]`.
fn shares(len: i64, out: i64, ratio: f64, mode: UpsampleMode, corners: bool) -> Tensor {
    let mut w = vec![0f32; (out * len) as usize];
    for i in 0..out {
        let mut add = |cell: i64, share: f64| w[(i * len + cell.clamp(0, len - 1)) as usize] += share as f32;
        let at = match corners {
            true if out > 1 => i as f64 * (len - 1) as f64 / (out - 1) as f64,
            true => 0.0,
            false => (i as f64 + 0.5) * ratio - 0.5,
        };
        match mode {
            // Rounded as libtorch does.
            UpsampleMode::Nearest => add((i as f32 * ratio as f32) as i64, 1.0),
            UpsampleMode::Bicubic => {
                // Keys' convolution with a = -0.75.
                let (a, t) = (-0.75, at - at.floor());
                let near = |x: f64| ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
                let far = |x: f64| ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
                let cell = at.floor() as i64;
                for (k, share) in [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)].into_iter().enumerate() {
                    add(cell + k as i64 - 1, share);
                }
            }
            _ => {
                let at = at.max(0.0);
                add(at as i64, 1.0 - at.fract());
                add(at as i64 + 1, at.fract());
            }
        }
    }
    Tensor::from_slice(&w).reshape([out, len])
}

#[allow(clippy::needless_pass_by_value, reason = "callers write it in place")]
fn check_upsample(c: UpsampleConfig, axes: usize) {
    let layer: Upsample = lone(c.clone());
    let x = randn(&[&[3, 2, 2], &SPACE[..axes]].concat(), Kind::Float);
    let reference = |x: &Tensor| {
        (0..axes).fold(x.shallow_clone(), |x, i| {
            let len = SPACE[i];
            let out = c.size.as_ref().map_or_else(|| (len as f64 * c.scale_factor.as_ref().unwrap()[i]).floor() as i64, |s| s[i] as i64);
            let ratio = match &c.scale_factor {
                Some(f) if c.recompute_scale_factor == Some(false) => 1.0 / f[i],
                _ => len as f64 / out as f64,
            };
            let axis = i as i64 + 2;
            let w = shares(len, out, ratio, c.mode, c.align_corners == Some(true));
            x.transpose(axis, -1).matmul(&w.transpose(0, 1)).transpose(axis, -1)
        })
    };
    assert_is(&layer, &x, &[], reference);
}

#[test]
fn doubling_repeats_each_cell() {
    for axes in 1..=3 {
        let double = UpsampleConfig { scale_factor: Some(vec![2.0]), ..UpsampleConfig::default() };
        let x = randn(&[&[3, 2, 2], &SPACE[..axes]].concat(), Kind::Float);
        assert_is(&lone::<Upsample>(double), &x, &[], |x| {
            (0..axes).fold(x.shallow_clone(), |x, i| x.repeat_interleave_self_int(2, i as i64 + 2, None))
        });
    }
}

/// (W - mean) / sqrt(var * fan_in + eps), row by row.
fn standardised(weight: &Tensor, eps: f64) -> Tensor {
    let rows = weight.flatten(1, -1);
    let n = rows.size()[1];
    let rows = (0..rows.size()[0]).map(|i| {
        let row = rows.get(i);
        let centred = &row - row.mean(Kind::Float);
        let var = centred.square().sum(Kind::Float) / (n - 1);
        &centred / (var * n + eps).sqrt()
    });
    Tensor::stack(&rows.collect::<Vec<_>>(), 0).reshape_as(weight)
}

#[test]
fn standardised_weights_are_used_and_learned_through() {
    for (gain, groups, eps) in [(true, 1, 1e-4), (false, 2, 0.1)] {
        let conv = Conv2dConfig { groups, padding: [[1, 1]; 2], bias: gain, ..Conv2dConfig::new(4, 6, [3, 3]) };
        let layer: WSConv2d = lone(WSConv2dConfig { conv, gain, eps });
        let (w, b) = (&layer.conv.weight, layer.conv.bias.as_ref());
        assert_eq!(layer.gain.as_ref().map(Tensor::size), gain.then(|| vec![6, 1, 1, 1]));
        let _ = tch::no_grad(|| layer.gain.as_ref().map(|g| g.shallow_clone().uniform_(0.5, 2.0)));
        let weights: Vec<&Tensor> = [Some(w), b, layer.gain.as_ref()].into_iter().flatten().collect();
        assert_is(&layer, &sequence::<2>(4), &weights, |x| {
            let w = standardised(w, eps);
            let w = layer.gain.as_ref().map_or(w.shallow_clone(), |g| w * g);
            x.conv2d(&w, b, [1, 1], [1, 1], [1, 1], groups as i64)
        });

        let layer: WSLinear = lone(WSLinearConfig { linear: LinearConfig { bias: gain, ..LinearConfig::new(5, 4) }, gain, eps });
        let (w, b) = (&layer.linear.weight, layer.linear.bias.as_ref());
        let weights: Vec<&Tensor> = [Some(w), b, layer.gain.as_ref()].into_iter().flatten().collect();
        assert_is(&layer, &randn(&[3, 2, 5], Kind::Float), &weights, |x| {
            let w = standardised(w, eps);
            x.linear(&layer.gain.as_ref().map_or(w.shallow_clone(), |g| w * g), b)
        });
    }
}

/// Weights of transposed convolutions: U(-b, b), where torch takes the second axis of the weight for the fan-in.
#[test]
fn transposed_convolutions_start_as_torchs_do() {
    let c = ConvTransposeConfig { groups: 4, ..ConvTransposeConfig::new(512, 64, [3, 5]) };
    let conv: ConvTranspose<2> = lone(c);
    assert_eq!(conv.weight.size(), [512, 16, 3, 5]);
    let bound = 1.0 / (16.0 * 15.0f64).sqrt();
    let largest = conv.weight.abs().max().double_value(&[]);
    assert!(largest <= bound * (1.0 + 1e-6) && largest > 0.999 * bound, "{largest} is not just below {bound}");
    let spread = conv.weight.detach().std(true).double_value(&[]);
    assert!((spread / (bound / 3f64.sqrt()) - 1.0).abs() < 0.01, "{spread}");
    assert!(conv.bias.unwrap().abs().max().double_value(&[]) <= bound);
}

#[test]
fn what_does_not_fit_is_an_error_of_the_layer() {
    let vs = nn::VarStore::new(snn_runtime::Device::Cpu);
    let up: ConvTranspose<1> = build(&vs, "up", ConvTransposeConfig { padding: [1], ..ConvTransposeConfig::new(2, 3, [2]) }).unwrap();
    assert_says(up.step(&randn(&[2, 2, 1], Kind::Float), &mut (), &EVAL), &["Net.up", "enough cells in L", "use less padding"]);
    assert_says(up.step(&randn(&[2, 3, 4], Kind::Float), &mut (), &EVAL), &["Net.up", "[N, 2, L]", "[2, 3, 4]"]);
    assert_says(up.sequence(&randn(&[4, 2, 3, 4], Kind::Float), &mut (), &EVAL), &["Net.up", "[T, N, 2, L]", "[4, 2, 3, 4]"]);
    let conv: Conv<3> = build(&vs, "conv", ConvConfig::new(2, 3, [5, 1, 1])).unwrap();
    assert_says(conv.step(&randn(&[2, 2, 4, 4, 4], Kind::Float), &mut (), &EVAL), &["Net.conv", "the 5x1x1 kernel's reach in D, H, W"]);
    let pool: AvgPool<3> = build(&vs, "pool", AvgPoolConfig { padding: [1; 3], ..AvgPoolConfig::new([4; 3]) }).unwrap();
    assert_says(pool.step(&randn(&[2, 2, 3, 4, 4], Kind::Float), &mut (), &EVAL), &["Net.pool", "at least the 4x4x4 window in D, H, W"]);
    let pool: AdaptiveAvgPool<2> = build(&vs, "ada", AdaptiveAvgPoolConfig { output_size: [Some(2), None] }).unwrap();
    assert_says(pool.step(&randn(&[2, 2, 3], Kind::Float), &mut (), &EVAL), &["Net.ada", "[N, C, H, W]", "unsqueeze"]);
    let double = UpsampleConfig { scale_factor: Some(vec![2.0]), ..UpsampleConfig::default() };
    let up: Upsample = build(&vs, "double", UpsampleConfig { mode: UpsampleMode::Bilinear, ..double.clone() }).unwrap();
    assert_says(up.step(&randn(&[2, 2, 3], Kind::Float), &mut (), &EVAL), &["Net.double", "[N, C, H, W]"]);
    let up: Upsample = build(&vs, "double", UpsampleConfig { scale_factor: Some(vec![0.1]), ..double }).unwrap();
    assert_says(up.step(&randn(&[2, 2, 3], Kind::Float), &mut (), &EVAL), &["Net.double", "one is left on each axis"]);
}

/// What the macro has checked already may come by hand.
#[test]
fn odd_arguments_are_errors() {
    let vs = nn::VarStore::new(snn_runtime::Device::Cpu);
    let plain = ConvTransposeConfig::new(4, 6, [3]);
    for (argument, c) in [
        (
            "`output_padding` must be smaller than `stride`, 2, or `dilation`, 1, but is 2",
            ConvTransposeConfig { stride: [2], output_padding: [2], ..plain.clone() },
        ),
        ("`out_channels` must be a multiple of `groups = 4`", ConvTransposeConfig { groups: 4, ..plain.clone() }),
        ("`dilation` must be at least 1", ConvTransposeConfig { dilation: [0], ..plain }),
    ] {
        assert_says(build::<ConvTranspose<1>>(&vs, "up", c), &["Net.up", argument]);
    }
    assert_says(build::<AdaptiveAvgPool<1>>(&vs, "pool", AdaptiveAvgPoolConfig { output_size: [Some(0)] }), &["`output_size`"]);
    assert_says(
        build::<AvgPool<1>>(&vs, "pool", AvgPoolConfig { divisor_override: Some(0), ..AvgPoolConfig::new([2]) }),
        &["`divisor_override`"],
    );
    assert_says(build::<MaxPool<3>>(&vs, "pool", MaxPoolConfig { padding: [0, 2, 0], ..MaxPoolConfig::new([2; 3]) }), &["`padding`", "1"]);

    let none = UpsampleConfig::default();
    for (argument, c) in [
        ("`size` is not given", none.clone()),
        ("`scale_factor` is given beside `size`", UpsampleConfig { size: Some(vec![2]), scale_factor: Some(vec![2.0]), ..none.clone() }),
        ("`scale_factor` must be greater than 0", UpsampleConfig { scale_factor: Some(vec![f64::NAN]), ..none.clone() }),
        ("`size` must be at least 1", UpsampleConfig { size: Some(vec![0]), ..none.clone() }),
        ("`align_corners`", UpsampleConfig { size: Some(vec![4]), align_corners: Some(false), ..none.clone() }),
        ("`recompute_scale_factor`", UpsampleConfig { size: Some(vec![4]), recompute_scale_factor: Some(true), ..none }),
    ] {
        assert_says(build::<Upsample>(&vs, "up", c), &["Net.up", argument]);
    }

    let conv = Conv2dConfig { padding_mode: PaddingMode::Circular, ..Conv2dConfig::new(2, 2, [3, 3]) };
    assert_says(build::<WSConv2d>(&vs, "ws", WSConv2dConfig { conv, gain: true, eps: 1e-4 }), &["Net.ws", "`padding_mode`", "Circular"]);
    let conv = Conv2dConfig { groups: 2, ..Conv2dConfig::new(2, 2, [1, 1]) };
    assert_says(build::<WSConv2d>(&vs, "ws1", WSConv2dConfig { conv, gain: true, eps: 1e-4 }), &["Net.ws1", "no variance"]);
    let linear = LinearConfig::new(3, 2);
    assert_says(build::<WSLinear>(&vs, "ws2", WSLinearConfig { linear, gain: true, eps: -1.0 }), &["Net.ws2", "`eps`"]);
}
