//! A block of neighbouring neurons, one step of it: lanes in, the neuron's formulas per lane, lanes out.
//!
//! The forward pass and the replay and reverse of the backward pass are made of these. Slots that a neuron does not use stay zero and
//! are gone after inlining.

use std::array::from_fn;
use std::ops::Range;

use pulp::Arch;

use crate::constants::{Constants, per_channel};
use crate::lanes::{LANES, lanes, load};
use crate::neuron::{MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_STATES, Neuron};
use crate::random::{Draw, Place};
use crate::real::Real;
use crate::scale::ScaleLanes;
use crate::surrogate::Surrogate;

/// One value per lane.
pub(crate) type Lanes<F> = [F; LANES];
/// The states, per lane.
pub(crate) type States<F> = [Lanes<F>; MAX_STATES];
/// What goes into and comes out of the surrogate function, per lane.
pub(crate) type Fires<F> = [Lanes<F>; MAX_FIRES];
/// What the first half of a step hands to the second, per lane.
pub(crate) type Kept<F> = [Lanes<F>; MAX_KEPT];

pub(crate) const fn zeros<F: Real, const N: usize>() -> [Lanes<F>; N] {
    [[F::ZERO; LANES]; N]
}

/// A neuron with its constants as a block sees them.
pub(crate) struct Block<'a, F, N> {
    pub(crate) neuron: &'a N,
    /// Where one set of constants is for all.
    shared: [F; MAX_CONSTANTS],
    /// Where channels have their own.
    own: [Lanes<F>; MAX_CONSTANTS],
}

impl<'a, F: Real, N: Neuron> Block<'a, F, N> {
    /// The neurons `of` of a layer.
    #[inline(always)]
    pub(crate) fn new(neuron: &'a N, constants: &Constants<F>, of: &Range<usize>) -> Self {
        let mut block = Block { neuron, shared: *constants.shared().0, own: zeros() };
        if const { per_channel::<N>() } {
            for k in 0..of.len() {
                let (values, _) = constants.of(of.start + k);
                for i in 0..N::CONSTANTS {
                    block.own[i][k] = values[i];
                }
            }
        }
        block
    }

    /// Calls `f` with the constants of lane k.
    #[inline(always)]
    fn with<R>(&self, k: usize, f: impl FnOnce(&[F; MAX_CONSTANTS]) -> R) -> R {
        if const { per_channel::<N>() } {
            f(&from_fn(|i| if i < N::CONSTANTS { self.own[i][k] } else { F::ZERO }))
        } else {
            f(&self.shared)
        }
    }

    /// The states before the first step: as given, or where the neuron starts.
    #[inline(always)]
    pub(crate) fn start<const FULL: bool>(constants: &Constants<F>, given: &[Option<&[F]>], of: &Range<usize>) -> States<F> {
        let mut states = zeros();
        for (i, state) in states.iter_mut().enumerate().take(N::STATES.len()) {
            *state = match given.get(i) {
                Some(Some(given)) => load::<F, FULL>(&given[of.clone()]),
                _ if const { per_channel::<N>() } => lanes(|k| constants.of(of.start + k).1[i]),
                _ => [constants.shared().1[i]; LANES],
            };
        }
        states
    }

    /// The first half of a step.
    #[inline(always)]
    pub(crate) fn charge(&self, s: &States<F>, x: &Lanes<F>) -> (Fires<F>, Kept<F>) {
        let (mut over, mut kept) = (zeros(), zeros());
        for k in 0..LANES {
            let charged = self.with(k, |c| self.neuron.charge(c, &states_of::<F, N>(s, k), x[k]));
            for i in 0..N::FIRES {
                over[i][k] = charged.over[i];
            }
            for i in 0..N::KEPT {
                kept[i][k] = charged.kept[i];
            }
        }
        (over, kept)
    }

    /// The second half of a step: output and next states.
    #[inline(always)]
    pub(crate) fn finish(&self, s: &States<F>, x: &Lanes<F>, kept: &Kept<F>, spikes: &Fires<F>) -> (Lanes<F>, States<F>) {
        let (mut y, mut states) = ([F::ZERO; LANES], zeros());
        for k in 0..LANES {
            let finished = self.with(k, |c| {
                self.neuron.finish(c, &states_of::<F, N>(s, k), x[k], &kept_of::<F, N>(kept, k), &fires_of::<F, N>(spikes, k))
            });
            y[k] = finished.y;
            for i in 0..N::STATES.len() {
                states[i][k] = finished.states[i];
            }
        }
        (y, states)
    }

    /// A whole step where the sign says who fires: [`charge`](Block::charge), spikes and [`finish`](Block::finish) in one loop, so that what
    /// they hand on stays in registers.
    #[inline(always)]
    pub(crate) fn step(&self, states: &mut States<F>, x: &Lanes<F>, scale: Option<&ScaleLanes<F>>, over: &mut Fires<F>, y: &mut Lanes<F>) {
        for k in 0..LANES {
            let x = scale.map_or(x[k], |scale| scale.lane(k, x[k]));
            let finished = self.with(k, |c| {
                let s = states_of::<F, N>(states, k);
                let charged = self.neuron.charge(c, &s, x);
                for i in 0..N::FIRES {
                    over[i][k] = charged.over[i];
                }
                let spikes = from_fn(|i| if i < N::FIRES { charged.over[i].heaviside() } else { F::ZERO });
                self.neuron.finish(c, &s, x, &charged.kept, &spikes)
            });
            y[k] = finished.y;
            for i in 0..N::STATES.len() {
                states[i][k] = finished.states[i];
            }
        }
    }

