//! A neuron that uses all that the engine has, written by hand: two states, two calls of the surrogate function, a parameter of the layer
//! and one per channel. Random layers of it in; out: the same numbers as one neuron at a time, gradients as finite differences say.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use crate::backward::backward_on;
use crate::forward::forward_on;
use crate::*;

/// h = q v + x - w, s = H(h - th) - H(-h - th), v = h - th s, w = w / 2 + s^2, y = 2 s; q = sigmoid(p) of the layer, th of the channel.
#[derive(Clone, Copy, Debug)]
struct ByHand {
    surrogate_function: Surrogate,
}

impl Neuron for ByHand {
    const NAME: &'static str = "ByHand";
    const STATES: &'static [&'static str] = &["v", "w"];
    const LEARNED: &'static [Learned] =
        &[Learned { name: "p", per: Per::Layer, trained: true }, Learned { name: "th", per: Per::Channel, trained: true }];
    const CONSTANTS: usize = 3;
    const LEARNED_CONSTANTS: usize = 2;
    const FIRES: usize = 2;
    const KEPT: usize = 1;
    const CUDA: &'static str = "";

    fn check(&self) -> Result<(), Refused> {
        Ok(())
    }

    fn surrogate(&self) -> Surrogate {
        self.surrogate_function
    }

    fn learned_start(&self, out: &mut [f64; MAX_LEARNED]) {
        out[1] = 1.0;
    }

    fn constants(&self, learned: &[f64; MAX_LEARNED], out: &mut [f64; MAX_CONSTANTS]) {
        *out = [0.0; MAX_CONSTANTS];
        (out[0], out[1], out[2]) = (1.0 / (1.0 + (-learned[0]).exp()), learned[1], 0.5);
    }

    fn constants_gradient(&self, learned: &[f64; MAX_LEARNED], upstream: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_LEARNED]) {
        let q = 1.0 / (1.0 + (-learned[0]).exp());
        (out[0], out[1]) = (upstream[0] * q * (1.0 - q), upstream[1]);
    }

    fn start(&self, constants: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_STATES]) {
        (out[0], out[1]) = (0.0, constants[1] / 4.0);
    }

    #[inline(always)]
    fn charge<F: Real>(&self, c: &[F; MAX_CONSTANTS], s: &[F; MAX_STATES], x: F) -> Charged<F> {
        let h = c[0] * s[0] + x - s[1];
        Charged { over: [h - c[1], -h - c[1]], kept: [h, F::ZERO, F::ZERO, F::ZERO] }
    }

    #[inline(always)]
    fn finish<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        _: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
    ) -> Finished<F> {
        let spike = spikes[0] - spikes[1];
        Finished { states: [kept[0] - c[1] * spike, s[1] * c[2] + spike * spike, F::ZERO, F::ZERO], y: spike + spike }
    }

    #[inline(always)]
    fn adjoint<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        _: F,
        _: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
        slopes: &[F; MAX_FIRES],
        grad_y: F,
        grad: &[F; MAX_STATES],
    ) -> Adjoint<F> {
        let spike = spikes[0] - spikes[1];
        let grad_spike = grad_y + grad_y - grad[0] * c[1] + grad[1] * (spike + spike);
        let grad_h = grad[0] + grad_spike * (slopes[0] + slopes[1]);
        let mut constants = [F::ZERO; MAX_CONSTANTS];
        constants[0] = grad_h * s[0];
        constants[1] = -(grad[0] * spike) - grad_spike * (slopes[0] - slopes[1]);
        Adjoint { x: grad_h, states: [grad_h * c[0], grad[1] * c[2] - grad_h, F::ZERO, F::ZERO], constants }
    }
}

/// A layer and its data.
#[derive(Clone, Debug)]
struct Layer {
    neuron: ByHand,
    channels: Channels,
    samples: usize,
    steps: usize,
    p: f64,
    th: Vec<f64>,
    seed: u64,
}

#[derive(Debug)]
struct Results<F> {
    y: Vec<F>,
    v: Vec<F>,
    w: Vec<F>,
}

fn layers(steps: usize, samples: usize, inner: usize, spiking: bool) -> impl Strategy<Value = Layer> {
    (1..=steps, 1..=samples, 1..5usize, 1..=inner, -1.0..1.0, proptest::collection::vec(0.2..1.5, 5), any::<u64>()).prop_map(
        move |(steps, samples, count, inner, p, th, seed)| Layer {
            neuron: ByHand { surrogate_function: Sigmoid { alpha: 2.0, spiking }.into() },
            channels: Channels { count, inner },
            samples,
            steps,
            p,
            th: th[..count].to_vec(),
            seed,
        },
    )
}

impl Layer {
    fn neurons(&self) -> usize {
        self.samples * self.channels.count * self.channels.inner
    }

    fn numbers<F: Real>(&self, stream: u32, len: usize) -> Vec<F> {
        let word = |i: usize| philox4x32([i as u32, stream, 0, 0], [self.seed as u32, (self.seed >> 32) as u32])[0];
        (0..len).map(|i| F::of(f64::from(word(i) >> 12) / f64::from(1 << 20) * 5.0 - 2.5)).collect()
    }

    fn x<F: Real>(&self) -> Vec<F> {
        self.numbers(0, self.steps * self.neurons())
    }

