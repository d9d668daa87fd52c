//! What a layer remembers between steps, as a value. In: nothing; out: tensors that `step` takes and replaces.
//!
//! A state is fresh (it stores nothing, and the layer starts from its reset value) or belongs to one batch size. The gradient
//! flows through it until `detach`.

use std::fmt::Debug;

use tch::Tensor;

use crate::error::{Error, Result};

/// The state of a layer, a list, a block or a net.
pub trait State: Debug {
    /// Back to fresh, as before the first step. (SpikingJelly: `functional.reset_net`.)
    fn reset(&mut self);

    /// Cuts the gradient: what came before is taken as given. (SpikingJelly: `functional.detach_net`.)
    fn detach(&mut self);

    /// Calls `f` with every stored tensor and its name, `v` or `sn1.v`; a fresh state stores none.
    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor));

    /// Calls `f` with every stored tensor that a gradient may flow through, to be replaced. Their order depends on nothing but which are stored.
    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor));

    /// The same state a second time: its tensors are shared, and so is their history.
    fn shallow_clone(&self) -> Self
    where
        Self: Sized;
}

/// Nothing is remembered.
impl State for () {
    fn reset(&mut self) {}
    fn detach(&mut self) {}
    fn visit(&self, _: &mut dyn FnMut(&str, &Tensor)) {}
    fn visit_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}
    fn shallow_clone(&self) {}
}

/// One tensor, or nothing yet; its name is that of the place it stands in.
impl State for Option<Tensor> {
    fn reset(&mut self) {
        *self = None;
    }

    fn detach(&mut self) {
        *self = self.take().map(|t| t.detach());
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        if let Some(t) = self {
            f("", t);
        }
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.iter_mut().for_each(f);
    }

    fn shallow_clone(&self) -> Self {
        self.as_ref().map(Tensor::shallow_clone)
    }
}

/// Copies of one layer, named by their number.
impl<S: State, const N: usize> State for [S; N] {
    fn reset(&mut self) {
        self.iter_mut().for_each(S::reset);
    }

    fn detach(&mut self) {
        self.iter_mut().for_each(S::detach);
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        for (i, s) in self.iter().enumerate() {
            visit_inside(&i.to_string(), s, f);
        }
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.iter_mut().for_each(|s| s.visit_mut(f));
    }

    fn shallow_clone(&self) -> Self {
        std::array::from_fn(|i| self[i].shallow_clone())
    }
}

macro_rules! one_tensor {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: Option<Tensor>,
        }

        impl State for $name {
            fn reset(&mut self) {
                self.$field = None;
            }

            fn detach(&mut self) {
                self.$field = self.$field.take().map(|t| t.detach());
            }

            fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
                if let Some(t) = &self.$field {
                    f(stringify!($field), t);
                }
            }

            fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
                self.$field.visit_mut(f);
            }

            fn shallow_clone(&self) -> Self {
                $name { $field: self.$field.shallow_clone() }
            }
        }
    };
}

one_tensor! {
    /// What `Dropout` keeps until it is reset.
    DropoutState {
        /// `[N, ..]`: 0 or 1 / (1 - p), the same at every step; `None` until the first step of training.
        mask
    }
}

one_tensor! {
    /// What `SynapseFilter` keeps (SpikingJelly's memory of that name).
    SynapseFilterState {
        /// `[N, ..]`: the current after the last step; `None` for 0, before the first.
        out_i
    }
}

one_tensor! {
    /// What `NeuNorm` keeps (SpikingJelly's memory of that name).
    NeuNormState {
        /// `[N, 1, H, W]`: the trace after the last step; `None` for 0, before the first.
        x
    }
}

/// The inputs of the last steps: what `Delay`, `SlidingPSN` and `MaskedPSN` keep (SpikingJelly: the memory `queue`).
#[derive(Debug, Default)]
pub struct QueueState {
    /// `[N, ..]` each, oldest first; as many as the layer looks back, once there were so many steps.
    pub queue: Vec<Tensor>,
}

impl QueueState {
    /// Takes in the steps of `x` (`[T, N, ..]`) and lets go of all but the last `most`.
    pub(crate) fn push(&mut self, x: &Tensor, most: usize) -> Result<()> {
        let steps = x.size()[0];
        let most_steps = i64::try_from(most).unwrap_or(i64::MAX);
        for t in steps.saturating_sub(most_steps).max(0)..steps {
            self.queue.push(x.f_select(0, t)?);
        }
        self.queue.drain(..self.queue.len().saturating_sub(most));
        Ok(())
    }

    /// The last `most` of the inputs, each of which has the sizes `step`.
    pub(crate) fn last(&self, layer: &str, most: usize, step: &[i64]) -> Result<&[Tensor]> {
        for stored in &self.queue {
            check_sizes(layer, stored, step)?;
        }
        Ok(&self.queue[self.queue.len().saturating_sub(most)..])
    }
}

impl State for QueueState {
    fn reset(&mut self) {
        self.queue.clear();
    }

