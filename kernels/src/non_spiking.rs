//! Neurons that do not fire: the potential itself is the output, at every step or one number for all of them. In: x; out: potentials.
//!
//! Everything is linear but the choice of a maximum, so the backward pass needs the step of that maximum and nothing else.

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::lanes::{LANES, lanes, load, store};
use crate::par::Columns;
use crate::real::Real;
use crate::sweep::{Sweep, WIDTH, sweep};

/// What becomes of the potentials `v[0], .., v[T - 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decode {
    /// All of them.
    Sequence,
    /// v[T - 1]
    Last,
    /// Their mean.
    Mean,
    /// The largest, the first of equal ones.
    Max,
    /// The one farthest from 0: the largest if its size is greater than that of the smallest, else the smallest.
    MaxAbs,
}

impl Decode {
    /// Does the output have a time axis?
    pub fn keeps_time(self) -> bool {
        self == Decode::Sequence
    }

    /// Is one step chosen, for each neuron its own?
    pub fn chooses(self) -> bool {
        matches!(self, Decode::Max | Decode::MaxAbs)
    }

    fn outputs(self, steps: usize, neurons: usize) -> Result<usize, Error> {
        if self.keeps_time() { sequence_len(steps, neurons) } else { Ok(neurons) }
    }
}

/// A potential that starts at 0 and never resets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonSpiking<F> {
    /// v + (x - v) / tau; `None`: v + x.
    pub tau: Option<F>,
    /// What comes out.
    pub decode: Decode,
}

impl<F: Real> NonSpiking<F> {
    /// Runs `steps` steps of x (`[steps, neurons]`). `out` is `[steps, neurons]` for [`Decode::Sequence`], else `[neurons]`.
    ///
    /// `chosen` (`[neurons]`) is told which step the output of each neuron comes from, where one is chosen.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn forward(&self, steps: usize, neurons: usize, x: &[F], out: &mut [F], chosen: Option<&mut [u32]>) -> Result<(), Error> {
        self.forward_on(Arch::new(), steps, neurons, x, out, chosen)
    }

    pub(crate) fn forward_on(
        &self,
        arch: Arch,
        steps: usize,
        neurons: usize,
        x: &[F],
        out: &mut [F],
        chosen: Option<&mut [u32]>,
    ) -> Result<(), Error> {
        check_len("x", sequence_len(steps, neurons)?, x.len())?;
        check_len("out", self.decode.outputs(steps, neurons)?, out.len())?;
        check_opt("chosen", neurons, chosen.as_deref())?;
        let (out, chosen) = (Columns::new(out, neurons), chosen.map(|c| Columns::new(c, neurons)));
        sweep(arch, neurons, WIDTH, &Forward { neuron: *self, steps, neurons, x, out, chosen });
        Ok(())
    }

    /// dL/dx (`[steps, neurons]`) from `grad`, the gradient of the output; `chosen` is what the forward pass wrote.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit, or `chosen` is missing where a step was chosen.
    pub fn backward(&self, steps: usize, neurons: usize, grad: &[F], chosen: Option<&[u32]>, out: &mut [F]) -> Result<(), Error> {
        check_len("out", sequence_len(steps, neurons)?, out.len())?;
        check_len("grad", self.decode.outputs(steps, neurons)?, grad.len())?;
        let chosen = chosen.unwrap_or_default();
        check_len("chosen", if self.decode.chooses() { neurons } else { 0 }, chosen.len())?;
        let out = Columns::new(out, neurons);
        sweep(Arch::new(), neurons, WIDTH, &Backward { neuron: *self, steps, neurons, grad, chosen, out });
        Ok(())
    }

    /// The potential after one step.
    #[inline(always)]
    fn charge(&self, v: [F; LANES], x: [F; LANES]) -> [F; LANES] {
        match self.tau {
            None => lanes(|k| v[k] + x[k]),
            Some(tau) => lanes(|k| v[k] + (x[k] - v[k]) / tau),
        }
    }
}

struct Forward<'a, F> {
    neuron: NonSpiking<F>,
    steps: usize,
    neurons: usize,
    x: &'a [F],
    out: Columns<'a, F>,
    chosen: Option<Columns<'a, u32>>,
}

/// The best potential so far and its step.
#[derive(Clone, Copy)]
struct Best<F> {
    v: [F; LANES],
    step: [u32; LANES],
}

