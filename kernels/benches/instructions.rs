//! Instructions of the kernels, counted: `cargo xtask counts`. In: fixed inputs; out: the count of each kernel under callgrind, and a failure
//! where one is above its limit.
//!
//! Counts do not depend on the machine's load, so they guard in CI what times cannot. They do depend on the compiler (pinned) and on the
//! instruction set: valgrind offers AVX2, so that is what is counted. A limit is what was measured, and 3 %. Who makes a kernel faster, lowers it.

#![allow(missing_docs, unreachable_pub, reason = "what the macros of gungraun write")]

use std::hint::black_box;

use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use snn_kernels::frozen::{Axis, Border, Fire, In, Out, Packed, Projection, States, Weights, Windows, from_dense, words};
use snn_kernels::{
    ATan, BackwardOut, Channels, Constants, Draw, ForwardOut, IFNodeConfig, Input, LIFNodeConfig, Neuron, ParametricLIFNodeConfig, Pass,
    Scale, Sigmoid, Upstream, backward, dropout_mask, forward, philox4x32,
};

const STEPS: usize = 8;
/// Of a step: 4 samples, 16 channels, 8 x 8 cells, so that a norm has channels. So few that the kernels stay on the calling thread, which is the
/// one that is counted.
const NEURONS: usize = 4096;
const CHANNELS: Channels = Channels { count: 16, inner: 64 };

/// Fails above so many thousand instructions.
fn at_most(thousand: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, thousand * 1000)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

/// Inputs and room for outputs, ready before counting starts.
struct Data<N> {
    neuron: N,
    constants: Constants<f32>,
    x: Vec<f32>,
    upstream: Vec<f32>,
    y: Vec<f32>,
    grad: Vec<f32>,
    state: Vec<f32>,
    factors: Vec<f32>,
}

impl<N: Neuron> Data<N> {
    fn new(neuron: N) -> Data<N> {
        // In [-1, 3): about a third of the neurons fire.
        let random = |stream: u32| -> Vec<f32> {
            let word = |i: usize| philox4x32([i as u32, 0, 0, stream], [0, 0])[0];
            (0..STEPS * NEURONS).map(|i| (word(i) >> 8) as f32 / (1 << 22) as f32 - 1.0).collect()
        };
        let learned: [&[f64]; 1] = [&[0.0]];
        let constants = Constants::new(&neuron, &learned[..N::LEARNED.len()], Channels::ONE).expect("at most one parameter");
        let zeros = || vec![0.0; STEPS * NEURONS];
        let (x, upstream) = (random(0), random(1));
        Data { neuron, constants, x, upstream, y: zeros(), grad: zeros(), state: vec![0.5; NEURONS], factors: vec![0.9; CHANNELS.count] }
    }

    fn pass<'a>(&'a self, x: Input<'a, f32>, scale: Option<Scale<'a, f32>>) -> Pass<'a, f32> {
        Pass { steps: STEPS, neurons: NEURONS, x, scale, start: &[], constants: &self.constants, draw: Draw::default() }
    }

    fn forward(mut self, one_step: bool, norm: bool) -> Data<N> {
        let (mut y, mut state) = (std::mem::take(&mut self.y), std::mem::take(&mut self.state));
        let x = if one_step { Input::Static(&self.x[..NEURONS]) } else { Input::Sequence(&self.x) };
        let scale = norm.then_some(Scale { scale: &self.factors, shift: &self.factors, channels: CHANNELS });
        let out = ForwardOut { y: &mut y, states: vec![&mut state], sequences: vec![] };
        forward(&self.neuron, self.pass(x, scale), out).expect("buffers of the right size");
        black_box((y, state));
        self
    }

    fn backward(mut self) -> Data<N> {
        let mut grad = std::mem::take(&mut self.grad);
        let upstream = Upstream { y: Some(&self.upstream), states: &[] };
        let out = BackwardOut { x: Some(&mut grad), start: vec![], scale: None };
        black_box(backward(&self.neuron, self.pass(Input::Sequence(&self.x), None), upstream, out).expect("buffers of the right size"));
        black_box(grad);
        self
    }
}

fn lif() -> Data<LIFNodeConfig> {
    Data::new(LIFNodeConfig { surrogate_function: ATan::default().into(), ..Default::default() })
}

fn lif_sigmoid() -> Data<LIFNodeConfig> {
    Data::new(LIFNodeConfig { surrogate_function: Sigmoid::default().into(), ..Default::default() })
}

fn plif() -> Data<ParametricLIFNodeConfig> {
    Data::new(ParametricLIFNodeConfig { surrogate_function: ATan::default().into(), ..Default::default() })
}

fn soft_if() -> Data<IFNodeConfig> {
    Data::new(IFNodeConfig { v_reset: None, surrogate_function: ATan::default().into(), ..Default::default() })
}

#[library_benchmark(config = at_most(121))]
#[bench::lif(lif())]
fn forward_sequence(data: Data<LIFNodeConfig>) -> Data<LIFNodeConfig> {
    data.forward(false, false)
}