    fn detach(&mut self) {
        self.queue.iter_mut().for_each(|t| *t = t.detach());
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        self.queue.iter().enumerate().for_each(|(i, t)| f(&format!("queue.{i}"), t));
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.queue.iter_mut().for_each(f);
    }

    fn shallow_clone(&self) -> Self {
        QueueState { queue: self.queue.iter().map(Tensor::shallow_clone).collect() }
    }
}

/// Visits `state` with `prefix` and a dot before each name; the prefix alone where there is no name.
pub fn visit_inside(prefix: &str, state: &impl State, f: &mut dyn FnMut(&str, &Tensor)) {
    state.visit(&mut |name, t| if name.is_empty() { f(prefix, t) } else { f(&format!("{prefix}.{name}"), t) });
}

/// Every stored tensor under its dotted name, attached to the graph.
pub fn named_tensors(state: &impl State) -> Vec<(String, Tensor)> {
    let mut named = Vec::new();
    state.visit(&mut |name, t| named.push((name.to_string(), t.shallow_clone())));
    named
}

/// The number of steps of a sequence `[T, N, ..]`, and the sizes of one step.
pub(crate) fn steps_of<'a>(layer: &str, sizes: &'a [i64]) -> Result<(usize, &'a [i64])> {
    match sizes {
        [steps, step @ ..] if *steps > 0 => Ok((*steps as usize, step)),
        _ => Err(Error::Steps { layer: layer.into(), problem: format!("there is no step in {sizes:?}") }),
    }
}

/// A stored tensor has the sizes of one step.
pub(crate) fn check_sizes(layer: &str, stored: &Tensor, step: &[i64]) -> Result<()> {
    let want = stored.size();
    match (want.as_slice(), step) {
        (want, step) if want == step => Ok(()),
        ([want, a @ ..], [got, b @ ..]) if a == b => Err(Error::Batch { layer: layer.into(), want: *want, got: *got }),
        _ => Err(Error::StateShape { layer: layer.into(), want, got: step.to_vec() }),
    }
}

/// All inputs of a net have its state's batch.
///
/// # Errors
///
/// [`Error::Batch`].
pub fn check_batch(net: &str, want: i64, batches: &[i64]) -> Result<()> {
    match batches.iter().find(|&&got| got != want) {
        Some(&got) => Err(Error::Batch { layer: net.into(), want, got }),
        None => Ok(()),
    }
}

/// The number of steps that all inputs of a net have.
///
/// # Errors
///
/// [`Error::Steps`]: they have different numbers of steps, or none.
pub fn check_steps(net: &str, steps: &[i64]) -> Result<i64> {
    let problem = match steps {
        [first, ..] if *first < 1 => format!("there is no step to run: the number of steps is {first}"),
        [first, rest @ ..] => match rest.iter().find(|&n| n != first) {
            None => return Ok(*first),
            Some(n) => format!("its inputs have {first} and {n} steps"),
        },
        [] => "there is no step to run".to_string(),
    };
    Err(Error::Steps { layer: net.into(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NeuronState;

    #[test]
    fn lists_are_visited_under_their_numbers() {
        let one = || NeuronState::at(Tensor::from_slice(&[1.0]));
        let mut list = [one(), NeuronState::default(), one()];
        let names = |s: &[NeuronState; 3]| named_tensors(s).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&list), ["0.v", "2.v"]);
        list.reset();
        assert!(names(&list).is_empty());
    }

    #[test]
    fn a_queue_keeps_as_many_as_it_may() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0]).reshape([3, 1]);
        for (most, want) in [(0, &[][..]), (2, &[2.0, 3.0]), (3, &[1.0, 2.0, 3.0]), (usize::MAX, &[1.0, 2.0, 3.0])] {
            let mut state = QueueState::default();
            state.push(&x, most).unwrap();
            assert_eq!(state.queue.iter().map(|t| t.double_value(&[0])).collect::<Vec<_>>(), want, "{most}");
        }
    }

    #[test]
    fn what_does_not_belong_together_is_told() {
        let stored = Tensor::from_slice(&[0.0; 6]).reshape([2, 3]);
        let say = |step: &[i64]| check_sizes("Net.sn1", &stored, step).map_err(|e| e.to_string());
        assert_eq!(say(&[2, 3]), Ok(()));
        assert!(say(&[4, 3]).unwrap_err().starts_with("Net.sn1: its state is for a batch of 2, but gets 4"));
        assert!(say(&[2, 5]).unwrap_err().starts_with("Net.sn1: its state has sizes [2, 3], but the input of one step has [2, 5]"));

        assert!(check_batch("Net", 2, &[2, 2]).is_ok() && check_batch("Net", 2, &[2, 3]).is_err());
        assert_eq!(check_steps("Net", &[4, 4]).unwrap(), 4);
        for steps in [&[0][..], &[-1], &[4, 5], &[]] {
            assert!(check_steps("Net", steps).is_err(), "{steps:?}");
        }
    }
}
