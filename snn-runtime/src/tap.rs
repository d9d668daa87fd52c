//! Recorded series. In: the spikes and potentials of a neuron, step by step or as sequences; out: `[T, N, ..]` of each that was
//! asked for, cut off from the gradient.

use tch::Tensor;

use crate::error::{Error, Result};

/// What is recorded of one neuron while a net runs. Nothing is kept that was not asked for.
#[derive(Debug)]
pub struct Tap {
    spikes: Option<Vec<Tensor>>,
    voltage: Option<Vec<Tensor>>,
}

impl Tap {
    /// Asks for spikes, for the membrane potential after each reset (SpikingJelly: `store_v_seq`), or for both.
    pub fn new(spikes: bool, voltage: bool) -> Tap {
        Tap { spikes: spikes.then(Vec::new), voltage: voltage.then(Vec::new) }
    }

    /// Is the potential asked for?
    pub fn wants_voltage(&self) -> bool {
        self.voltage.is_some()
    }

    /// One step: `[N, ..]` each.
    ///
    /// # Errors
    ///
    /// libtorch refuses.
    pub fn push_step(&mut self, spikes: &Tensor, voltage: &Tensor) -> Result<()> {
        self.push_sequence(&spikes.f_unsqueeze(0)?, &voltage.f_unsqueeze(0)?)
    }

    /// Some steps: `[T, N, ..]` each.
    ///
    /// # Errors
    ///
    /// libtorch refuses.
    pub fn push_sequence(&mut self, spikes: &Tensor, voltage: &Tensor) -> Result<()> {
        for (series, x) in [(&mut self.spikes, spikes), (&mut self.voltage, voltage)] {
            if let Some(series) = series {
                series.push(x.f_detach()?);
            }
        }
        Ok(())
    }
}

/// `#[record(spikes)]` of a neuron.
#[derive(Debug)]
pub struct Spikes {
    /// `[T, N, ..]`: 1 where it fired.
    pub spikes: Tensor,
}

/// `#[record(voltage)]` of a neuron.
#[derive(Debug)]
pub struct Voltage {
    /// `[T, N, ..]`: the membrane potential after each step's reset (SpikingJelly: `v_seq`).
    pub voltage: Tensor,
}

/// `#[record(spikes, voltage)]` of a neuron.
#[derive(Debug)]
pub struct SpikesAndVoltage {
    /// `[T, N, ..]`: 1 where it fired.
    pub spikes: Tensor,
    /// `[T, N, ..]`: the membrane potential after each step's reset (SpikingJelly: `v_seq`).
    pub voltage: Tensor,
}

/// What a filled [`Tap`] becomes.
pub trait FromTap: Sized {
    /// Joins the recorded pieces along time.
    ///
    /// # Errors
    ///
    /// The tap was not asked for this, or has seen nothing.
    fn from_tap(tap: Tap) -> Result<Self>;
}

impl FromTap for Spikes {
    fn from_tap(tap: Tap) -> Result<Self> {
        Ok(Spikes { spikes: joined(tap.spikes)? })
    }
}

impl FromTap for Voltage {
    fn from_tap(tap: Tap) -> Result<Self> {
        Ok(Voltage { voltage: joined(tap.voltage)? })
    }
}

impl FromTap for SpikesAndVoltage {
    fn from_tap(tap: Tap) -> Result<Self> {
        Ok(SpikesAndVoltage { spikes: joined(tap.spikes)?, voltage: joined(tap.voltage)? })
    }
}

fn joined(series: Option<Vec<Tensor>>) -> Result<Tensor> {
    let mut series = series.ok_or_else(|| Error::bug("a tap", "holds nothing that it was asked for"))?;
    match series.len() {
        0 => Err(Error::bug("a tap", "was never filled")),
        1 => Ok(series.remove(0)),
        _ => Ok(Tensor::f_cat(&series, 0)?),
    }
}

/// The next tap of a list, finished.
///
/// # Errors
///
/// The list is at its end, or as [`FromTap::from_tap`].
pub fn finish<R: FromTap>(tap: Option<Tap>) -> Result<R> {
    R::from_tap(tap.ok_or_else(|| Error::bug("a tap", "is missing"))?)
}

/// Taps `from..to`; none where nothing is recorded.
pub fn taps_between(taps: &mut [Tap], from: usize, to: usize) -> &mut [Tap] {
    taps.get_mut(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_sequences_join_in_order_and_only_what_is_asked_for_is_kept() {
        let series = |from: i64, to: i64| Tensor::from_slice(&(from..to).collect::<Vec<_>>()).reshape([to - from, 1]);
        let mut tap = Tap::new(true, false);
        tap.push_step(&series(0, 1).reshape([1]), &series(9, 10).reshape([1])).unwrap();
        tap.push_sequence(&series(1, 4), &series(1, 4)).unwrap();
        assert!(!tap.wants_voltage());
        let Spikes { spikes } = finish(Some(tap)).unwrap();
        assert!(spikes.equal(&series(0, 4)));

        assert!(finish::<Voltage>(Some(Tap::new(true, false))).is_err());
        assert!(finish::<Voltage>(Some(Tap::new(false, true))).is_err());
        assert!(finish::<Spikes>(None).is_err());
        assert!(taps_between(&mut [], 1, 2).is_empty());
        assert_eq!(taps_between(&mut [Tap::new(true, true), Tap::new(true, true)], 1, 2).len(), 1);
    }
}
