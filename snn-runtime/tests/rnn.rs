//! Recurrent networks. In: sequences; out: what the cells written down step by step in torch give, and the same gradients; states that
//! continue, and errors that name the layer.

mod support;

use proptest::prelude::*;
use snn_runtime::rnn::RecurrentCell;
use snn_runtime::surrogate::{ATan, Sigmoid, Surrogate, apply};
use snn_runtime::{
    Device, Kind, Layer, SpikingGRU, SpikingGRUConfig, SpikingLSTM, SpikingLSTMConfig, SpikingVanillaRNN, SpikingVanillaRNNConfig, State,
    Tensor, named_tensors, nn,
};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, randn};

#[derive(Clone, Copy, Debug)]
enum Which {
    Lstm,
    Gru,
    Vanilla,
}

/// One step of a cell in torch: the next output, and the next memory.
fn step(which: Which, cell: &RecurrentCell, [gate, content]: [Surrogate; 2], x: &Tensor, h: &Tensor, c: &Tensor) -> (Tensor, Tensor) {
    let ih = x.linear(&cell.weight_ih, cell.bias_ih.as_ref());
    let hh = h.linear(&cell.weight_hh, cell.bias_hh.as_ref());
    let gates = match which {
        Which::Lstm => 4,
        Which::Gru => 3,
        Which::Vanilla => 1,
    };
    let (ih, hh) = (ih.chunk(gates, 1), hh.chunk(gates, 1));
    let through = |surrogate, n: usize| apply(surrogate, &(&ih[n] + &hh[n])).unwrap();
    match which {
        Which::Vanilla => (through(gate, 0), c.shallow_clone()),
        Which::Gru => {
            let (r, z) = (through(gate, 0), through(gate, 1));
            let n = apply(content, &(&ih[2] + r * &hh[2])).unwrap();
            ((1.0 - &z) * n + z * h, c.shallow_clone())
        }
        Which::Lstm => {
            let full = c * through(gate, 1) + through(gate, 0) * through(content, 2);
            // The value is cut at 1, the gradient is not.
            let c = &full - (&full - full.clamp_max(1.0)).detach();
            (&c * through(gate, 3), c)
        }
    }
}

/// All layers forward in torch: the outputs, and what is left in each layer.
fn reference(which: Which, cells: &[RecurrentCell], functions: [Surrogate; 2], x: &Tensor) -> (Tensor, Vec<[Tensor; 2]>) {
    let mut y = x.shallow_clone();
    let mut left = Vec::new();
    for cell in cells {
        let hidden = cell.weight_hh.size()[1];
        let zeros = Tensor::zeros([x.size()[1], hidden], (x.kind(), Device::Cpu));
        let (mut h, mut c) = (zeros.shallow_clone(), zeros);
        let mut outputs = Vec::new();
        for t in 0..x.size()[0] {
            (h, c) = step(which, cell, functions, &y.get(t), &h, &c);
            outputs.push(h.shallow_clone());
        }
        y = Tensor::stack(&outputs, 0);
        left.push([h, c]);
    }
    (y, left)
}

