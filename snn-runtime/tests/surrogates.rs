//! Surrogates on their own. In: numbers on both sides of 0 and at the corners; out: the Heaviside step forward, the derivative
//! of the primitive backward, as in SEMANTICS section 4.

mod support;

use snn_runtime::surrogate::{ATan, PiecewiseQuadratic, Sigmoid, Surrogate, apply};
use snn_runtime::{Device, Kind, Tensor};
use std::f64::consts::PI;
use support::{assert_near, assert_same};

/// A surrogate (spiking or not), its primitive and its derivative.
type Row = (&'static str, fn(f64, bool) -> Surrogate, fn(f64, f64) -> f64, fn(f64, f64) -> f64);

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

const ROWS: [Row; 3] = [
    (
        "ATan",
        |alpha, spiking| ATan { alpha, spiking }.into(),
        |a, x| (PI / 2.0 * a * x).atan() / PI + 0.5,
        |a, x| a / 2.0 / (1.0 + (PI / 2.0 * a * x).powi(2)),
    ),
    (
        "Sigmoid",
        |alpha, spiking| Sigmoid { alpha, spiking }.into(),
        |a, x| logistic(a * x),
        |a, x| a * logistic(a * x) * (1.0 - logistic(a * x)),
    ),
    (
        "PiecewiseQuadratic",
        |alpha, spiking| PiecewiseQuadratic { alpha, spiking }.into(),
        |a, x| match x {
            x if x < -1.0 / a => 0.0,
            x if x > 1.0 / a => 1.0,
            x => -a * a / 2.0 * x * x.abs() + a * x + 0.5,
        },
        |a, x| if x.abs() > 1.0 / a { 0.0 } else { a - a * a * x.abs() },
    ),
];

/// Corners of all three, and what lies between.
fn points() -> Vec<f64> {
    let mut points = vec![0.0, -0.0, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75, 1.0, -1.0, 30.0, -30.0, 1e-9, -1e-9];
    points.extend((-40..40).map(|i| f64::from(i) * 0.093));
    points
}

fn leaf(kind: Kind) -> Tensor {
    Tensor::from_slice(&points()).to_kind(kind).set_requires_grad(true)
}

fn map(f: impl Fn(f64) -> f64, kind: Kind) -> Tensor {
    Tensor::from_slice(&points().into_iter().map(f).collect::<Vec<_>>()).to_kind(kind)
}

#[test]
fn forward_is_the_heaviside_step_and_backward_the_derivative() {
    for (name, make, _, derivative) in ROWS {
        for alpha in [0.5, 1.0, 2.0, 4.0] {
            for (kind, tolerance) in [(Kind::Double, 1e-14), (Kind::Float, 1e-6)] {
                let x = leaf(kind);
                let y = apply(make(alpha, true), &x).unwrap();
                assert_same(&y, &map(|x| f64::from(x >= 0.0), kind), name);
                y.sum(kind).backward();
                assert_near(&x.grad(), &map(|x| derivative(alpha, x), kind), tolerance, &format!("{name} {alpha} {kind:?}"));
            }
        }
    }
}

#[test]
fn without_spiking_the_output_is_the_primitive() {
    for (name, make, primitive, derivative) in ROWS {
        for alpha in [0.5, 1.0, 2.0, 4.0] {
            for (kind, tolerance) in [(Kind::Double, 1e-14), (Kind::Float, 1e-6)] {
                let x = leaf(kind);
                let y = apply(make(alpha, false), &x).unwrap();
                assert_near(&y, &map(|x| primitive(alpha, x), kind), tolerance, &format!("{name} {alpha} {kind:?}"));
                y.sum(kind).backward();
                assert_near(&x.grad(), &map(|x| derivative(alpha, x), kind), tolerance, &format!("{name} {alpha} {kind:?}"));
            }
        }
    }
}

#[test]
fn defaults_are_spikingjellys() {
    assert_eq!(ATan::default(), ATan { alpha: 2.0, spiking: true });
    assert_eq!(Sigmoid::default(), Sigmoid { alpha: 4.0, spiking: true });
    assert_eq!(PiecewiseQuadratic::default(), PiecewiseQuadratic { alpha: 1.0, spiking: true });
}

#[test]
fn not_a_number_does_not_fire() {
    let x = Tensor::from_slice(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    for (name, make, _, _) in ROWS {
        assert_eq!(Vec::<f64>::try_from(apply(make(2.0, true), &x).unwrap()).unwrap(), [0.0, 1.0, 0.0], "{name}");
    }
}

#[test]
fn strides_do_not_matter() {
    let x = Tensor::randn([4, 6], (Kind::Double, Device::Cpu));
    for (name, make, _, _) in ROWS {
        for spiking in [true, false] {
            let f = make(2.0, spiking);
            let [a, b] = [false, true].map(|transposed| {
                let leaf = if transposed { x.transpose(0, 1) } else { x.shallow_clone() }.detach().set_requires_grad(true);
                let y = apply(f, &leaf).unwrap();
                y.sum(Kind::Double).backward();
                let back = |t: Tensor| if transposed { t.transpose(0, 1) } else { t };
                (back(y.detach()), back(leaf.grad()))
            });
            assert_same(&a.0, &b.0, name);
            assert_same(&a.1, &b.1, name);
        }
    }
}
