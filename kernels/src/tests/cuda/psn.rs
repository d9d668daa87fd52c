//! Parallel spiking neurons. In: inputs, weights between steps and gradients; out: the bits of the CPU's kernels, and sums for the weights that
//! differ from theirs by rounding.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, compute, near, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{ATan, Draw, PoissonPass, Psn, PsnGradients, Real, Surrogate, TimeWeights, psn_backward, psn_forward};

/// What an output sees.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sees {
    Matrix(Option<usize>),
    Sliding(usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    steps: usize,
    /// Inputs before the first output's own.
    before: usize,
    neurons: usize,
    sees: Sees,
    biases: usize,
}

/// Whole and cut blocks, wide rows and not, one chunk of steps and several, windows inside and across chunks.
pub(super) const CASES: [Case; 5] = [
    Case { steps: 4, before: 0, neurons: 1040, sees: Sees::Matrix(None), biases: 4 },
    Case { steps: 11, before: 0, neurons: 37, sees: Sees::Matrix(Some(3)), biases: 11 },
    Case { steps: 10, before: 2, neurons: 36, sees: Sees::Sliding(3), biases: 1 },
    Case { steps: 1, before: 2, neurons: 42, sees: Sees::Matrix(Some(3)), biases: 1 },
    Case { steps: 3, before: 0, neurons: 9000, sees: Sees::Sliding(2), biases: 1 },
];

pub(super) fn add<E: Memory>(comparison: &mut Comparison, instances: &mut String, surrogate: Surrogate, case: Case) {
    let Case { steps, before, neurons, sees, biases } = case;
    let stream = 1000 * comparison.len() as u32;
    let suffix = format!("_{stream}");
    let kernels = PsnKernels::named(&surrogate, E::ELEMENT, steps, &suffix);
    instances.push_str(&kernels.source.instances);
    let (rows, draw) = (before + steps, Draw { seed: 77, stream: 3, draw: stream });
    let weights = match sees {
        Sees::Matrix(_) => steps * rows,
        Sees::Sliding(k) => k,
    };
    let (x, grad_y) = (E::numbers(stream, rows * neurons), E::numbers(stream + 1, steps * neurons));
    let (weight, bias) = (compute::<E::Compute>(stream + 2, weights), compute::<E::Compute>(stream + 3, biases));

    let (wide_x, wide_grad) = (E::widened(&x), E::widened(&grad_y));
    let earlier: Vec<&[E::Compute]> = wide_x[..before * neurons].chunks(neurons).collect();
    let time_weights = match sees {
        Sees::Matrix(window) => TimeWeights::Matrix { weight: &weight, window },
        Sees::Sliding(_) => TimeWeights::Sliding(&weight),
    };
    let psn = Psn { steps, neurons, before: &earlier, x: &wide_x[before * neurons..], weights: time_weights, bias: &bias, surrogate, draw };
    let mut y = vec![E::Compute::ZERO; steps * neurons];
    psn_forward(&psn, &mut y).unwrap();
    let mut grad_x = vec![E::Compute::ZERO; rows * neurons];
    let (of_before, of_x) = grad_x.split_at_mut(before * neurons);
    let out = PsnGradients { before: of_before.chunks_mut(neurons).map(Some).collect(), x: Some(of_x) };
    let (grad_weight, grad_bias) = psn_backward(&psn, &wide_grad, out).unwrap();
    // dL/dh, which the CPU does not give: of one output for all, with a weight of 1 to a further input.
    let mut slopes = vec![E::Compute::ZERO; steps * neurons];
    for (i, slopes) in slopes.chunks_mut(neurons).enumerate() {
        for (k, slope) in slopes.iter_mut().enumerate() {
            let seen = |j: usize| match sees {
                Sees::Matrix(None) => Some(weight[i * rows + j]),
                Sees::Matrix(Some(k)) => (j <= before + i && before + i < j + k).then(|| weight[i * rows + j]),
                Sees::Sliding(k) => (j <= before + i && before + i < j + k).then(|| weight[k - 1 - (before + i - j)]),
            };
            let h = |h: E::Compute, j: usize| seen(j).map_or(h, |w| h + w * wide_x[j * neurons + k]);
            *slope = (0..rows).fold(bias[if biases == 1 { 0 } else { i }], h);
        }
        surrogate.derivative(slopes);
    }
    let grad_h: Vec<E::Compute> = slopes.iter().zip(&wide_grad).map(|(slope, grad)| *slope * *grad).collect();

    let what = format!("{:?} {surrogate:?} {case:?}", E::ELEMENT);
    let (tiles, columns) = (kernels.tiles(steps, rows, neurons), rows + 1);
    let parts = tiles[1] * steps * columns;
    let (window, sliding) = match sees {
        Sees::Matrix(window) => (window.unwrap_or(0), 0),
        Sees::Sliding(k) => (k, 1),
    };
    // The sums that the last kernel is given, as one part.
    let mut of_pairs = vec![0.0; steps * columns];
    for (i, of_pair) in of_pairs.iter_mut().enumerate() {
        let (i, j) = (i / columns, i % columns);
        let x = |k: usize| if j == rows { 1.0 } else { wide_x[j * neurons + k].to_f64() };
        *of_pair = (0..neurons).map(|k| grad_h[i * neurons + k].to_f64() * x(k)).sum();
    }
    let blocks = kernels.blocks(neurons);
    let fold = kernels.fold(weights, biases);
    for (name, grid) in [(PSN, blocks), (PSN_SLOPES, blocks), (PSN_INPUTS, blocks), (PSN_WEIGHTS, tiles), (PSN_FOLD, fold)] {
        let mut launch = Launch::new(format!("{name}{suffix}"), grid);
        let arguments = PsnArguments {
            x: launch.buffer(&x),
            weight: launch.buffer(&weight),
            bias: launch.buffer(&bias),
            y: launch.room::<E>(steps * neurons),
            grad_y: launch.buffer(&grad_y),
            grad_h: if name == PSN_SLOPES { launch.room::<E::Compute>(steps * neurons) } else { launch.buffer(&grad_h) },
            grad_x: launch.room::<E>(rows * neurons),
            parts: if name == PSN_FOLD { launch.buffer(&of_pairs) } else { launch.room::<f64>(parts) },
            grad_weight: launch.room::<E::Compute>(weights),
            grad_bias: launch.room::<E::Compute>(biases),
            fires: FiresArguments::new(&surrogate, draw, E::ELEMENT),
            sizes: [steps, rows, neurons].map(|n| n as u32),
            window: window as u32,
            sliding,
            biases: biases as u32,
            part_count: 1,
            wide: u32::from(is_wide(E::ELEMENT.lanes(), neurons, [])),
        };
        launch.argument(arguments);
        let said = format!("{what} {name}");
        match name {
            PSN => {
                let y = E::narrowed(&y);
                comparison.push(launch, move |buffers| same(&said, &buffers.of(arguments.y), &y));
            }
            PSN_SLOPES => {
                let grad_h = grad_h.clone();
                comparison.push(launch, move |buffers| same(&said, &buffers.of(arguments.grad_h), &grad_h));
            }
            PSN_INPUTS => {
                let grad_x = E::narrowed(&grad_x);
                comparison.push(launch, move |buffers| same(&said, &buffers.of(arguments.grad_x), &grad_x));
            }
            PSN_WEIGHTS => {
                let want = of_pairs.clone();
                comparison.push(launch, move |buffers| {
                    let parts: Vec<f64> = buffers.of(arguments.parts);
                    let mut sums = vec![0.0; want.len()];
                    parts.iter().enumerate().for_each(|(i, part)| sums[i % want.len()] += part);
                    near(&said, &sums, &want, 1e-4);
                });
            }
            _ => {
                let want = [grad_weight.clone(), grad_bias.clone()].concat();
                comparison.push(launch, move |buffers| {
                    let got = [buffers.of::<E::Compute>(arguments.grad_weight), buffers.of(arguments.grad_bias)].concat();
                    near(&said, &got.iter().map(|g| g.to_f64()).collect::<Vec<_>>(), &want, 1e-4);
                });
            }
        }
    }
}

