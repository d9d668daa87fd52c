//! Surrogate functions that stand alone. In: numbers and gradients; out: the bits of the CPU's functions.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, same};
use super::program::{Launch, Watch};
use crate::cuda::{ALONE, ALONE_BACKWARD, AloneArguments, AloneKernels, FiresArguments, headers, is_wide, text};
use crate::{ATan, Draw, PoissonPass, Sigmoid, Surrogate};

pub(super) fn add<E: Memory>(comparison: &mut Comparison, instances: &mut String, surrogate: Surrogate, elements: usize) {
    let stream = 10 * comparison.len() as u32;
    let suffix = format!("_{stream}");
    let kernels = AloneKernels::named(&surrogate, E::ELEMENT, &suffix);
    instances.push_str(&kernels.source.instances);
    let draw = Draw { seed: 3, stream: 1, draw: stream };
    let (x, grad) = (E::numbers(stream, elements), E::numbers(stream + 1, elements));
    let (mut spikes, mut slopes) = (E::widened(&x), E::widened(&x));
    surrogate.spike(&mut spikes, draw);
    surrogate.derivative(&mut slopes);
    let of_x: Vec<E::Compute> = slopes.iter().zip(E::widened(&grad)).map(|(slope, grad)| grad * *slope).collect();
    for (name, want) in [(ALONE, spikes), (ALONE_BACKWARD, of_x)] {
        let mut launch = Launch::new(format!("{name}{suffix}"), kernels.blocks(elements));
        let call = AloneArguments {
            x: launch.buffer(&x),
            grad: launch.buffer(&grad),
            y: launch.room::<E>(elements),
            fires: FiresArguments::new(&surrogate, draw, E::ELEMENT),
            elements: elements as u32,
            wide: u32::from(is_wide(1, 0, [])),
        };
        launch.argument(call);
        let what = format!("{surrogate:?} {:?} {elements} {name}", E::ELEMENT);
        comparison.push(launch, move |buffers| same(&what, &buffers.of(call.y), &E::narrowed(&want)));
    }
}

#[test]
fn surrogates_alone_have_the_bits_of_the_cpu() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    let (one, two, drawn): (Surrogate, Surrogate, Surrogate) =
        (ATan::default().into(), Sigmoid { alpha: 1.5, spiking: false }.into(), PoissonPass::default().into());
    add::<f32>(&mut comparison, &mut instances, one, 1300);
    add::<f32>(&mut comparison, &mut instances, two, 37);
    add::<f64>(&mut comparison, &mut instances, drawn, 1025);
    add::<f16>(&mut comparison, &mut instances, drawn, 6);
    add::<bf16>(&mut comparison, &mut instances, one, 1);
    let source = text(headers::SURROGATE, &[one.cuda(), two.cuda(), drawn.cuda()], &instances);
    comparison.run(&source, Watch::Addresses, 0..1);
}
