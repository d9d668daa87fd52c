//! Differentiation on spike representation: neurons whose backward pass looks at firing rates instead of steps. In: x; out: spikes as
//! high as the threshold, and gradients by the regime that a neuron's rate is in. From "Training High-Performance Low-Latency Spiking
//! Neural Networks by Differentiation on Spike Representation" (Meng et al., CVPR 2022).
//!
//! Between spiking and silent stands a straight line from input rate to output rate: its slope is the gradient, the same at every
//! step. So the forward pass keeps one byte per neuron, and the backward pass writes one row.

use std::ops::Range;

use pulp::Arch;

use crate::error::{Error, check_len, sequence_len};
use crate::lanes::{LANES, lanes, load, store};
use crate::par::Columns;
use crate::real::Real;
use crate::sweep::{Sweep, WIDTH, sweep};

/// A DSR neuron. The potential starts at 0; s = v_threshold where v >= alpha v_threshold, and v loses s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dsr<F> {
    /// Height of a spike.
    pub v_threshold: F,
    /// The share of the threshold at which it fires.
    pub alpha: F,
    /// beta v + (1 - beta) x; `None`: v + x.
    pub leak: Option<DsrLeak>,
}

/// The leak of a [`Dsr`] neuron: beta = exp(-delta_t / tau), and spikes are divided by delta_t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DsrLeak {
    /// Time constant.
    pub tau: f64,
    /// Length of a step.
    pub delta_t: f64,
}

impl DsrLeak {
    /// What a step keeps.
    #[inline(always)]
    pub(crate) fn beta(self) -> f64 {
        (-self.delta_t / self.tau).exp()
    }
}

/// Where the input's rate lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Regime {
    /// Below 0: no spikes.
    Silent,
    /// Output in proportion to input.
    Linear,
    /// Spikes at every step.
    Saturated,
}

impl<F: Real> Dsr<F> {
    /// Runs x (`[steps, neurons]`); fills `spikes` (the same) and, for the backward pass, `regime` (`[neurons]`).
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn forward(&self, steps: usize, x: &[F], spikes: &mut [F], regime: &mut [u8]) -> Result<(), Error> {
        self.forward_on(Arch::new(), steps, x, spikes, regime)
    }

    pub(crate) fn forward_on(&self, arch: Arch, steps: usize, x: &[F], spikes: &mut [F], regime: &mut [u8]) -> Result<(), Error> {
        let neurons = regime.len();
        let len = sequence_len(steps, neurons)?;
        check_len("x", len, x.len())?;
        check_len("spikes", len, spikes.len())?;
        let (spikes, regime) = (Columns::new(spikes, neurons), Columns::new(regime, neurons));
        sweep(arch, neurons, WIDTH, &Forward { dsr: *self, neurons, x, weights: self.weights(steps), spikes, regime });
        Ok(())
    }

    /// dL/dx of every step (`[neurons]`: it is the same at all of them) from `grad` (`[steps, neurons]`), the gradient of the spikes, and
    /// `regime` of the forward pass. Returns dL/d(v_threshold).
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit.
    pub fn backward(&self, steps: usize, grad: &[F], regime: &[u8], out: &mut [F]) -> Result<f64, Error> {
        let neurons = regime.len();
        check_len("grad", sequence_len(steps, neurons)?, grad.len())?;
        check_len("out", neurons, out.len())?;
        let pass =
            Backward { neurons, grad, weights: self.weights(steps), slope: self.slope(steps), regime, out: Columns::new(out, neurons) };
        let saturated: f64 = sweep(Arch::new(), neurons, WIDTH, &pass).into_iter().sum();
        Ok(saturated * self.leak.map_or(1.0, |leak| leak.delta_t))
    }

    /// The slope of the line from input rate to output rate, for one step.
    pub(crate) fn slope(&self, steps: usize) -> F {
        self.leak.map_or(F::ONE, |leak| F::ONE / F::of(leak.tau)) / F::of(steps as f64)
    }

    /// How much each step counts in a rate; nothing where all count the same.
    pub fn step_weights(&self, steps: usize) -> Option<Vec<F>> {
        self.leak.map(|_| self.weights(steps).0)
    }

    /// How much each step counts in a rate, and the sum of that. Late steps count more where there is a leak.
    pub(crate) fn weights(&self, steps: usize) -> (Vec<F>, F) {
        let weight = |t: usize| match self.leak {
            None => F::ONE,
            Some(DsrLeak { tau, delta_t }) => F::of((-(delta_t * steps as f64 - (t + 1) as f64 * delta_t) / tau).exp()),
        };
        let weights: Vec<F> = (0..steps).map(weight).collect();
        let sum = weights.iter().fold(F::ZERO, |sum, &w| sum + w);
        (weights, sum)
    }

