//! NeuNorm against loops over one pixel, its gradients against finite differences; rows of a delay line.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_near, slopes, uniform};
use super::same_bits::{arches, with_threads};
use crate::neunorm::{backward_on, forward_on};
use crate::{Error, NeuNorm, NeuNormGrads, NeuNormOut, NeuNormSizes, Real, gather_rows, neunorm};

/// A call, and what its loss weighs: the outputs, and the last trace.
#[derive(Clone, Debug)]
struct Problem<F> {
    sizes: NeuNormSizes,
    k: f64,
    x: Vec<F>,
    w: Vec<F>,
    u0: Vec<F>,
    grad_y: Vec<F>,
    grad_u: Vec<F>,
}

impl<F: Real> Problem<F> {
    fn new(sizes: NeuNormSizes, k: f64, shared: bool) -> Self {
        let NeuNormSizes { steps, samples, channels, pixels } = sizes;
        let len = steps * samples * channels * pixels;
        Problem {
            sizes,
            k,
            x: uniform(len, 0),
            w: uniform(if shared { pixels } else { channels * pixels }, 1),
            u0: uniform(samples * pixels, 2),
            grad_y: uniform(len, 3),
            grad_u: uniform(samples * pixels, 4),
        }
    }

    fn norm(&self) -> NeuNorm<'_, F> {
        NeuNorm { k: self.k, w: &self.w }
    }

    /// y, the last trace, the trace of each step.
    fn forward(&self, arch: Arch) -> [Vec<F>; 3] {
        let traces = self.sizes.steps * self.u0.len();
        let [mut y, mut u, mut u_seq] = [self.x.len(), self.u0.len(), traces].map(|len| vec![F::of(f64::NAN); len]);
        let out = NeuNormOut { y: &mut y, u: &mut u, u_seq: Some(&mut u_seq) };
        forward_on(arch, &self.norm(), self.sizes, &self.x, Some(&self.u0), out).unwrap();
        [y, u, u_seq]
    }

    /// dL/dx, dL/dw, dL/du0.
    fn backward(&self, arch: Arch) -> [Vec<F>; 3] {
        let [_, _, u_seq] = self.forward(arch);
        let [mut x, mut w, mut u0] = [&self.x, &self.w, &self.u0].map(|v| vec![F::of(f64::NAN); v.len()]);
        let out = NeuNormGrads { x: Some(&mut x), w: Some(&mut w), u0: Some(&mut u0) };
        backward_on(arch, &self.norm(), self.sizes, &u_seq, Some(&self.grad_y), Some(&self.grad_u), out).unwrap();
        [x, w, u0]
    }

    fn reference(&self) -> [Vec<F>; 2] {
        let NeuNormSizes { steps, samples, channels, pixels } = self.sizes;
        let gain = F::of((1.0 - self.k) / (channels * channels) as f64);
        let (mut y, mut u) = (vec![F::ZERO; self.x.len()], self.u0.clone());
        for (t, n, p) in (0..steps).flat_map(|t| (0..samples).flat_map(move |n| (0..pixels).map(move |p| (t, n, p)))) {
            let at = |c: usize| ((t * samples + n) * channels + c) * pixels + p;
            let sum = (0..channels).fold(F::ZERO, |sum, c| sum + self.x[at(c)]);
            let u = &mut u[n * pixels + p];
            *u = F::of(self.k) * *u + gain * sum;
            for c in 0..channels {
                y[at(c)] = self.x[at(c)] - self.w[(c * pixels + p) % self.w.len()] * *u;
            }
        }
        [y, u]
    }
}

fn loss(p: &Problem<f64>) -> f64 {
    let [y, u] = p.reference();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&y, &p.grad_y) + dot(&u, &p.grad_u)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn outputs_are_those_of_the_loops_to_the_bit(
        steps in 1..5usize, samples in 0..4usize, channels in 1..5usize, pixels in 1..150usize, k in 0.0..1.0, shared: bool,
    ) {
        let p = Problem::<f32>::new(NeuNormSizes { steps, samples, channels, pixels }, k, shared);
        let want = p.reference();
        for arch in arches() {
            let [y, u, u_seq] = p.forward(arch);
            assert_bits("y", &y, &want[0]);
            assert_bits("u", &u, &want[1]);
            assert_bits("the last of all traces", &u_seq[(steps - 1) * u.len()..], &u);
        }
    }

    #[test]
    fn gradients_are_slopes(
        steps in 1..4usize, samples in 1..11usize, channels in 1..4usize, pixels in 1..9usize, k in 0.0..1.0, shared: bool,
    ) {
        let mut p = Problem::<f64>::new(NeuNormSizes { steps, samples, channels, pixels }, k, shared);
        let [x, w, u0] = p.backward(Arch::new());
        assert_near("x", &x, &slopes(&mut p, |p| &mut p.x, loss), 1e-7);
        assert_near("w", &w, &slopes(&mut p, |p| &mut p.w, loss), 1e-6);
        assert_near("u0", &u0, &slopes(&mut p, |p| &mut p.u0, loss), 1e-7);
    }
}

#[test]
fn the_same_bits_everywhere() {
    let p = Problem::<f32>::new(NeuNormSizes { steps: 3, samples: 19, channels: 5, pixels: 333 }, 0.9, false);
    let want = (p.forward(Arch::Scalar), p.backward(Arch::Scalar));
    for (arch, threads) in arches().into_iter().flat_map(|arch| [1, 2, 3].map(|threads| (arch, threads))) {
        let got = with_threads(threads, || (p.forward(arch), p.backward(arch)));
        for (got, want) in got.0.iter().chain(&got.1).zip(want.0.iter().chain(&want.1)) {
            assert_bits("forward and backward", got, want);
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let sizes = NeuNormSizes { steps: 2, samples: 1, channels: 2, pixels: 3 };
    let run = |w: usize, x: usize| {
        let (w, x) = (vec![0.0f32; w], vec![0.0; x]);
        let out = NeuNormOut { y: &mut [0.0; 12], u: &mut [0.0; 3], u_seq: None };
        neunorm(&NeuNorm { k: 0.9, w: &w }, sizes, &x, None, out)
    };
    assert_eq!((run(6, 12), run(3, 12)), (Ok(()), Ok(())));
    assert_eq!(run(5, 12), Err(Error::Length { what: "w", want: 6, got: 5 }));
    assert_eq!(run(6, 11), Err(Error::Length { what: "x", want: 12, got: 11 }));
}

#[test]
fn rows_are_put_one_after_the_other() {
    let (a, b) = (uniform::<f64>(9001, 0), uniform::<f64>(9001, 1));
    let mut out = vec![f64::NAN; 4 * 9001];
    with_threads(2, || gather_rows(&[Some(&b), None, Some(&a), Some(&b)], 9001, &mut out)).unwrap();
    assert_bits("rows", &out, &[&b[..], &vec![0.0; 9001], &a, &b].concat());
    assert_eq!(gather_rows(&[Some(&a[..5])], 6, &mut [0.0; 6]), Err(Error::Length { what: "row", want: 6, got: 5 }));
    assert_eq!(gather_rows::<f32>(&[None, None], 6, &mut [0.0; 6]), Err(Error::Length { what: "out", want: 12, got: 6 }));
}
