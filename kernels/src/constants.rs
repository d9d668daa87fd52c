//! Hoisted constants: a neuron and the values of its learned parameters in; out: its constants and first states, rounded to the element
//! type, and the way back from their gradients to those of the parameters.

use crate::error::{Error, check_len};
use crate::neuron::{MAX_CONSTANTS, MAX_LEARNED, MAX_STATES, Neuron, Per};
use crate::real::Real;

/// Does the neuron have a parameter with one number per channel?
pub(crate) const fn per_channel<N: Neuron>() -> bool {
    let mut i = 0;
    while i < N::LEARNED.len() {
        if matches!(N::LEARNED[i].per, Per::Channel) {
            return true;
        }
        i += 1;
    }
    false
}

/// The channels of a layer: element i of a step belongs to channel (i / `inner`) % `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Number of channels.
    pub count: usize,
    /// Elements of one channel of one sample: what lies behind the channel axis.
    pub inner: usize,
}

impl Channels {
    /// All elements are of one channel.
    pub const ONE: Channels = Channels { count: 1, inner: 1 };

    #[inline(always)]
    pub(crate) fn of(&self, element: usize) -> usize {
        element / self.inner % self.count
    }
}

/// The constants of a layer of neurons: one set, or one per channel where a parameter has one number per channel.
#[derive(Clone, Debug)]
pub struct Constants<F> {
    channels: Channels,
    /// Per channel.
    values: Vec<[F; MAX_CONSTANTS]>,
    /// The states before the first step, per channel.
    starts: Vec<[F; MAX_STATES]>,
}

impl<F: Real> Constants<F> {
    /// The constants of `neuron` for these values of its [`LEARNED`](Neuron::LEARNED) parameters: one number each, or `channels.count` for
    /// those that are [`Per::Channel`].
    ///
    /// # Errors
    /// [`Error::Length`] if `learned` does not fit.
    pub fn new<N: Neuron>(neuron: &N, learned: &[&[f64]], channels: Channels) -> Result<Constants<F>, Error> {
        check::<N>(learned, channels)?;
        let channels = if per_channel::<N>() { channels } else { Channels::ONE };
        let (mut values, mut starts) = (Vec::with_capacity(channels.count), Vec::with_capacity(channels.count));
        for channel in 0..channels.count {
            let (mut constants, mut start) = ([0.0; MAX_CONSTANTS], [0.0; MAX_STATES]);
            neuron.constants(&of_channel(learned, channel), &mut constants);
            neuron.start(&constants, &mut start);
            values.push(constants.map(F::of));
            starts.push(start.map(F::of));
        }
        Ok(Constants { channels, values, starts })
    }

    /// Constants and first states of the channel of one element.
    #[inline(always)]
    pub(crate) fn of(&self, element: usize) -> (&[F; MAX_CONSTANTS], &[F; MAX_STATES]) {
        let channel = self.channels.of(element);
        (&self.values[channel], &self.starts[channel])
    }

    /// The constants where there is one set for all.
    #[inline(always)]
    pub(crate) fn shared(&self) -> (&[F; MAX_CONSTANTS], &[F; MAX_STATES]) {
        (&self.values[0], &self.starts[0])
    }

    /// The channels that have a set of constants each.
    pub fn channels(&self) -> Channels {
        self.channels
    }
}

/// dL/d(learned parameters), shaped like `learned`, from what [`backward`](crate::backward) returns.
///
/// # Errors
/// [`Error::Length`] if `learned` or `upstream` does not fit.
pub fn learned_gradient<N: Neuron>(
    neuron: &N,
    learned: &[&[f64]],
    channels: Channels,
    upstream: &[[f64; MAX_CONSTANTS]],
) -> Result<Vec<Vec<f64>>, Error> {
    check::<N>(learned, channels)?;
    check_len("upstream", if per_channel::<N>() { channels.count } else { 1 }, upstream.len())?;
    let mut gradients: Vec<Vec<f64>> = learned.iter().map(|values| vec![0.0; values.len()]).collect();
    for (channel, upstream) in upstream.iter().enumerate() {
        let mut gradient = [0.0; MAX_LEARNED];
        neuron.constants_gradient(&of_channel(learned, channel), upstream, &mut gradient);
        for ((sums, spec), part) in gradients.iter_mut().zip(N::LEARNED).zip(gradient) {
            sums[if spec.per == Per::Channel { channel } else { 0 }] += part;
        }
    }
    Ok(gradients)
}

fn check<N: Neuron>(learned: &[&[f64]], channels: Channels) -> Result<(), Error> {
    const { assert!(N::LEARNED.len() <= MAX_LEARNED && N::CONSTANTS <= MAX_CONSTANTS && N::LEARNED_CONSTANTS <= N::CONSTANTS) };
    check_len("learned", N::LEARNED.len(), learned.len())?;
    for (spec, values) in N::LEARNED.iter().zip(learned) {
        check_len(spec.name, if spec.per == Per::Channel { channels.count } else { 1 }, values.len())?;
    }
    Ok(())
}

/// The learned parameters as one channel sees them.
fn of_channel(learned: &[&[f64]], channel: usize) -> [f64; MAX_LEARNED] {
    let mut values = [0.0; MAX_LEARNED];
    for (value, of) in values.iter_mut().zip(learned) {
        *value = if of.len() == 1 { of[0] } else { of[channel] };
    }
    values
}
