//! Neurons behind projections, and alone, against the training crate's forward pass of the same currents.

use proptest::prelude::*;
use pulp::Arch;

use super::project::{Case, cases};
use super::{planes_of, weights};
use crate::frozen::fire::fire_on;
use crate::frozen::{Fire, In, Out, States, fire, from_dense, words};
use crate::tests::same_bits::{arches, with_threads};
use crate::{
    ATan, Channels, Compiled, Constants, Draw, ForwardOut, IFNodeConfig, ILIFNodeConfig, Input, LIAFNodeConfig, LIFNodeConfig, Learned,
    Neuron, ParametricLIFNodeConfig, Pass, Per, Sigmoid, TernaryIFNodeConfig, forward,
};

/// What a layer of neurons gives: its output and last states.
type Given = (Vec<f32>, Vec<f32>);

/// The forward pass of `[steps][rows][channels]` currents.
fn plain<N: Neuron>(
    neuron: &N,
    constants: &Constants<f32>,
    steps: usize,
    x: Input<'_, f32>,
    neurons: usize,
    start: Option<&[f32]>,
) -> Given {
    let start: Vec<Option<&[f32]>> = start.into_iter().flat_map(|start| start.chunks(neurons)).map(Some).collect();
    let mut y = vec![f32::NAN; steps * neurons];
    let mut states = vec![f32::NAN; N::STATES.len() * neurons];
    let pass = Pass { steps, neurons, x, scale: None, start: &start, constants, draw: Draw::default() };
    forward(neuron, pass, ForwardOut { y: &mut y, states: states.chunks_mut(neurons).collect(), sequences: vec![] }).unwrap();
    (y, states)
}

/// The constants of `channels` with parameters of their own.
fn constants<N: Neuron>(neuron: &N, channels: usize) -> Constants<f32> {
    let values: Vec<Vec<f64>> = N::LEARNED
        .iter()
        .enumerate()
        .map(|(i, Learned { per, .. })| {
            let len = if *per == Per::Channel { channels } else { 1 };
            weights(len, i as u64).into_iter().map(|w| f64::from(0.5 + w / 4.0)).collect()
        })
        .collect();
    let values: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
    Constants::new(neuron, &values, Channels { count: channels, inner: 1 }).unwrap()
}

