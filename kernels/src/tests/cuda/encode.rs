//! Spikes at random. In: numbers, and places in Philox's streams; out: the bits of the CPU's encoder, in all element types.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, same};
use super::program::{Launch, Watch};
use crate::cuda::{Element, POISSON, PoissonArguments, PoissonKernel, headers, text};
use crate::{Draw, Real, poisson};

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, elements: usize) {
    let (kernel, draw) = (PoissonKernel { element: E::ELEMENT }, Draw { seed: 0x0123_4567_89ab_cdef, stream: 7, draw: 3 });
    // Never, always, and in between.
    let share = |i: usize| E::narrow(E::Compute::of((i % 7) as f64 / 6.0));
    let x: Vec<E> = (0..elements).map(share).collect();
    let mut want = vec![E::Compute::ZERO; elements];
    poisson(draw.seed, draw.stream, draw.draw, &E::widened(&x), &mut want).unwrap();
    let mut launch = Launch::new(format!("{POISSON}{suffix}"), kernel.blocks(elements));
    let (x, y) = (launch.buffer(&x), launch.room::<E>(elements));
    launch.argument(PoissonArguments::new(x, y, elements, draw));
    let what = format!("{:?}, {elements} elements", E::ELEMENT);
    comparison.push(launch, move |buffers| same(&what, &buffers.of(y), &E::narrowed(&want)));
}

#[test]
fn spikes_at_random_have_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for elements in [1, 1300, 1026, 4096] {
        add::<f32>(&mut comparison, "_0", elements);
        add::<f64>(&mut comparison, "_1", elements);
        add::<f16>(&mut comparison, "_2", elements);
        add::<bf16>(&mut comparison, "_3", elements);
    }
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| PoissonKernel { element }.instances(&format!("_{i}"))).collect();
    comparison.run(&text(headers::ENCODE, &[], &instances), Watch::Addresses, 0..1);
}
