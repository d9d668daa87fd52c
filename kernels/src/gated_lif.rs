//! Gated LIF neurons: leak, input and reset are each a blend of two ways, the blend learned per channel. In: x, the first potential,
//! the constants of each channel; out: spikes and the last potential, and gradients the way back. From "GLIF: A Unified Gated Leaky
//! Integrate-and-Fire Neuron for Spiking Neural Networks" (Yao et al., NeurIPS 2022).

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::lanes::{LANES, lanes, load, store};
use crate::par::Columns;
use crate::random::{Draw, Place};
use crate::real::Real;
use crate::surrogate::Surrogate;
use crate::sweep::{Sweep, WIDTH, sweep};

/// Rows of [`GatedLif::constants`] before those of the steps.
pub const GATED_LIF_CONSTANTS: usize = 5;

/// Most partial sums of the constants' gradient: one per tile.
const MOST_TILES: usize = 64;

/// A layer of gated LIF neurons. With s' the spike of the step before (none before the first), a step is
///
/// v = keep v - decay + gain\[t\] x - (keep v gate + drop) s', s = H(v - threshold).
#[derive(Clone, Copy, Debug)]
pub struct GatedLif<'a, F> {
    /// Steps.
    pub steps: usize,
    /// Neurons at each step.
    pub neurons: usize,
    /// Channels, each with constants of its own; 1: one set for all.
    pub channels: usize,
    /// Neurons of one channel that lie next to each other.
    pub plane: usize,
    /// `[5 + steps, channels]`: keep, decay, gate, drop, threshold, then gain by step.
    pub constants: &'a [F],
    /// `[steps, neurons]`
    pub x: &'a [F],
    /// `[neurons]`: the potential before the first step; `None`: 0.
    pub v0: Option<&'a [F]>,
    /// Fires at v - threshold, and stands in for the derivative of that.
    pub surrogate: Surrogate,
    /// For surrogates that fire at random.
    pub draw: Draw,
}

/// Where [`GatedLif::backward`] writes; `None` is not computed.
#[derive(Debug)]
pub struct GatedLifGradients<'a, F> {
    /// `[steps, neurons]`: dL/dx.
    pub x: Option<&'a mut [F]>,
    /// `[neurons]`: dL/dv0.
    pub v0: Option<&'a mut [F]>,
}

