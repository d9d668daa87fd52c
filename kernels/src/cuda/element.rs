//! Element types of the CUDA kernels: what memory holds, and what the arithmetic is done in.

use super::THREADS;

/// The type of a layer's input and output on the device. States and arithmetic are `f32` for all but [`Element::F64`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// `float`
    F32,
    /// `double`
    F64,
    /// IEEE half precision.
    F16,
    /// The upper half of a `float`.
    Bf16,
}

impl Element {
    /// All of them.
    pub const ALL: [Element; 4] = [Element::F32, Element::F64, Element::F16, Element::Bf16];

    /// Its type in C++.
    pub fn memory(self) -> &'static str {
        match self {
            Element::F32 => "float",
            Element::F64 => "double",
            Element::F16 => "snn::half",
            Element::Bf16 => "snn::bfloat",
        }
    }

    /// The type of states and arithmetic in C++.
    pub fn compute(self) -> &'static str {
        match self {
            Element::F64 => "double",
            _ => "float",
        }
    }

    /// How many elements a thread takes at once: 16 bytes of its own states.
    pub fn lanes(self) -> usize {
        match self {
            Element::F64 => 2,
            _ => 4,
        }
    }

    /// The grid of a kernel whose threads have [`lanes`](Element::lanes) neurons each.
    pub fn blocks(self, neurons: usize) -> [usize; 3] {
        [neurons.div_ceil(self.lanes() * THREADS as usize), 1, 1]
    }
}
