//! LIF neurons with a normalised potential. In: inputs, channels' parameters, states and gradients; out: the numbers of the CPU's kernels, whose
//! sums over a channel are in another order: the same bits in `f32`, where that is rounded away.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, compute, near, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{ATan, Draw, Mpbn, MpbnGradients, MpbnOut, Normalise, PoissonPass, Real, Statistics, Surrogate};

#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    steps: usize,
    /// Samples, channels, neurons of a channel beside each other.
    sizes: [usize; 3],
    /// Of the batch, given, or none.
    statistics: Option<bool>,
    soft: bool,
    decay_input: bool,
    /// A threshold for each channel?
    own: bool,
    states: bool,
}

const EPS: f64 = 1e-5;

/// A block of one channel and of many, wide rows and not, channels that fill no block.
pub(super) const CASES: [Case; 5] = [
    Case { steps: 3, sizes: [5, 3, 64], statistics: Some(true), soft: false, decay_input: false, own: true, states: true },
    Case { steps: 2, sizes: [41, 37, 1], statistics: Some(true), soft: true, decay_input: true, own: false, states: false },
    Case { steps: 3, sizes: [3, 2, 35], statistics: Some(false), soft: true, decay_input: false, own: true, states: true },
    Case { steps: 2, sizes: [6, 5, 9], statistics: None, soft: false, decay_input: true, own: false, states: true },
    Case { steps: 2, sizes: [2, 2, 1200], statistics: Some(true), soft: false, decay_input: true, own: true, states: false },
];

