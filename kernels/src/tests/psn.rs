//! Parallel spiking neurons: kernels against a full matrix of weights, and against finite differences.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_gradient, dot, seeded};
use super::same_bits::{arches, with_threads};
use crate::psn::{psn_backward_on, psn_forward_on};
use crate::{Draw, Psn, PsnGradients, Real, Sigmoid, Surrogate, TimeWeights, psn_backward, psn_forward};

#[derive(Clone, Copy, Debug)]
enum Kind {
    Full,
    Window(usize),
    Sliding(usize),
}

#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    steps: usize,
    neurons: usize,
    before: usize,
    one_bias: bool,
    spiking: bool,
    seed: u64,
}

fn cases(neurons: usize) -> impl Strategy<Value = Case> {
    let kinds = prop_oneof![Just(Kind::Full), (1..5usize).prop_map(Kind::Window), (1..5usize).prop_map(Kind::Sliding)];
    (kinds, 1..6usize, 1..=neurons, 0..4usize, any::<bool>(), any::<bool>(), any::<u64>())
        .prop_map(|(kind, steps, neurons, before, one_bias, spiking, seed)| Case { kind, steps, neurons, before, one_bias, spiking, seed })
}

/// The numbers of a case.
#[derive(Clone)]
struct Data<F> {
    before: Vec<Vec<F>>,
    x: Vec<F>,
    weight: Vec<F>,
    bias: Vec<F>,
}

impl Case {
    fn data<F: Real>(&self) -> Data<F> {
        let of = |stream, len| seeded(self.seed, stream, len).into_iter().map(F::of).collect::<Vec<F>>();
        let weights = match self.kind {
            Kind::Sliding(k) => k,
            _ => self.steps * (self.before + self.steps),
        };
        Data {
            before: (0..self.before).map(|i| of(10 + i as u32, self.neurons)).collect(),
            x: of(0, self.steps * self.neurons),
            weight: of(1, weights),
            bias: of(2, if self.one_bias { 1 } else { self.steps }),
        }
    }

    fn surrogate(&self) -> Surrogate {
        Sigmoid { alpha: 2.0, spiking: self.spiking }.into()
    }

