//! The gates against a plain reference: stage by stage on whole arrays, its gradients by finite differences.

use pulp::Arch;

use super::{Attention, AttentionSizes, Perceptron, Planes, backward, forward};
use crate::Error;
use crate::tests::numbers::{assert_near, slopes, uniform};
use crate::tests::same_bits::{arches, with_threads};

/// None of them twice, so that every maximum is one element's; off 0, where the last stage bends.
fn random(len: usize, stream: u32) -> Vec<f64> {
    uniform(len, stream).into_iter().map(|x: f64| if x.abs() < 1e-2 { x + 0.1 } else { x }).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn mlp(gate: &Perceptron<'_, f64>, v: &[f64]) -> Vec<f64> {
    let hidden: Vec<f64> = gate.w1.chunks(v.len()).map(|w| w.iter().zip(v).map(|(w, v)| w * v).sum::<f64>().max(0.0)).collect();
    gate.w2.chunks(hidden.len()).map(|w| w.iter().zip(&hidden).map(|(w, h)| w * h).sum()).collect()
}

/// Multiplies z by gates that belong to the index `of(t, n, c, p)` of `size` ones per sample.
fn stage(
    z: &mut [f64],
    s: AttentionSizes,
    size: usize,
    of: impl Fn(usize, usize, usize) -> usize,
    scores: impl Fn(&[f64], &[f64]) -> Vec<f64>,
) {
    let pixels = s.height * s.width;
    let at = |t: usize, n: usize, c: usize, p: usize| s.row(t, n, c) * pixels + p;
    for n in 0..s.samples {
        let (mut sum, mut max, mut count) = (vec![0.0; size], vec![f64::NEG_INFINITY; size], vec![0.0; size]);
        let all = || (0..s.steps).flat_map(|t| (0..s.channels).flat_map(move |c| (0..pixels).map(move |p| (t, c, p))));
        for (t, c, p) in all() {
            let (i, x) = (of(t, c, p), z[at(t, n, c, p)]);
            (sum[i], max[i], count[i]) = (sum[i] + x, f64::max(max[i], x), count[i] + 1.0);
        }
        let mean: Vec<f64> = sum.iter().zip(&count).map(|(s, c)| s / c).collect();
        let gates: Vec<f64> = scores(&mean, &max).into_iter().map(sigmoid).collect();
        all().for_each(|(t, c, p)| z[at(t, n, c, p)] *= gates[of(t, c, p)]);
    }
}

fn reference(gates: &Attention<'_, f64>, s: AttentionSizes, x: &[f64]) -> Vec<f64> {
    let mut z = x.to_vec();
    let both = |gate: Perceptron<'_, f64>, mean: &[f64], max: &[f64]| -> Vec<f64> {
        mlp(&gate, mean).iter().zip(mlp(&gate, max)).map(|(a, b)| a + b).collect()
    };
    if let Some(gate) = gates.temporal {
        stage(&mut z, s, s.steps, |t, _, _| t, |mean, max| both(gate, mean, max));
    }
    if let Some(gate) = gates.channel {
        stage(&mut z, s, s.channels, |_, c, _| c, |mean, max| both(gate, mean, max));
    }
    if let Some(Planes { w, kernel: k }) = gates.spatial {
        let convolved = |mean: &[f64], max: &[f64]| -> Vec<f64> {
            let at = |plane: usize, y: isize, x: isize| match (usize::try_from(y), usize::try_from(x)) {
                (Ok(y), Ok(x)) if y < s.height && x < s.width => [mean, max][plane][y * s.width + x],
                _ => 0.0,
            };
            let one = |p: usize| {
                let (y, x, pad) = ((p / s.width) as isize, (p % s.width) as isize, (k / 2) as isize);
                let taps = (0..2 * k * k).map(|i| (i, i / (k * k), (i / k % k) as isize, (i % k) as isize));
                taps.map(|(i, plane, dy, dx)| w[i] * at(plane, y + dy - pad, x + dx - pad)).sum()
            };
            (0..s.height * s.width).map(one).collect()
        };
        stage(&mut z, s, s.height * s.width, |_, _, p| p, convolved);
    }
    if gates.relu {
        z.iter_mut().for_each(|z| *z = z.max(0.0));
    }
    z
}

/// Everything that `check` varies.
struct Weights {
    temporal: [Vec<f64>; 2],
    channel: [Vec<f64>; 2],
    spatial: Vec<f64>,
    kernel: usize,
    /// Which stages there are.
    on: [bool; 4],
}

impl Weights {
    fn attention(&self) -> Attention<'_, f64> {
        Attention {
            temporal: self.on[0].then(|| Perceptron { w1: &self.temporal[0], w2: &self.temporal[1] }),
            channel: self.on[1].then(|| Perceptron { w1: &self.channel[0], w2: &self.channel[1] }),
            spatial: self.on[2].then(|| Planes { w: &self.spatial, kernel: self.kernel }),
            relu: self.on[3],
        }
    }
}