/// The network against the cells in torch, forward and backward, states included.
fn agrees<L: Layer>(which: Which, config: L::Config, cells: fn(&L) -> &[RecurrentCell], functions: [Surrogate; 2], steps: i64) {
    let mut vs = nn::VarStore::new(Device::Cpu);
    let layer: L = build(&vs, "rnn", config).unwrap();
    vs.double();
    let layers = cells(&layer).len();
    let x = randn(&[steps, 2, 3], Kind::Double).set_requires_grad(true);
    let (up_y, up_state) = (randn(&[steps, 2, 4], Kind::Double), randn(&[layers as i64, 2, 4], Kind::Double));
    let mut state = layer.state();
    let y = layer.sequence(&x, &mut state, &TRAIN).unwrap();
    let (want, left) = reference(which, cells(&layer), functions, &x);
    assert_near(&y, &want, 1e-12, "outputs");

    let mut loss = (&y * &up_y).sum(Kind::Double);
    let mut want_loss = (&want * &up_y).sum(Kind::Double);
    for (k, (name, t)) in named_tensors(&state).into_iter().enumerate() {
        let want: Vec<&Tensor> = left.iter().map(|left| &left[k]).collect();
        let want = Tensor::stack(&want, 0);
        assert_near(&t, &want, 1e-12, &name);
        loss += (t * &up_state).sum(Kind::Double);
        want_loss += (want * &up_state).sum(Kind::Double);
    }
    let variables = vs.variables();
    let wrt: Vec<&Tensor> = std::iter::once(&x).chain(variables.values()).collect();
    let got = Tensor::run_backward(&[&loss], &wrt, false, false);
    let want = Tensor::run_backward(&[&want_loss], &wrt, false, false);
    for ((got, want), name) in got.iter().zip(&want).zip(std::iter::once("x").chain(variables.keys().map(String::as_str))) {
        assert_near(got, want, 1e-10, name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn cells_are_those_of_torch(steps in 1i64..5, layers in 1usize..3, bias: bool, spiking: bool, two: bool) {
        let gate = Surrogate::from(ATan { alpha: 2.0, spiking });
        let content = two.then(|| Surrogate::from(Sigmoid { alpha: 3.0, spiking }));
        let functions = [gate, content.unwrap_or(gate)];
        let config = SpikingLSTMConfig { bias, surrogate_function1: gate, surrogate_function2: content, ..SpikingLSTMConfig::new(3, 4, layers) };
        agrees::<SpikingLSTM>(Which::Lstm, config, |l| &l.cells, functions, steps);
        let config = SpikingGRUConfig { bias, surrogate_function1: gate, surrogate_function2: content, ..SpikingGRUConfig::new(3, 4, layers) };
        agrees::<SpikingGRU>(Which::Gru, config, |l| &l.cells, functions, steps);
        let config = SpikingVanillaRNNConfig { bias, surrogate_function: gate, ..SpikingVanillaRNNConfig::new(3, 4, layers) };
        agrees::<SpikingVanillaRNN>(Which::Vanilla, config, |l| &l.cells, [gate; 2], steps);
    }

    #[test]
    fn pieces_give_what_the_whole_gives(steps in 2i64..6, cut in 1i64..6) {
        let cut = 1 + cut % (steps - 1);
        let vs = nn::VarStore::new(Device::Cpu);
        let layer: SpikingLSTM = build(&vs, "rnn", SpikingLSTMConfig::new(3, 4, 2)).unwrap();
        let x = randn(&[steps, 2, 3], Kind::Float);
        let (mut whole, mut pieces) = (layer.state(), layer.state());
        let want = layer.sequence(&x, &mut whole, &EVAL).unwrap();
        let parts = [(0, cut), (cut, steps - cut)].map(|(from, n)| layer.sequence(&x.narrow(0, from, n), &mut pieces, &EVAL).unwrap());
        assert_same(&Tensor::cat(&parts, 0), &want, "in two pieces");
        for ((name, a), (_, b)) in named_tensors(&whole).iter().zip(named_tensors(&pieces)) {
            assert_same(&b, a, name);
        }
        whole.reset();
        whole.reset();
        assert_same(&layer.sequence(&x, &mut whole, &EVAL).unwrap(), &want, "after a reset");
    }
}

#[test]
fn the_reverse_direction_reads_from_the_end() {
    let vs = nn::VarStore::new(Device::Cpu);
    let config = SpikingGRUConfig { bidirectional: true, ..SpikingGRUConfig::new(3, 4, 1) };
    let layer: SpikingGRU = build(&vs, "rnn", config).unwrap();
    let x = randn(&[5, 2, 3], Kind::Float);
    let mut s = layer.state();
    let y = layer.sequence(&x, &mut s, &EVAL).unwrap();
    assert_eq!(y.size(), [5, 2, 8]);
    let functions = [layer.config().surrogate_function1; 2];
    let (reverse, left) = reference(Which::Gru, &layer.cells_reverse, functions, &x.flip([0]));
    assert_near(&y.narrow(2, 4, 4), &reverse.flip([0]), 1e-6, "outputs");
    assert_near(&s.h.unwrap().get(1), &left[0][0], 1e-6, "the last output");
}

#[test]
fn dropout_is_between_layers_in_training_and_may_stay() {
    let run = |p: f64, invariant: bool, train: bool| {
        let vs = nn::VarStore::new(Device::Cpu);
        let config = SpikingVanillaRNNConfig { dropout_p: p, invariant_dropout_mask: invariant, ..SpikingVanillaRNNConfig::new(3, 64, 2) };
        let layer: SpikingVanillaRNN = build(&vs, "rnn", config).unwrap();
        // The first layer always fires, the second says whether anything comes in at each unit.
        tch::no_grad(|| {
            let constant = |t: &Tensor, value: f64| drop(t.shallow_clone().fill_(value));
            for cell in &layer.cells {
                constant(&cell.weight_hh, 0.0);
                constant(&cell.weight_ih, 0.0);
                cell.bias_hh.iter().chain(&cell.bias_ih).for_each(|bias| constant(bias, 0.0));
            }
            constant(layer.cells[0].bias_ih.as_ref().unwrap(), 1.0);
            constant(layer.cells[1].bias_ih.as_ref().unwrap(), -0.5);
            layer.cells[1].weight_ih.shallow_clone().copy_(&Tensor::eye(64, (Kind::Float, Device::Cpu)));
        });
        let cx = if train { TRAIN } else { EVAL };
        layer.sequence(&Tensor::ones([6, 4, 3], (Kind::Float, Device::Cpu)), &mut layer.state(), &cx).unwrap()
    };
    let share = |y: &Tensor| y.mean(Kind::Double).double_value(&[]);
    assert_eq!(share(&run(0.5, false, false)), 1.0);
    let (anew, kept) = (run(0.5, false, true), run(0.5, true, true));
    assert!((share(&anew) - 0.5).abs() < 0.1 && (share(&kept) - 0.5).abs() < 0.2);
    assert!((1..6).all(|t| kept.get(t).equal(&kept.get(0))) && !anew.get(1).equal(&anew.get(0)));
}

/// The graph calls each network by its own name.
#[test]
fn a_second_derivative_is_refused_in_the_networks_name() {
    fn refused<L: Layer>(config: L::Config) -> String {
        let layer: L = build(&nn::VarStore::new(Device::Cpu), "rnn", config).unwrap();
        let x = randn(&[3, 2, 3], Kind::Float).set_requires_grad(true);
        let y = layer.sequence(&x, &mut layer.state(), &TRAIN).unwrap().sum(Kind::Float);
        let first = Tensor::run_backward(&[&y], &[&x], true, true);
        first[0].sum(Kind::Float).f_backward().unwrap_err().to_string()
    }
    let told = [
        refused::<SpikingLSTM>(SpikingLSTMConfig::new(3, 4, 1)),
        refused::<SpikingGRU>(SpikingGRUConfig::new(3, 4, 1)),
        refused::<SpikingVanillaRNN>(SpikingVanillaRNNConfig::new(3, 4, 1)),
    ];
    for (told, name) in told.iter().zip(["SpikingLSTM", "SpikingGRU", "SpikingVanillaRNN"]) {
        assert!(told.contains(&format!("{name}: it can be differentiated once")), "{told}");
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let vs = nn::VarStore::new(Device::Cpu);
    let new = || SpikingLSTMConfig::new(3, 4, 2);
    let mixed = Some(Sigmoid { alpha: 4.0, spiking: false }.into());
    assert_says(
        build::<SpikingLSTM>(&vs, "a", SpikingLSTMConfig { surrogate_function2: mixed, ..new() }),
        &["Net.a: `surrogate_function2` spikes, and `surrogate_function1` does not, or the reverse"],
    );
    assert_says(build::<SpikingLSTM>(&vs, "b", SpikingLSTMConfig { dropout_p: 1.0, ..new() }), &["Net.b: `dropout_p` is the share"]);
    let wrong: Surrogate = ATan { alpha: f64::NAN, ..ATan::default() }.into();
    assert_says(
        build::<SpikingLSTM>(&vs, "d", SpikingLSTMConfig { surrogate_function1: wrong, ..new() }),
        &["Net.d: `surrogate_function1` has an `alpha` that"],
    );
    assert_says(
        build::<SpikingLSTM>(&vs, "e", SpikingLSTMConfig { surrogate_function2: Some(wrong), ..new() }),
        &["Net.e: `surrogate_function2` has an `alpha` that"],
    );
    let config = SpikingVanillaRNNConfig { surrogate_function: wrong, ..SpikingVanillaRNNConfig::new(3, 4, 2) };
    assert_says(build::<SpikingVanillaRNN>(&vs, "f", config), &["Net.f: `surrogate_function` has an `alpha` that"]);
    assert_says(build::<SpikingLSTM>(&vs, "c", SpikingLSTMConfig::new(3, 4, 0)), &["`num_layers` must be at least 1"]);
    let layer: SpikingLSTM = build(&vs, "rnn", new()).unwrap();
    let x = randn(&[5, 2, 3], Kind::Float);
    let mut s = layer.state();
    assert_says(layer.step(&x.get(0), &mut s, &EVAL), &["Net.rnn: works on whole sequences"]);
    assert_says(layer.sequence(&x.narrow(2, 0, 2), &mut s, &EVAL), &["Net.rnn: wants [T, N, 3], but gets [5, 2, 2]"]);
    assert_says(layer.sequence(&x.narrow(0, 0, 0), &mut s, &EVAL), &["Net.rnn: the sequence has no steps"]);
    drop(layer.sequence(&x, &mut s, &EVAL).unwrap());
    assert_says(layer.sequence(&x.narrow(1, 0, 1), &mut s, &EVAL), &["Net.rnn: its state is for a batch of 2, but gets 1"]);
}
