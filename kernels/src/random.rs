//! Random numbers of the kernels: a place in Philox's random streams in, the same bits out on any thread, in the forward pass and its
//! replay.

use crate::philox::philox4x32;
use crate::real::Real;

/// A draw of a layer: which of Philox's random streams a call of a kernel uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
    /// The layer.
    pub stream: u32,
    /// Which of the layer's draws.
    pub draw: u32,
}

/// Where in a draw some neighbouring elements are.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) draw: Draw,
    /// The time step, or anything else that is counted beside elements.
    pub(crate) series: usize,
    /// The first element.
    pub(crate) element: usize,
}

impl Place {
    /// Replaces each x by 1 with probability x, else 0.
    pub(crate) fn bernoulli<F: Real>(self, x: &mut [F]) {
        let Draw { seed, stream, draw } = self.draw;
        let key = [seed as u32, (seed >> 32) as u32];
        for (i, x) in x.iter_mut().enumerate() {
            let element = self.element + i;
            let words = philox4x32([(element / 4) as u32, self.series as u32, draw, stream], key);
            // In [0, 1), in steps of 2^-24, which both element types have.
            let uniform = F::of(f64::from(words[element % 4] >> 8) / f64::from(1 << 24));
            *x = if uniform < *x { F::ONE } else { F::ZERO };
        }
    }
}
