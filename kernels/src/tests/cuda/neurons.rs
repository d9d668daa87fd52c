//! Layers of neurons. In: every neuron and surrogate function with random currents, states and gradients; out: the same bits from the CUDA
//! kernels as from those of the CPU, whatever the sizes, the element type and the order of the threads.

use half::{bf16, f16};

use super::comparison::{self, Memory, compute, near, same};
use super::program::{Launch, Watch};
use crate::cuda::{BACKWARD, BackwardArguments, FORWARD, ForwardArguments, HEADERS, NeuronKernels, counts, text};
use crate::tests::every_neuron::{Visit, every_neuron};
use crate::*;

snn_macros::snn_neuron! {
    (crate)
    /// A neuron with a number per channel, and one of the layer.
    pub(super) neuron OfChannels {
        base;
        learn q = 0.75;
        learn per channel gain = 1.25;
        state v = rest;
        state a = 0.0;

        step(x) {
            let h = q * v + gain * x;
            let s = spike(h - (v_threshold + a));
            a = a / 2.0 + s / 4.0;
            v = reset(h, s);
            s
        }
    }
}

/// A layer and what is given to it.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    steps: usize,
    neurons: usize,
    /// Is x the same at every step?
    fixed: bool,
    /// Scaled per channel, and those channels.
    scaled: Option<Channels>,
    /// Are first states, and gradients of the last, given?
    states: bool,
}

/// Sizes for kernels whose segments are that long: whole and cut blocks and segments, wide rows and not.
fn sizes(segment: usize) -> [Sizes; 3] {
    let channels = |count, inner| Some(Channels { count, inner });
    [
        Sizes { steps: segment, neurons: 1040, fixed: false, scaled: channels(5, 2), states: true },
        Sizes { steps: 2 * segment + 1, neurons: 37, fixed: segment == 2, scaled: None, states: true },
        Sizes { steps: segment.div_ceil(2), neurons: 42, fixed: segment == 4, scaled: channels(7, 3), states: false },
    ]
}

/// The source of some instances, launches of them, and what they have to give.
#[derive(Default)]
pub(super) struct Comparison {
    texts: Vec<&'static str>,
    instances: String,
    count: usize,
    launches: comparison::Comparison,
}

