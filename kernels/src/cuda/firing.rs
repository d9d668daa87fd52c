//! What a kernel is told of a surrogate function. In: the function and its draws; out: `snn::Fires`, in the bits of the arithmetic's type.

use super::{Arguments, Element};
use crate::{Draw, MAX_SURROGATE_CONSTANTS, Surrogate};

/// `snn::Fires`
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FiresArguments {
    surrogate: [u64; MAX_SURROGATE_CONSTANTS],
    seed: [u32; 2],
    stream: u32,
    draw: u32,
}

impl FiresArguments {
    /// Of a kernel for that element type.
    pub fn new(surrogate: &Surrogate, draw: Draw, element: Element) -> FiresArguments {
        let numbers = surrogate.constants();
        let mut packed = [0; MAX_SURROGATE_CONSTANTS];
        for (i, number) in numbers.into_iter().enumerate() {
            match element {
                Element::F64 => packed[i] = number.to_bits(),
                _ => packed[i / 2] |= u64::from((number as f32).to_bits()) << (32 * (i % 2)),
            }
        }
        FiresArguments { surrogate: packed, seed: [draw.seed as u32, (draw.seed >> 32) as u32], stream: draw.stream, draw: draw.draw }
    }
}

// SAFETY: `repr(C)`, eight numbers of 8 bytes and four of 4: no padding.
unsafe impl Arguments for FiresArguments {}
