//! Every surrogate function against SEMANTICS.md section 4, written with the standard library, and against its own slope.

use crate::*;

type Formula = Box<dyn Fn(f64) -> f64>;

/// A function, its derivative, its primitive if there is one, and where either has a corner.
fn table() -> Vec<(Surrogate, Formula, Option<Formula>, Vec<f64>)> {
    use std::f64::consts::PI;
    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }
    fn row(
        surrogate: impl Into<Surrogate>,
        derivative: impl Fn(f64) -> f64 + 'static,
        primitive: impl Fn(f64) -> f64 + 'static,
        corners: &[f64],
    ) -> (Surrogate, Formula, Option<Formula>, Vec<f64>) {
        (surrogate.into(), Box::new(derivative), Some(Box::new(primitive)), corners.to_vec())
    }
    let spiking = true;
    let mut table = vec![
        (SuperSpike { alpha: 1.5, spiking }.into(), Box::new(|x: f64| 1.5 / (1.0 + x.abs()).powi(2)) as Formula, None, vec![]),
        (FakeNumericalGradient { alpha: 0.3, spiking }.into(), Box::new(|x: f64| (x.signum() / x).min(0.3)), None, vec![]),
    ];
    for a in [0.7, 1.0, 2.0, 3.0] {
        table.extend([
            row(
                PiecewiseQuadratic { alpha: a, spiking },
                move |x| if x.abs() > 1.0 / a { 0.0 } else { a - a * a * x.abs() },
                move |x| match x {
                    x if x < -1.0 / a => 0.0,
                    x if x > 1.0 / a => 1.0,
                    x => -a * a / 2.0 * x * x.abs() + a * x + 0.5,
                },
                &[-1.0 / a, 1.0 / a],
            ),
            row(
                PiecewiseExp { alpha: a, spiking },
                move |x| a / 2.0 * (-a * x.abs()).exp(),
                move |x| if x < 0.0 { (a * x).exp() / 2.0 } else { 1.0 - (-a * x).exp() / 2.0 },
                &[],
            ),
            row(Sigmoid { alpha: a, spiking }, move |x| a * sigmoid(a * x) * (1.0 - sigmoid(a * x)), move |x| sigmoid(a * x), &[]),
            row(
                SoftSign { alpha: a, spiking },
                move |x| 1.0 / (2.0 * a * (1.0 / a + x.abs()).powi(2)),
                move |x| (a * x / (1.0 + (a * x).abs()) + 1.0) / 2.0,
                &[],
            ),
            row(
                ATan { alpha: a, spiking },
                move |x| a / 2.0 / (1.0 + (PI / 2.0 * a * x).powi(2)),
                move |x| (PI / 2.0 * a * x).atan() / PI + 0.5,
                &[],
            ),
            row(
                NonzeroSignLogAbs { alpha: a, spiking },
                move |x| 1.0 / (1.0 / a + x.abs()),
                move |x| if x < 0.0 { -(a * -x + 1.0).ln() } else { (a * x + 1.0).ln() },
                &[],
            ),
            row(
                PiecewiseLeakyReLU { w: a, c: 0.01, spiking },
                move |x| if x.abs() < a { 1.0 / (2.0 * a) } else { 0.01 },
                move |x| match x {
                    x if x < -a => 0.01 * (x + a),
                    x if x > a => 0.01 * (x - a) + 1.0,
                    x => x / (2.0 * a) + 0.5,
                },
                &[-a, a],
            ),
            row(
                S2NN { alpha: a, beta: 0.8, spiking },
                move |x| if x < 0.0 { a * sigmoid(a * x) * (1.0 - sigmoid(a * x)) } else { 0.8 / (x + 1.0) },
                move |x| if x < 0.0 { sigmoid(a * x) } else { 0.8 * ((x + 1.0).abs() + 1e-5).ln() + 0.5 },
                &[0.0],
            ),
            row(
                QPseudoSpike { alpha: a + 1.0, spiking },
                move |x| (1.0 + 2.0 * x.abs() / a).powf(-a - 1.0),
                move |x| {
                    let t = 0.5 * (1.0 + 2.0 * x.abs() / a).powf(-a);
                    if x >= 0.0 { 1.0 - t } else { t }
                },
                &[],
            ),
            row(
                LeakyKReLU { leak: 0.1, k: a, spiking },
                move |x| if x >= 0.0 { a } else { 0.1 },
                move |x| x * if x >= 0.0 { a } else { 0.1 },
                &[0.0],
            ),
            row(
                LogTailedReLU { alpha: a / 10.0, spiking },
                move |x| match x {
                    x if x > 1.0 => 1.0 / x,
                    x if x > 0.0 => 1.0,
                    _ => a / 10.0,
                },
                move |x| match x {
                    x if x > 1.0 => x.ln() + 1.0,
                    x if x > 0.0 => x,
                    x => a / 10.0 * x,
                },
                &[0.0, 1.0],
            ),
            row(
                Rect { alpha: a, spiking },
                move |x| if x.abs() < 0.5 / a { a } else { 0.0 },
                move |x| (a * x + 0.5).clamp(0.0, 1.0),
                &[-0.5 / a, 0.5 / a],
            ),
        ]);
    }
    // erfc has no twin in the standard library: the slope alone says that it is right, up to the constant that the next row fixes.
    table.push((Erf { alpha: 2.0, spiking }.into(), Box::new(|x| 2.0 / PI.sqrt() * (-4.0 * x * x).exp()), None, vec![]));
    for n in [2, 3, 5] {
        let sum = move |f: fn(f64) -> f64, over: bool, x: f64| -> f64 {
            (1..n).map(|i| (2 * i - 1) as f64).map(|k| f(k * 2.0 * PI * x / 8.0) / if over { k } else { 1.0 }).sum()
        };
        table.push(row(
            SquarewaveFourierSeries { n, T_period: 8, spiking },
            move |x| 4.0 / 8.0 * sum(f64::cos, false, x),
            move |x| 0.5 + 2.0 / PI * sum(f64::sin, true, x),
            &[],
        ));
    }
    table.push(row(DeterministicPass { spiking }, |_| 1.0, |x| x, &[]));
    table.push(row(PoissonPass { spiking }, |_| 1.0, |x| x, &[]));
    let count = MultiLevelSpikeCount { max_spike_count: 2, grad_min: None, grad_max: None, spiking };
    table.push(row(count, |x| f64::from((0.0..=2.0).contains(&x)), |x| x.clamp(0.0, 2.0), &[0.0, 2.0]));
    table
}