impl Comparison {
    pub(super) fn add<N: Neuron, E: Memory>(&mut self, neuron: &N, steps: usize) {
        let suffix = format!("_{}", self.count);
        self.count += 1;
        let kernels = NeuronKernels::named(neuron, E::ELEMENT, steps, &suffix);
        for &text in &kernels.source.formulas {
            if !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
        self.instances.push_str(&kernels.source.instances);
        for sizes in sizes(kernels.segment) {
            self.launch::<N, E>(neuron, &kernels, sizes, &suffix);
        }
    }

    /// Both passes at these sizes.
    fn launch<N: Neuron, E: Memory>(&mut self, neuron: &N, kernels: &NeuronKernels, sizes: Sizes, suffix: &str) {
        let Sizes { steps, neurons, fixed, .. } = sizes;
        let states = N::STATES.len();
        let stream = 1000 * self.launches.len() as u32;
        let memory = |what: u32, len: usize| E::numbers(stream + what, len);
        let compute = |what: u32, len: usize| compute::<E::Compute>(stream + what, len);
        let some = |of: &[Vec<E::Compute>]| -> Vec<Vec<E::Compute>> { if sizes.states { of.to_vec() } else { Vec::new() } };

        let x = memory(0, if fixed { neurons } else { steps * neurons });
        let grad_y = memory(1, steps * neurons);
        let start: Vec<_> = (0..states as u32).map(|i| compute(2 + i, neurons)).collect();
        let grad_states: Vec<_> = (0..states as u32).map(|i| compute(10 + i, neurons)).collect();
        let (start, grad_states) = (some(&start), some(&grad_states));
        let channels = sizes.scaled.unwrap_or(Channels::ONE);
        let (scale, shift) = (compute(20, channels.count), compute(21, channels.count));
        // Whole samples, also where nothing is scaled.
        let own = sizes.scaled.unwrap_or(Channels { count: neurons, inner: 1 });
        let mut learned = [0.0; MAX_LEARNED];
        neuron.learned_start(&mut learned);
        let numbers_of = |(spec, start): (&Learned, &f64)| -> Vec<f64> {
            let count = if spec.per == Per::Channel { own.count } else { 1 };
            (0..count).map(|channel| start + channel as f64 / 64.0).collect()
        };
        let learned: Vec<Vec<f64>> = N::LEARNED.iter().zip(&learned).map(numbers_of).collect();
        let learned: Vec<&[f64]> = learned.iter().map(Vec::as_slice).collect();
        let constants: Constants<E::Compute> = Constants::new(neuron, &learned, own).expect("numbers for each parameter");
        let draw = Draw { seed: 0x0123_4567_89ab_cdef, stream: 5, draw: stream };

        // On the CPU.
        let len = steps * neurons;
        let (wide_x, wide_grad) = (E::widened(&x), E::widened(&grad_y));
        let start_slices: Vec<Option<&[E::Compute]>> = start.iter().map(|s| Some(&s[..])).collect();
        let grad_slices: Vec<Option<&[E::Compute]>> = grad_states.iter().map(|s| Some(&s[..])).collect();
        let pass = Pass {
            steps,
            neurons,
            x: if fixed { Input::Static(&wide_x) } else { Input::Sequence(&wide_x) },
            scale: sizes.scaled.map(|channels| Scale { channels, scale: &scale, shift: &shift }),
            start: &start_slices,
            constants: &constants,
            draw,
        };
        let zeros = |len: usize| vec![E::Compute::ZERO; len];
        let (mut y, mut last, mut sequences) = (zeros(len), vec![zeros(neurons); states], vec![zeros(len); states]);
        let out = ForwardOut {
            y: &mut y,
            states: last.iter_mut().map(|s| &mut s[..]).collect(),
            sequences: sequences.iter_mut().map(|s| Some(&mut s[..])).collect(),
        };
        forward(neuron, pass, out).expect("sizes that fit");
        let (mut grad_x, mut grad_start) = (zeros(x.len()), vec![zeros(neurons); states]);
        let mut grad_scale = vec![[0.0; 2]; channels.count];
        let out = BackwardOut {
            x: Some(&mut grad_x),
            start: grad_start.iter_mut().map(|s| Some(&mut s[..])).collect(),
            scale: sizes.scaled.map(|_| &mut grad_scale[..]),
        };
        let sums = backward(neuron, pass, Upstream { y: Some(&wide_grad), states: &grad_slices }, out).expect("sizes that fit");

        // The same launches.
        let what = format!("{neuron:?} {:?} {sizes:?}", E::ELEMENT);
        let grid = [kernels.blocks(neurons), 1, 1];
        let given = |launch: &mut Launch| {
            let mut pass = kernels.pass(&constants, steps, neurons, draw);
            pass.x = launch.buffer(&x);
            if let Some(channels) = sizes.scaled {
                (pass.scale, pass.shift, pass.scaled) = (launch.buffer(&scale), launch.buffer(&shift), counts(channels));
            }
            for (to, from) in pass.start.iter_mut().zip(&start) {
                *to = launch.buffer(from);
            }
            if kernels.own {
                pass.own = launch.buffer(&kernels.own(&constants));
            }
            (pass.fixed, pass.wide) = (u32::from(fixed), u32::from(kernels.is_wide(neurons, [])));
            pass
        };
        let mut launch = Launch::new(format!("{FORWARD}{suffix}"), grid);
        let pass = given(&mut launch);
        let mut out = ForwardArguments { y: launch.room::<E>(len), ..ForwardArguments::default() };
        out.bits = launch.room::<u32>(steps * neurons.div_ceil(32));
        for i in 0..states {
            (out.states[i], out.sequences[i]) = (launch.room::<E::Compute>(neurons), launch.room::<E::Compute>(len));
        }
        launch.argument(pass);
        launch.argument(out);
        let said = what.clone();
        self.launches.push(launch, move |buffers| {
            same(&format!("{said}: y"), &buffers.of(out.y), &E::narrowed(&y));
            for i in 0..states {
                same(&format!("{said}: state {i}"), &buffers.of(out.states[i]), &last[i]);
                same(&format!("{said}: sequence {i}"), &buffers.of(out.sequences[i]), &sequences[i]);
            }
            let words: Vec<u32> = buffers.of(out.bits);
            let bits = (0..len).map(|i| words[i / neurons * neurons.div_ceil(32) + i % neurons / 32] >> (i % neurons % 32) & 1);
            let fired: Vec<u32> = y.iter().map(|y| u32::from(*y != E::Compute::ZERO)).collect();
            same(&format!("{said}: bits"), &bits.collect::<Vec<_>>(), &fired);
        });

        let mut launch = Launch::new(format!("{BACKWARD}{suffix}"), grid);
        let pass = given(&mut launch);
        let mut out =
            BackwardArguments { grad_y: launch.buffer(&grad_y), grad_x: launch.room::<E>(x.len()), ..BackwardArguments::default() };
        for (to, from) in out.grad_states.iter_mut().zip(&grad_states) {
            *to = launch.buffer(from);
        }
        for i in 0..states {
            out.grad_start[i] = launch.room::<E::Compute>(neurons);
        }
        if sizes.scaled.is_some() {
            out.grad_scale = launch.room::<E::Compute>(2 * neurons);
        }
        if N::LEARNED_CONSTANTS > 0 {
            out.grad_constants = launch.room::<E::Compute>(N::LEARNED_CONSTANTS * neurons);
        }
        let checkpoints = kernels.checkpoints(steps, neurons);
        out.checkpoints = if checkpoints > 0 { launch.room::<E::Compute>(checkpoints) } else { 0 };
        launch.argument(pass);
        launch.argument(out);
        self.launches.push(launch, move |buffers| {
            same(&format!("{what}: grad_x"), &buffers.of(out.grad_x), &E::narrowed(&grad_x));
            for i in 0..states {
                same(&format!("{what}: grad_start {i}"), &buffers.of(out.grad_start[i]), &grad_start[i]);
            }
            if sizes.scaled.is_some() {
                let of_channel = channel_sums(&buffers.of::<E::Compute>(out.grad_scale), neurons, channels);
                let want: Vec<f64> = (0..2).flat_map(|i| grad_scale.iter().map(move |g| g[i])).collect();
                near(&format!("{what}: grad_scale"), &of_channel, &want, 1e-11);
            }
            if N::LEARNED_CONSTANTS > 0 {
                let of_channel = channel_sums(&buffers.of::<E::Compute>(out.grad_constants), neurons, constants.channels());
                let want: Vec<f64> = (0..N::LEARNED_CONSTANTS).flat_map(|i| sums.iter().map(move |g| g[i])).collect();
                near(&format!("{what}: grad_constants"), &of_channel, &want, 1e-11);
            }
        });
    }

    /// The launches, and the source of their kernels.
    pub(super) fn parts(self) -> (comparison::Comparison, String) {
        (self.launches, text(HEADERS, &self.texts, &self.instances))
    }

    /// Runs all launches, threads in the order of a few seeds.
    fn run(self, watch: Watch, seeds: std::ops::Range<u64>) {
        let (launches, source) = self.parts();
        launches.run(&source, watch, seeds);
    }
}

fn channel_sums<F: Real>(rows: &[F], neurons: usize, channels: Channels) -> Vec<f64> {
    let mut sums = vec![0.0; rows.len() / neurons * channels.count];
    for (i, x) in rows.iter().enumerate() {
        sums[i / neurons * channels.count + channels.of(i % neurons)] += x.to_f64();
    }
    sums
}

/// Each neuron with one of the sets of arguments, in turns of element types and numbers of steps.
struct InTurns<'a>(&'a mut Comparison, usize);

