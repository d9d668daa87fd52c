//! What `#[record(..)]` keeps. In: spikes and potentials as a pass goes on; out: `[T, N, ..]` each, cut off from the gradient.

use tch::Tensor;

use crate::error::{Error, Result};

/// Collects one neuron's series during a pass.
#[derive(Debug)]
pub struct Tap {
    spikes: Option<Vec<Tensor>>,
    voltage: Option<Vec<Tensor>>,
}

impl Tap {
    /// A tap for spikes, potentials or both.
    pub fn new(spikes: bool, voltage: bool) -> Tap {
        Tap { spikes: spikes.then(Vec::new), voltage: voltage.then(Vec::new) }
    }

    /// Are potentials asked for? A kernel writes them only then.
    pub fn wants_voltage(&self) -> bool {
        self.voltage.is_some()
    }

    /// Takes a piece of a pass, `[T', N, ..]` each.
    pub fn push(&mut self, spikes: &Tensor, voltage: Option<&Tensor>) {
        if let Some(list) = &mut self.spikes {
            list.push(spikes.detach());
        }
        if let (Some(list), Some(v)) = (&mut self.voltage, voltage) {
            list.push(v.detach());
        }
    }
}

/// The spikes of one neuron layer.
#[derive(Debug)]
pub struct Spikes {
    /// `[T, N, ..]`, 0 or 1 for a spiking surrogate.
    pub spikes: Tensor,
}

/// The potentials of one neuron layer.
#[derive(Debug)]
pub struct Voltage {
    /// `[T, N, ..]`, after each step's reset. SpikingJelly: `v_seq`.
    pub voltage: Tensor,
}

/// Both.
#[derive(Debug)]
pub struct SpikesAndVoltage {
    /// `[T, N, ..]`, 0 or 1 for a spiking surrogate.
    pub spikes: Tensor,
    /// `[T, N, ..]`, after each step's reset. SpikingJelly: `v_seq`.
    pub voltage: Tensor,
}

/// A recording made of a filled tap.
#[doc(hidden)]
pub trait FromTap: Sized {
    fn from_tap(tap: Tap) -> Result<Self>;
}

fn join(pieces: Option<Vec<Tensor>>) -> Result<Tensor> {
    match pieces.as_deref() {
        Some([one]) => Ok(one.shallow_clone()),
        Some(many) if !many.is_empty() => Ok(Tensor::f_cat(many, 0)?),
        _ => Err(Error::Steps { layer: "recording".into(), problem: "no step was recorded".into() }),
    }
}

impl FromTap for Spikes {
    fn from_tap(tap: Tap) -> Result<Self> {
        Ok(Spikes { spikes: join(tap.spikes)? })
    }
}

impl FromTap for Voltage {
    fn from_tap(tap: Tap) -> Result<Self> {
        Ok(Voltage { voltage: join(tap.voltage)? })
    }
}

impl FromTap for SpikesAndVoltage {
    fn from_tap(tap: Tap) -> Result<Self> {
        Ok(SpikesAndVoltage { spikes: join(tap.spikes)?, voltage: join(tap.voltage)? })
    }
}

/// The next tap of a pass as a recording.
#[doc(hidden)]
pub fn finish<R: FromTap>(tap: Option<Tap>) -> Result<R> {
    R::from_tap(tap.unwrap_or_else(|| Tap::new(false, false)))
}

/// The taps of an inner list or block; none if the pass records nothing.
#[doc(hidden)]
pub fn taps_between(taps: &mut [Tap], from: usize, to: usize) -> &mut [Tap] {
    taps.get_mut(from..to).unwrap_or_default()
}