pub(super) fn add<E: Memory>(comparison: &mut Comparison, instances: &mut String, surrogate: Surrogate, detach_reset: bool, case: Case) {
    let Case { steps, sizes, statistics, soft, decay_input, own, states } = case;
    let [samples, channels, plane] = sizes;
    let neurons = samples * channels * plane;
    let len = steps * neurons;
    let stream = 1000 * comparison.len() as u32;
    let suffix = format!("_{stream}");
    let kernels = MpbnKernels::named(&surrogate, E::ELEMENT, plane, true, &suffix);
    instances.push_str(&kernels.source.instances);
    let draw = Draw { seed: 5, stream: 4, draw: stream };
    let random = |what: u32, len: usize| compute::<E::Compute>(stream + what, len);
    let (x, grad_y) = (E::numbers(stream, len), E::numbers(stream + 1, len));
    let (v0, grad_v, weight, bias) = (random(2, neurons), random(3, neurons), random(4, channels), random(5, channels));
    let (mean, var): (_, Vec<_>) = (random(6, channels), random(7, channels).into_iter().map(Real::abs).collect());
    let threshold: Vec<E::Compute> = random(8, if own { channels } else { 1 }).into_iter().map(Real::abs).collect();

    let of = E::Compute::of;
    let (wide_x, wide_grad) = (E::widened(&x), E::widened(&grad_y));
    let given = match statistics {
        Some(false) => Statistics::Running { mean: &mean, var: &var },
        _ => Statistics::Batch,
    };
    let on_cpu = Mpbn {
        steps,
        sizes,
        x: &wide_x,
        v0: states.then_some(&v0[..]),
        tau: of(1.7),
        decay_input,
        normalise: statistics.map(|_| Normalise { statistics: given, eps: EPS, weight: &weight, bias: &bias }),
        v_threshold: &threshold,
        v_reset: (!soft).then(|| of(-0.25)),
        detach_reset,
        surrogate,
        draw,
    };
    let zeros = |len: usize| vec![E::Compute::ZERO; len];
    let (mut y, mut v, mut v_seq) = (zeros(len), zeros(neurons), zeros(len));
    let used = on_cpu.forward(MpbnOut { spikes: &mut y, v: &mut v, v_seq: Some(&mut v_seq) }).unwrap();
    let used: Vec<f64> = used.concat().concat();
    let (mut grad_x, mut grad_v0) = (zeros(len), zeros(neurons));
    let out = MpbnGradients { x: Some(&mut grad_x), v0: Some(&mut grad_v0) };
    let sums = on_cpu.backward(Some(&wide_grad), states.then_some(&grad_v[..]), out).unwrap();

    for forward in [true, false] {
        let name = if forward { MPBN } else { MPBN_BACKWARD };
        let mut launch = Launch::new(format!("{name}{suffix}"), kernels.blocks(channels));
        let mut of_some = |numbers: &[E::Compute], is: bool| if is { launch.buffer(numbers) } else { 0 };
        let (normalised, running) = (statistics.is_some(), statistics == Some(false));
        let mut arguments = MpbnArguments {
            x: 0,
            v0: of_some(&v0, states),
            threshold: of_some(&threshold, true),
            weight: of_some(&weight, normalised),
            bias: of_some(&bias, normalised),
            mean: of_some(&mean, running),
            var: of_some(&var, running),
            y: 0,
            v: 0,
            v_seq: 0,
            statistics: 0,
            grad_y: 0,
            grad_v: of_some(if states { &grad_v } else { &grad_v0 }, !forward),
            h: 0,
            grad_x: 0,
            grad_channels: 0,
            fires: FiresArguments::new(&surrogate, draw, E::ELEMENT),
            numbers: [1.7, if soft { 0.0 } else { -0.25 }, EPS],
            sizes: [steps, samples, channels, plane].map(|n| n as u32),
            thresholds: threshold.len() as u32,
            decay_input: u32::from(decay_input),
            soft: u32::from(soft),
            detach_reset: u32::from(detach_reset),
        };
        if !forward && !states {
            arguments.grad_v = launch.buffer(&zeros(neurons));
        }
        arguments.x = launch.buffer(&x);
        arguments.v = launch.room::<E::Compute>(neurons);
        if forward {
            (arguments.y, arguments.v_seq) = (launch.room::<E>(len), launch.room::<E::Compute>(len));
            arguments.statistics = if normalised { launch.room::<f64>(used.len()) } else { 0 };
        } else {
            arguments.statistics = if normalised { launch.buffer(&used) } else { 0 };
            (arguments.grad_y, arguments.h) = (launch.buffer(&grad_y), launch.room::<E::Compute>(len));
            (arguments.grad_x, arguments.grad_channels) = (launch.room::<E>(len), launch.room::<f64>(3 * channels));
        }
        launch.argument(arguments);
        let what = format!("{:?} {case:?} {name}", E::ELEMENT);
        let exact = E::ELEMENT != Element::F64 || statistics != Some(true);
        let check = move |what: &str, got: &[E::Compute], want: &[E::Compute]| {
            if exact {
                return same(what, got, want);
            }
            let numbers = |of: &[E::Compute]| of.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
            near(what, &numbers(got), &numbers(want), 1e-12);
        };
        if forward {
            let (y, v, v_seq, used) = (E::narrowed(&y), v.clone(), v_seq.clone(), used.clone());
            comparison.push(launch, move |buffers| {
                same(&format!("{what}: y"), &buffers.of(arguments.y), &y);
                check(&format!("{what}: v"), &buffers.of(arguments.v), &v);
                check(&format!("{what}: v_seq"), &buffers.of(arguments.v_seq), &v_seq);
                if normalised {
                    near(&format!("{what}: statistics"), &buffers.of(arguments.statistics), &used, 1e-12);
                }
            });
        } else {
            let (grad_x, grad_v0, sums) = (grad_x.clone(), grad_v0.clone(), sums.clone());
            comparison.push(launch, move |buffers| {
                check(&format!("{what}: grad_v0"), &buffers.of(arguments.grad_v), &grad_v0);
                check(&format!("{what}: grad_x"), &E::widened(&buffers.of::<E>(arguments.grad_x)), &E::widened(&E::narrowed(&grad_x)));
                let got: Vec<f64> = buffers.of(arguments.grad_channels);
                if normalised {
                    near(&format!("{what}: weight, bias"), &got[..2 * channels], &[sums.weight.clone(), sums.bias.clone()].concat(), 1e-11);
                }
                let of_threshold = &got[2 * channels..];
                let got = if own { of_threshold.to_vec() } else { vec![of_threshold.iter().sum()] };
                near(&format!("{what}: threshold"), &got, &sums.v_threshold, 1e-11);
            });
        }
    }
}

#[test]
fn normalised_potentials_have_the_numbers_of_the_cpu() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    let smooth: Surrogate = ATan::default().into();
    for (i, case) in CASES.into_iter().enumerate() {
        add::<f32>(&mut comparison, &mut instances, smooth, i % 2 == 1, case);
    }
    add::<f64>(&mut comparison, &mut instances, smooth, false, CASES[0]);
    add::<f16>(&mut comparison, &mut instances, smooth, false, CASES[4]);
    add::<bf16>(&mut comparison, &mut instances, PoissonPass::default().into(), false, CASES[3]);
    let formulas = [smooth.cuda(), Surrogate::from(PoissonPass::default()).cuda()];
    let source = text(headers::MPBN, &formulas, &instances);
    comparison.run(&source, Watch::Addresses, 0..2);
    comparison.run(&source, Watch::Races, 0..1);
}
