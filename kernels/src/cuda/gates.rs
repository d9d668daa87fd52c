//! Gates of recurrent cells on the device. In: the cell and its surrogate functions; out: the source of both kernels, and a launch's struct and
//! grid.

use super::{Address, Arguments, Element, FiresArguments, Source, THREADS, kernel};
use crate::{Cell, Gates};

const GATES_SOURCE: &str = include_str!("../../cuda/gates.cuh");

/// The forward kernel.
pub const GATES: &str = "snn_gates";
/// The backward kernel.
pub const GATES_BACKWARD: &str = "snn_gates_backward";

pub(crate) const HEADERS: &[&str] = with_firing![GATES_SOURCE];

/// [`Gates`] on the device, all in the type of the arithmetic. Both kernels take a [`GatesArguments`] and a grid of [`GatesKernels::blocks`].
#[derive(Clone, Debug)]
pub struct GatesKernels {
    /// Both.
    pub source: Source,
    lanes: usize,
}

impl GatesKernels {
    /// `element` is `F32` or `F64`; others are `F32`.
    pub fn new(gates: &Gates, element: Element) -> GatesKernels {
        GatesKernels::named(gates, element, "")
    }

    /// The same, with a suffix to the kernels' names.
    pub(crate) fn named(gates: &Gates, element: Element, suffix: &str) -> GatesKernels {
        let (f, lanes, content) = (element.compute(), element.lanes(), gates.content.unwrap_or(gates.surrogate));
        let cell = match gates.cell {
            Cell::Lstm => "LSTM",
            Cell::Gru => "GRU",
            Cell::Vanilla => "VANILLA",
        };
        let functions = format!("{}, {}, {}", gates.content_is_apart(), gates.surrogate.cuda_type(), content.cuda_type());
        let instance = |name: &str, function: &str| {
            let function = format!("{function}<snn::{cell}, {functions}, {f}, {lanes}>");
            kernel(&format!("{name}{suffix}"), &format!("snn::Gates<{f}> call"), &function, "call")
        };
        let mut formulas = vec![gates.surrogate.cuda()];
        if content.cuda() != formulas[0] {
            formulas.push(content.cuda());
        }
        let instances = instance(GATES, "gates") + &instance(GATES_BACKWARD, "gates_backward");
        GatesKernels { source: Source { headers: HEADERS, formulas, instances }, lanes }
    }

    /// The grid of both.
    pub fn blocks(&self, samples: usize, hidden: usize) -> [usize; 3] {
        [(samples * hidden.div_ceil(self.lanes)).div_ceil(THREADS as usize), 1, 1]
    }
}

/// `snn::Gates`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct GatesArguments {
    /// `[samples, gates * hidden]`: W x + b.
    pub ih: Address,
    /// `[samples, gates * hidden]`: W h + b.
    pub hh: Address,
    /// `[samples, hidden]`: the last output.
    pub h: Address,
    /// `[samples, hidden]`: the last memory of an LSTM.
    pub c: Address,
    /// `[samples, hidden]`: the output.
    pub next_h: Address,
    /// `[samples, hidden]`: the memory of an LSTM, which the way back reads.
    pub next_c: Address,
    /// `[samples, hidden]`: dL/dh of the output, by what is above.
    pub grad_y: Address,
    /// `[samples, hidden]`: dL/dh of the output, by the next step; becomes dL/dh of the last output, without what flows through `hh`.
    pub grad_h: Address,
    /// `[samples, hidden]`: the same of the memory.
    pub grad_c: Address,
    /// As `ih`.
    pub grad_ih: Address,
    /// As `hh`.
    pub grad_hh: Address,
    /// The surrogate functions of the gates and of the content.
    pub fires: [FiresArguments; 2],
    /// Samples, and numbers of an output.
    pub sizes: [u32; 2],
    /// 1 if all rows can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
    /// Nothing.
    pub padding: u32,
}

// SAFETY: `repr(C)`, addresses, structs without padding whose size is a multiple of 8, and four numbers of 4 bytes: no padding.
unsafe impl Arguments for GatesArguments {}
