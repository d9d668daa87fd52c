//! The masked layer against a plain reference: masks in memory, element by element, in `f64`.

use pulp::Arch;

use super::{DropConnectGrads, DropConnectSizes, Inference, MaskSource, Masks, Noise, Weights, drop_connect_masks, infer, train};
use crate::philox::philox4x32;
use crate::tests::numbers::{assert_near, uniform};
use crate::tests::same_bits::{arches, with_threads};
use crate::{Activation, Error};

const SIZES: DropConnectSizes = DropConnectSizes { steps: 3, samples: 2, inputs: 70, outputs: 5 };
const ACTIVATIONS: [Activation; 4] = [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid];

struct Data {
    w: Vec<f64>,
    b: Vec<f64>,
    x: Vec<f64>,
    grad: Vec<f64>,
}

impl Data {
    fn new(s: DropConnectSizes) -> Data {
        let (w, b) = (uniform(s.outputs * s.inputs, 0), uniform(s.outputs, 1));
        Data { w, b, x: uniform(s.rows() * s.inputs, 2), grad: uniform(s.rows() * s.outputs, 3) }
    }

    fn weights(&self, bias: bool) -> Weights<'_, f64> {
        Weights { w: &self.w, b: bias.then_some(&self.b[..]) }
    }
}

/// The masks of every step, one behind the other.
fn stored(masks: &Masks<'_, f64>, s: DropConnectSizes) -> (Vec<f64>, Vec<f64>) {
    let rows = s.samples * s.outputs;
    let (mut w, mut b) = (Vec::new(), Vec::new());
    for step in masks.of_step {
        let (mut w1, mut b1) = (vec![f64::NAN; rows * s.inputs], vec![f64::NAN; rows]);
        let one = Masks { of_step: &[*step], source: masks.source };
        drop_connect_masks(&one, DropConnectSizes { steps: 1, ..s }, &mut w1, Some(&mut b1)).unwrap();
        w.extend(w1);
        b.extend(b1);
    }
    (w, b)
}

/// y, dL/dx, dL/dw, dL/db from masks in memory.
fn reference(d: &Data, bias: bool, activation: Activation, s: DropConnectSizes, (mw, mb): &(Vec<f64>, Vec<f64>)) -> [Vec<f64>; 4] {
    let mut out = [vec![], vec![0.0; d.x.len()], vec![0.0; d.w.len()], vec![0.0; d.b.len()]];
    for (row, o) in (0..s.rows()).flat_map(|row| (0..s.outputs).map(move |o| (row, o))) {
        let (m, w, x) = ((row * s.outputs + o) * s.inputs, o * s.inputs, row * s.inputs);
        let b = if bias { d.b[o] * mb[row * s.outputs + o] } else { 0.0 };
        let y = activation.apply((0..s.inputs).map(|i| d.w[w + i] * mw[m + i] * d.x[x + i]).sum::<f64>() + b);
        let g = d.grad[row * s.outputs + o] * activation.derivative(y);
        out[0].push(y);
        for i in 0..s.inputs {
            out[1][x + i] += g * d.w[w + i] * mw[m + i];
            out[2][w + i] += g * mw[m + i] * d.x[x + i];
        }
        out[3][o] += g * mb[row * s.outputs + o];
    }
    out
}

#[track_caller]
fn near(got: &[f64], want: &[f64], what: &str) {
    assert_near(what, got, want, 1e-12);
}

#[test]
fn the_masked_layer_and_its_gradients() {
    for s in [SIZES, DropConnectSizes { inputs: 64, ..SIZES }, DropConnectSizes { inputs: 3, outputs: 70, ..SIZES }] {
        let d = Data::new(s);
        let given: Vec<f64> =
            uniform::<f64>(3 * s.samples * s.outputs * s.inputs, 8).iter().map(|x| f64::from(u8::from(*x > 0.0))).collect();
        let given_b: Vec<f64> = uniform::<f64>(3 * s.samples * s.outputs, 9).iter().map(|x| f64::from(u8::from(*x > 0.0))).collect();
        let sources = [
            Masks { of_step: &[4, 5, 6], source: MaskSource::Drawn { seed: 1 << 40, stream: 7, p: 0.3 } },
            // The same mask at every step.
            Masks { of_step: &[2, 2, 2], source: MaskSource::Drawn { seed: 5, stream: 7, p: 0.5 } },
            Masks { of_step: &[2, 0, 1], source: MaskSource::Given { w: &given, b: Some(&given_b) } },
        ];
        for (masks, (bias, activation)) in sources.iter().flat_map(|m| ACTIVATIONS.map(|a| (m, (a != Activation::Tanh, a)))) {
            let [want, want_x, want_w, want_b] = reference(&d, bias, activation, s, &stored(masks, s));
            let (mut y, mut x, mut w, mut b) = (vec![f64::NAN; want.len()], d.x.clone(), d.w.clone(), d.b.clone());
            train::forward_on(Arch::new(), &d.weights(bias), masks, activation, s, &d.x, &mut y).unwrap();
            near(&y, &want, "y");
            let out = DropConnectGrads { x: Some(&mut x), w: Some(&mut w), b: bias.then_some(&mut b[..]) };
            train::backward_on(Arch::new(), &d.weights(bias), masks, activation, s, &d.x, &y, &d.grad, out).unwrap();
            near(&x, &want_x, "dx");
            near(&w, &want_w, "dw");
            if bias {
                near(&b, &want_b, "db");
            }
        }
    }
}