fn comparison() -> (Comparison, String) {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    let smooth: Surrogate = ATan::default().into();
    for case in CASES {
        add::<f32>(&mut comparison, &mut instances, smooth, case);
    }
    add::<f64>(&mut comparison, &mut instances, smooth, CASES[2]);
    add::<f16>(&mut comparison, &mut instances, ATan { spiking: false, ..Default::default() }.into(), CASES[0]);
    add::<bf16>(&mut comparison, &mut instances, PoissonPass::default().into(), CASES[1]);
    let formulas = [smooth.cuda(), Surrogate::from(PoissonPass::default()).cuda()];
    (comparison, text(headers::PSN, &formulas, &instances))
}

#[test]
fn parallel_neurons_have_the_bits_of_the_cpu() {
    let (comparison, source) = comparison();
    comparison.run(&source, Watch::Addresses, 0..2);
}

#[test]
fn no_two_threads_of_parallel_neurons_race() {
    let (comparison, source) = comparison();
    comparison.run(&source, Watch::Races, 0..1);
}

/// A device takes 65535 blocks along all axes but the first.
#[test]
fn grids_of_long_sequences_can_be_launched() {
    let kernels = PsnKernels::new(&ATan::default().into(), Element::F32, 1024);
    for neurons in [1, 40_000, MAX_NEURONS] {
        let tiles = kernels.tiles(1024, 1024, neurons);
        assert_eq!(tiles, [256 * 257, PsnKernels::parts(neurons), 1]);
        for grid in [tiles, kernels.blocks(neurons), kernels.fold(1024 * 1024, 1024)] {
            assert!(grid[0] <= i32::MAX as usize && grid[1..].iter().all(|&blocks| blocks <= 65535), "{grid:?}");
        }
    }
}
