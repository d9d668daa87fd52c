//! Attention gates. In: sequences, gates, and gradients of what libtorch does between our kernels; out: the bits of the CPU's kernels, forward and
//! backward, but for sums whose order is another.

use half::{bf16, f16};
use pulp::Arch;

use super::comparison::{Comparison, Memory, compute, near, same};
use super::program::{Buffers, Launch, Watch};
use crate::attention::traced;
use crate::cuda::*;
use crate::{Attention, AttentionSizes, Perceptron, Planes, Real, attention};

#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    sizes: AttentionSizes,
    /// Temporal, channel, spatial.
    stages: [bool; 3],
    relu: bool,
    x: Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Random,
    /// 0 and 1, of which many are the largest.
    Spikes,
    /// Random, some in the first sample no numbers: of each step the first element and a later one. Forward alone: maxima that are no numbers send
    /// their gradients nowhere.
    Nan,
}

const fn sizes(steps: usize, samples: usize, channels: usize, height: usize, width: usize) -> AttentionSizes {
    AttentionSizes { steps, samples, channels, height, width }
}

/// Wide rows and not, rows of a part of a thread's turn and of several, more channels than a warp has lanes and fewer steps and channels than a
/// block has warps, some stages missing, some numbers none.
pub(super) const CASES: [Case; 9] = [
    Case { sizes: sizes(3, 2, 5, 8, 20), stages: [true; 3], relu: true, x: Values::Random },
    Case { sizes: sizes(3, 2, 5, 5, 7), stages: [true; 3], relu: true, x: Values::Spikes },
    Case { sizes: sizes(4, 3, 1, 1, 301), stages: [true, false, false], relu: false, x: Values::Random },
    Case { sizes: sizes(2, 1, 70, 2, 2), stages: [true, true, false], relu: true, x: Values::Spikes },
    Case { sizes: sizes(4, 2, 3, 9, 15), stages: [false, false, true], relu: true, x: Values::Spikes },
    Case { sizes: sizes(1, 2, 3, 9, 15), stages: [false, false, true], relu: true, x: Values::Random },
    Case { sizes: sizes(5, 2, 4, 3, 3), stages: [false, true, true], relu: false, x: Values::Spikes },
    Case { sizes: sizes(3, 2, 5, 5, 7), stages: [true; 3], relu: true, x: Values::Nan },
    Case { sizes: sizes(4, 2, 3, 9, 15), stages: [false, false, true], relu: false, x: Values::Nan },
];

/// A check of a launch's results.
type Check<'a> = Box<dyn Fn(&Buffers, &AttentionArguments) + 'a>;