fn check(s: AttentionSizes, hidden: [usize; 2], kernel: usize, on: [bool; 4]) {
    let weights = Weights {
        temporal: [random(hidden[0] * s.steps, 1), random(hidden[0] * s.steps, 2)],
        channel: [random(hidden[1] * s.channels, 3), random(hidden[1] * s.channels, 4)],
        spatial: random(2 * kernel * kernel, 5),
        kernel,
        on,
    };
    let len = s.len().unwrap();
    let (x, grad) = (random(len, 6), random(len, 7));
    let (mut y, mut grad_x) = (vec![f64::NAN; len], vec![f64::NAN; len]);
    let kept = forward::forward_on(Arch::new(), &weights.attention(), s, &x, &mut y).unwrap();
    let got = backward::traced(Arch::new(), &weights.attention(), s, &x, &kept, &grad, Some(&mut grad_x)).unwrap().0;
    assert_near("y", &y, &reference(&weights.attention(), s, &x), 1e-12);

    let mut problem = (weights, x);
    let loss = |(weights, x): &(Weights, Vec<f64>)| reference(&weights.attention(), s, x).iter().zip(&grad).map(|(y, g)| y * g).sum();
    type Select = fn(&mut (Weights, Vec<f64>)) -> &mut [f64];
    let all: [(&str, Select, &[f64]); 6] = [
        ("x", |p| &mut p.1, &grad_x),
        ("temporal.0", |p| &mut p.0.temporal[0], &got.temporal[0]),
        ("temporal.2", |p| &mut p.0.temporal[1], &got.temporal[1]),
        ("channel.0", |p| &mut p.0.channel[0], &got.channel[0]),
        ("channel.2", |p| &mut p.0.channel[1], &got.channel[1]),
        ("spatial", |p| &mut p.0.spatial, &got.spatial),
    ];
    for (what, select, got) in all.into_iter().filter(|(.., got)| !got.is_empty()) {
        assert_near(what, got, &slopes(&mut problem, select, loss), 1e-6);
    }
}

const SIZES: AttentionSizes = AttentionSizes { steps: 3, samples: 2, channels: 4, height: 3, width: 5 };

#[test]
fn every_choice_of_stages_is_the_reference() {
    for choice in 1..16 {
        check(SIZES, [2, 3], 3, [choice & 1 != 0, choice & 2 != 0, choice & 4 != 0, choice & 8 != 0]);
    }
}

#[test]
fn a_kernel_wider_than_the_plane_and_pixels_beyond_a_block() {
    check(AttentionSizes { height: 2, ..SIZES }, [1, 1], 7, [true; 4]);
    check(AttentionSizes { steps: 2, samples: 1, channels: 1, height: 9, width: 8 }, [1, 1], 3, [true, false, true, true]);
    check(AttentionSizes { steps: 5, samples: 2, channels: 1, height: 1, width: 70 }, [2, 1], 3, [true, false, false, false]);
}

/// The first of equal maxima gets the whole gradient.
#[test]
fn ties_go_to_the_first() {
    let s = AttentionSizes { steps: 1, samples: 1, channels: 2, height: 1, width: 3 };
    let gates = Attention { temporal: Some(Perceptron { w1: &[1.0], w2: &[1.0] }), channel: None, spatial: None, relu: false };
    let x = [0.25, 0.5, 0.5, 0.5, 0.25, 0.5];
    let (mut y, mut grad_x) = ([0.0; 6], [0.0; 6]);
    let kept = forward::forward_on(Arch::new(), &gates, s, &x, &mut y).unwrap();
    backward::traced(Arch::new(), &gates, s, &x, &kept, &[1.0; 6], Some(&mut grad_x)).unwrap();
    assert!(grad_x[1] > grad_x[0] && [2, 3, 4, 5].iter().all(|&i| grad_x[i] == grad_x[0]), "{grad_x:?}");
}

#[test]
fn the_same_bits_everywhere() {
    let s = AttentionSizes { steps: 4, samples: 9, channels: 12, height: 17, width: 11 };
    let len = s.len().unwrap();
    let [t1, t2, c1, c2, w, x, grad] = [8, 8, 36, 36, 18, len, len].map(|n| uniform::<f32>(n, n as u32));
    let gates = Attention {
        temporal: Some(Perceptron { w1: &t1, w2: &t2 }),
        channel: Some(Perceptron { w1: &c1, w2: &c2 }),
        spatial: Some(Planes { w: &w, kernel: 3 }),
        relu: true,
    };
    let run = |arch: Arch| {
        let (mut y, mut grad_x) = (vec![f32::NAN; len], vec![f32::NAN; len]);
        let kept = forward::forward_on(arch, &gates, s, &x, &mut y).unwrap();
        let g = backward::traced(arch, &gates, s, &x, &kept, &grad, Some(&mut grad_x)).unwrap().0;
        [&[y, grad_x, g.spatial][..], &g.temporal, &g.channel].concat().concat()
    };
    let want = run(Arch::Scalar);
    for (arch, threads) in arches().into_iter().flat_map(|arch| [1, 2, 3].map(|threads| (arch, threads))) {
        let got = with_threads(threads, || run(arch));
        assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{arch:?} on {threads} threads");
    }
}

#[test]
fn a_buffer_that_does_not_fit_is_named() {
    let gates = Attention { temporal: Some(Perceptron { w1: &[1.0; 6], w2: &[1.0; 5] }), channel: None, spatial: None, relu: false };
    let len = SIZES.len().unwrap();
    let refused = forward::forward_on(Arch::new(), &gates, SIZES, &vec![0.0; len], &mut vec![0.0; len]).unwrap_err();
    assert_eq!(refused, Error::Length { what: "w2", want: 6, got: 5 });
    let refused = forward::forward_on(Arch::new(), &gates, SIZES, &vec![0.0; len - 1], &mut vec![0.0; len]).unwrap_err();
    assert_eq!(refused, Error::Length { what: "x", want: len, got: len - 1 });
}
