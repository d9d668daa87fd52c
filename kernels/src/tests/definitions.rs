//! The adjoint that is derived from each definition, through the engine, against finite differences of the forward pass: with
//! `spiking: false` it is the true gradient.

use pulp::Arch;

use super::every_neuron::{Visit, every_neuron, numbers};
use crate::backward::backward_on;
use crate::forward::forward_on;
use crate::*;

const STEPS: usize = 4;
const NEURONS: usize = 7;

/// A layer and its inputs.
struct Layer<N> {
    neuron: N,
    learned: Vec<f64>,
    start: Vec<Vec<f64>>,
    x: Vec<f64>,
}

impl<N: Neuron> Layer<N> {
    fn new(neuron: N) -> Layer<N> {
        let mut learned = [0.0; MAX_LEARNED];
        neuron.learned_start(&mut learned);
        let start = (0..N::STATES.len()).map(|k| numbers(k as u32, NEURONS).iter().map(|v| v * 0.3).collect()).collect();
        Layer { neuron, learned: learned[..N::LEARNED.len()].to_vec(), start, x: numbers(9, STEPS * NEURONS) }
    }

    fn with_pass<R>(&self, f: impl FnOnce(Pass<'_, f64>) -> R) -> R {
        let learned: Vec<&[f64]> = self.learned.iter().map(std::slice::from_ref).collect();
        let constants = Constants::new(&self.neuron, &learned, Channels::ONE).expect("one number each");
        let start: Vec<Option<&[f64]>> = self.start.iter().map(|s| Some(s.as_slice())).collect();
        let x = Input::Sequence(&self.x);
        f(Pass { steps: STEPS, neurons: NEURONS, x, scale: None, start: &start, constants: &constants, draw: Draw::default() })
    }

    /// The outputs and last states, each times a number.
    fn loss(&self) -> f64 {
        let mut y = vec![f64::NAN; STEPS * NEURONS];
        let mut states = vec![vec![f64::NAN; NEURONS]; N::STATES.len()];
        let out = ForwardOut { y: &mut y, states: states.iter_mut().map(Vec::as_mut_slice).collect(), sequences: vec![] };
        self.with_pass(|pass| forward_on(Arch::new(), &self.neuron, pass, out)).expect("sizes");
        let dot = |a: &[f64], stream: u32| a.iter().zip(numbers(stream, a.len())).map(|(a, b)| a * b).sum::<f64>();
        dot(&y, 20) + states.iter().zip(21..).map(|(s, stream)| dot(s, stream)).sum::<f64>()
    }

    /// Of x, the first states, the learned parameters.
    fn gradient(&self) -> (Vec<f64>, Vec<Vec<f64>>, Vec<f64>) {
        let mut x = vec![f64::NAN; STEPS * NEURONS];
        let mut start = vec![vec![f64::NAN; NEURONS]; N::STATES.len()];
        let y = numbers(20, STEPS * NEURONS);
        let states: Vec<Vec<f64>> = (0..N::STATES.len()).map(|k| numbers(21 + k as u32, NEURONS)).collect();
        let states: Vec<Option<&[f64]>> = states.iter().map(|s| Some(s.as_slice())).collect();
        let upstream = Upstream { y: Some(&y), states: &states };
        let out = BackwardOut { x: Some(&mut x), start: start.iter_mut().map(|s| Some(s.as_mut_slice())).collect(), scale: None };
        let sums = self.with_pass(|pass| backward_on(Arch::new(), &self.neuron, pass, upstream, out)).expect("sizes");
        let learned: Vec<&[f64]> = self.learned.iter().map(std::slice::from_ref).collect();
        let learned = learned_gradient(&self.neuron, &learned, Channels::ONE, &sums).expect("sizes");
        (x, start, learned.concat())
    }
}

struct FiniteDifferences {
    compared: usize,
}

impl Visit for FiniteDifferences {
    fn visit<N: Neuron>(&mut self, neuron: N) {
        let mut layer = Layer::new(neuron);
        let (x, start, learned) = layer.gradient();
        let mut compare = |layer: &mut Layer<N>, got: f64, what: &str, at: &dyn Fn(&mut Layer<N>) -> &mut f64| {
            let mut moved = |by: f64| {
                *at(layer) += by;
                let loss = layer.loss();
                *at(layer) -= by;
                loss
            };
            let want = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((got - want).abs() < 1e-5 * (1.0 + want.abs()), "{neuron:?} {what}: {got}, finite difference {want}");
            self.compared += 1;
        };
        for (i, got) in x.into_iter().enumerate() {
            compare(&mut layer, got, "x", &|layer| &mut layer.x[i]);
        }
        for (k, state) in start.into_iter().enumerate() {
            for (i, got) in state.into_iter().enumerate() {
                compare(&mut layer, got, N::STATES[k], &|layer| &mut layer.start[k][i]);
            }
        }
        for ((i, got), spec) in learned.into_iter().enumerate().zip(N::LEARNED) {
            if spec.trained {
                compare(&mut layer, got, spec.name, &|layer| &mut layer.learned[i]);
            }
        }
    }
}

#[test]
fn every_gradient_is_a_finite_difference() {
    let mut differences = FiniteDifferences { compared: 0 };
    every_neuron(&mut differences, false);
    assert!(differences.compared > 3000, "{} numbers", differences.compared);
}

struct Checks;

impl Visit for Checks {
    fn visit<N: Neuron>(&mut self, neuron: N) {
        assert_eq!(neuron.check(), Ok(()), "{neuron:?}");
        let mut constants = [0.0; MAX_CONSTANTS];
        neuron.constants(&[1.0; MAX_LEARNED], &mut constants);
        assert!(constants[N::CONSTANTS..].iter().all(|c| *c == 0.0), "{neuron:?} writes constants that it does not have");
        assert!(N::LEARNED_CONSTANTS <= N::CONSTANTS && N::FIRES > 0 && N::STATES[0] == "v", "{neuron:?}");
    }
}

#[test]
fn defaults_are_accepted() {
    every_neuron(&mut Checks, true);
}

#[test]
fn arguments_are_refused_by_name() {
    let refused = |neuron: &dyn Fn() -> Result<(), Refused>| {
        let r = neuron().unwrap_err();
        format!("{} {}", r.argument, r.problem)
    };
    assert_eq!(refused(&|| LIFNodeConfig { tau: 1.0, ..Default::default() }.check()), "tau must be greater than 1, but is 1.0");
    assert_eq!(refused(&|| LIFNodeConfig { tau: f64::NAN, ..Default::default() }.check()), "tau must be a finite number, but is NaN");
    assert_eq!(refused(&|| QIFNodeConfig { v_rest: -0.5, ..Default::default() }.check()), "v_rest must be at least `v_reset`, but is -0.5");
    assert_eq!(refused(&|| QIFNodeConfig { a0: 0.0, ..Default::default() }.check()), "a0 must be greater than 0, but is 0.0");
    assert_eq!(refused(&|| EIFNodeConfig { delta_T: 0.0, ..Default::default() }.check()), "delta_T must be greater than 0, but is 0.0");
    assert_eq!(
        refused(&|| TernaryIFNodeConfig { v_reset: Some(1.0), ..Default::default() }.check()),
        "v_reset must be less than `v_threshold`, but is 1.0"
    );
    assert_eq!(QIFNodeConfig { v_rest: -0.5, v_reset: None, ..Default::default() }.check(), Ok(()));
}
