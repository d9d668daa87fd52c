//! Layers whose input is spikes. In: rare spikes, frequent ones, and other numbers; out: what libtorch's dense operations give, by sums of
//! rows where spikes are rare.

mod support;

use snn_runtime::{Kind, Linear, LinearConfig, Stateless, Tensor};
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
