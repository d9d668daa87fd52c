//! Gated LIF neurons: the kernel against one neuron after the other, and against finite differences.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_gradient, assert_near, dot, seeded};
use super::same_bits::{arches, with_threads};
use crate::{Draw, GATED_LIF_CONSTANTS, GatedLif, GatedLifGradients, Real, Sigmoid};

#[derive(Clone, Debug)]
struct Case {
    steps: usize,
    /// Samples, channels, plane.
    sizes: [usize; 3],
    with_v0: bool,
    spiking: bool,
    seed: u64,
}

fn cases(plane: usize) -> impl Strategy<Value = Case> {
    (1..6usize, 1..4usize, 1..5usize, 1..=plane, any::<bool>(), any::<bool>(), any::<u64>())
        .prop_map(|(steps, n, c, s, with_v0, spiking, seed)| Case { steps, sizes: [n, c, s], with_v0, spiking, seed })
}

#[derive(Clone)]
struct Data<F> {
    x: Vec<F>,
    v0: Option<Vec<F>>,
    constants: Vec<F>,
}

impl Case {
    fn neurons(&self) -> usize {
        self.sizes.iter().product()
    }

    fn data<F: Real>(&self) -> Data<F> {
        let of = |stream, len| seeded(self.seed, stream, len).into_iter().map(F::of).collect::<Vec<F>>();
        let constants = seeded(self.seed, 2, (GATED_LIF_CONSTANTS + self.steps) * self.sizes[1]);
        Data {
            x: of(0, self.steps * self.neurons()),
            v0: self.with_v0.then(|| of(1, self.neurons())),
            // Between 0 and 1, as sigmoids are.
            constants: constants.into_iter().map(|c| F::of((c + 1.6) / 4.2)).collect(),
        }
    }

    fn gated<'a, F: Real>(&self, data: &'a Data<F>) -> GatedLif<'a, F> {
        GatedLif {
            steps: self.steps,
            neurons: self.neurons(),
            channels: self.sizes[1],
            plane: self.sizes[2],
            constants: &data.constants,
            x: &data.x,
            v0: data.v0.as_deref(),
            surrogate: Sigmoid { alpha: 2.0, spiking: self.spiking }.into(),
            draw: Draw::default(),
        }
    }

    fn forward(&self, data: &Data<f64>) -> [Vec<f64>; 3] {
        let (len, n) = (data.x.len(), self.neurons());
        let (mut s, mut v, mut v_seq) = (vec![f64::NAN; len], vec![f64::NAN; n], vec![f64::NAN; len]);
        self.gated(data).forward(&mut s, &mut v, Some(&mut v_seq)).unwrap();
        [s, v, v_seq]
    }

    /// Spikes and potentials of one neuron after the other.
    fn reference(&self, data: &Data<f64>) -> [Vec<f64>; 3] {
        let (n, c) = (self.neurons(), self.sizes[1]);
        let (mut spikes, mut last, mut v_seq) = (vec![0.0; data.x.len()], vec![0.0; n], vec![0.0; data.x.len()]);
        for k in 0..n {
            let constant = |row: usize| data.constants[row * c + k / self.sizes[2] % c];
            let [keep, decay, gate, drop, threshold] = std::array::from_fn(constant);
            let (mut v, mut s) = (data.v0.as_ref().map_or(0.0, |v0| v0[k]), 0.0);
            for t in 0..self.steps {
                v = keep * v - decay + constant(GATED_LIF_CONSTANTS + t) * data.x[t * n + k] - (keep * v * gate + drop) * s;
                s = if self.spiking { (v - threshold).heaviside() } else { (2.0 * (v - threshold)).sigmoid() };
                spikes[t * n + k] = s;
                v_seq[t * n + k] = v;
            }
            last[k] = v;
        }
        [spikes, last, v_seq]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_is_one_neuron_after_the_other(case in cases(70)) {
        let data = case.data();
        let (got, want) = (case.forward(&data), case.reference(&data));
        for (what, (got, want)) in ["spikes", "v", "v_seq"].into_iter().zip(got.iter().zip(&want)) {
            assert_near(what, got, want, 1e-9);
        }
    }

    #[test]
    fn gradients_are_those_of_the_primitive(case in cases(40)) {
        let case = Case { spiking: false, ..case };
        let data = case.data::<f64>();
        let (grad_s, grad_v) = (seeded(case.seed, 3, data.x.len()), seeded(case.seed, 4, case.neurons()));
        let (mut x, mut v0) = (vec![0.0; data.x.len()], vec![0.0; case.neurons()]);
        let out = GatedLifGradients { x: Some(&mut x), v0: Some(&mut v0) };
        let constants = case.gated(&data).backward(Some(&grad_s), Some(&grad_v), out).unwrap();
        let loss = |data: &Data<f64>| {
            let [s, v, _] = case.forward(data);
            dot(&s, &grad_s) + dot(&v, &grad_v)
        };
        assert_gradient("x", &data.x, &x, |x| loss(&Data { x: x.to_vec(), ..data.clone() }));
        assert_gradient("constants", &data.constants, &constants, |c| loss(&Data { constants: c.to_vec(), ..data.clone() }));
        let start = data.v0.clone().unwrap_or_else(|| vec![0.0; case.neurons()]);
        assert_gradient("v0", &start, &v0, |v0| loss(&Data { v0: Some(v0.to_vec()), ..data.clone() }));
    }

    #[test]
    fn on_every_instruction_set_and_any_number_of_threads(case in cases(70), many in any::<bool>()) {
        let case = if many { Case { sizes: [3, 5, 2_000], ..case } } else { case };
        let data = case.data::<f32>();
        let grad: Vec<f32> = seeded(case.seed, 3, data.x.len()).into_iter().map(f32::of).collect();
        let run = |arch: Arch| {
            let (mut s, mut v, mut x) = (vec![f32::NAN; data.x.len()], vec![f32::NAN; case.neurons()], vec![f32::NAN; data.x.len()]);
            case.gated(&data).forward_on(arch, &mut s, &mut v, None).unwrap();
            let out = GatedLifGradients { x: Some(&mut x), v0: None };
            let constants = case.gated(&data).backward_on(arch, Some(&grad), None, out).unwrap();
            (s, v, x, constants)
        };
        let want = run(Arch::Scalar);
        let threads = [1, 3].map(|threads| with_threads(threads, || run(Arch::new())));
        for got in arches().into_iter().map(run).chain(threads) {
            assert_bits("spikes", &got.0, &want.0);
            assert_bits("v", &got.1, &want.1);
            assert_bits("x", &got.2, &want.2);
            assert_bits("constants", &got.3, &want.3);
        }
    }
}