impl Visit for InTurns<'_> {
    fn visit<N: Neuron>(&mut self, neuron: N) {
        let turn = self.1;
        self.1 += 1;
        // Of the four sets of arguments that 23 rows have, another one in each row; the last three rows have one.
        if turn < 92 && turn / 23 != turn % 23 % 4 {
            return;
        }
        let steps = [8, 1, 3, 2][turn % 4];
        match turn % 3 {
            0 => self.0.add::<N, f64>(&neuron, steps),
            _ => self.0.add::<N, f32>(&neuron, steps),
        }
    }
}

#[test]
fn every_neuron_has_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    every_neuron(&mut InTurns(&mut comparison, 0), true);
    let lif = LIFNodeConfig { tau: 1.7, ..Default::default() };
    comparison.add::<_, f16>(&lif, 4);
    comparison.add::<_, bf16>(&lif, 4);
    for join in [Join::Add, Join::Mul, Join::Sub, Join::Max] {
        comparison.add::<_, f32>(&Feedback { neuron: lif, join }, 4);
    }
    comparison.add::<_, f32>(&OfChannelsConfig::default(), 2);
    comparison.add::<_, f32>(&SynapseCurrent::<true> { tau: 4.0 }, 4);
    comparison.add::<_, f64>(&SynapseCurrent::<false> { tau: 4.0 }, 2);
    comparison.run(Watch::Addresses, 0..2);
}

#[test]
fn every_surrogate_has_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    macro_rules! each {
        ($($name:ident)*) => {
            $({
                let surrogate_function: Surrogate = $name::default().into();
                comparison.add::<_, f32>(&IFNodeConfig { surrogate_function, detach_reset: true, ..Default::default() }, 2);
            })*
        };
    }
    each! {
        ATan DeterministicPass Erf FakeNumericalGradient LeakyKReLU LogTailedReLU MultiLevelSpikeCount NonzeroSignLogAbs PiecewiseExp
        PiecewiseLeakyReLU PiecewiseQuadratic PoissonPass QPseudoSpike Rect S2NN Sigmoid SoftSign SquarewaveFourierSeries SuperSpike
    }
    for surrogate_function in [ATan { spiking: false, ..Default::default() }.into(), S2NN { spiking: false, ..Default::default() }.into()] {
        comparison.add::<_, f64>(&LIFNodeConfig { surrogate_function, v_reset: None, ..Default::default() }, 2);
    }
    comparison.run(Watch::Addresses, 0..1);
}

#[test]
fn no_two_threads_race() {
    let mut comparison = Comparison::default();
    comparison.add::<_, f32>(&ParametricLIFNodeConfig::default(), 3);
    comparison.add::<_, f64>(&IFNodeConfig::default(), 2);
    comparison.run(Watch::Races, 0..2);
}
