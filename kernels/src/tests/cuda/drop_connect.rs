//! The layer that drops connections. In: rows, weights and masks, drawn or from elsewhere; out: the bits of the CPU's kernels, forward, backward
//! and in the mean.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, compute, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{
    Activation, DropConnectGrads, DropConnectSizes, Inference, MaskSource, Masks, Noise, Real, Weights, drop_connect,
    drop_connect_backward, drop_connect_infer,
};

const SEED: u64 = 0x0123_4567_89ab_cdef;
const STREAM: u32 = 11;
const P: f64 = 0.4;

#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    sizes: DropConnectSizes,
    bias: bool,
    activation: Activation,
    /// Masks and numbers from elsewhere?
    given: bool,
    samples_num: usize,
}

/// The bias in a block of its own, in the middle of one, and none; wide rows and not.
pub(super) const CASES: [Case; 4] = [
    Case {
        sizes: DropConnectSizes { steps: 2, samples: 3, inputs: 64, outputs: 5 },
        bias: true,
        activation: Activation::Relu,
        given: false,
        samples_num: 100,
    },
    Case {
        sizes: DropConnectSizes { steps: 3, samples: 2, inputs: 37, outputs: 4 },
        bias: true,
        activation: Activation::Tanh,
        given: false,
        samples_num: 64,
    },
    Case {
        sizes: DropConnectSizes { steps: 1, samples: 4, inputs: 132, outputs: 23 },
        bias: false,
        activation: Activation::Sigmoid,
        given: false,
        samples_num: 3,
    },
    Case {
        sizes: DropConnectSizes { steps: 2, samples: 2, inputs: 12, outputs: 3 },
        bias: true,
        activation: Activation::Identity,
        given: true,
        samples_num: 5,
    },
];

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, case: Case) {
    let Case { sizes, bias, activation, given, samples_num } = case;
    let DropConnectSizes { steps, samples, inputs, outputs } = sizes;
    let (kernel, stream) = (DropConnectKernel { element: E::ELEMENT }, 1000 * comparison.len() as u32);
    let (rows, zero) = (steps * samples, E::Compute::ZERO);
    let x = E::spikes(stream, rows * inputs);
    let grad = E::numbers(stream + 1, rows * outputs);
    let [w, b] = [(2, outputs * inputs), (3, outputs)].map(|(what, len)| compute::<E::Compute>(stream + what, len));
    let kept = |what: u32, len: usize| -> Vec<E::Compute> { E::spikes(stream + what, len).into_iter().map(E::widen).collect() };
    let (mask_w, mask_b) = (kept(4, steps * samples * outputs * inputs), kept(5, steps * samples * outputs));
    let noise = compute::<E::Compute>(stream + 6, steps * samples_num * samples * outputs);
    let of_step: Vec<u32> = (0..steps as u32).map(|t| if given { steps as u32 - 1 - t } else { 40 + t }).collect();

    let weights = Weights { w: &w, b: bias.then_some(&b[..]) };
    let source = match given {
        true => MaskSource::Given { w: &mask_w, b: Some(&mask_b) },
        false => MaskSource::Drawn { seed: SEED, stream: STREAM, p: P },
    };
    let masks = Masks { of_step: &of_step, source };
    let mut y = vec![zero; rows * outputs];
    drop_connect(&weights, &masks, activation, sizes, &E::widened(&x), &mut y).unwrap();
    // As memory has it.
    let y = E::narrowed(&y);
    let (mut grad_x, mut grad_w, mut grad_b) = (vec![zero; x.len()], vec![zero; w.len()], vec![zero; outputs]);
    let out = DropConnectGrads { x: Some(&mut grad_x), w: Some(&mut grad_w), b: bias.then_some(&mut grad_b[..]) };
    drop_connect_backward(&weights, &masks, activation, sizes, &E::widened(&x), &E::widened(&y), &E::widened(&grad), out).unwrap();
    let mut mean = vec![zero; rows * outputs];
    let numbers = match given {
        true => Noise::Given(&noise),
        false => Noise::Drawn { seed: SEED, stream: STREAM, of_step: &of_step },
    };
    let inference = Inference { p: P, samples_num, noise: numbers };
    drop_connect_infer(&weights, &inference, activation, sizes, &E::widened(&x), &mut mean).unwrap();

    let what = format!("{:?} {case:?}", E::ELEMENT);
    // The weights' gradient in two launches, as for many steps.
    let first = steps / 2;
    let launch = |name: &str, grid: [usize; 3]| -> (Launch, DropConnectArguments) {
        let mut launch = Launch::new(format!("{name}{suffix}"), grid);
        let call = DropConnectArguments::new(sizes, activation, P, samples_num, SEED, STREAM, &of_step).unwrap();
        let call = DropConnectArguments {
            x: launch.buffer(&x),
            w: launch.buffer(&w),
            b: if bias { launch.buffer(&b) } else { 0 },
            y: if name == DROP_CONNECT || name == DROP_CONNECT_MEAN { launch.room::<E>(y.len()) } else { launch.buffer(&y) },
            grad: launch.buffer(&grad),
            grad_x: launch.room::<E>(x.len()),
            grad_w: launch.room::<E::Compute>(w.len()),
            grad_b: if bias { launch.room::<E::Compute>(outputs) } else { 0 },
            mask_w: if given { launch.buffer(&mask_w) } else { 0 },
            mask_b: if given { launch.buffer(&mask_b) } else { 0 },
            noise: if given { launch.buffer(&noise) } else { 0 },
            wide: u32::from(is_wide(E::ELEMENT.lanes(), inputs, [])),
            ..call
        };
        (launch, call)
    };
    let mut push = |name: &'static str, grid: [usize; 3], of: fn(&DropConnectArguments) -> Address, want: Vec<E>| {
        let (mut launch, call) = launch(name, grid);
        launch.argument(call);
        let said = format!("{what}: {name}");
        comparison.push(launch, move |buffers| same(&said, &buffers.of(of(&call)), &want));
    };
    push(DROP_CONNECT, kernel.outputs(sizes), |call| call.y, y.clone());
    push(DROP_CONNECT_INPUT, kernel.inputs(sizes), |call| call.grad_x, E::narrowed(&grad_x));
    push(DROP_CONNECT_MEAN, kernel.outputs(sizes), |call| call.y, E::narrowed(&mean));
    let (mut all, call) = launch(DROP_CONNECT_WEIGHT, kernel.weights(sizes, bias));
    all.argument(call);
    let (said, want_w, want_b) = (what.clone(), grad_w.clone(), grad_b.clone());
    comparison.push(all, move |buffers| {
        same(&format!("{said}: grad_w"), &buffers.of(call.grad_w), &want_w);
        if bias {
            same(&format!("{said}: grad_b"), &buffers.of(call.grad_b), &want_b);
        }
    });
    if first == 0 || given {
        return;
    }
    // What the first steps give is where a second launch goes on.
    let early = DropConnectSizes { steps: first, ..sizes };
    let (mut part_w, mut part_b) = (vec![zero; w.len()], vec![zero; outputs]);
    let out = DropConnectGrads { x: None, w: Some(&mut part_w), b: bias.then_some(&mut part_b[..]) };
    let (x_early, y_early) = (E::widened(&x[..first * samples * inputs]), E::widened(&y[..first * samples * outputs]));
    let masks = Masks { of_step: &of_step[..first], source };
    let grad_early = E::widened(&grad[..first * samples * outputs]);
    drop_connect_backward(&weights, &masks, activation, early, &x_early, &y_early, &grad_early, out).unwrap();
    let late = DropConnectSizes { steps: steps - first, ..sizes };
    let mut launch = Launch::new(format!("{DROP_CONNECT_WEIGHT}{suffix}"), kernel.weights(late, bias));
    let call = DropConnectArguments::new(late, activation, P, samples_num, SEED, STREAM, &of_step[first..]).unwrap();
    let call = DropConnectArguments {
        x: launch.buffer(&x[first * samples * inputs..]),
        w: launch.buffer(&w),
        b: if bias { launch.buffer(&b) } else { 0 },
        y: launch.buffer(&y[first * samples * outputs..]),
        grad: launch.buffer(&grad[first * samples * outputs..]),
        grad_w: launch.buffer(&part_w),
        grad_b: if bias { launch.buffer(&part_b) } else { 0 },
        more: 1,
        wide: u32::from(is_wide(E::ELEMENT.lanes(), inputs, [])),
        ..call
    };
    launch.argument(call);
    comparison.push(launch, move |buffers| same(&format!("{what}: grad_w in two"), &buffers.of(call.grad_w), &grad_w));
}

#[test]
fn dropped_connections_have_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (i, case) in CASES.into_iter().enumerate() {
        add::<f32>(&mut comparison, "_0", case);
        add::<f64>(&mut comparison, "_1", case);
        if i == 0 {
            add::<f16>(&mut comparison, "_2", case);
        }
        if i == 1 {
            add::<bf16>(&mut comparison, "_3", case);
        }
    }
    let names = [
        (DROP_CONNECT, "drop_connect"),
        (DROP_CONNECT_INPUT, "drop_connect_input"),
        (DROP_CONNECT_WEIGHT, "drop_connect_weight"),
        (DROP_CONNECT_MEAN, "drop_connect_mean"),
    ];
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| DropConnectKernel { element }.instances(&names, &format!("_{i}"))).collect();
    comparison.run(&text(headers::DROP_CONNECT, &[], &instances), Watch::Addresses, 0..1);
}
