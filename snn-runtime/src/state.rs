//! State as a value. In: what layers remember; out: reset, detach, and every stored tensor by name.

use tch::Tensor;

use crate::error::{Error, Result};

/// What a layer or a net remembers between steps. SpikingJelly: the memories of `base.MemoryModule`.
pub trait State: std::fmt::Debug {
    /// Back to the state before the first step.
    fn reset(&mut self);

    /// Cuts the gradient: the stored tensors count as given from here on.
    fn detach(&mut self);

    /// Every stored tensor by name; a fresh state stores none.
    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor));
}

impl State for () {
    fn reset(&mut self) {}

    fn detach(&mut self) {}

    fn visit(&self, _: &mut dyn FnMut(&str, &Tensor)) {}
}

/// The states of `[layer; N]`, under the names `0`, `1`, ..
impl<S: State, const N: usize> State for [S; N] {
    fn reset(&mut self) {
        self.iter_mut().for_each(State::reset);
    }

    fn detach(&mut self) {
        self.iter_mut().for_each(State::detach);
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        for (i, s) in self.iter().enumerate() {
            visit_inside(&i.to_string(), s, f);
        }
    }
}

/// Visits `state` with `prefix.` before its names.
#[doc(hidden)]
pub fn visit_inside(prefix: &str, state: &impl State, f: &mut dyn FnMut(&str, &Tensor)) {
    state.visit(&mut |name, tensor| f(&format!("{prefix}.{name}"), tensor));
}

/// Every stored tensor under its dotted name.
#[doc(hidden)]
pub fn named_tensors(state: &impl State) -> Vec<(String, Tensor)> {
    let mut out = Vec::new();
    state.visit(&mut |name, tensor| out.push((name.to_string(), tensor.shallow_clone())));
    out
}

/// A state made for `want` samples meets inputs of these batches.
#[doc(hidden)]
pub fn check_batch(layer: &str, want: i64, got: &[i64]) -> Result<()> {
    match got.iter().find(|&&n| n != want) {
        Some(&got) => Err(Error::Batch { layer: layer.into(), want, got }),
        None => Ok(()),
    }
}

/// All sequences have one number of steps, and there is at least one.
#[doc(hidden)]
pub fn check_steps(layer: &str, steps: &[i64]) -> Result<i64> {
    let first = steps.first().copied().unwrap_or(0);
    let problem = match steps.iter().find(|&&t| t != first) {
        _ if first < 1 => format!("asked to run {first} steps"),
        Some(other) => format!("its inputs have {first} and {other} steps"),
        None => return Ok(first),
    };
    Err(Error::Steps { layer: layer.into(), problem })
}

/// Is a stored tensor of one step's sizes? SpikingJelly restarts in silence where it is not.
pub(crate) fn check_stored(layer: &str, stored: &Tensor, step: &[i64]) -> Result<()> {
    let size = stored.size();
    if size == step {
        return Ok(());
    }
    Err(match (size.first(), step.first()) {
        (Some(&want), Some(&got)) if want != got && size[1..] == step[1..] => Error::Batch { layer: layer.into(), want, got },
        _ => Error::StateShape { layer: layer.into(), want: size, got: step.to_vec() },
    })
}

/// The state of a spiking neuron.
#[derive(Debug, Default)]
pub struct NeuronState {
    /// The membrane potential after the last step's reset, `[N, ..]`; `None` before the first step, when every potential is
    /// `v_reset` (0 for a soft reset).
    pub v: Option<Tensor>,
}

impl State for NeuronState {
    fn reset(&mut self) {
        self.v = None;
    }

    fn detach(&mut self) {
        self.v = self.v.take().map(|v| v.detach());
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        if let Some(v) = &self.v {
            f("v", v);
        }
    }
}

/// The state of a dropout layer.
#[derive(Debug, Default)]
pub struct DropoutState {
    /// `[N, ..]`, 0 or 1/(1-p); drawn at the first training step after a reset and kept until the next.
    pub mask: Option<Tensor>,
}

impl State for DropoutState {
    fn reset(&mut self) {
        self.mask = None;
    }

    fn detach(&mut self) {}

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        if let Some(mask) = &self.mask {
            f("mask", mask);
        }
    }
}
