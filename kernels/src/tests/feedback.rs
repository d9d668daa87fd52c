//! A neuron that hears its last output, against the same neuron one step at a time, and against finite differences.

use proptest::prelude::*;

use super::case::surrogates;
use crate::{
    ATan, BackwardOut, Channels, Constants, Draw, Feedback, ForwardOut, Input, Join, Neuron, ParametricLIFNodeConfig, Pass, Real, Sigmoid,
    Surrogate, Upstream, backward, forward, learned_gradient, philox4x32,
};

type Recurrent = Feedback<ParametricLIFNodeConfig>;

/// The learned number, and sizes.
const W: f64 = 0.3;
const NEURONS: usize = 3;

/// Numbers between -1 and 2.
fn numbers(seed: u64, n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| f64::from(philox4x32([i as u32, 0, 0, 0], [seed as u32, (seed >> 32) as u32])[0]) / f64::from(u32::MAX) * 3.0 - 1.0)
        .collect()
}

fn recurrent() -> impl Strategy<Value = Recurrent> {
    let joins = prop_oneof![Just(Join::Add), Just(Join::Mul), Just(Join::Sub), Just(Join::Max)];
    (joins, surrogates(), any::<bool>(), prop_oneof![Just(None), Just(Some(-0.25))]).prop_map(
        |(join, surrogate_function, decay_input, v_reset)| Feedback {
            neuron: ParametricLIFNodeConfig { decay_input, v_reset, surrogate_function, ..Default::default() },
            join,
        },
    )
}

/// Output and the states after the last step.
fn run<F: Real, N: Neuron>(neuron: &N, x: &[F], start: &[&[F]], w: f64) -> (Vec<F>, Vec<Vec<F>>) {
    let constants = Constants::<F>::new(neuron, &[&[w]], Channels::ONE).unwrap();
    let start: Vec<Option<&[F]>> = start.iter().map(|s| Some(*s)).collect();
    let pass = Pass {
        steps: x.len() / NEURONS,
        neurons: NEURONS,
        x: Input::Sequence(x),
        scale: None,
        start: &start,
        constants: &constants,
        draw: Draw::default(),
    };
    let mut y = vec![F::ZERO; x.len()];
    let mut states = vec![vec![F::ZERO; NEURONS]; N::STATES.len()];
    forward(neuron, pass, ForwardOut { y: &mut y, states: states.iter_mut().map(Vec::as_mut_slice).collect(), sequences: vec![] }).unwrap();
    (y, states)
}

fn joined<F: Real>(join: Join, y: F, x: F) -> F {
    match join {
        Join::Add => y + x,
        Join::Mul => y * x,
        Join::Sub => y - x,
        Join::Max if y > x => y,
        Join::Max => x,
    }
}

fn equals_single_steps<F: Real>(r: &Recurrent, seed: u64, steps: usize) {
    let x: Vec<F> = numbers(seed, steps * NEURONS).into_iter().map(F::of).collect();
    let (y, states) = run(r, &x, &[], W);
    let (mut last, mut v): (Vec<F>, Option<Vec<F>>) = (vec![F::ZERO; NEURONS], None);
    for (x, y) in x.chunks(NEURONS).zip(y.chunks(NEURONS)) {
        let arrives: Vec<F> = last.iter().zip(x).map(|(&y, &x)| joined(r.join, y, x)).collect();
        let start: Vec<&[F]> = v.iter().map(Vec::as_slice).collect();
        let (sent, mut after) = run(&r.neuron, &arrives, &start, W);
        assert_eq!(y, sent);
        (last, v) = (sent, Some(after.remove(0)));
    }
    assert_eq!(states, [v.unwrap(), last]);
}

