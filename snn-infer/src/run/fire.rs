//! Neurons at work. In: currents; out: spikes, as bits where they are 0 and 1.

use std::sync::Arc;

use snn_kernels::frozen::{Fire, Out, fire};
use snn_kernels::{Compiled, Constants, Draw, Error};

use super::{Buffers, Extent, Memory, Stored, Written};

/// A layer of neurons and its constants.
#[derive(Debug)]
pub(crate) struct Neurons {
    pub(crate) neuron: Arc<dyn Compiled>,
    /// Channels last.
    pub(crate) constants: Constants<f32>,
}

impl Neurons {
    /// The layer for one call.
    pub(super) fn fire<'a>(&'a self, out: &'a mut Written, memory: Option<Memory<'a>>, of: Extent) -> Fire<'a> {
        let out = match out {
            Written::Bits(..) => Out::Bits(out.bits()),
            Written::Dense(..) => Out::Dense(out.dense()),
        };
        let states = Memory::states(memory);
        Fire { neuron: &*self.neuron, constants: &self.constants, steps: of.steps, states, draw: Draw::default(), out }
    }

    pub(super) fn run(
        &self,
        buffers: &Buffers,
        x: &Stored,
        out: &mut Written,
        memory: Option<Memory<'_>>,
        of: Extent,
    ) -> Result<(), Error> {
        fire(buffers.dense(x, of), of.batch * x.layout.cells, x.layout.channels, self.fire(out, memory, of))
    }
}
