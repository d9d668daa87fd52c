//! Spike-tracing bipolar neurons: a quantiser of activations as spikes of both signs. In: x; out: spikes, and the three numbers of each
//! neuron moved on. From "SpikeZIP-TF: Conversion is All You Need for Transformer-based SNN" (You et al., ICML 2024). Inference only.

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_len, sequence_len};
use crate::lanes::{lanes, load, store};
use crate::par::Columns;
use crate::real::Real;
use crate::sweep::{Sweep, WIDTH, sweep};

/// A quantiser: step and range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stbif<F> {
    /// Height of a spike.
    pub q_threshold: F,
    /// Most spikes up, net of those down.
    pub pos_max: F,
    /// Most spikes down, as a number of 0 or less.
    pub neg_min: F,
}

/// What a neuron remembers, `[neurons]` each; read and written.
#[derive(Debug)]
pub struct StbifState<'a, F> {
    /// What is left over, in steps of `q_threshold`; starts at 1/2.
    pub q: &'a mut [F],
    /// Spikes so far: up minus down; starts at 0.
    pub acc_q: &'a mut [F],
    /// -1, 0 or 1 at the last step; only written.
    pub cur_output: &'a mut [F],
}

impl<F: Real> Stbif<F> {
    /// Runs x (`[steps, neurons]`) and fills `spikes` (the same).
    ///
    /// q += x / q_threshold; up where q >= 1 and acc_q < pos_max, down where q < 0 and acc_q > neg_min; c = up - down leaves q and
    /// enters acc_q; the spike is c q_threshold.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn forward(&self, steps: usize, x: &[F], state: StbifState<'_, F>, spikes: &mut [F]) -> Result<(), Error> {
        self.forward_on(Arch::new(), steps, x, state, spikes)
    }

    pub(crate) fn forward_on(&self, arch: Arch, steps: usize, x: &[F], state: StbifState<'_, F>, spikes: &mut [F]) -> Result<(), Error> {
        let StbifState { q, acc_q, cur_output } = state;
        let neurons = q.len();
        let len = sequence_len(steps, neurons)?;
        check_len("x", len, x.len())?;
        check_len("spikes", len, spikes.len())?;
        check_len("state.acc_q", neurons, acc_q.len())?;
        check_len("state.cur_output", neurons, cur_output.len())?;
        let pass = Forward {
            stbif: *self,
            steps,
            neurons,
            x,
            q: Columns::new(q, neurons),
            acc_q: Columns::new(acc_q, neurons),
            cur_output: Columns::new(cur_output, neurons),
            spikes: Columns::new(spikes, neurons),
        };
        sweep(arch, neurons, WIDTH, &pass);
        Ok(())
    }
}

struct Forward<'a, F> {
    stbif: Stbif<F>,
    steps: usize,
    neurons: usize,
    x: &'a [F],
    q: Columns<'a, F>,
    acc_q: Columns<'a, F>,
    cur_output: Columns<'a, F>,
    spikes: Columns<'a, F>,
}

impl<F: Real> Sweep for Forward<'_, F> {
    type Share = ();

    fn cost(&self) -> usize {
        self.steps
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, (): &mut ()) {
        let Stbif { q_threshold, pos_max, neg_min } = self.stbif;
        // SAFETY: blocks are disjoint, and each takes these rows once.
        let (q_row, acc_row, cur_row) =
            unsafe { (self.q.row(0, of.clone()), self.acc_q.row(0, of.clone()), self.cur_output.row(0, of.clone())) };
        let (mut q, mut acc) = (load::<F, FULL>(q_row), load::<F, FULL>(acc_row));
        let mut c = load::<F, FULL>(cur_row);
        for t in 0..self.steps {
            let x = load::<F, FULL>(&self.x[t * self.neurons..][of.clone()]);
            q = lanes(|k| q[k] + x[k] / q_threshold);
            c = lanes(|k| {
                let up = if q[k] >= F::ONE && acc[k] < pos_max { F::ONE } else { F::ZERO };
                let down = if q[k] < F::ZERO && acc[k] > neg_min { F::ONE } else { F::ZERO };
                up - down
            });
            acc = lanes(|k| acc[k] + c[k]);
            q = lanes(|k| q[k] - c[k]);
            // SAFETY: blocks are disjoint, and each takes a row once.
            store::<F, FULL>(&lanes(|k| c[k] * q_threshold), unsafe { self.spikes.row(t, of.clone()) });
        }
        store::<F, FULL>(&q, q_row);
        store::<F, FULL>(&acc, acc_row);
        store::<F, FULL>(&c, cur_row);
    }
}
