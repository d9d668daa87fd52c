//! A convolution or linear layer at work, with the neurons behind it. In: bits or numbers; out: spikes, or currents.

use std::sync::Arc;

use snn_kernels::Error;
use snn_kernels::frozen::{In, Packed, Projection, Windows};

use super::{Buffers, Extent, Format, Memory, Neurons, Stored, Written};

/// Weights over windows, packed.
#[derive(Debug)]
pub(crate) struct Projected {
    /// What the weights are called: `conv1.weight`.
    pub(crate) name: String,
    pub(crate) windows: Arc<Windows>,
    pub(crate) weights: Packed,
    pub(crate) neurons: Option<Neurons>,
}

impl Projected {
    pub(crate) fn run(
        &self,
        buffers: &Buffers,
        x: &Stored,
        out: &mut Written,
        memory: Option<Memory<'_>>,
        of: Extent,
    ) -> Result<(), Error> {
        let input = match x.format {
            Format::Bits(planes) => In::Bits { words: buffers.bits(x, of), planes },
            Format::Dense => In::Dense(buffers.dense(x, of)),
        };
        let projection = Projection { windows: &self.windows, weights: &self.weights, input, steps: x.steps(of), samples: of.batch };
        match &self.neurons {
            Some(neurons) => projection.fire(neurons.fire(out, memory, of)),
            None => projection.currents(out.dense()),
        }
        .map(drop)
    }
}