    fn with<F: Real, R>(&self, data: &Data<F>, f: impl FnOnce(&Psn<'_, F>) -> R) -> R {
        let before: Vec<&[F]> = data.before.iter().map(Vec::as_slice).collect();
        let weights = match self.kind {
            Kind::Full => TimeWeights::Matrix { weight: &data.weight, window: None },
            Kind::Window(k) => TimeWeights::Matrix { weight: &data.weight, window: Some(k) },
            Kind::Sliding(_) => TimeWeights::Sliding(&data.weight),
        };
        f(&Psn {
            steps: self.steps,
            neurons: self.neurons,
            before: &before,
            x: &data.x,
            weights,
            bias: &data.bias,
            surrogate: self.surrogate(),
            draw: Draw::default(),
        })
    }

    fn forward(&self, data: &Data<f64>) -> Vec<f64> {
        let mut y = vec![f64::NAN; self.steps * self.neurons];
        self.with(data, |psn| psn_forward(psn, &mut y).unwrap());
        y
    }

    /// The weight from input `j` to output `i`, as the definition has it.
    fn weight(&self, data: &Data<f64>, i: usize, j: usize) -> f64 {
        let (own, rows) = (self.before + i, self.before + self.steps);
        match self.kind {
            Kind::Full => data.weight[i * rows + j],
            Kind::Window(k) if j <= own && own < j + k => data.weight[i * rows + j],
            Kind::Sliding(k) if j <= own && own < j + k => data.weight[k - 1 - (own - j)],
            _ => 0.0,
        }
    }

    fn reference(&self, data: &Data<f64>) -> Vec<f64> {
        let rows: Vec<&[f64]> = data.before.iter().map(Vec::as_slice).chain(data.x.chunks(self.neurons)).collect();
        let h = |i: usize, n: usize| {
            let sum: f64 = (0..rows.len()).map(|j| self.weight(data, i, j) * rows[j][n]).sum();
            sum + data.bias[if self.one_bias { 0 } else { i }]
        };
        (0..self.steps).flat_map(|i| (0..self.neurons).map(move |n| (i, n))).map(|(i, n)| h(i, n)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_output_is_that_of_the_whole_matrix(case in cases(200)) {
        let data = case.data();
        for (y, h) in case.forward(&data).into_iter().zip(case.reference(&data)) {
            match case.spiking {
                true if h.abs() < 1e-9 => {}
                true => prop_assert_eq!(y, h.heaviside(), "at h = {}", h),
                false => prop_assert!((y - (2.0 * h).sigmoid()).abs() < 1e-9),
            }
        }
    }

    #[test]
    fn gradients_are_those_of_the_primitive(case in cases(70)) {
        let case = Case { spiking: false, ..case };
        let data = case.data::<f64>();
        let grad = seeded(case.seed, 3, case.steps * case.neurons);
        let (mut x, mut before) = (vec![0.0; data.x.len()], vec![vec![0.0; case.neurons]; case.before]);
        let out = PsnGradients { before: before.iter_mut().map(|row| Some(row.as_mut_slice())).collect(), x: Some(&mut x) };
        let (weight, bias) = case.with(&data, |psn| psn_backward(psn, &grad, out).unwrap());
        let loss = |data: &Data<f64>| dot(&case.forward(data), &grad);
        assert_gradient("x", &data.x, &x, |x| loss(&Data { x: x.to_vec(), ..data.clone() }));
        assert_gradient("weight", &data.weight, &weight, |weight| loss(&Data { weight: weight.to_vec(), ..data.clone() }));
        assert_gradient("bias", &data.bias, &bias, |bias| loss(&Data { bias: bias.to_vec(), ..data.clone() }));
        for (i, got) in before.iter().enumerate() {
            assert_gradient("before", &data.before[i], got, |row| {
                let mut data = data.clone();
                data.before[i] = row.to_vec();
                loss(&data)
            });
        }
    }

    #[test]
    fn on_every_instruction_set_and_any_number_of_threads(case in cases(300), many in any::<bool>()) {
        let case = if many { Case { neurons: 9_000 + case.neurons, ..case } } else { case };
        let data = case.data::<f32>();
        let grad: Vec<f32> = seeded(case.seed, 3, case.steps * case.neurons).into_iter().map(f32::of).collect();
        let run = |arch: Arch| {
            let (mut y, mut x) = (vec![f32::NAN; grad.len()], vec![f32::NAN; grad.len()]);
            case.with(&data, |psn| psn_forward_on(arch, psn, &mut y).unwrap());
            let out = PsnGradients { before: Vec::new(), x: Some(&mut x) };
            let (weight, bias) = case.with(&data, |psn| psn_backward_on(arch, psn, &grad, out).unwrap());
            (y, x, weight, bias)
        };
        let want = run(Arch::Scalar);
        let threads = [1, 3].map(|threads| with_threads(threads, || run(Arch::new())));
        for got in arches().into_iter().map(run).chain(threads) {
            assert_bits("y", &got.0, &want.0);
            assert_bits("x", &got.1, &want.1);
            assert_bits("weight", &got.2, &want.2);
            assert_bits("bias", &got.3, &want.3);
        }
    }
}

#[test]
fn buffers_of_another_length_are_refused() {
    let case = Case { kind: Kind::Full, steps: 3, neurons: 2, before: 0, one_bias: false, spiking: true, seed: 1 };
    let data = case.data::<f64>();
    let refused = |data: &Data<f64>, len: usize| case.with(data, |psn| psn_forward(psn, &mut vec![0.0; len])).unwrap_err().to_string();
    assert!(refused(&data, 5).contains("`spikes`"));
    assert!(refused(&Data { weight: vec![0.0; 8], ..data.clone() }, 6).contains("`weight`"));
    assert!(refused(&Data { bias: vec![0.0; 2], ..data.clone() }, 6).contains("`bias`"));
    assert!(refused(&Data { x: vec![0.0; 7], ..data }, 6).contains("`x`"));
}