/// A buffer with what the CPU has, poisoned where the kernel itself writes it; none where there is nothing.
fn given<T: Copy>(launch: &mut Launch, of: &[T], written: bool, some: bool) -> Address {
    match (some, written) {
        (false, _) => 0,
        (true, false) => launch.buffer(of),
        (true, true) => launch.room::<T>(of.len()),
    }
}

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, case: Case) {
    let Case { sizes: s, stages, relu, x: values } = case;
    let AttentionSizes { steps, channels, .. } = s;
    let (pixels, rows) = (s.pixels(), s.rows());
    let stream = 1000 * comparison.len() as u32;
    let random = |what: u32, len: usize| compute::<E::Compute>(stream + what, len);
    let mut x = if values == Values::Spikes { E::spikes(stream, rows * pixels) } else { E::numbers(stream, rows * pixels) };
    if values == Values::Nan {
        let nan = E::narrow(E::Compute::of(f64::NAN));
        (0..steps).map(|t| t * s.samples * channels * pixels).for_each(|first| (x[first], x[first + pixels + 3]) = (nan, nan));
    }
    let grad_y = E::numbers(stream + 1, rows * pixels);
    let [w1, w2, w3, w4, w5] =
        [(2, 2 * steps), (3, 2 * steps), (4, 3 * channels), (5, 3 * channels), (6, 18)].map(|(i, len)| random(i, len));
    let on_cpu = Attention {
        temporal: stages[0].then_some(Perceptron { w1: &w1, w2: &w2 }),
        channel: stages[1].then_some(Perceptron { w1: &w3, w2: &w4 }),
        spatial: stages[2].then_some(Planes { w: &w5, kernel: 3 }),
        relu,
    };
    let wide_x = E::widened(&x);
    let (mut y, mut grad_x) = (vec![E::Compute::ZERO; x.len()], vec![E::Compute::ZERO; x.len()]);
    let kept = attention(&on_cpu, s, &wide_x, &mut y).unwrap();
    let (_, trace) = traced(Arch::new(), &on_cpu, s, &wide_x, &kept, &E::widened(&grad_y), Some(&mut grad_x)).unwrap();
    // Where each row's maximum is.
    let first_of =
        |(row, max): (usize, &E::Compute)| wide_x[row * pixels..][..pixels].iter().position(|x| x == max).map_or(u32::MAX, |p| p as u32);
    let row_first: Vec<u32> = kept.max.iter().enumerate().map(first_of).collect();
    let places = |first: &[usize]| first.iter().map(|&i| i as u32).collect::<Vec<u32>>();
    let (y, grad_x) = (E::narrowed(&y), E::narrowed(&grad_x));

    let kernels = AttentionKernels { element: E::ELEMENT };
    let double = E::ELEMENT == Element::F64;
    let tolerance = if double { 1e-12 } else { 1e-5 };
    let told = move |what: &str, got: Vec<E::Compute>, want: &[E::Compute]| {
        let numbers = |of: &[E::Compute]| of.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        near(what, &numbers(&got), &numbers(want), tolerance);
    };
    // What ends in a sum of 64 numbers in `double` has the same bits in `f32`.
    let rounded =
        move |what: &str, got: Vec<E::Compute>, want: &[E::Compute]| if double { told(what, got, want) } else { same(what, &got, want) };
    let what = format!("{:?} {case:?}", E::ELEMENT);
    let backward = [ATTENTION_ALONG, ATTENTION_STEP_GATES, ATTENTION_CHANNEL_GATES, ATTENTION_PIXELS, ATTENTION_INPUTS];
    let mut push = |name: &'static str, grid: [usize; 3], check: Check<'static>| {
        if values == Values::Nan && backward.contains(&name) {
            return;
        }
        let mut launch = Launch::new(format!("{name}{suffix}"), grid);
        let mut call = AttentionArguments::new(s, relu);
        let pooled = stages[0] || stages[1];
        let by = |kernel: &str| name == kernel;
        call.row_sum = given(&mut launch, &kept.sum, by(ATTENTION_ROWS), pooled);
        call.row_max = given(&mut launch, &kept.max, by(ATTENTION_ROWS), pooled);
        call.row_along = given(&mut launch, &trace.along, by(ATTENTION_ALONG), pooled);
        let part = |part: &Option<crate::attention::Part<E::Compute>>| part.as_ref().map_or(Vec::new(), |p| [&p.mean[..], &p.max].concat());
        call.step.stats = given(&mut launch, &[&kept.temporal.mean[..], &kept.temporal.max].concat(), by(ATTENTION_STEPS), stages[0]);
        call.step.gates = given(&mut launch, &kept.temporal.gates, false, stages[0] && name != ATTENTION_ROWS && name != ATTENTION_STEPS);
        call.step.grad = given(&mut launch, &trace.step_gates, by(ATTENTION_STEP_GATES), stages[0]);
        call.step.back = given(&mut launch, &part(&trace.temporal), false, stages[0] && name == ATTENTION_INPUTS);
        call.channel.stats = given(&mut launch, &[&kept.channel.mean[..], &kept.channel.max].concat(), by(ATTENTION_CHANNELS), stages[1]);
        let known = ![ATTENTION_ROWS, ATTENTION_STEPS, ATTENTION_CHANNELS].contains(&name);
        call.channel.gates = given(&mut launch, &kept.channel.gates, false, stages[1] && known);
        call.channel.grad = given(&mut launch, &trace.channel_gates, by(ATTENTION_CHANNEL_GATES), stages[1]);
        call.channel.back =
            given(&mut launch, &part(&trace.channel), false, stages[1] && [ATTENTION_STEP_GATES, ATTENTION_INPUTS].contains(&name));
        call.pixel.stats = given(&mut launch, &kept.planes, by(ATTENTION_PLANES), stages[2]);
        call.pixel.gates = given(&mut launch, &kept.spatial, false, stages[2] && known && name != ATTENTION_PLANES);
        call.pixel.grad = given(&mut launch, &trace.pixel_gates, by(ATTENTION_PIXELS), stages[2]);
        let back = trace.spatial.as_ref().map_or(&[][..], |spread| &spread.grad);
        call.pixel.back = given(&mut launch, back, false, stages[2] && [ATTENTION_ALONG, ATTENTION_INPUTS].contains(&name));
        call.row_first = given(&mut launch, &row_first, by(ATTENTION_ROWS), pooled);
        call.step.first =
            given(&mut launch, &trace.temporal.as_ref().map_or(Vec::new(), |p| places(&p.first)), by(ATTENTION_STEPS), stages[0]);
        call.channel.first =
            given(&mut launch, &trace.channel.as_ref().map_or(Vec::new(), |p| places(&p.first)), by(ATTENTION_CHANNELS), stages[1]);
        call.pixel.first =
            given(&mut launch, trace.spatial.as_ref().map_or(&[][..], |spread| &spread.first[..]), by(ATTENTION_PLANES), stages[2]);
        (call.x, call.grad_y) = (launch.buffer(&x), launch.buffer(&grad_y));
        (call.y, call.grad_x) = (launch.room::<E>(x.len()), launch.room::<E>(x.len()));
        call.wide = u32::from(is_wide(E::ELEMENT.lanes(), pixels, []));
        launch.argument(call);
        comparison.push(launch, move |buffers| check(buffers, &call));
    };

    if stages[0] || stages[1] {
        let (said, sum, max, first) = (what.clone(), kept.sum.clone(), kept.max.clone(), row_first.clone());
        push(
            ATTENTION_ROWS,
            kernels.rows(s),
            Box::new(move |buffers, call| {
                rounded(&format!("{said}: sums of rows"), buffers.of(call.row_sum), &sum);
                same(&format!("{said}: maxima of rows"), &buffers.of(call.row_max), &max);
                same(&format!("{said}: where they are"), &buffers.of(call.row_first), &first);
            }),
        );
        let (said, along) = (what.clone(), trace.along.clone());
        push(
            ATTENTION_ALONG,
            kernels.rows(s),
            Box::new(move |buffers, call| rounded(&format!("{said}: along x"), buffers.of(call.row_along), &along)),
        );
    }
    if let Some(part) = &trace.temporal {
        let (said, mean, max, first) = (what.clone(), kept.temporal.mean.clone(), kept.temporal.max.clone(), places(&part.first));
        push(
            ATTENTION_STEPS,
            kernels.steps(s),
            Box::new(move |buffers, call| {
                let got: Vec<E::Compute> = buffers.of(call.step.stats);
                told(&format!("{said}: means of steps"), got[..mean.len()].to_vec(), &mean);
                same(&format!("{said}: maxima of steps"), &got[mean.len()..], &max);
                same(&format!("{said}: where they are"), &buffers.of(call.step.first), &first);
            }),
        );
        let (said, grad) = (what.clone(), trace.step_gates.clone());
        push(
            ATTENTION_STEP_GATES,
            kernels.steps(s),
            Box::new(move |buffers, call| told(&format!("{said}: gradients of temporal gates"), buffers.of(call.step.grad), &grad)),
        );
    }
    if let Some(part) = &trace.channel {
        let (said, stats, first) = (what.clone(), [&kept.channel.mean[..], &kept.channel.max].concat(), places(&part.first));
        push(
            ATTENTION_CHANNELS,
            kernels.channels(s),
            Box::new(move |buffers, call| {
                same(&format!("{said}: means and maxima of channels"), &buffers.of(call.channel.stats), &stats);
                same(&format!("{said}: where they are"), &buffers.of(call.channel.first), &first);
            }),
        );
        let (said, grad) = (what.clone(), trace.channel_gates.clone());
        push(
            ATTENTION_CHANNEL_GATES,
            kernels.channels(s),
            Box::new(move |buffers, call| same(&format!("{said}: gradients of channels' gates"), &buffers.of(call.channel.grad), &grad)),
        );
    }
    if let Some(spread) = &trace.spatial {
        let (said, planes, first) = (what.clone(), kept.planes.clone(), spread.first.clone());
        push(
            ATTENTION_PLANES,
            kernels.pixels(s),
            Box::new(move |buffers, call| {
                let got: Vec<E::Compute> = buffers.of(call.pixel.stats);
                for (got, want) in got.chunks(2 * pixels).zip(planes.chunks(2 * pixels)) {
                    told(&format!("{said}: means of pixels"), got[..pixels].to_vec(), &want[..pixels]);
                    same(&format!("{said}: maxima of pixels"), &got[pixels..], &want[pixels..]);
                }
                if values != Values::Nan {
                    same(&format!("{said}: where they are"), &buffers.of(call.pixel.first), &first);
                }
            }),
        );
        let (said, grad) = (what.clone(), trace.pixel_gates.clone());
        push(
            ATTENTION_PIXELS,
            kernels.pixels(s),
            Box::new(move |buffers, call| told(&format!("{said}: gradients of pixels' gates"), buffers.of(call.pixel.grad), &grad)),
        );
    }
    let said = what.clone();
    push(ATTENTION_GATE, kernels.rows(s), Box::new(move |buffers, call| same(&format!("{said}: y"), &buffers.of(call.y), &y)));
    let check: Check<'static> = Box::new(move |buffers, call| same(&format!("{what}: grad_x"), &buffers.of(call.grad_x), &grad_x));
    push(ATTENTION_INPUTS, kernels.rows(s), check);
}

#[test]
fn attention_has_the_numbers_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (i, case) in CASES.into_iter().enumerate() {
        add::<f32>(&mut comparison, "_0", case);
        if i < 3 {
            add::<f64>(&mut comparison, "_1", case);
        }
    }
    add::<f16>(&mut comparison, "_2", CASES[0]);
    add::<bf16>(&mut comparison, "_3", CASES[6]);
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| AttentionKernels { element }.instances(&format!("_{i}"))).collect();
    let source = text(headers::ATTENTION, &[], &instances);
    comparison.run(&source, Watch::Addresses, 0..2);
    comparison.run(&source, Watch::Races, 0..1);
}