/// sum(y * grads) + sum(states * their part of grads).
fn loss(r: &Recurrent, x: &[f64], v: &[f64], y: &[f64], w: f64, grads: &[f64]) -> f64 {
    let (out, states) = run(r, x, &[v, y], w);
    out.iter().chain(states.iter().flatten()).zip(grads).map(|(a, b)| a * b).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_steps_at_once_are_one_after_the_other(r in recurrent(), seed in any::<u64>(), steps in 1usize..12) {
        equals_single_steps::<f64>(&r, seed, steps);
        equals_single_steps::<f32>(&r, seed, steps);
    }

    /// Without spikes the forward pass is smooth (but where two values are equal), and the backward pass its true gradient.
    #[test]
    fn the_gradient_is_that_of_finite_differences(r in recurrent(), seed in any::<u64>(), steps in 1usize..5) {
        let surrogate_function = match r.surrogate() {
            Surrogate::ATan(f) => ATan { spiking: false, ..f }.into(),
            _ => Sigmoid { spiking: false, ..Sigmoid::default() }.into(),
        };
        let r = Feedback { neuron: ParametricLIFNodeConfig { surrogate_function, ..r.neuron }, ..r };
        let len = steps * NEURONS;
        let (x, start, grads) = (numbers(seed, len), numbers(seed ^ 1, 2 * NEURONS), numbers(seed ^ 2, len + 2 * NEURONS));
        let (v, y) = start.split_at(NEURONS);
        let constants = Constants::<f64>::new(&r, &[&[W]], Channels::ONE).unwrap();
        let given = [Some(v), Some(y)];
        let pass = Pass { steps, neurons: NEURONS, x: Input::Sequence(&x), scale: None, start: &given, constants: &constants, draw: Draw::default() };
        let upstream = Upstream { y: Some(&grads[..len]), states: &[Some(&grads[len..len + NEURONS]), Some(&grads[len + NEURONS..])] };
        let (mut gx, mut gv, mut gy) = (vec![0.0; len], vec![0.0; NEURONS], vec![0.0; NEURONS]);
        let out = BackwardOut { x: Some(&mut gx), start: vec![Some(&mut gv), Some(&mut gy)], scale: None };
        let sums = backward(&r, pass, upstream, out).unwrap();
        let gw = learned_gradient(&r, &[&[W]], Channels::ONE, &sums).unwrap();

        const EPS: f64 = 1e-6;
        let difference = |f: &dyn Fn(f64) -> f64| (f(EPS) - f(-EPS)) / (2.0 * EPS);
        let moved = |at: &[f64], i: usize, by: f64| { let mut at = at.to_vec(); at[i] += by; at };
        let near = |got: f64, want: f64| (got - want).abs() < 1e-4 * (1.0 + want.abs());
        for i in 0..len {
            let want = difference(&|by| loss(&r, &moved(&x, i, by), v, y, W, &grads));
            prop_assert!(near(gx[i], want), "x[{}]: {} instead of {}", i, gx[i], want);
        }
        for i in 0..NEURONS {
            let want = difference(&|by| loss(&r, &x, &moved(v, i, by), y, W, &grads));
            prop_assert!(near(gv[i], want), "v[{}]: {} instead of {}", i, gv[i], want);
            let want = difference(&|by| loss(&r, &x, v, &moved(y, i, by), W, &grads));
            prop_assert!(near(gy[i], want), "y[{}]: {} instead of {}", i, gy[i], want);
        }
        let want = difference(&|by| loss(&r, &x, v, y, W + by, &grads));
        prop_assert!(near(gw[0][0], want), "w: {} instead of {}", gw[0][0], want);
    }
}

#[test]
fn equal_values_share_the_gradient_of_their_maximum() {
    let r = Feedback { neuron: ParametricLIFNodeConfig::default(), join: Join::Max };
    let constants = Constants::<f64>::new(&r, &[&[W]], Channels::ONE).unwrap();
    let (x, v, y) = ([0.5], [0.0], [0.5]);
    let start = [Some(&v[..]), Some(&y[..])];
    let pass =
        Pass { steps: 1, neurons: 1, x: Input::Sequence(&x), scale: None, start: &start, constants: &constants, draw: Draw::default() };
    let (mut gx, mut gy) = ([0.0], [0.0]);
    let out = BackwardOut { x: Some(&mut gx), start: vec![None, Some(&mut gy)], scale: None };
    backward(&r, pass, Upstream { y: Some(&[1.0]), states: &[] }, out).unwrap();
    assert!(gx[0] > 0.0 && gx[0] == gy[0]);
}