/// Runs a neuron behind a projection in all ways, and compares.
fn check<N: Neuron + Compiled>(neuron: &N, case: &Case, steps: usize, arch: Arch) {
    let channels = case.sizes.outputs;
    let constants = constants(neuron, channels);
    let (packed, bits) = (case.packed(), planes_of(&case.x, case.planes, case.sizes.inputs));
    let projection = case.on(&packed, In::Bits { words: &bits, planes: case.planes });
    let rows = case.samples * case.windows.outputs();
    let neurons = rows * channels;
    let currents = case.plain();
    let x = if case.steps == steps { Input::Sequence(&currents[..]) } else { Input::Static(&currents[..]) };
    let start = weights(N::STATES.len() * neurons, 5);

    for carried in [false, true] {
        let (y, states) = plain(neuron, &constants, steps, x, neurons, carried.then_some(&start));
        let run = |out: Out<'_>, alone: bool| {
            let mut states = start.clone();
            let given = if carried { States::From(&mut states) } else { States::Into(&mut states) };
            let layer = Fire { neuron, constants: &constants, steps, states: given, draw: Draw::default(), out };
            if alone {
                fire_on(arch, &currents, rows, channels, layer).unwrap();
            } else {
                projection.fire_on(arch, layer).unwrap();
            }
            states
        };
        for alone in [false, true] {
            let mut got = vec![f32::NAN; y.len()];
            let got_states = run(Out::Dense(&mut got), alone);
            assert!(got == y && got_states == states, "{} {arch:?}", N::NAME);
            if neuron.sends_bits() {
                let mut want = vec![0; steps * rows * words(channels)];
                from_dense(&y, channels, &mut want).unwrap();
                let mut got = vec![u64::MAX; want.len()];
                let got_states = run(Out::Bits(&mut got), alone);
                assert!(got == want && got_states == states, "{} {arch:?}", N::NAME);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn behind_projections_and_alone(case in cases(), steps in 2usize..6) {
        let steps = if case.steps == 1 { steps } else { case.steps };
        for arch in arches() {
            check(&IFNodeConfig::default(), &case, steps, arch);
            check(&LIFNodeConfig { v_reset: None, v_threshold: -0.1, ..Default::default() }, &case, steps, arch);
            check(&ParametricLIFNodeConfig::default(), &case, steps, arch);
            check(&IFNodeConfig { surrogate_function: ATan { spiking: false, ..Default::default() }.into(), ..Default::default() }, &case, steps, arch);
            check(&TernaryIFNodeConfig::default(), &case, steps, arch);
            check(&ILIFNodeConfig::default(), &case, steps, arch);
            check(&LIAFNodeConfig::default(), &case, steps, arch);
        }
    }
}

#[test]
fn who_sends_bits() {
    let no_spikes = Sigmoid { spiking: false, ..Default::default() }.into();
    assert!(IFNodeConfig::default().sends_bits() && LIFNodeConfig::default().sends_bits());
    assert!(!LIFNodeConfig { surrogate_function: no_spikes, ..Default::default() }.sends_bits());
    assert!(!TernaryIFNodeConfig::default().sends_bits() && !ILIFNodeConfig::default().sends_bits());
    assert!(!LIAFNodeConfig::default().sends_bits());
}

/// Big enough to be shared out.
#[test]
fn on_any_number_of_threads() {
    use crate::frozen::{Axis, Border, Weights, Windows};
    let axis = || Axis::conv(10, 3, 1, (1, 1), 1, Border::Zeros).unwrap();
    let sizes = Weights { outputs: 130, inputs: 100, groups: 1, taps: 9 };
    let case = Case::new(Windows::new(&[axis(), axis()]), sizes, 4, 3, 1, 0.2, 11);
    let (packed, bits) = (case.packed(), planes_of(&case.x, 1, 100));
    let neuron = IFNodeConfig::default();
    let constants = constants(&neuron, 130);
    let run = || {
        let mut out = vec![u64::MAX; 4 * 300 * words(130)];
        let layer = Fire {
            neuron: &neuron,
            constants: &constants,
            steps: 4,
            states: States::Fresh,
            draw: Draw::default(),
            out: Out::Bits(&mut out),
        };
        case.on(&packed, In::Bits { words: &bits, planes: 1 }).fire(layer).unwrap();
        out
    };
    let one = with_threads(1, run);
    for threads in [2, 3, 5] {
        assert_eq!(with_threads(threads, run), one);
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let neuron = IFNodeConfig::default();
    let constants = constants(&neuron, 3);
    let run = |x: &[f32], states: &mut [f32], out: Out<'_>| {
        fire(x, 2, 3, Fire { neuron: &neuron, constants: &constants, steps: 2, states: States::Into(states), draw: Draw::default(), out })
    };
    assert!(
        run(&[0.0; 12], &mut [0.0; 6], Out::Bits(&mut [0; 4])).is_ok() && run(&[0.0; 6], &mut [0.0; 6], Out::Dense(&mut [0.0; 12])).is_ok()
    );
    assert!(run(&[0.0; 11], &mut [0.0; 6], Out::Bits(&mut [0; 4])).is_err());
    assert!(run(&[0.0; 12], &mut [0.0; 5], Out::Bits(&mut [0; 4])).is_err());
    assert!(
        run(&[0.0; 12], &mut [0.0; 6], Out::Bits(&mut [0; 3])).is_err()
            && run(&[0.0; 12], &mut [0.0; 6], Out::Dense(&mut [0.0; 6])).is_err()
    );
}