#[test]
fn masks_are_words_of_philox_and_keep_the_right_share() {
    let s = DropConnectSizes { steps: 1, samples: 40, inputs: 130, outputs: 60 };
    for p in [0.0, 0.2, 0.9] {
        let masks = Masks { of_step: &[3], source: MaskSource::Drawn { seed: 0x1234_5678_9abc_def0, stream: 5, p } };
        let (w, b) = stored(&masks, s);
        let word = |row: usize, i: usize| {
            let block = (16 * (i / 64) + i % 16) as u32;
            philox4x32([block, row as u32, 3, 5], [0x9abc_def0, 0x1234_5678])[i % 64 / 16]
        };
        let kept = |word: u32| f64::from(u8::from(f64::from(word) < ((1.0 - p) * 2f64.powi(32)).round()));
        for row in [0, 17, s.samples * s.outputs - 1] {
            (0..s.inputs).for_each(|i| assert_eq!(w[row * s.inputs + i], kept(word(row, i))));
            assert_eq!(b[row], kept(word(row, s.inputs)));
        }
        let share = w.iter().sum::<f64>() / w.len() as f64;
        assert!((share - (1.0 - p)).abs() <= 5.0 * (p * (1.0 - p) / w.len() as f64).sqrt(), "p = {p}: kept {share}");
    }
}

#[test]
fn inference_is_the_mean_over_the_given_numbers() {
    let d = Data::new(SIZES);
    let (samples_num, p) = (67, 0.3);
    let z = uniform(SIZES.rows() * SIZES.outputs * samples_num, 4);
    for activation in ACTIVATIONS {
        let mut y = vec![f64::NAN; SIZES.rows() * SIZES.outputs];
        let inference = Inference { p, samples_num, noise: Noise::Given(&z) };
        infer::infer_on(Arch::new(), &d.weights(true), &inference, activation, SIZES, &d.x, &mut y).unwrap();
        let want: Vec<f64> = (0..y.len())
            .map(|i| {
                let (row, o) = (i / SIZES.outputs, i % SIZES.outputs);
                let terms: Vec<f64> = (0..SIZES.inputs).map(|k| d.w[o * SIZES.inputs + k] * d.x[row * SIZES.inputs + k]).collect();
                let mu = (1.0 - p) * (terms.iter().sum::<f64>() + d.b[o]);
                let sigma = (p * (1.0 - p) * (terms.iter().map(|t| t * t).sum::<f64>() + d.b[o] * d.b[o])).sqrt();
                let (t, n) = (row / SIZES.samples, row % SIZES.samples);
                let at = |s: usize| ((t * samples_num + s) * SIZES.samples + n) * SIZES.outputs + o;
                (0..samples_num).map(|s| activation.apply(mu + sigma * z[at(s)])).sum::<f64>() / samples_num as f64
            })
            .collect();
        near(&y, &want, "y");
    }
}

/// Enough drawn numbers come near the expectation, which for no activation is mu, and for a relu known.
#[test]
fn inference_with_drawn_numbers_is_near_the_expectation() {
    let s = DropConnectSizes { steps: 1, samples: 1, inputs: 4, outputs: 1 };
    let weights = Weights { w: &[1.0, -1.0, 1.0, 1.0], b: None };
    let noise = Noise::Drawn { seed: 3, stream: 1, of_step: &[0] };
    let run = |activation| {
        let mut y = [f64::NAN];
        let inference = Inference { p: 0.5, samples_num: 40_000, noise };
        infer::infer_on(Arch::new(), &weights, &inference, activation, s, &[1.0, 1.0, 1.0, -1.0], &mut y).unwrap();
        y[0]
    };
    // mu = 0, sigma = 1.
    assert!(run(Activation::Identity).abs() < 0.03);
    assert!((run(Activation::Relu) - (1.0 / std::f64::consts::TAU).sqrt()).abs() < 0.02);
    assert!((run(Activation::Sigmoid) - 0.5).abs() < 0.01);
}