impl<F: Real> GatedLif<'_, F> {
    /// Fills `spikes` (`[steps, neurons]`), `v` (`[neurons]`, the potential after the last step) and, if wanted, `v_seq` (`[steps, neurons]`,
    /// the potential after each).
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn forward(&self, spikes: &mut [F], v: &mut [F], v_seq: Option<&mut [F]>) -> Result<(), Error> {
        self.forward_on(Arch::new(), spikes, v, v_seq)
    }

    pub(crate) fn forward_on(&self, arch: Arch, spikes: &mut [F], v: &mut [F], v_seq: Option<&mut [F]>) -> Result<(), Error> {
        let len = self.check()?;
        check_len("spikes", len, spikes.len())?;
        check_opt("v_seq", len, v_seq.as_deref())?;
        check_len("v", self.neurons, v.len())?;
        let columns = |buffer| Columns::new(buffer, self.neurons);
        let pass = Forward { arch, gated: self, spikes: columns(spikes), v: columns(v), v_seq: v_seq.map(columns) };
        sweep(arch, self.neurons, WIDTH, &pass);
        Ok(())
    }

    /// The gradients of a [`forward`](GatedLif::forward) call; `grad_spikes` and `grad_v` are those of its results, `None` is zero. Returns
    /// dL/d(constants), summed over steps in `F` and over neurons in `f64`.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn backward(&self, grad_spikes: Option<&[F]>, grad_v: Option<&[F]>, out: GatedLifGradients<'_, F>) -> Result<Vec<f64>, Error> {
        self.backward_on(Arch::new(), grad_spikes, grad_v, out)
    }

    pub(crate) fn backward_on(
        &self,
        arch: Arch,
        grad_spikes: Option<&[F]>,
        grad_v: Option<&[F]>,
        out: GatedLifGradients<'_, F>,
    ) -> Result<Vec<f64>, Error> {
        let len = self.check()?;
        check_opt("grad_spikes", len, grad_spikes)?;
        check_opt("grad_v", self.neurons, grad_v)?;
        check_opt("out.x", len, out.x.as_deref())?;
        check_opt("out.v0", self.neurons, out.v0.as_deref())?;
        let pass = Backward {
            arch,
            gated: self,
            grad_spikes,
            grad_v,
            x: out.x.map(|x| Columns::new(x, self.neurons)),
            v0: out.v0.map(|v0| Columns::new(v0, self.neurons)),
        };
        let width = self.neurons.div_ceil(MOST_TILES).next_multiple_of(LANES).max(WIDTH);
        let mut total = vec![0.0; self.constants.len()];
        for share in sweep(arch, self.neurons, width, &pass) {
            total.iter_mut().zip(share.sums).for_each(|(total, sum)| *total += sum);
        }
        Ok(total)
    }

    /// The number of spikes.
    fn check(&self) -> Result<usize, Error> {
        let len = sequence_len(self.steps, self.neurons)?;
        check_len("x", len, self.x.len())?;
        check_opt("v0", self.neurons, self.v0)?;
        check_len("constants", (GATED_LIF_CONSTANTS + self.steps) * self.channels, self.constants.len())?;
        Ok(len)
    }

    /// The channel of each lane.
    #[inline(always)]
    fn channels_of(&self, of: &Range<usize>) -> [usize; LANES] {
        std::array::from_fn(|k| (of.start + k) / self.plane.max(1) % self.channels)
    }

    /// Row `row` of the constants, for each lane.
    #[inline(always)]
    fn constant(&self, row: usize, channel: &[usize; LANES]) -> [F; LANES] {
        let row = &self.constants[row * self.channels..][..self.channels];
        lanes(|k| row[channel[k]])
    }

    #[inline(always)]
    fn constants_of(&self, channel: &[usize; LANES]) -> [[F; LANES]; GATED_LIF_CONSTANTS] {
        std::array::from_fn(|row| self.constant(row, channel))
    }

    #[inline(always)]
    fn first<const FULL: bool>(&self, of: Range<usize>) -> [F; LANES] {
        self.v0.map_or([F::ZERO; LANES], |v0| load::<F, FULL>(&v0[of]))
    }

    #[inline(always)]
    fn over(&self, v: [F; LANES], threshold: &[F; LANES]) -> [F; LANES] {
        lanes(|k| v[k] - threshold[k])
    }

    /// The spikes of step `t`, where `over` says how far the potential is over its threshold.
    #[inline(always)]
    fn fire(&self, arch: Arch, t: usize, of: &Range<usize>, over: &mut [F; LANES]) {
        self.surrogate.spike_on(arch, over, Place { draw: self.draw, series: t, element: of.start });
    }

    /// The potential after step `t`, in the order of SpikingJelly's operations.
    #[inline(always)]
    fn charge<const FULL: bool>(
        &self,
        t: usize,
        of: Range<usize>,
        channel: &[usize; LANES],
        [keep, decay, gate, drop, _]: &[[F; LANES]; GATED_LIF_CONSTANTS],
        v: [F; LANES],
        s: [F; LANES],
    ) -> [F; LANES] {
        let gain = self.constant(GATED_LIF_CONSTANTS + t, channel);
        let x = load::<F, FULL>(&self.x[t * self.neurons..][of]);
        let charged = lanes(|k| keep[k] * v[k] - decay[k] + x[k] * gain[k]);
        lanes(|k| charged[k] - keep[k] * v[k] * gate[k] * s[k] - drop[k] * s[k])
    }
}

struct Forward<'a, F> {
    arch: Arch,
    gated: &'a GatedLif<'a, F>,
    spikes: Columns<'a, F>,
    v: Columns<'a, F>,
    v_seq: Option<Columns<'a, F>>,
}

impl<F: Real> Sweep for Forward<'_, F> {
    type Share = ();

    fn cost(&self) -> usize {
        self.gated.steps
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, (): &mut ()) {
        let channel = self.gated.channels_of(&of);
        let constants = self.gated.constants_of(&channel);
        let threshold = constants[4];
        let mut v = self.gated.first::<FULL>(of.clone());
        let mut s = [F::ZERO; LANES];
        for t in 0..self.gated.steps {
            v = self.gated.charge::<FULL>(t, of.clone(), &channel, &constants, v, s);
            s = self.gated.over(v, &threshold);
            self.gated.fire(self.arch, t, &of, &mut s);
            // SAFETY: blocks are disjoint, and each takes a row once.
            store::<F, FULL>(&s, unsafe { self.spikes.row(t, of.clone()) });
            if let Some(v_seq) = &self.v_seq {
                // SAFETY: as above.
                store::<F, FULL>(&v, unsafe { v_seq.row(t, of.clone()) });
            }
        }
        // SAFETY: as above.
        store::<F, FULL>(&v, unsafe { self.v.row(0, of) });
    }
}