    /// The derivative of a whole step where the sign says who fires: as [`adjoint`](Block::adjoint).
    #[inline(always)]
    pub(crate) fn step_back(
        &self,
        before: &[&Lanes<F>; MAX_STATES],
        x: &Lanes<F>,
        slopes: &[&Lanes<F>; MAX_FIRES],
        grad_y: &Lanes<F>,
        grad_states: &mut States<F>,
        sums: &mut [Lanes<F>; MAX_CONSTANTS],
        grad_x: &mut Lanes<F>,
    ) {
        for k in 0..LANES {
            let adjoint = self.with(k, |c| {
                let s = from_fn(|i| if i < N::STATES.len() { before[i][k] } else { F::ZERO });
                let charged = self.neuron.charge(c, &s, x[k]);
                let spikes = from_fn(|i| if i < N::FIRES { charged.over[i].heaviside() } else { F::ZERO });
                let slopes = from_fn(|i| if i < N::FIRES { slopes[i][k] } else { F::ZERO });
                self.neuron.adjoint(c, &s, x[k], &charged.kept, &spikes, &slopes, grad_y[k], &states_of::<F, N>(grad_states, k))
            });
            grad_x[k] = adjoint.x;
            for i in 0..N::STATES.len() {
                grad_states[i][k] = adjoint.states[i];
            }
            for i in 0..N::LEARNED_CONSTANTS {
                sums[i][k] = sums[i][k] + adjoint.constants[i];
            }
        }
    }

    /// The derivative of a step: gradients of x and the states before; those of the constants are added to `sums`.
    #[inline(always)]
    pub(crate) fn adjoint(
        &self,
        s: &States<F>,
        x: &Lanes<F>,
        kept: &Kept<F>,
        spikes: &Fires<F>,
        slopes: &Fires<F>,
        grad_y: &Lanes<F>,
        grad_states: &States<F>,
        sums: &mut [Lanes<F>; MAX_CONSTANTS],
    ) -> (Lanes<F>, States<F>) {
        let (mut grad_x, mut grads) = ([F::ZERO; LANES], zeros());
        for k in 0..LANES {
            let adjoint = self.with(k, |c| {
                let (s, kept, spikes) = (states_of::<F, N>(s, k), kept_of::<F, N>(kept, k), fires_of::<F, N>(spikes, k));
                self.neuron.adjoint(
                    c,
                    &s,
                    x[k],
                    &kept,
                    &spikes,
                    &fires_of::<F, N>(slopes, k),
                    grad_y[k],
                    &states_of::<F, N>(grad_states, k),
                )
            });
            grad_x[k] = adjoint.x;
            for i in 0..N::STATES.len() {
                grads[i][k] = adjoint.states[i];
            }
            for i in 0..N::LEARNED_CONSTANTS {
                sums[i][k] = sums[i][k] + adjoint.constants[i];
            }
        }
        (grad_x, grads)
    }
}

#[inline(always)]
fn states_of<F: Real, N: Neuron>(s: &States<F>, k: usize) -> [F; MAX_STATES] {
    from_fn(|i| if i < N::STATES.len() { s[i][k] } else { F::ZERO })
}

#[inline(always)]
fn fires_of<F: Real, N: Neuron>(s: &Fires<F>, k: usize) -> [F; MAX_FIRES] {
    from_fn(|i| if i < N::FIRES { s[i][k] } else { F::ZERO })
}

#[inline(always)]
fn kept_of<F: Real, N: Neuron>(s: &Kept<F>, k: usize) -> [F; MAX_KEPT] {
    from_fn(|i| if i < N::KEPT { s[i][k] } else { F::ZERO })
}

/// How spikes are made: by comparison, or by a function of the surrogate.
#[derive(Clone, Copy)]
pub(crate) struct Firing {
    surrogate: Surrogate,
    /// Spikes are 0 or 1, by the sign.
    pub(crate) plain: bool,
    draw: Draw,
}

impl Firing {
    pub(crate) fn new(surrogate: Surrogate, draw: Draw) -> Firing {
        Firing { surrogate, plain: surrogate.is_step(), draw }
    }

    /// Spikes of a block at step `t`; `element` is its first neuron.
    #[inline(always)]
    pub(crate) fn spikes<F: Real, N: Neuron>(&self, arch: Arch, over: &Fires<F>, t: usize, element: usize) -> Fires<F> {
        let mut spikes = zeros();
        for i in 0..N::FIRES {
            spikes[i] = if self.plain {
                lanes(|k| over[i][k].heaviside())
            } else {
                let mut spikes = over[i];
                self.surrogate.spike_on(arch, &mut spikes, Place { draw: self.draw, series: t * N::FIRES + i, element });
                spikes
            };
        }
        spikes
    }
}
