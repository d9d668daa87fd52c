//! `y += x scale + shift`. In: elements of a few channels; out: the bits of the CPU's kernel.

use super::comparison::{Comparison, same};
use super::program::{Launch, Watch};
use crate::cuda::{ADD_SCALED, AddScaledArguments, AddScaledKernel, Element, counts};
use crate::tests::numbers::uniform;
use crate::{Channels, Scale, add_scaled};

/// Channels and samples.
pub(super) const CASES: [(Channels, usize); 3] =
    [(Channels { count: 3, inner: 7 }, 50), (Channels { count: 5, inner: 4 }, 64), (Channels::ONE, 1)];

pub(super) fn add(comparison: &mut Comparison, (channels, samples): (Channels, usize)) {
    let elements = channels.count * channels.inner * samples;
    let (x, mut y): (Vec<f32>, Vec<f32>) = (uniform(elements, 1), uniform(elements, 2));
    let (scale, shift): (Vec<f32>, Vec<f32>) = (uniform(channels.count, 3), uniform(channels.count, 4));
    let mut launch = Launch::new(ADD_SCALED.to_string(), [AddScaledKernel { element: Element::F32 }.blocks(elements), 1, 1]);
    let to = launch.buffer(&y);
    let arguments = AddScaledArguments {
        x: launch.buffer(&x),
        y: to,
        scale: launch.buffer(&scale),
        shift: launch.buffer(&shift),
        elements: elements as u64,
        channels: counts(channels),
        wide: 1,
        padding: 0,
    };
    launch.argument(arguments);
    add_scaled(Scale { channels, scale: &scale, shift: &shift }, &x, &mut y).unwrap();
    comparison.push(launch, move |buffers| same(&format!("{channels:?}"), &buffers.of(to), &y));
}

#[test]
fn adding_a_scaled_input_has_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    CASES.into_iter().for_each(|case| add(&mut comparison, case));
    comparison.run(&AddScaledKernel { element: Element::F32 }.source().text(), Watch::Addresses, 0..1);
}