fn points() -> impl Iterator<Item = f64> {
    (-300..=300).map(|i| f64::from(i) * 0.0131).chain([0.0, -0.0, 0.25, -0.25, 0.5, 1.0, -1.0, 1e-9, -1e-9])
}

fn derivative<F: Real>(surrogate: Surrogate, x: f64) -> f64 {
    let mut x = [F::of(x)];
    surrogate.derivative(&mut x);
    x[0].to_f64()
}

fn primitive<F: Real>(surrogate: Surrogate, x: f64) -> f64 {
    let mut x = [F::of(x)];
    surrogate.primitive(&mut x);
    x[0].to_f64()
}

fn near(got: f64, want: f64, tolerance: f64) -> bool {
    (got - want).abs() <= tolerance * (1.0 + want.abs())
}

#[test]
fn derivatives_and_primitives_are_those_of_the_reference() {
    for (surrogate, slope, smooth, corners) in table() {
        for x in points() {
            let beside = corners.iter().all(|corner| (corner - x).abs() > 1e-6);
            let want = if x == 0.0 && matches!(surrogate, Surrogate::FakeNumericalGradient(_)) { 0.3 } else { slope(x) };
            assert!(near(derivative::<f64>(surrogate, x), want, 1e-14) || !beside, "{surrogate:?} at {x}");
            assert!(near(derivative::<f32>(surrogate, x), want, 1e-6) || !beside, "{surrogate:?} at {x} in f32");
            if let Some(smooth) = &smooth {
                assert!(near(primitive::<f64>(surrogate, x), smooth(x), 1e-14), "{surrogate:?}: primitive at {x}");
                assert!(near(primitive::<f32>(surrogate, x), smooth(x), 1e-6), "{surrogate:?}: primitive at {x} in f32");
            }
        }
    }
}

