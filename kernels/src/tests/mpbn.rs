//! Normalised membrane potentials: the kernel against one step after the other, and against finite differences.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_gradient, assert_near, dot, seeded};
use super::same_bits::{arches, with_threads};
use crate::{Draw, Mpbn, MpbnGradients, MpbnOut, Normalise, Real, Sigmoid, Statistics};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Norm {
    None,
    Batch,
    Running,
}

#[derive(Clone, Debug)]
struct Case {
    norm: Norm,
    steps: usize,
    sizes: [usize; 3],
    decay_input: bool,
    v_reset: Option<f64>,
    detach_reset: bool,
    one_threshold: bool,
    with_v0: bool,
    spiking: bool,
    seed: u64,
}

fn cases(plane: usize) -> impl Strategy<Value = Case> {
    let norms = prop_oneof![Just(Norm::None), Just(Norm::Batch), Just(Norm::Running)];
    let resets = prop_oneof![Just(None), Just(Some(0.0)), Just(Some(-0.25))];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (norms, 1..5usize, 2..5usize, 1..4usize, 1..=plane, resets, switches, any::<u64>()).prop_map(
        |(norm, steps, n, c, s, v_reset, (decay_input, detach_reset, one_threshold, with_v0, spiking), seed)| Case {
            norm,
            steps,
            sizes: [n, c, s],
            decay_input,
            v_reset,
            detach_reset,
            one_threshold,
            with_v0,
            spiking,
            seed,
        },
    )
}

#[derive(Clone)]
struct Data<F> {
    x: Vec<F>,
    v0: Option<Vec<F>>,
    threshold: Vec<F>,
    weight: Vec<F>,
    bias: Vec<F>,
    mean: Vec<F>,
    var: Vec<F>,
}

impl Case {
    fn neurons(&self) -> usize {
        self.sizes.iter().product()
    }

    fn data<F: Real>(&self) -> Data<F> {
        let of = |stream, len| seeded(self.seed, stream, len).into_iter().map(F::of).collect::<Vec<F>>();
        let c = self.sizes[1];
        Data {
            x: of(0, self.steps * self.neurons()),
            v0: self.with_v0.then(|| of(1, self.neurons())),
            threshold: of(2, if self.one_threshold { 1 } else { c }),
            weight: of(3, c),
            bias: of(4, c),
            mean: of(5, c),
            var: of(6, c).into_iter().map(|v| v * v + F::of(0.5)).collect(),
        }
    }