impl<F: Real> Best<F> {
    /// Takes `v` where `better(v, best)`; a NaN is better than any number, and the first one stays.
    #[inline(always)]
    fn meet(&mut self, t: u32, v: [F; LANES], better: impl Fn(F, F) -> bool) {
        #[allow(clippy::eq_op, reason = "false for NaN only")]
        let take = |k: usize| t == 0 || (self.v[k] == self.v[k] && (better(v[k], self.v[k]) || v[k] != v[k]));
        let took: [bool; LANES] = std::array::from_fn(take);
        self.v = lanes(|k| if took[k] { v[k] } else { self.v[k] });
        self.step = std::array::from_fn(|k| if took[k] { t } else { self.step[k] });
    }
}

impl<F: Real> Sweep for Forward<'_, F> {
    type Share = ();

    fn cost(&self) -> usize {
        self.steps
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, (): &mut ()) {
        let decode = self.neuron.decode;
        let mut v = [F::ZERO; LANES];
        let mut sum = [F::ZERO; LANES];
        let (mut max, mut min) = (Best { v, step: [0; LANES] }, Best { v, step: [0; LANES] });
        for t in 0..self.steps {
            let x = load::<F, FULL>(&self.x[t * self.neurons..][of.clone()]);
            v = self.neuron.charge(v, x);
            match decode {
                // SAFETY: blocks are disjoint, and each takes a row once.
                Decode::Sequence => store::<F, FULL>(&v, unsafe { self.out.row(t, of.clone()) }),
                Decode::Last => {}
                Decode::Mean => sum = lanes(|k| sum[k] + v[k]),
                Decode::Max | Decode::MaxAbs => {
                    max.meet(t as u32, v, |v, best| v > best);
                    if decode == Decode::MaxAbs {
                        min.meet(t as u32, v, |v, best| v < best);
                    }
                }
            }
        }
        let (out, step) = match decode {
            Decode::Sequence => return,
            Decode::Last => (v, [0; LANES]),
            Decode::Mean => {
                let steps = F::of(self.steps as f64);
                (lanes(|k| sum[k] / steps), [0; LANES])
            }
            Decode::Max => (max.v, max.step),
            Decode::MaxAbs => {
                let up: [bool; LANES] = std::array::from_fn(|k| max.v[k].abs() > min.v[k].abs());
                (lanes(|k| if up[k] { max.v[k] } else { min.v[k] }), std::array::from_fn(|k| if up[k] { max.step[k] } else { min.step[k] }))
            }
        };
        // SAFETY: as above.
        store::<F, FULL>(&out, unsafe { self.out.row(0, of.clone()) });
        if let Some(chosen) = &self.chosen {
            let n = of.len();
            // SAFETY: as above.
            unsafe { chosen.row(0, of) }.copy_from_slice(&step[..n]);
        }
    }
}

struct Backward<'a, F> {
    neuron: NonSpiking<F>,
    steps: usize,
    neurons: usize,
    grad: &'a [F],
    chosen: &'a [u32],
    out: Columns<'a, F>,
}

impl<F: Real> Sweep for Backward<'_, F> {
    type Share = ();

    fn cost(&self) -> usize {
        self.steps
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, (): &mut ()) {
        let decode = self.neuron.decode;
        let whole = if decode.keeps_time() { [F::ZERO; LANES] } else { load::<F, FULL>(&self.grad[of.clone()]) };
        let mut chosen = [0; LANES];
        if decode.chooses() {
            chosen[..of.len()].copy_from_slice(&self.chosen[of.clone()]);
        }
        let share = F::ONE / F::of(self.steps as f64);
        let mut grad_v = [F::ZERO; LANES];
        for t in (0..self.steps).rev() {
            let own = match decode {
                Decode::Sequence => load::<F, FULL>(&self.grad[t * self.neurons..][of.clone()]),
                Decode::Last if t + 1 == self.steps => whole,
                Decode::Last => [F::ZERO; LANES],
                Decode::Mean => lanes(|k| whole[k] * share),
                Decode::Max | Decode::MaxAbs => lanes(|k| if chosen[k] == t as u32 { whole[k] } else { F::ZERO }),
            };
            let grad_h = lanes(|k| own[k] + grad_v[k]);
            // d(v + (x - v) / tau): a share of 1 / tau goes to x, the rest to v.
            let grad_x = match self.neuron.tau {
                None => grad_h,
                Some(tau) => lanes(|k| grad_h[k] / tau),
            };
            grad_v = match self.neuron.tau {
                None => grad_h,
                Some(_) => lanes(|k| grad_h[k] - grad_x[k]),
            };
            // SAFETY: blocks are disjoint, and each takes a row once.
            store::<F, FULL>(&grad_x, unsafe { self.out.row(t, of.clone()) });
        }
    }
}
