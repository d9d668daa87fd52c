//! The synapse filter against a loop over one neuron, its gradients against finite differences.

use proptest::prelude::*;
use pulp::Arch;

use super::case::assert_bits;
use super::numbers::{assert_near, slopes, uniform};
use super::same_bits::{arches, with_threads};
use crate::backward::backward_on;
use crate::forward::forward_on as forward_neuron;
use crate::synapse_filter::forward_on;
use crate::{
    BackwardOut, Channels, Constants, Draw, Error, ForwardOut, Input, Pass, Real, SynapseCurrent, SynapseFilter, Upstream, synapse_filter,
};

/// A call, and what its loss weighs: the currents, and the last of them once more.
#[derive(Clone, Debug)]
struct Problem<F> {
    steps: usize,
    neurons: usize,
    q: F,
    /// `[neurons]` if it is the same at every step.
    x: Vec<F>,
    i0: Vec<F>,
    grad: Vec<F>,
    grad_last: Vec<F>,
}

impl<F: Real> Problem<F> {
    fn new(steps: usize, neurons: usize, q: f64, fixed: bool) -> Self {
        let len = steps * neurons;
        Problem {
            steps,
            neurons,
            q: F::of(q),
            x: uniform(if fixed { neurons } else { len }, 0),
            i0: uniform(neurons, 1),
            grad: uniform(len, 2),
            grad_last: uniform(neurons, 3),
        }
    }

    fn input(&self) -> Input<'_, F> {
        if self.x.len() == self.steps * self.neurons { Input::Sequence(&self.x) } else { Input::Static(&self.x) }
    }

    fn forward(&self, arch: Arch) -> Vec<F> {
        let mut out = vec![F::of(f64::NAN); self.steps * self.neurons];
        forward_on(arch, SynapseFilter { q: self.q }, self.steps, self.neurons, self.input(), Some(&self.i0), &mut out).unwrap();
        out
    }

    /// Currents, dL/dx, dL/di0 and dL/d(1 / tau) of the neuron that it is.
    fn neuron(&self, arch: Arch) -> (Vec<F>, Vec<F>, Vec<F>, f64) {
        let neuron = SynapseCurrent::<true> { tau: 2.0 };
        // sigmoid(w) is q, or the next number to it, in `f64`.
        let w = -(1.0 / self.q.to_f64() - 1.0).ln();
        let constants = Constants::new(&neuron, &[&[w]], Channels::ONE).unwrap();
        let start = [Some(&self.i0[..])];
        let (steps, neurons, x, draw) = (self.steps, self.neurons, self.input(), Draw::default());
        let pass = Pass { steps, neurons, x, scale: None, start: &start, constants: &constants, draw };
        let nan = |len: usize| vec![F::of(f64::NAN); len];
        let (mut y, mut last, mut x, mut i0) = (nan(steps * neurons), nan(neurons), nan(self.x.len()), nan(neurons));
        forward_neuron(arch, &neuron, pass, ForwardOut { y: &mut y, states: vec![&mut last], sequences: vec![] }).unwrap();
        assert_bits("last", &last, &y[(steps - 1) * neurons..]);
        let out = BackwardOut { x: Some(&mut x), start: vec![Some(&mut i0)], scale: None };
        let upstream = Upstream { y: Some(&self.grad), states: &[Some(&self.grad_last)] };
        let q = backward_on(arch, &neuron, pass, upstream, out).unwrap()[0][0];
        (y, x, i0, q)
    }

    fn reference(&self) -> Vec<F> {
        let mut out = Vec::new();
        for t in 0..self.steps {
            for n in 0..self.neurons {
                let before = if t == 0 { self.i0[n] } else { out[(t - 1) * self.neurons + n] };
                let x = self.x[if self.x.len() == self.neurons { n } else { t * self.neurons + n }];
                out.push(before - (F::ONE - x) * before * self.q + x);
            }
        }
        out
    }
}

fn loss(p: &Problem<f64>) -> f64 {
    let out = p.reference();
    let last = &out[(p.steps - 1) * p.neurons..];
    out.iter().zip(&p.grad).map(|(y, g)| y * g).sum::<f64>() + last.iter().zip(&p.grad_last).map(|(y, g)| y * g).sum::<f64>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn currents_are_those_of_the_loop_to_the_bit(steps in 1..9usize, neurons in 0..200usize, q in 0.01..0.9, fixed: bool) {
        let (narrow, wide) = (Problem::<f32>::new(steps, neurons, q, fixed), Problem::<f64>::new(steps, neurons, q, fixed));
        for arch in arches() {
            assert_bits("f32", &narrow.forward(arch), &narrow.reference());
            assert_bits("f64", &wide.forward(arch), &wide.reference());
            assert_bits("neuron", &narrow.neuron(arch).0, &narrow.reference());
        }
    }

    #[test]
    fn gradients_are_slopes(steps in 1..6usize, neurons in 1..70usize, q in 0.01..0.9, fixed: bool) {
        let mut p = Problem::<f64>::new(steps, neurons, q, fixed);
        let (_, x, i0, q) = p.neuron(Arch::new());
        assert_near("x", &x, &slopes(&mut p, |p| &mut p.x, loss), 1e-7);
        assert_near("i0", &i0, &slopes(&mut p, |p| &mut p.i0, loss), 1e-7);
        assert_near("q", &[q], &slopes(&mut p, |p| std::slice::from_mut(&mut p.q), loss), 1e-6);
    }
}

#[test]
fn the_same_bits_everywhere() {
    let p = Problem::<f32>::new(5, 40_001, 0.3, false);
    let want = (p.forward(Arch::Scalar), p.neuron(Arch::Scalar));
    for (arch, threads) in arches().into_iter().flat_map(|arch| [1, 2, 3].map(|threads| (arch, threads))) {
        let got = with_threads(threads, || (p.forward(arch), p.neuron(arch)));
        assert_bits("currents", &got.0, &want.0);
        assert_bits("neuron", &got.1.0, &want.1.0);
        assert_bits("x", &got.1.1, &want.1.1);
        assert_bits("i0", &got.1.2, &want.1.2);
        assert_bits("q", &[got.1.3], &[want.1.3]);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let run = |x: &[f32], i0: &[f32], out: &mut [f32]| synapse_filter(SynapseFilter { q: 0.5 }, 2, 3, Input::Sequence(x), Some(i0), out);
    let wrong = |what, want, got| Err(Error::Length { what, want, got });
    assert_eq!(run(&[0.0; 6], &[0.0; 3], &mut [0.0; 6]), Ok(()));
    assert_eq!(run(&[0.0; 5], &[0.0; 3], &mut [0.0; 6]), wrong("x", 6, 5));
    assert_eq!(run(&[0.0; 6], &[0.0; 2], &mut [0.0; 6]), wrong("i0", 3, 2));
    assert_eq!(run(&[0.0; 6], &[0.0; 3], &mut [0.0; 7]), wrong("out", 6, 7));
}