    fn mpbn<'a, F: Real>(&self, data: &'a Data<F>) -> Mpbn<'a, F> {
        let statistics = match self.norm {
            Norm::Running => Statistics::Running { mean: &data.mean, var: &data.var },
            _ => Statistics::Batch,
        };
        Mpbn {
            steps: self.steps,
            sizes: self.sizes,
            x: &data.x,
            v0: data.v0.as_deref(),
            tau: F::of(2.5),
            decay_input: self.decay_input,
            normalise: (self.norm != Norm::None).then_some(Normalise { statistics, eps: 1e-2, weight: &data.weight, bias: &data.bias }),
            v_threshold: &data.threshold,
            v_reset: self.v_reset.map(F::of),
            detach_reset: self.detach_reset,
            surrogate: Sigmoid { alpha: 2.0, spiking: self.spiking }.into(),
            draw: Draw::default(),
        }
    }

    fn forward(&self, data: &Data<f64>) -> [Vec<f64>; 3] {
        let (mut spikes, mut v, mut v_seq) = (vec![f64::NAN; data.x.len()], vec![f64::NAN; self.neurons()], vec![f64::NAN; data.x.len()]);
        self.mpbn(data).forward(MpbnOut { spikes: &mut spikes, v: &mut v, v_seq: Some(&mut v_seq) }).unwrap();
        [spikes, v, v_seq]
    }

    fn reference(&self, data: &Data<f64>) -> [Vec<f64>; 3] {
        let [samples, channels, plane] = self.sizes;
        let (n, rest) = (self.neurons(), self.v_reset.unwrap_or(0.0));
        let mut v = data.v0.clone().unwrap_or_else(|| vec![rest; n]);
        let (mut spikes, mut v_seq) = (Vec::new(), Vec::new());
        for x in data.x.chunks(n) {
            let charge = |(v, x): (&f64, &f64)| if self.decay_input { v + (x - (v - rest)) / 2.5 } else { v - (v - rest) / 2.5 + x };
            let mut y: Vec<f64> = v.iter().zip(x).map(charge).collect();
            for c in 0..channels {
                let places: Vec<usize> = (0..samples).flat_map(|i| (0..plane).map(move |s| (i * channels + c) * plane + s)).collect();
                let values: Vec<f64> = places.iter().map(|&k| y[k]).collect();
                let count = values.len() as f64;
                let (mean, var) = match self.norm {
                    Norm::None => continue,
                    Norm::Running => (data.mean[c], data.var[c]),
                    Norm::Batch => {
                        let mean = values.iter().sum::<f64>() / count;
                        (mean, values.iter().map(|h| (h - mean).powi(2)).sum::<f64>() / count)
                    }
                };
                for k in places {
                    y[k] = (y[k] - mean) / (var + 1e-2).sqrt() * data.weight[c] + data.bias[c];
                }
            }
            let threshold = |k: usize| data.threshold[if self.one_threshold { 0 } else { k / plane % channels }];
            let fire = |over: f64| if self.spiking { over.heaviside() } else { (2.0 * over).sigmoid() };
            let s: Vec<f64> = (0..n).map(|k| fire(y[k] - threshold(k))).collect();
            v = (0..n).map(|k| self.v_reset.map_or(y[k] - s[k] * threshold(k), |r| s[k] * r + (1.0 - s[k]) * y[k])).collect();
            spikes.extend(&s);
            v_seq.extend(&v);
        }
        [spikes, v, v_seq]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_is_one_step_after_the_other(case in cases(30)) {
        let data = case.data();
        let (got, want) = (case.forward(&data), case.reference(&data));
        for (what, (got, want)) in ["spikes", "v", "v_seq"].into_iter().zip(got.iter().zip(&want)) {
            assert_near(what, got, want, 1e-9);
        }
    }

    #[test]
    fn gradients_are_those_of_the_primitive(case in cases(20)) {
        let case = Case { spiking: false, detach_reset: false, ..case };
        let data = case.data::<f64>();
        let (grad_s, grad_v) = (seeded(case.seed, 7, data.x.len()), seeded(case.seed, 8, case.neurons()));
        let (mut x, mut v0) = (vec![0.0; data.x.len()], vec![0.0; case.neurons()]);
        let out = MpbnGradients { x: Some(&mut x), v0: Some(&mut v0) };
        let got = case.mpbn(&data).backward(Some(&grad_s), Some(&grad_v), out).unwrap();
        let loss = |data: &Data<f64>| {
            let [s, v, _] = case.forward(data);
            dot(&s, &grad_s) + dot(&v, &grad_v)
        };
        assert_gradient("x", &data.x, &x, |x| loss(&Data { x: x.to_vec(), ..data.clone() }));
        assert_gradient("weight", &data.weight, &got.weight, |w| loss(&Data { weight: w.to_vec(), ..data.clone() }));
        assert_gradient("bias", &data.bias, &got.bias, |b| loss(&Data { bias: b.to_vec(), ..data.clone() }));
        assert_gradient("threshold", &data.threshold, &got.v_threshold, |t| loss(&Data { threshold: t.to_vec(), ..data.clone() }));
        let start = data.v0.clone().unwrap_or_else(|| vec![case.v_reset.unwrap_or(0.0); case.neurons()]);
        assert_gradient("v0", &start, &v0, |v0| loss(&Data { v0: Some(v0.to_vec()), ..data.clone() }));
    }

    #[test]
    fn on_every_instruction_set_and_any_number_of_threads(case in cases(40), many in any::<bool>()) {
        let case = if many { Case { sizes: [5, 40, 90], ..case } } else { case };
        let data = case.data::<f32>();
        let grad: Vec<f32> = seeded(case.seed, 7, data.x.len()).into_iter().map(f32::of).collect();
        let run = |arch: Arch| {
            let (mut spikes, mut v, mut x) = (vec![f32::NAN; grad.len()], vec![f32::NAN; case.neurons()], vec![f32::NAN; grad.len()]);
            let used = case.mpbn(&data).forward_on(arch, MpbnOut { spikes: &mut spikes, v: &mut v, v_seq: None }).unwrap();
            let out = MpbnGradients { x: Some(&mut x), v0: None };
            let parameters = case.mpbn(&data).backward_on(arch, Some(&grad), None, out).unwrap();
            (spikes, v, x, parameters, used)
        };
        let want = run(Arch::Scalar);
        let threads = [1, 3].map(|threads| with_threads(threads, || run(Arch::new())));
        for got in arches().into_iter().map(run).chain(threads) {
            assert_bits("spikes", &got.0, &want.0);
            assert_bits("v", &got.1, &want.1);
            assert_bits("x", &got.2, &want.2);
            prop_assert_eq!(&got.3, &want.3);
            prop_assert_eq!(&got.4, &want.4);
        }
    }
}

/// With `detach_reset` a spike is a number in the reset: the gradient reaches its potential through the output alone.
#[test]
fn a_detached_reset_is_a_constant() {
    let case = |detach_reset| Case {
        norm: Norm::None,
        steps: 2,
        sizes: [1, 1, 1],
        decay_input: false,
        v_reset: None,
        detach_reset,
        one_threshold: true,
        with_v0: false,
        spiking: true,
        seed: 0,
    };
    let data =
        Data { x: vec![1.0, 0.5], v0: None, threshold: vec![1.0], weight: Vec::new(), bias: Vec::new(), mean: Vec::new(), var: Vec::new() };
    let grad = |case: Case| {
        let mut x = [0.0; 2];
        case.mpbn(&data).backward(None, Some(&[1.0]), MpbnGradients { x: Some(&mut x), v0: None }).unwrap();
        x
    };
    // dv/dh is 1 through each reset, and what leaks from one step to the next is 1 / 2.5.
    assert_near("detached", &grad(case(true)), &[0.6, 1.0], 1e-9);
    // Otherwise it is less by the surrogate's slope: 1/2 at h = 1, and 2 s (1 - s) at h = 1/2.
    let slope = 2.0 * (-1.0f64).sigmoid() * 1.0f64.sigmoid();
    assert_near("attached", &grad(case(false)), &[(1.0 - slope) * 0.6 * 0.5, 1.0 - slope], 1e-9);
}