#[library_benchmark(config = at_most(119))]
#[bench::lif(lif())]
fn forward_static(data: Data<LIFNodeConfig>) -> Data<LIFNodeConfig> {
    data.forward(true, false)
}

#[library_benchmark(config = at_most(150))]
#[bench::lif(lif())]
fn forward_normalised(data: Data<LIFNodeConfig>) -> Data<LIFNodeConfig> {
    data.forward(false, true)
}

#[library_benchmark(config = at_most(84))]
#[bench::soft_if(soft_if())]
fn forward_soft_reset(data: Data<IFNodeConfig>) -> Data<IFNodeConfig> {
    data.forward(false, false)
}

#[library_benchmark(config = at_most(121))]
#[bench::plif(plif())]
fn forward_learned(data: Data<ParametricLIFNodeConfig>) -> Data<ParametricLIFNodeConfig> {
    data.forward(false, false)
}

#[library_benchmark(config = at_most(407))]
#[bench::lif(lif())]
fn backward_atan(data: Data<LIFNodeConfig>) -> Data<LIFNodeConfig> {
    data.backward()
}

#[library_benchmark(config = at_most(584))]
#[bench::lif(lif_sigmoid())]
fn backward_sigmoid(data: Data<LIFNodeConfig>) -> Data<LIFNodeConfig> {
    data.backward()
}

#[library_benchmark(config = at_most(861))]
#[bench::plif(plif())]
fn backward_learned(data: Data<ParametricLIFNodeConfig>) -> Data<ParametricLIFNodeConfig> {
    data.backward()
}

#[library_benchmark(config = at_most(498))]
#[bench::half(vec![0.0; STEPS * NEURONS])]
fn dropout(mut mask: Vec<f32>) -> Vec<f32> {
    dropout_mask(0, 1, 2, 0.5, &mut mask).expect("p in [0, 1)");
    mask
}

/// A frozen convolution, 3 x 3 x 64 x 64 on 8 x 8, with IF neurons behind it.
struct Frozen {
    windows: Windows,
    weights: Packed,
    constants: Constants<f32>,
    x: Vec<f32>,
    bits: Vec<u64>,
    spikes: Vec<u64>,
}

impl Frozen {
    const CHANNELS: usize = 64;
    const STEPS: usize = 4;

    /// A tenth of the inputs are ones.
    fn new() -> Frozen {
        let axis = || Axis::conv(8, 3, 1, (1, 1), 1, Border::Zeros).expect("a kernel that fits");
        let (windows, channels) = (Windows::new(&[axis(), axis()]), Frozen::CHANNELS);
        let sizes = Weights { outputs: channels, inputs: channels, groups: 1, taps: 9 };
        let number = |i: usize, stream: u32| (philox4x32([i as u32, 0, 0, stream], [0, 0])[0] >> 8) as f32 / (1 << 24) as f32;
        let weights = Packed::new(sizes, |output, input, tap| (number((output * channels + input) * 9 + tap, 0) - 0.5) / 16.0, |_| 0.1);
        let constants = Constants::new(&IFNodeConfig::default(), &[], Channels { count: channels, inner: 1 }).expect("no parameters");
        let cells = Frozen::STEPS * 64;
        let x: Vec<f32> = (0..cells * channels).map(|i| f32::from(number(i, 1) < 0.1)).collect();
        let (mut bits, spikes) = (vec![0; cells * words(channels)], vec![0; cells * words(channels)]);
        from_dense(&x, channels, &mut bits).expect("buffers of the right size");
        Frozen { windows, weights, constants, x, bits, spikes }
    }

    fn run(mut self, bits: bool) -> Frozen {
        let mut spikes = std::mem::take(&mut self.spikes);
        let neuron = IFNodeConfig::default();
        let out = Out::Bits(&mut spikes);
        let fire =
            Fire { neuron: &neuron, constants: &self.constants, steps: Frozen::STEPS, states: States::Fresh, draw: Draw::default(), out };
        let input = if bits { In::Bits { words: &self.bits, planes: 1 } } else { In::Dense(&self.x) };
        let projection = Projection { windows: &self.windows, weights: &self.weights, input, steps: Frozen::STEPS, samples: 1 };
        black_box(projection.fire(fire).expect("buffers of the right size"));
        black_box(spikes);
        self
    }
}

#[library_benchmark(config = at_most(373))]
#[bench::conv(Frozen::new())]
fn frozen_bits(conv: Frozen) -> Frozen {
    conv.run(true)
}

#[library_benchmark(config = at_most(3162))]
#[bench::conv(Frozen::new())]
fn frozen_numbers(conv: Frozen) -> Frozen {
    conv.run(false)
}

library_benchmark_group!(
    name = frozen;
    benchmarks = frozen_bits, frozen_numbers
);

library_benchmark_group!(
    name = neurons;
    benchmarks = forward_sequence, forward_static, forward_normalised, forward_soft_reset, forward_learned, backward_atan, backward_sigmoid,
        backward_learned, dropout
);

main!(library_benchmark_groups = neurons, frozen);
