//! A synapse filter over all its steps. In: spikes and the first current; out: the current of each step, and gradients the way back.
//!
//! i[t] = i[t-1] - (1 - x[t]) i[t-1] q + x[t]: a spike raises the current by 1, and the current decays by the rate q where no spike comes
//! (SpikingJelly `SynapseFilter`, q = 1 / tau).
//!
//! All steps of a tile run before the next tile: memory sees, per neuron and step, 8 bytes of f32, x in and i out. With gradients it is a neuron,
//! [`SynapseCurrent`](crate::SynapseCurrent).

use std::ops::Range;

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::input::Input;
use crate::lanes::{LANES, blocks, lanes, load, store};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Neurons per tile of the forward pass: a row of `f32` is one page.
const WIDTH: usize = 1024;

/// The decay of a synapse filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynapseFilter<F> {
    /// The share of the current that is lost in a step without a spike: 1 / tau.
    pub q: F,
}

impl<F: Real> SynapseFilter<F> {
    #[inline(always)]
    fn next(self, i: [F; LANES], x: [F; LANES]) -> [F; LANES] {
        lanes(|k| next(self.q, i[k], x[k]))
    }
}

/// The current after a step: the order of SpikingJelly's operations, so that the bits are its own.
#[inline(always)]
pub(crate) fn next<F: Real>(q: F, i: F, x: F) -> F {
    i - (F::ONE - x) * i * q + x
}

/// Runs `steps` steps from current `i0` (`[neurons]`; `None`: 0) and writes the current after each to `out` (`[steps, neurons]`).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `neurons`.
pub fn synapse_filter<F: Real>(
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    i0: Option<&[F]>,
    out: &mut [F],
) -> Result<(), Error> {
    forward_on(Arch::new(), filter, steps, neurons, x, i0, out)
}

pub(crate) fn forward_on<F: Real>(
    arch: Arch,
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'_, F>,
    i0: Option<&[F]>,
    out: &mut [F],
) -> Result<(), Error> {
    x.check(steps, neurons)?;
    check_opt("i0", neurons, i0)?;
    check_len("out", sequence_len(steps, neurons)?, out.len())?;
    let pass = Forward { filter, steps, neurons, x, i0, out: Columns::new(out, neurons) };
    map_tiles(neurons, WIDTH, steps, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || pass.tile(tile.clone()),
        );
    });
    Ok(())
}

struct Forward<'a, F> {
    filter: SynapseFilter<F>,
    steps: usize,
    neurons: usize,
    x: Input<'a, F>,
    i0: Option<&'a [F]>,
    out: Columns<'a, F>,
}

impl<F: Real> Forward<'_, F> {
    #[inline(always)]
    fn tile(&self, tile: Range<usize>) {
        let (full, rest) = blocks(tile);
        for of in full {
            self.block::<true>(of);
        }
        if let Some(of) = rest {
            self.block::<false>(of);
        }
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>) {
        let mut i = first::<F, FULL>(self.i0, of.clone());
        for t in 0..self.steps {
            i = self.filter.next(i, load::<F, FULL>(self.x.row(t, self.neurons, of.clone())));
            // SAFETY: blocks are disjoint, and each takes a row once.
            store::<F, FULL>(&i, unsafe { self.out.row(t, of.clone()) });
        }
    }
}

#[inline(always)]
fn first<F: Real, const FULL: bool>(i0: Option<&[F]>, of: Range<usize>) -> [F; LANES] {
    i0.map_or([F::ZERO; LANES], |i0| load::<F, FULL>(&i0[of]))
}