struct Backward<'a, F> {
    arch: Arch,
    gated: &'a GatedLif<'a, F>,
    grad_spikes: Option<&'a [F]>,
    grad_v: Option<&'a [F]>,
    x: Option<Columns<'a, F>>,
    v0: Option<Columns<'a, F>>,
}

/// What a tile of the backward pass works in and sums up.
#[derive(Default)]
struct Share<F> {
    /// By step: the potential, the spike and the surrogate's derivative of a block.
    v: Vec<[F; LANES]>,
    s: Vec<[F; LANES]>,
    slope: Vec<F>,
    /// As [`GatedLif::constants`].
    sums: Vec<f64>,
}

impl<F: Real> Share<F> {
    /// Adds what the lanes of a block have of row `row` of the constants.
    #[inline(always)]
    fn add(&mut self, row: usize, channels: usize, channel: &[usize; LANES], sum: [F; LANES]) {
        let row = &mut self.sums[row * channels..][..channels];
        for k in 0..LANES {
            row[channel[k]] += sum[k].to_f64();
        }
    }
}

impl<F: Real> Sweep for Backward<'_, F> {
    type Share = Share<F>;

    fn cost(&self) -> usize {
        2 * self.gated.steps
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, share: &mut Share<F>) {
        let GatedLif { steps, neurons, channels, .. } = *self.gated;
        share.sums.resize(self.gated.constants.len(), 0.0);
        let channel = self.gated.channels_of(&of);
        let constants = self.gated.constants_of(&channel);
        let [keep, _, gate, drop, threshold] = constants;

        // The forward pass again.
        let start = self.gated.first::<FULL>(of.clone());
        let (mut v, mut s) = (start, [F::ZERO; LANES]);
        share.v.clear();
        share.s.clear();
        share.slope.clear();
        for t in 0..steps {
            v = self.gated.charge::<FULL>(t, of.clone(), &channel, &constants, v, s);
            s = self.gated.over(v, &threshold);
            share.slope.extend_from_slice(&s);
            self.gated.fire(self.arch, t, &of, &mut s);
            share.v.push(v);
            share.s.push(s);
        }
        self.gated.surrogate.derivative_on(self.arch, &mut share.slope);

        let mut grad_v = self.grad_v.map_or([F::ZERO; LANES], |g| load::<F, FULL>(&g[of.clone()]));
        // What the next step's reset says about the spike.
        let mut grad_s = [F::ZERO; LANES];
        let mut sums = [[F::ZERO; LANES]; GATED_LIF_CONSTANTS];
        for t in (0..steps).rev() {
            let own = self.grad_spikes.map_or([F::ZERO; LANES], |g| load::<F, FULL>(&g[t * neurons..][of.clone()]));
            let slope = load::<F, true>(&share.slope[t * LANES..][..LANES]);
            let (v, s) = if t == 0 { (start, [F::ZERO; LANES]) } else { (share.v[t - 1], share.s[t - 1]) };
            let fired = lanes(|k| slope[k] * (own[k] + grad_s[k]));
            let g = lanes(|k| fired[k] + grad_v[k]);
            let held = lanes(|k| F::ONE - gate[k] * s[k]);
            sums[0] = lanes(|k| sums[0][k] + g[k] * v[k] * held[k]);
            sums[1] = lanes(|k| sums[1][k] - g[k]);
            sums[2] = lanes(|k| sums[2][k] - g[k] * keep[k] * v[k] * s[k]);
            sums[3] = lanes(|k| sums[3][k] - g[k] * s[k]);
            sums[4] = lanes(|k| sums[4][k] - fired[k]);
            let x = load::<F, FULL>(&self.gated.x[t * neurons..][of.clone()]);
            share.add(GATED_LIF_CONSTANTS + t, channels, &channel, lanes(|k| g[k] * x[k]));
            if let Some(out) = &self.x {
                let gain = self.gated.constant(GATED_LIF_CONSTANTS + t, &channel);
                // SAFETY: blocks are disjoint, and each takes a row once.
                store::<F, FULL>(&lanes(|k| g[k] * gain[k]), unsafe { out.row(t, of.clone()) });
            }
            grad_s = lanes(|k| -(g[k] * (keep[k] * v[k] * gate[k] + drop[k])));
            grad_v = lanes(|k| g[k] * keep[k] * held[k]);
        }
        for (row, sum) in sums.into_iter().enumerate() {
            share.add(row, channels, &channel, sum);
        }
        if let Some(out) = &self.v0 {
            // SAFETY: as above.
            store::<F, FULL>(&grad_v, unsafe { out.row(0, of) });
        }
    }
}
