//! Dropout masks. In: places in Philox's streams; out: the bits of the CPU's masks, in all element types.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, same};
use super::program::{Launch, Watch};
use crate::cuda::{DROPOUT_MASK, DropoutMaskArguments, DropoutMaskKernel, Element, headers, text};
use crate::{Draw, Real, dropout_mask};

fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, elements: usize, p: f64) {
    let (kernel, draw) = (DropoutMaskKernel { element: E::ELEMENT }, Draw { seed: 0x0123_4567_89ab_cdef, stream: 7, draw: 3 });
    let mut want = vec![E::Compute::ZERO; elements];
    dropout_mask(draw.seed, draw.stream, draw.draw, p, &mut want).unwrap();
    let mut launch = Launch::new(format!("{DROPOUT_MASK}{suffix}"), kernel.blocks(elements));
    let mask = launch.room::<E>(elements);
    launch.argument(DropoutMaskArguments::new(mask, elements, p, draw).unwrap());
    comparison.push(launch, move |buffers| {
        same(&format!("{:?}, {elements} elements, p = {p}", E::ELEMENT), &buffers.of(mask), &E::narrowed(&want));
    });
}

#[test]
fn dropout_has_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (elements, p) in [(1, 0.5), (1300, 0.3), (4096, 0.0), (1026, 0.9)] {
        add::<f32>(&mut comparison, "_0", elements, p);
        add::<f64>(&mut comparison, "_1", elements, p);
        add::<f16>(&mut comparison, "_2", elements, p);
        add::<bf16>(&mut comparison, "_3", elements, p);
    }
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| DropoutMaskKernel { element }.instances(&format!("_{i}"))).collect();
    comparison.run(&text(headers::DROPOUT, &[], &instances), Watch::Addresses, 0..1);
    assert!(DropoutMaskArguments::new(0, 1, 1.0, Draw::default()).is_err());
}