    fn with_pass<F: Real, R>(&self, x: &[F], w0: Option<&[F]>, f: impl FnOnce(Pass<'_, F>) -> R) -> R {
        let constants = Constants::new(&self.neuron, &[&[self.p], &self.th], self.channels).expect("a number per channel");
        let (start, x) = ([None, w0], Input::Sequence(x));
        f(Pass { steps: self.steps, neurons: self.neurons(), x, scale: None, start: &start, constants: &constants, draw: Draw::default() })
    }

    fn forward<F: Real>(&self, arch: Arch, x: &[F], w0: Option<&[F]>) -> Results<F> {
        let nan = |len: usize| vec![F::of(f64::NAN); len];
        let mut out = Results { y: nan(self.steps * self.neurons()), v: nan(self.neurons()), w: nan(self.neurons()) };
        let into = ForwardOut { y: &mut out.y, states: vec![&mut out.v, &mut out.w], sequences: vec![] };
        self.with_pass(x, w0, |pass| forward_on(arch, &self.neuron, pass, into)).expect("sizes");
        out
    }

    /// dL/dx, dL/dw0 and dL/d(p, th..) for L = sum of the outputs, each times a number.
    fn backward<F: Real>(&self, arch: Arch, x: &[F], w0: &[F]) -> [Vec<F>; 3] {
        let nan = |len: usize| vec![F::of(f64::NAN); len];
        let (mut grad_x, mut grad_w0) = (nan(x.len()), nan(self.neurons()));
        let (y, v, w) = (self.numbers(1, x.len()), self.numbers(2, self.neurons()), self.numbers(3, self.neurons()));
        let upstream = Upstream { y: Some(&y), states: &[Some(&v), Some(&w)] };
        let into = BackwardOut { x: Some(&mut grad_x), start: vec![None, Some(&mut grad_w0)], scale: None };
        let sums = self.with_pass(x, Some(w0), |pass| backward_on(arch, &self.neuron, pass, upstream, into)).expect("sizes");
        let gradient = learned_gradient(&self.neuron, &[&[self.p], &self.th], self.channels, &sums).expect("sizes");
        [grad_x, grad_w0, gradient.concat().into_iter().map(F::of).collect()]
    }

    fn loss(&self, x: &[f64], w0: &[f64]) -> f64 {
        let out = self.forward(Arch::new(), x, Some(w0));
        let (y, v, w): (Vec<f64>, Vec<f64>, Vec<f64>) =
            (self.numbers(1, x.len()), self.numbers(2, self.neurons()), self.numbers(3, self.neurons()));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(&out.y, &y) + dot(&out.v, &v) + dot(&out.w, &w)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equals_one_neuron_at_a_time(layer in layers(12, 4, 40, true)) {
        let x = layer.x::<f32>();
        let got = layer.forward(Arch::new(), &x, None);
        for n in 0..layer.neurons() {
            let channel = n / layer.channels.inner % layer.channels.count;
            let (q, th) = ((1.0 / (1.0 + (-layer.p).exp())) as f32, layer.th[channel] as f32);
            let (mut v, mut w) = (0.0, (layer.th[channel] / 4.0) as f32);
            for t in 0..layer.steps {
                let h = q * v + x[t * layer.neurons() + n] - w;
                let s = f32::from(h - th >= 0.0) - f32::from(-h - th >= 0.0);
                (v, w) = (h - th * s, w * 0.5 + s * s);
                prop_assert_eq!(got.y[t * layer.neurons() + n], 2.0 * s);
            }
            prop_assert_eq!((got.v[n], got.w[n]), (v, w));
        }
    }

    #[test]
    fn equals_finite_differences(layer in layers(5, 2, 3, false)) {
        let (x, w0) = (layer.x::<f64>(), layer.numbers::<f64>(4, layer.neurons()));
        let [grad_x, grad_w0, params] = layer.backward(Arch::new(), &x, &w0);
        let difference = |f: &dyn Fn(f64) -> f64| (f(1e-6) - f(-1e-6)) / 2e-6;
        let near = |got: f64, want: f64| (got - want).abs() < 1e-5 * (1.0 + want.abs());
        let moved = |of: &[f64], i: usize, by: f64| { let mut of = of.to_vec(); of[i] += by; of };
        for i in 0..x.len() {
            prop_assert!(near(grad_x[i], difference(&|e| layer.loss(&moved(&x, i, e), &w0))), "x[{}]", i);
        }
        for i in 0..w0.len() {
            prop_assert!(near(grad_w0[i], difference(&|e| layer.loss(&x, &moved(&w0, i, e)))), "w0[{}]", i);
        }
        prop_assert!(near(params[0], difference(&|e| Layer { p: layer.p + e, ..layer.clone() }.loss(&x, &w0))), "p");
        for i in 0..layer.th.len() {
            let want = difference(&|e| Layer { th: moved(&layer.th, i, e), ..layer.clone() }.loss(&x, &w0));
            prop_assert!(near(params[1 + i], want), "th[{}]: {} instead of {}", i, params[1 + i], want);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gives_the_same_bits_on_any_number_of_threads(layer in layers(8, 30, 700, true)) {
        let (x, w0) = (layer.x::<f32>(), layer.numbers::<f32>(4, layer.neurons()));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| layer.backward(Arch::new(), &x, &w0))
        };
        let one = run(1);
        for threads in [2, 3] {
            for (got, want) in run(threads).iter().zip(&one) {
                assert_bits("gradients", got, want);
            }
        }
    }
}

#[test]
fn parameters_of_the_wrong_length_are_named() {
    let neuron = ByHand { surrogate_function: Surrogate::default() };
    let channels = Channels { count: 3, inner: 2 };
    let new = |learned: &[&[f64]]| Constants::<f32>::new(&neuron, learned, channels).map(|_| ());
    assert_eq!(new(&[&[0.0], &[1.0; 3]]), Ok(()));
    assert_eq!(new(&[&[0.0], &[1.0]]), Err(Error::Length { what: "th", want: 3, got: 1 }));
    assert_eq!(new(&[&[0.0]]), Err(Error::Length { what: "learned", want: 2, got: 1 }));
}
