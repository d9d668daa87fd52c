//! Recordings, layer by layer. In: the typed recording of a net; out: what it holds, under dotted names.

use tch::Tensor;

use crate::error::Result;
use crate::monitor::FiringRates;
use crate::tap::{Spikes, SpikesAndVoltage, Voltage};

/// What was recorded of one layer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Recorded<'a> {
    /// `[T, N, ..]` of `#[record(spikes)]`.
    pub spikes: Option<&'a Tensor>,
    /// `[T, N, ..]` of `#[record(voltage)]`.
    pub voltage: Option<&'a Tensor>,
}

/// What `forward_recorded` gives besides the output: `CsnnRecording` for the net `Csnn`. The fields are typed; this is for code that works on the
/// recording of any net, such as tables and plots.
pub trait Recording {
    /// Each recorded layer with its dotted name, `layer1.0.sn`, in the order of the net.
    fn visit(&self, f: &mut dyn FnMut(&str, Recorded<'_>));

    /// How often the neurons of each layer fire: a table.
    ///
    /// # Errors
    ///
    /// libtorch cannot count.
    fn firing_rates(&self) -> Result<FiringRates>
    where
        Self: Sized,
    {
        FiringRates::of(self)
    }
}

impl Recording for Spikes {
    fn visit(&self, f: &mut dyn FnMut(&str, Recorded<'_>)) {
        f("", Recorded { spikes: Some(&self.spikes), voltage: None });
    }
}

impl Recording for Voltage {
    fn visit(&self, f: &mut dyn FnMut(&str, Recorded<'_>)) {
        f("", Recorded { spikes: None, voltage: Some(&self.voltage) });
    }
}

impl Recording for SpikesAndVoltage {
    fn visit(&self, f: &mut dyn FnMut(&str, Recorded<'_>)) {
        f("", Recorded { spikes: Some(&self.spikes), voltage: Some(&self.voltage) });
    }
}

impl<R: Recording, const N: usize> Recording for [R; N] {
    fn visit(&self, f: &mut dyn FnMut(&str, Recorded<'_>)) {
        for (i, recording) in self.iter().enumerate() {
            visit_recorded(&i.to_string(), recording, f);
        }
    }
}

/// Visits `recording` with `prefix` and a dot before each name; the prefix alone where there is no name.
pub fn visit_recorded(prefix: &str, recording: &impl Recording, f: &mut dyn FnMut(&str, Recorded<'_>)) {
    recording.visit(&mut |name, r| if name.is_empty() { f(prefix, r) } else { f(&format!("{prefix}.{name}"), r) });
}
