//! What `snn_neuron!` writes for a neuron: one step, its derivative, and what depends on its arguments only. In: a config struct; out:
//! everything that the forward and backward loops over time need.

use std::fmt::Debug;

use crate::{Real, Refused, Surrogate};

/// The most states a [`Neuron`] can have.
pub const MAX_STATES: usize = 4;
/// The most learned parameters.
pub const MAX_LEARNED: usize = 8;
/// The most constants: values that depend on the arguments and the learned parameters only.
pub const MAX_CONSTANTS: usize = 16;
/// The most calls of the surrogate function in a step.
pub const MAX_FIRES: usize = 2;
/// The most values that a step carries from before its spikes to after them.
pub const MAX_KEPT: usize = 4;

/// A pointwise neuron: one step with its derivative, as `snn_neuron!` writes it. The implementing type is the neuron's config.
///
/// A step has two halves. [`charge`](Neuron::charge) sees the states before the step and the input, and says how far the neuron is over its
/// threshold, once per call of the surrogate function. The engine makes spikes of that. [`finish`](Neuron::finish) sees the spikes, too, and
/// gives the output and the next states. [`adjoint`](Neuron::adjoint) is the derivative of both halves together.
///
/// Constants are hoisted out of the loops: computed once per call in `f64`, and rounded to the element type once. Mark `charge`, `finish` and
/// `adjoint` `#[inline(always)]`: they are the body of vector loops.
pub trait Neuron: Copy + Debug + Send + Sync + 'static {
    /// The layer's name: `LIFNode`.
    const NAME: &'static str;
    /// Names of the states; the membrane potential `v` comes first. At most [`MAX_STATES`].
    const STATES: &'static [&'static str];
    /// The learned parameters and buffers. At most [`MAX_LEARNED`].
    const LEARNED: &'static [Learned];
    /// Number of constants, at most [`MAX_CONSTANTS`]. Those that need a gradient come first.
    const CONSTANTS: usize;
    /// How many constants need a gradient.
    const LEARNED_CONSTANTS: usize;
    /// Calls of the surrogate function in a step, at most [`MAX_FIRES`].
    const FIRES: usize;
    /// Values that `charge` hands to `finish` and `adjoint`, at most [`MAX_KEPT`].
    const KEPT: usize;
    /// Is the output one of its spikes, unchanged?
    const SENDS_SPIKES: bool = false;
    /// The step and its derivative as CUDA C++ source.
    const CUDA: &'static str;
    /// What tells the formulas of a neuron of the user's own from those it had before they were changed: a hash of their tokens. 0 for a neuron
    /// of this library.
    const FORMULAS: u64 = 0;

    /// Are these arguments that it can work with?
    ///
    /// # Errors
    /// The first that is not. The surrogate function's own are checked by [`Surrogate::check`].
    fn check(&self) -> Result<(), Refused>;

    /// The surrogate function, and whether spikes are sent or its primitive.
    fn surrogate(&self) -> Surrogate;

    /// The conditions on the arguments (`decay_input`, a hard reset), one per bit: the template argument `FLAGS` of [`CUDA`](Neuron::CUDA).
    fn flags(&self) -> u32 {
        0
    }

    /// Its type in the CUDA source, for elements of type `f`.
    fn cuda_type(&self, f: &str) -> String {
        format!("snn::{}<{f}, {}u>", Self::NAME, self.flags())
    }

    /// Initial values of [`LEARNED`](Neuron::LEARNED).
    fn learned_start(&self, out: &mut [f64; MAX_LEARNED]);

    /// The constants for these values of [`LEARNED`](Neuron::LEARNED).
    fn constants(&self, learned: &[f64; MAX_LEARNED], out: &mut [f64; MAX_CONSTANTS]);

    /// dL/d(learned parameters) from dL/d(the first [`LEARNED_CONSTANTS`](Neuron::LEARNED_CONSTANTS) constants).
    fn constants_gradient(&self, learned: &[f64; MAX_LEARNED], upstream: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_LEARNED]);

    /// The states before the first step.
    fn start(&self, constants: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_STATES]);

    /// The first half of a step, up to what the surrogate function is given.
    fn charge<F: Real>(&self, c: &[F; MAX_CONSTANTS], s: &[F; MAX_STATES], x: F) -> Charged<F>;

    /// The second half of a step: output and next states.
    fn finish<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        x: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
    ) -> Finished<F>;

    /// The derivative of a whole step: from the gradients of its output and next states to those of its input, the states before it and the
    /// constants. `slopes` are the surrogate's derivatives at `over`.
    fn adjoint<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        x: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
        slopes: &[F; MAX_FIRES],
        grad_y: F,
        grad_states: &[F; MAX_STATES],
    ) -> Adjoint<F>;
}

/// A parameter of a neuron that is stored with the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Its name in the `state_dict`: `w`.
    pub name: &'static str,
    /// One number for the layer, or one per channel.
    pub per: Per,
    /// Does it get a gradient? Else it is a buffer.
    pub trained: bool,
}

/// How many numbers a parameter of a neuron has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// One for the layer.
    Layer,
    /// One per channel, the first axis behind the batch.
    Channel,
}

/// The first half of a step.
#[derive(Clone, Copy, Debug)]
pub struct Charged<F> {
    /// What the surrogate function is given, h - v_threshold: a spike where it is >= 0.
    pub over: [F; MAX_FIRES],
    /// Values that the second half needs again, such as h.
    pub kept: [F; MAX_KEPT],
}

/// The second half of a step.
#[derive(Clone, Copy, Debug)]
pub struct Finished<F> {
    /// The states after the step.
    pub states: [F; MAX_STATES],
    /// The output: mostly the spike.
    pub y: F,
}

/// The gradients of a step.
#[derive(Clone, Copy, Debug)]
pub struct Adjoint<F> {
    /// dL/dx
    pub x: F,
    /// dL/d(states before the step)
    pub states: [F; MAX_STATES],
    /// dL/d(constants), the part of this step; of the first [`Neuron::LEARNED_CONSTANTS`].
    pub constants: [F; MAX_CONSTANTS],
}
