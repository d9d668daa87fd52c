//! A step of Adam. In: weights, gradients and moments; out: the bits of the CPU's kernel.

use super::comparison::{Comparison, Memory, compute, same};
use super::program::{Launch, Watch};
use crate::cuda::{ADAM, AdamArguments, AdamKernel, Element, headers, text};
use crate::{AdamStep, Real, adam};

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, elements: usize, decay: f64, wide: bool) {
    let step = AdamStep { betas: [0.9, 0.99], eps: 1e-3, step_size: 0.1, root_correction: 0.5, decay, shrink: decay / 2.0 };
    let stream = 10 * comparison.len() as u32;
    let [mut w, g, mut m] = [0, 1, 2].map(|what| compute::<E::Compute>(stream + what, elements));
    let mut v: Vec<E::Compute> = compute::<E::Compute>(stream + 3, elements).into_iter().map(Real::abs).collect();
    let kernel = AdamKernel { element: E::ELEMENT };
    let mut launch = Launch::new(format!("{ADAM}{suffix}"), kernel.blocks(elements));
    let arguments = AdamArguments {
        weights: launch.buffer(&w),
        grads: launch.buffer(&g),
        first: launch.buffer(&m),
        second: launch.buffer(&v),
        numbers: step.numbers(),
        elements: elements as u64,
        wide: u32::from(wide),
        padding: 0,
    };
    launch.argument(arguments);
    adam(&step, &mut w, &g, &mut m, &mut v).unwrap();
    comparison.push(launch, move |buffers| {
        same("weights", &buffers.of(arguments.weights), &w);
        same("first moments", &buffers.of(arguments.first), &m);
        same("second moments", &buffers.of(arguments.second), &v);
    });
}

#[test]
fn a_step_of_adam_has_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (elements, decay, wide) in [(1030, 0.25, true), (1024, 0.0, true), (37, 0.125, false), (1, 0.0, true)] {
        add::<f32>(&mut comparison, "_0", elements, decay, wide);
        add::<f64>(&mut comparison, "_1", elements, decay, wide);
    }
    let instances = AdamKernel { element: Element::F32 }.instance("_0") + &AdamKernel { element: Element::F64 }.instance("_1");
    comparison.run(&text(headers::ADAM, &[], &instances), Watch::Addresses, 0..2);
}
