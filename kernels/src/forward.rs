//! Multi-step forward pass: charge, fire and reset over all steps in one sweep. In: x and the first potential; out: spikes and the last.

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::fire::Fire;
use crate::input::Input;
use crate::lanes::{LANES, blocks, lanes, load, store};
use crate::neuron::Charge;
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Neurons per tile, the unit of work of a thread: a row of `f32` is one page.
const WIDTH: usize = 1024;

/// Where [`forward`] writes. All lengths in elements.
#[derive(Debug)]
pub struct ForwardOut<'a, F> {
    /// `[steps, neurons]`: 1 where the neuron fired, else 0.
    pub spikes: &'a mut [F],
    /// `[neurons]`: the potential after the last step's reset. Its length says how many neurons there are.
    pub v: &'a mut [F],
    /// `[steps, neurons]`: the potential after each step's reset (SpikingJelly's `v_seq`), if wanted.
    pub v_seq: Option<&'a mut [F]>,
}

/// Runs `steps` steps of a layer of neurons from potential `v0` (`[neurons]`; `None`: from the reset value, [`Reset::start`](crate::Reset::start)).
///
/// Each step does h = charge(v, x), s = H(h - v_threshold), v = reset(h, s) in the order of SpikingJelly's f32 operations. `steps = 0`
/// copies v0 to v. With `fire.spiking = false` s is the surrogate's primitive.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit `steps` and `out.v.len()`.
pub fn forward<F: Real, C: Charge<F>>(
    charge: &C,
    fire: &Fire<F>,
    steps: usize,
    x: Input<'_, F>,
    v0: Option<&[F]>,
    out: ForwardOut<'_, F>,
) -> Result<(), Error> {
    forward_on(Arch::new(), charge, fire, steps, x, v0, out)
}

/// [`forward`] with a given instruction set.
pub(crate) fn forward_on<F: Real, C: Charge<F>>(
    arch: Arch,
    charge: &C,
    fire: &Fire<F>,
    steps: usize,
    x: Input<'_, F>,
    v0: Option<&[F]>,
    out: ForwardOut<'_, F>,
) -> Result<(), Error> {
    let neurons = out.v.len();
    let len = sequence_len(steps, neurons)?;
    x.check(steps, neurons)?;
    check_opt("v0", neurons, v0)?;
    check_len("out.spikes", len, out.spikes.len())?;
    check_opt("out.v_seq", len, out.v_seq.as_deref())?;

    let pass = Pass {
        charge: *charge,
        fire: *fire,
        steps,
        neurons,
        x,
        v0,
        spikes: Columns::new(out.spikes, neurons),
        v: Columns::new(out.v, neurons),
        v_seq: out.v_seq.map(|v_seq| Columns::new(v_seq, neurons)),
    };
    map_tiles(neurons, WIDTH, steps, &|| (), &|(), tile| {
        arch.dispatch(
            #[inline(always)]
            || pass.tile(arch, tile),
        );
    });
    Ok(())
}

/// The arguments of one call, checked.
struct Pass<'a, F, C> {
    charge: C,
    fire: Fire<F>,
    steps: usize,
    neurons: usize,
    x: Input<'a, F>,
    v0: Option<&'a [F]>,
    spikes: Columns<'a, F>,
    v: Columns<'a, F>,
    v_seq: Option<Columns<'a, F>>,
}

impl<F: Real, C: Charge<F>> Pass<'_, F, C> {
    #[inline(always)]
    fn tile(&self, arch: Arch, tile: Range<usize>) {
        let (full, rest) = blocks(tile);
        for lanes in full {
            self.block::<true>(arch, lanes);
        }
        if let Some(lanes) = rest {
            self.block::<false>(arch, lanes);
        }
    }

    /// All steps of up to [`LANES`] neurons, their potentials in registers.
    #[inline(always)]
    fn block<const FULL: bool>(&self, arch: Arch, of: Range<usize>) {
        let (charge, fire) = (self.charge, self.fire);
        let mut v = match self.v0 {
            Some(v0) => load::<F, FULL>(&v0[of.clone()]),
            None => [fire.reset.start(); LANES],
        };
        for t in 0..self.steps {
            let x = load::<F, FULL>(self.x.row(t, self.neurons, of.clone()));
            let h = lanes(|k| charge.charge(v[k], x[k]));
            let over = lanes(|k| h[k] - fire.v_threshold);
            // SAFETY: blocks are disjoint, and each takes a row once.
            let spikes = unsafe { self.spikes.row(t, of.clone()) };
            let s = if fire.spiking {
                let s = lanes(|k| over[k].heaviside());
                store::<F, FULL>(&s, spikes);
                s
            } else {
                store::<F, FULL>(&over, spikes);
                fire.surrogate.primitive_on(arch, spikes);
                load::<F, FULL>(spikes)
            };
            v = fire.next(s, h);
            if let Some(v_seq) = &self.v_seq {
                // SAFETY: as above.
                store::<F, FULL>(&v, unsafe { v_seq.row(t, of.clone()) });
            }
        }
        // SAFETY: as above.
        store::<F, FULL>(&v, unsafe { self.v.row(0, of) });
    }
}
