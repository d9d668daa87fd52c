//! Max pools. In: planes with many equal values and NaN; out: the bits of the CPU's kernels, winners and gradients too.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, same};
use super::program::{Launch, Watch};
use crate::cuda::{Element, MAX_POOL, MAX_POOL_BACKWARD, MaxPoolArguments, MaxPoolKernel, headers, text};
use crate::{PoolSizes, Real, max_pool, max_pool_backward};

fn sizes(planes: usize, input: [usize; 2], kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], ceil: bool) -> PoolSizes {
    let output = [0, 1].map(|i| snn_shape::pool(input[i], kernel[i], stride[i], padding[i], 1, ceil).expect("it fits"));
    PoolSizes { planes, input, output, kernel, stride, padding }
}

/// Pairs in wide rows and in others, windows over each other, padding, an overhang, cells without a window.
pub(super) fn every_size() -> [PoolSizes; 6] {
    [
        sizes(3, [6, 16], [2, 2], [2, 2], [0, 0], false),
        sizes(2, [6, 10], [2, 2], [2, 2], [0, 0], false),
        sizes(3, [7, 9], [2, 2], [2, 2], [1, 1], true),
        sizes(2, [6, 5], [3, 3], [2, 2], [1, 1], false),
        sizes(1, [8, 37], [3, 2], [1, 3], [1, 0], false),
        sizes(70, [4, 16], [2, 2], [2, 2], [0, 0], false),
    ]
}

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, sizes: PoolSizes, nan: bool) {
    let kernel = MaxPoolKernel { element: E::ELEMENT };
    let (cells, windows) = (sizes.planes * sizes.input[0] * sizes.input[1], sizes.planes * sizes.output[0] * sizes.output[1]);
    let value = |i: usize| if nan && i % 11 == 3 { f64::NAN } else { ((i * 7919) % 31 % 3) as f64 - 1.0 };
    let x: Vec<E> = (0..cells).map(|i| E::narrow(E::Compute::of(value(i)))).collect();
    let grad_y = E::numbers(comparison.len() as u32, windows);
    let (mut y, mut places, mut grad_x) = (vec![E::Compute::ZERO; windows], vec![0u8; windows], vec![E::Compute::ZERO; cells]);
    max_pool(sizes, &E::widened(&x), &mut y, Some(&mut places)).unwrap();
    max_pool_backward(sizes, &places, &E::widened(&grad_y), &mut grad_x).unwrap();

    let (what, paired) = (format!("{:?} {sizes:?}", E::ELEMENT), kernel.is_paired(sizes, []));
    let mut launch = Launch::new(format!("{MAX_POOL}{suffix}"), kernel.blocks(sizes, paired));
    let call = MaxPoolArguments {
        x: launch.buffer(&x),
        y: launch.room::<E>(windows),
        places: launch.room::<u8>(windows),
        ..MaxPoolArguments::new(sizes, paired)
    };
    launch.argument(call);
    let (said, won) = (what.clone(), places.clone());
    comparison.push(launch, move |buffers| {
        same(&format!("{said}: y"), &buffers.of(call.y), &E::narrowed(&y));
        same(&format!("{said}: places"), &buffers.of(call.places), &won);
    });
    let mut launch = Launch::new(format!("{MAX_POOL_BACKWARD}{suffix}"), kernel.backward_blocks(sizes, paired));
    let call = MaxPoolArguments {
        places: launch.buffer(&places),
        grad_y: launch.buffer(&grad_y),
        grad_x: launch.room::<E>(cells),
        ..MaxPoolArguments::new(sizes, paired)
    };
    launch.argument(call);
    comparison.push(launch, move |buffers| same(&format!("{what}: grad_x"), &buffers.of(call.grad_x), &E::narrowed(&grad_x)));
}

#[test]
fn max_pools_have_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (i, sizes) in every_size().into_iter().enumerate() {
        add::<f32>(&mut comparison, "_0", sizes, i % 2 == 1);
        add::<f64>(&mut comparison, "_1", sizes, i % 2 == 0);
        add::<f16>(&mut comparison, "_2", sizes, false);
        add::<bf16>(&mut comparison, "_3", sizes, true);
    }
    let paired = every_size().map(|sizes| MaxPoolKernel { element: Element::F32 }.is_paired(sizes, []));
    assert_eq!(paired, [true, false, false, false, false, true]);
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| MaxPoolKernel { element }.instances(&format!("_{i}"))).collect();
    comparison.run(&text(headers::MAX_POOL, &[], &instances), Watch::Addresses, 0..1);
}
