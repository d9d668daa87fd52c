//! What a neuron remembers between steps: one tensor per state, by name.

use tch::Tensor;

use crate::state::State;

/// A neuron's memory (SpikingJelly: the memories of `BaseNode`). A state that is not stored is where the neuron starts.
#[derive(Debug, Default)]
pub struct NeuronState {
    /// `[N, ..]`: the membrane potential after the last step's reset; `None` at its reset value, before the first step.
    pub v: Option<Tensor>,
    /// The states beside the potential, of neurons that have such: `w` of an `IzhikevichNode`.
    pub more: Vec<(&'static str, Tensor)>,
}

impl NeuronState {
    /// A state at this membrane potential.
    pub fn at(v: Tensor) -> NeuronState {
        NeuronState { v: Some(v), more: Vec::new() }
    }

    /// The stored state of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        if name == "v" { self.v.as_ref() } else { self.more.iter().find(|(n, _)| *n == name).map(|(_, t)| t) }
    }

    /// Stores `tensor` under that name.
    pub fn set(&mut self, name: &'static str, tensor: Tensor) {
        if name == "v" {
            self.v = Some(tensor);
            return;
        }
        match self.more.iter_mut().find(|(n, _)| *n == name) {
            Some((_, stored)) => *stored = tensor,
            None => self.more.push((name, tensor)),
        }
    }

    /// Takes a state beside the potential out of it.
    pub(crate) fn take(&mut self, name: &str) -> Option<Tensor> {
        let at = self.more.iter().position(|(n, _)| *n == name)?;
        Some(self.more.remove(at).1)
    }
}

impl State for NeuronState {
    fn reset(&mut self) {
        *self = NeuronState::default();
    }

    fn detach(&mut self) {
        self.v = self.v.take().map(|v| v.detach());
        self.more.iter_mut().for_each(|(_, t)| *t = t.detach());
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        self.v.iter().for_each(|v| f("v", v));
        self.more.iter().for_each(|(name, t)| f(name, t));
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.v.iter_mut().for_each(&mut *f);
        self.more.iter_mut().for_each(|(_, t)| f(t));
    }

    fn shallow_clone(&self) -> Self {
        let more = self.more.iter().map(|(name, t)| (*name, t.shallow_clone())).collect();
        NeuronState { v: self.v.shallow_clone(), more }
    }
}
