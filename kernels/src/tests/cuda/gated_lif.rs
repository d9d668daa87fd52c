//! Gated LIF neurons. In: inputs, constants per channel and gradients; out: the bits of the CPU's kernels.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, compute, near, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{ATan, Draw, GATED_LIF_CONSTANTS, GatedLif, GatedLifGradients, PoissonPass, Real, Surrogate};

/// Steps, samples, channels, neurons of a channel in a sample; is a state given?
pub(super) type Case = (usize, usize, usize, usize, bool);

/// Potentials in registers and in memory, wide rows and not, whole blocks and cut ones.
pub(super) const CASES: [Case; 4] = [(4, 5, 3, 70, true), (3, 2, 5, 7, false), (11, 1, 3, 12, true), (1, 3, 1, 400, false)];

pub(super) fn add<E: Memory>(comparison: &mut Comparison, instances: &mut String, surrogate: Surrogate, case: Case) {
    let (steps, samples, channels, plane, states) = case;
    let neurons = samples * channels * plane;
    let (rows, len) = (GATED_LIF_CONSTANTS + steps, steps * neurons);
    let stream = 1000 * comparison.len() as u32;
    let suffix = format!("_{stream}");
    let kernels = GatedLifKernels::named(&surrogate, E::ELEMENT, steps, &suffix);
    instances.push_str(&kernels.source.instances);
    let draw = Draw { seed: 5, stream: 4, draw: stream };
    let (x, grad_y) = (E::numbers(stream, len), E::numbers(stream + 1, len));
    let [v0, grad_v, constants] =
        [(2, neurons), (3, neurons), (4, rows * channels)].map(|(what, len)| compute::<E::Compute>(stream + what, len));

    let (wide_x, wide_grad) = (E::widened(&x), E::widened(&grad_y));
    let gated =
        GatedLif { steps, neurons, channels, plane, constants: &constants, x: &wide_x, v0: states.then_some(&v0[..]), surrogate, draw };
    let zeros = |len: usize| vec![E::Compute::ZERO; len];
    let (mut y, mut v, mut v_seq) = (zeros(len), zeros(neurons), zeros(len));
    gated.forward(&mut y, &mut v, Some(&mut v_seq)).unwrap();
    let (mut grad_x, mut grad_v0) = (zeros(len), zeros(neurons));
    let out = GatedLifGradients { x: Some(&mut grad_x), v0: Some(&mut grad_v0) };
    let sums = gated.backward(Some(&wide_grad), states.then_some(&grad_v[..]), out).unwrap();

    let what = format!("{:?} {surrogate:?} {case:?}", E::ELEMENT);
    for name in [GATED_LIF, GATED_LIF_BACKWARD] {
        let forward = name == GATED_LIF;
        let mut launch = Launch::new(format!("{name}{suffix}"), kernels.blocks(neurons));
        let arguments = GatedLifArguments {
            x: launch.buffer(&x),
            constants: launch.buffer(&constants),
            v0: if states { launch.buffer(&v0) } else { 0 },
            y: launch.room::<E>(len),
            v: launch.room::<E::Compute>(neurons),
            v_seq: if forward || kernels.needs_room { launch.room::<E::Compute>(len) } else { 0 },
            grad_y: launch.buffer(&grad_y),
            grad_v: if states { launch.buffer(&grad_v) } else { 0 },
            grad_x: launch.room::<E>(len),
            grad_v0: launch.room::<E::Compute>(neurons),
            grad_constants: launch.room::<E::Compute>(rows * neurons),
            fires: FiresArguments::new(&surrogate, draw, E::ELEMENT),
            sizes: [steps, neurons, channels, plane].map(|n| n as u32),
            wide: u32::from(is_wide(E::ELEMENT.lanes(), neurons, [])),
            padding: 0,
        };
        launch.argument(arguments);
        let said = format!("{what} {name}");
        if forward {
            let (y, v, v_seq) = (E::narrowed(&y), v.clone(), v_seq.clone());
            comparison.push(launch, move |buffers| {
                same(&format!("{said}: y"), &buffers.of(arguments.y), &y);
                same(&format!("{said}: v"), &buffers.of(arguments.v), &v);
                same(&format!("{said}: v_seq"), &buffers.of(arguments.v_seq), &v_seq);
            });
        } else {
            let (grad_x, grad_v0, sums) = (E::narrowed(&grad_x), grad_v0.clone(), sums.clone());
            comparison.push(launch, move |buffers| {
                same(&format!("{said}: grad_x"), &buffers.of(arguments.grad_x), &grad_x);
                same(&format!("{said}: grad_v0"), &buffers.of(arguments.grad_v0), &grad_v0);
                let mut got = vec![0.0; rows * channels];
                for (i, g) in buffers.of::<E::Compute>(arguments.grad_constants).iter().enumerate() {
                    got[i / neurons * channels + i % neurons / plane % channels] += g.to_f64();
                }
                near(&format!("{said}: constants"), &got, &sums, 1e-11);
            });
        }
    }
}

#[test]
fn gated_neurons_have_the_bits_of_the_cpu() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    let smooth: Surrogate = ATan::default().into();
    for case in CASES {
        add::<f32>(&mut comparison, &mut instances, smooth, case);
    }
    add::<f64>(&mut comparison, &mut instances, ATan { spiking: false, ..Default::default() }.into(), CASES[2]);
    add::<f16>(&mut comparison, &mut instances, smooth, CASES[0]);
    add::<bf16>(&mut comparison, &mut instances, PoissonPass::default().into(), CASES[1]);
    let formulas = [smooth.cuda(), Surrogate::from(PoissonPass::default()).cuda()];
    let source = text(headers::GATED_LIF, &formulas, &instances);
    comparison.run(&source, Watch::Addresses, 0..2);
    comparison.run(&source, Watch::Races, 0..1);
}
