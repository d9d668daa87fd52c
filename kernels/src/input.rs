//! The input current of a neuron layer: a sequence over time, or one image shown at every step.

use std::ops::Range;

use crate::error::{Error, check_len, sequence_len};

/// The input x of a multi-step kernel.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, F> {
    /// `[steps, neurons]`, time outermost.
    Sequence(&'a [F]),
    /// `[neurons]`: the same at every step, and read from memory once.
    Static(&'a [F]),
}

impl<'a, F> Input<'a, F> {
    /// The values that neurons `lanes` see at step `t`.
    #[inline(always)]
    pub(crate) fn row(&self, t: usize, neurons: usize, lanes: Range<usize>) -> &'a [F] {
        match self {
            Input::Sequence(x) => &x[t * neurons + lanes.start..t * neurons + lanes.end],
            Input::Static(x) => &x[lanes],
        }
    }

    /// Number of elements of x, or of its gradient.
    pub(crate) fn len(&self, steps: usize, neurons: usize) -> Result<usize, Error> {
        match self {
            Input::Sequence(_) => sequence_len(steps, neurons),
            Input::Static(_) => Ok(neurons),
        }
    }

    pub(crate) fn check(&self, steps: usize, neurons: usize) -> Result<(), Error> {
        let (Input::Sequence(x) | Input::Static(x)) = self;
        check_len("x", self.len(steps, neurons)?, x.len())
    }
}