#[test]
fn without_spread_inference_gives_the_mean() {
    let d = Data::new(SIZES);
    let (samples_num, noise) = (8, Noise::Drawn { seed: 3, stream: 1, of_step: &[0, 1, 2] });
    let mut y = vec![f64::NAN; SIZES.rows() * SIZES.outputs];
    // Nothing is dropped, or no spike comes and there is no bias.
    infer::infer_on(Arch::new(), &d.weights(true), &Inference { p: 0.0, samples_num, noise }, Activation::Identity, SIZES, &d.x, &mut y)
        .unwrap();
    let ones = (vec![1.0; SIZES.rows() * SIZES.outputs * SIZES.inputs], vec![1.0; SIZES.rows() * SIZES.outputs]);
    near(&y, &reference(&d, true, Activation::Identity, SIZES, &ones)[0], "p = 0");
    let zeros = vec![0.0; d.x.len()];
    let inference = Inference { p: 0.5, samples_num, noise };
    infer::infer_on(Arch::new(), &d.weights(false), &inference, Activation::Sigmoid, SIZES, &zeros, &mut y).unwrap();
    assert!(y.iter().all(|&y| y == 0.5));
}

#[test]
fn the_same_bits_everywhere() {
    let s = DropConnectSizes { steps: 2, samples: 9, inputs: 130, outputs: 40 };
    let data = [s.outputs * s.inputs, s.outputs, s.rows() * s.inputs, s.rows() * s.outputs];
    let [w, b, x, grad] = [0, 1, 2, 3].map(|i| uniform::<f32>(data[i], i as u32));
    let weights = Weights { w: &w, b: Some(&b) };
    let masks = Masks { of_step: &[1, 2], source: MaskSource::Drawn { seed: 3, stream: 4, p: 0.4 } };
    let inference = Inference { p: 0.4, samples_num: 100, noise: Noise::Drawn { seed: 3, stream: 4, of_step: &[1, 2] } };
    let run = |arch: Arch| {
        let [mut y, mut mean, mut gx, mut gw, mut gb] = [data[3], data[3], data[2], data[0], data[1]].map(|len| vec![f32::NAN; len]);
        train::forward_on(arch, &weights, &masks, Activation::Sigmoid, s, &x, &mut y).unwrap();
        infer::infer_on(arch, &weights, &inference, Activation::Relu, s, &x, &mut mean).unwrap();
        let out = DropConnectGrads { x: Some(&mut gx), w: Some(&mut gw), b: Some(&mut gb) };
        train::backward_on(arch, &weights, &masks, Activation::Sigmoid, s, &x, &y, &grad, out).unwrap();
        [y, mean, gx, gw, gb].concat()
    };
    let want = run(Arch::Scalar);
    for (arch, threads) in arches().into_iter().flat_map(|arch| [1, 2, 3].map(|threads| (arch, threads))) {
        let got = with_threads(threads, || run(arch));
        assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{arch:?} on {threads} threads");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let d = Data::new(SIZES);
    let mut y = vec![0.0; SIZES.rows() * SIZES.outputs];
    let mut run = |of_step: &[u32], source| {
        let masks = Masks { of_step, source };
        train::forward_on(Arch::new(), &d.weights(true), &masks, Activation::Relu, SIZES, &d.x, &mut y)
    };
    assert_eq!(run(&[0], MaskSource::Drawn { seed: 0, stream: 0, p: 0.5 }), Err(Error::Length { what: "masks.of_step", want: 3, got: 1 }));
    assert_eq!(run(&[0; 3], MaskSource::Drawn { seed: 0, stream: 0, p: 1.0 }), Err(Error::Probability(1.0)));
    let one = vec![1.0; SIZES.samples * SIZES.outputs * SIZES.inputs];
    assert_eq!(run(&[0; 3], MaskSource::Given { w: &one, b: None }), Err(Error::Length { what: "masks.b", want: 10, got: 0 }));
    let refused = run(&[0, 1, 1], MaskSource::Given { w: &one, b: Some(&[1.0; 20]) });
    assert_eq!(refused, Err(Error::Length { what: "masks.w", want: 1400, got: 700 }));
}
