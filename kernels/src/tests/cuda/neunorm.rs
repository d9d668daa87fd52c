//! NeuNorm. In: spikes, weights, traces and gradients; out: the bits of the CPU's kernels, forward and backward.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, compute, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{NeuNorm, NeuNormGrads, NeuNormOut, NeuNormSizes, Real, neunorm, neunorm_backward};

/// Wide rows and not, whole blocks and cut ones, one part of the weights' gradient and two.
pub(super) const SIZES: [NeuNormSizes; 3] = [
    NeuNormSizes { steps: 3, samples: 9, channels: 3, pixels: 12 },
    NeuNormSizes { steps: 2, samples: 2, channels: 5, pixels: 7 },
    NeuNormSizes { steps: 1, samples: 1, channels: 2, pixels: 1100 },
];

const K: f64 = 0.9;

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, sizes: NeuNormSizes, shared: bool, states: bool) {
    let kernels = NeuNormKernel { element: E::ELEMENT };
    let NeuNormSizes { steps, samples, channels, pixels } = sizes;
    let (len, traces, weights) = (steps * samples * channels * pixels, samples * pixels, if shared { pixels } else { channels * pixels });
    let stream = 1000 * comparison.len() as u32;
    let (x, grad_y) = (E::spikes(stream, len), E::numbers(stream + 1, len));
    let [w, u0, grad_u] = [(2, weights), (3, traces), (4, traces)].map(|(what, len)| compute::<E::Compute>(stream + what, len));

    let norm = NeuNorm { k: K, w: &w };
    let zeros = |len: usize| vec![E::Compute::ZERO; len];
    let (mut y, mut u, mut u_seq) = (zeros(len), zeros(traces), zeros(steps * traces));
    let out = NeuNormOut { y: &mut y, u: &mut u, u_seq: Some(&mut u_seq) };
    neunorm(&norm, sizes, &E::widened(&x), states.then_some(&u0[..]), out).unwrap();
    let (mut grad_x, mut grad_w, mut grad_u0) = (zeros(len), zeros(weights), zeros(traces));
    let out = NeuNormGrads { x: Some(&mut grad_x), w: Some(&mut grad_w), u0: Some(&mut grad_u0) };
    neunorm_backward(&norm, sizes, &u_seq, Some(&E::widened(&grad_y)), states.then_some(&grad_u[..]), out).unwrap();

    let what = format!("{:?} {sizes:?}", E::ELEMENT);
    let numbers = NeuNormNumbers::new(K, sizes, weights, u32::from(is_wide(E::ELEMENT.lanes(), pixels, [])));
    let mut launch = Launch::new(format!("{NEUNORM}{suffix}"), kernels.blocks(sizes));
    let arguments = NeuNormArguments {
        x: launch.buffer(&x),
        w: launch.buffer(&w),
        u0: if states { launch.buffer(&u0) } else { 0 },
        y: launch.room::<E>(len),
        u: launch.room::<E::Compute>(traces),
        u_seq: launch.room::<E::Compute>(steps * traces),
        norm: numbers,
    };
    launch.argument(arguments);
    let (said, want) = (what.clone(), u_seq.clone());
    comparison.push(launch, move |buffers| {
        same(&format!("{said}: y"), &buffers.of(arguments.y), &E::narrowed(&y));
        same(&format!("{said}: u"), &buffers.of(arguments.u), &u);
        same(&format!("{said}: u_seq"), &buffers.of(arguments.u_seq), &want);
    });

    let grid = kernels.parts(sizes, weights);
    let parts = grid[1] * weights;
    // What the first launch for the weights leaves is checked through the second.
    let mut of_parts = zeros(parts);
    for (part, of) in of_parts.chunks_mut(weights).enumerate() {
        for n in 8 * part..samples.min(8 * part + 8) {
            for t in (0..steps).rev() {
                for (i, u) in (0..channels * pixels).map(|i| (i, u_seq[(t * samples + n) * pixels + i % pixels])) {
                    let g = grad_y[(t * samples + n) * channels * pixels + i].widen();
                    of[i % weights] = of[i % weights] - g * u;
                }
            }
        }
    }
    for (name, grid) in [(NEUNORM_BACKWARD, kernels.blocks(sizes)), (NEUNORM_WEIGHT, grid), (NEUNORM_FOLD, kernels.fold(weights))] {
        let mut launch = Launch::new(format!("{name}{suffix}"), grid);
        let arguments = NeuNormBackwardArguments {
            w: launch.buffer(&w),
            u_seq: launch.buffer(&u_seq),
            grad_y: launch.buffer(&grad_y),
            grad_u: if states { launch.buffer(&grad_u) } else { 0 },
            grad_x: launch.room::<E>(len),
            grad_u0: launch.room::<E::Compute>(traces),
            parts: if name == NEUNORM_FOLD { launch.buffer(&of_parts) } else { launch.room::<E::Compute>(parts) },
            grad_w: launch.room::<E::Compute>(weights),
            norm: numbers,
        };
        launch.argument(arguments);
        let said = format!("{what} {name}");
        match name {
            NEUNORM_BACKWARD => {
                let (grad_x, grad_u0) = (E::narrowed(&grad_x), grad_u0.clone());
                comparison.push(launch, move |buffers| {
                    same(&format!("{said}: grad_x"), &buffers.of(arguments.grad_x), &grad_x);
                    same(&format!("{said}: grad_u0"), &buffers.of(arguments.grad_u0), &grad_u0);
                });
            }
            NEUNORM_WEIGHT => {
                let of_parts = of_parts.clone();
                comparison.push(launch, move |buffers| same(&said, &buffers.of(arguments.parts), &of_parts));
            }
            _ => {
                let grad_w = grad_w.clone();
                comparison.push(launch, move |buffers| same(&said, &buffers.of(arguments.grad_w), &grad_w));
            }
        }
    }
}

#[test]
fn neunorm_has_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (i, sizes) in SIZES.into_iter().enumerate() {
        add::<f32>(&mut comparison, "_0", sizes, i == 1, i != 2);
        add::<f64>(&mut comparison, "_1", sizes, i == 0, true);
    }
    add::<f16>(&mut comparison, "_2", SIZES[0], false, true);
    add::<bf16>(&mut comparison, "_3", SIZES[1], false, true);
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| NeuNormKernel { element }.instances(&format!("_{i}"))).collect();
    let source = text(headers::NEUNORM, &[], &instances);
    comparison.run(&source, Watch::Addresses, 0..2);
    comparison.run(&source, Watch::Races, 0..1);
}