#[test]
fn a_derivative_is_the_slope_of_its_primitive() {
    for (surrogate, _, _, corners) in table() {
        if surrogate.with_spiking(false).check().is_err() {
            assert!(matches!(surrogate, Surrogate::SuperSpike(_) | Surrogate::FakeNumericalGradient(_)), "{surrogate:?}");
            continue;
        }
        // The logarithm of S2NN has 1e-5 added to it, its derivative not.
        let tolerance = if matches!(surrogate, Surrogate::S2NN(_)) { 2e-5 } else { 5e-6 };
        for x in points().filter(|x| corners.iter().all(|corner| (corner - x).abs() > 1e-5)) {
            let want = (primitive::<f64>(surrogate, x + 1e-6) - primitive::<f64>(surrogate, x - 1e-6)) / 2e-6;
            assert!(near(derivative::<f64>(surrogate, x), want, tolerance), "{surrogate:?} at {x}: not {want}");
        }
    }
}

#[test]
fn erf_goes_from_0_to_1() {
    let erf = Surrogate::from(Erf::default());
    assert_eq!((primitive::<f64>(erf, -20.0), primitive::<f64>(erf, 20.0)), (0.0, 1.0));
    assert!(near(primitive::<f64>(erf, 0.0), 0.5, 1e-15));
}

#[test]
fn spikes_are_steps_and_counts_are_rounded_to_even() {
    for (surrogate, ..) in table() {
        let mut x = [-0.25, -0.0, 0.0, 0.75, f64::NAN];
        surrogate.spike(&mut x, Draw::default());
        match surrogate {
            Surrogate::MultiLevelSpikeCount(_) => assert_eq!(x[..4], [0.0, 0.0, 0.0, 1.0]),
            Surrogate::PoissonPass(_) => assert_eq!((x[0], x[1], x[2]), (0.0, 0.0, 0.0)),
            _ => assert_eq!(x, [0.0, 1.0, 1.0, 1.0, 0.0], "{surrogate:?}"),
        }
    }
    let count = Surrogate::from(MultiLevelSpikeCount { max_spike_count: 3, grad_min: Some(-1.0), grad_max: Some(5.0), spiking: true });
    let mut x = [0.5f32, 1.5, 2.5, 3.5, 9.0, -2.0];
    count.spike(&mut x, Draw::default());
    assert_eq!(x, [0.0, 2.0, 2.0, 3.0, 3.0, 0.0]);
    assert_eq!([-1.5, -1.0, 5.0, 5.5].map(|x| derivative::<f64>(count, x)), [0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn poisson_fires_as_often_as_x_says() {
    let draw = |draw: Draw, p: f32| {
        let mut x = vec![p; 100_003];
        Surrogate::from(PoissonPass::default()).spike(&mut x, draw);
        assert!(x.iter().all(|&s| s == 0.0 || s == 1.0));
        x
    };
    let at = Draw { seed: 5, stream: 1, draw: 2 };
    for p in [0.0, 0.1, 0.5, 1.0] {
        let share = f64::from(draw(at, p).iter().sum::<f32>()) / 100_003.0;
        let deviation = (f64::from(p) * (1.0 - f64::from(p)) / 100_003.0).sqrt();
        assert!((share - f64::from(p)).abs() <= 5.0 * deviation, "{p}: {share}");
    }
    assert_eq!(draw(at, 0.5), draw(at, 0.5));
    assert_ne!(draw(at, 0.5), draw(Draw { draw: 3, ..at }, 0.5));
}

#[test]
fn arguments_that_do_not_work_are_named() {
    let refused = |surrogate: Surrogate| surrogate.check().unwrap_err().argument;
    assert_eq!(refused(SoftSign { alpha: 0.0, spiking: true }.into()), "alpha");
    assert_eq!(refused(PiecewiseLeakyReLU { w: 0.0, c: 0.01, spiking: true }.into()), "w");
    assert_eq!(refused(MultiLevelSpikeCount { max_spike_count: 0, ..Default::default() }.into()), "max_spike_count");
    assert_eq!(refused(SuperSpike { alpha: 1.0, spiking: false }.into()), "spiking");
    assert_eq!(refused(ATan { alpha: f64::NAN, spiking: true }.into()), "alpha");
}