    /// The regime of a neuron whose input has the rate r. The ends of the line belong to it, or with a leak to what lies beyond.
    #[inline(always)]
    fn regime(&self, r: F) -> Regime {
        let (linear, saturated) = match self.leak {
            None => (r >= F::ZERO && r <= self.v_threshold, r > self.v_threshold),
            Some(DsrLeak { tau, delta_t }) => {
                let most = self.v_threshold / F::of(delta_t) * F::of(tau);
                (r > F::ZERO && r < most, r > most)
            }
        };
        match (linear, saturated) {
            (true, _) => Regime::Linear,
            (_, true) => Regime::Saturated,
            _ => Regime::Silent,
        }
    }
}

struct Forward<'a, F> {
    dsr: Dsr<F>,
    neurons: usize,
    x: &'a [F],
    weights: (Vec<F>, F),
    spikes: Columns<'a, F>,
    regime: Columns<'a, u8>,
}

impl<F: Real> Sweep for Forward<'_, F> {
    type Share = ();

    fn cost(&self) -> usize {
        self.weights.0.len()
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, (): &mut ()) {
        let Dsr { v_threshold, alpha, leak } = self.dsr;
        let fires = alpha * v_threshold;
        let (mut v, mut sum) = ([F::ZERO; LANES], [F::ZERO; LANES]);
        for (t, &w) in self.weights.0.iter().enumerate() {
            let x = load::<F, FULL>(&self.x[t * self.neurons..][of.clone()]);
            sum = lanes(|k| sum[k] + w * x[k]);
            v = match leak {
                None => lanes(|k| v[k] + x[k]),
                Some(leak) => {
                    let beta = leak.beta();
                    let (keep, take) = (F::of(beta), F::of(1.0 - beta));
                    lanes(|k| keep * v[k] + take * x[k])
                }
            };
            let s = lanes(|k| if v[k] >= fires { v_threshold } else { F::ZERO });
            v = lanes(|k| v[k] - s[k]);
            // SAFETY: blocks are disjoint, and each takes a row once.
            let out = unsafe { self.spikes.row(t, of.clone()) };
            match leak {
                None => store::<F, FULL>(&s, out),
                Some(DsrLeak { delta_t, .. }) => {
                    let delta_t = F::of(delta_t);
                    store::<F, FULL>(&lanes(|k| s[k] / delta_t), out);
                }
            }
        }
        // SAFETY: as above.
        let regime = unsafe { self.regime.row(0, of) };
        for (regime, &sum) in regime.iter_mut().zip(&sum) {
            *regime = self.dsr.regime(sum / self.weights.1) as u8;
        }
    }
}

struct Backward<'a, F> {
    neurons: usize,
    grad: &'a [F],
    weights: (Vec<F>, F),
    /// Of the line, for one step.
    slope: F,
    regime: &'a [u8],
    out: Columns<'a, F>,
}

impl<F: Real> Sweep for Backward<'_, F> {
    /// What reaches the threshold: the gradients of saturated neurons.
    type Share = f64;

    fn cost(&self) -> usize {
        self.weights.0.len()
    }

    #[inline(always)]
    fn block<const FULL: bool>(&self, of: Range<usize>, share: &mut f64) {
        let (weights, sum) = &self.weights;
        let mut rate = [F::ZERO; LANES];
        for (t, &w) in weights.iter().enumerate() {
            let g = load::<F, FULL>(&self.grad[t * self.neurons..][of.clone()]);
            rate = lanes(|k| rate[k] + w * g[k]);
        }
        let (sum, steps, slope) = (*sum, F::of(weights.len() as f64), self.slope);
        let coded = lanes(|k| rate[k] / sum * steps);
        let mut regime = [Regime::Silent as u8; LANES];
        regime[..of.len()].copy_from_slice(&self.regime[of.clone()]);
        let is = |k: usize, which: Regime| regime[k] == which as u8;
        let grad_x = lanes(|k| if is(k, Regime::Linear) { coded[k] * slope } else { F::ZERO });
        // SAFETY: blocks are disjoint, and each takes a row once.
        store::<F, FULL>(&grad_x, unsafe { self.out.row(0, of) });
        let saturated = lanes(|k| if is(k, Regime::Saturated) { coded[k] } else { F::ZERO });
        *share += saturated.iter().map(|x| x.to_f64()).sum::<f64>();
    }
}
