//! `#[checkpoint]`: a part of a net that keeps what goes in, and is run again for its backward pass. In: tensors, the state, the layers; out: the
//! same tensors and state as without it, as one node of the graph.
//!
//! Forward, the part runs on inputs that are cut off from the graph, so that a graph of its own comes into being, which tells the weights it
//! depends on, and is dropped at once. Backward, it runs again with the draws it had (see `rng`), and autograd goes through that graph.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use snn_kernels::Draw;
use tch::Tensor;

use crate::autograd::{Backward, Gradients, Save, attach, grad_mode, gradients, leaves};
use crate::error::{Error, Result};
use crate::layer::Cx;
use crate::random_state::RandomState;
use crate::rng;
use crate::state::State;
use crate::tap::Tap;

/// Is a part of a net being run again for its backward pass?
///
/// A layer of your own that changes something besides its state in a forward pass, as running statistics, leaves it alone then: it has changed
/// already.
pub fn recomputing() -> bool {
    rng::replaying()
}

/// A list or block of a net that is marked with `#[checkpoint]`. It is used like the layers in it.
///
/// From "Training Deep Nets with Sublinear Memory Cost" (Chen et al., 2016). PyTorch equivalent: `torch.utils.checkpoint.checkpoint`.
#[derive(Debug)]
pub struct Checkpointed<B>(Arc<Shared<B>>);

#[derive(Debug)]
struct Shared<B> {
    name: String,
    /// Held while the layers run.
    running: Mutex<()>,
    layers: B,
}

// SAFETY: `B` may be sent. A node of a graph holds the layers as well as the net does, and may be run, and dropped, by another thread: layers run under
// the lock `running` alone, so no two threads are inside of them at once. What a net hands out besides are fields: handles of weights and numbers,
// which both threads only read.
unsafe impl<B: Send> Send for Checkpointed<B> {}

impl<B> Shared<B> {
    fn alone<R>(&self, run: impl FnOnce(&B) -> R) -> R {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        run(&self.layers)
    }
}

impl<B> Deref for Checkpointed<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.0.layers
    }
}

impl<B: Send + 'static> Checkpointed<B> {
    /// Marks layers; `name` is for messages: `Csnn.layer1`.
    pub fn new(name: &str, layers: B) -> Checkpointed<B> {
        Checkpointed(Arc::new(Shared { name: name.to_string(), running: Mutex::new(()), layers }))
    }

    /// Runs the layers by `run`, which gets them, the inputs, the state, and what else it needs; and again in a backward pass.
    ///
    /// # Errors
    ///
    /// Those of `run`.
    pub fn run<const I: usize, const N: usize, S: State + Send + 'static>(
        &self,
        inputs: [&Tensor; I],
        s: &mut S,
        cx: &Cx,
        taps: &mut [Tap],
        run: impl Fn(&B, &[Tensor], &mut S, &Cx, &mut [Tap]) -> Result<[Tensor; N]> + Send + 'static,
    ) -> Result<[Tensor; N]> {
        let name = self.0.name.as_str();
        let cut = |t: &Tensor| -> Result<Tensor> { Ok(t.f_detach()?.f_set_requires_grad(t.requires_grad())?) };
        if !grad_mode() {
            let inputs = inputs.map(Tensor::shallow_clone);
            return self.0.alone(|layers| run(layers, &inputs, s, cx, taps));
        }
        let mut attached: Vec<Tensor> = inputs.iter().map(|t| t.shallow_clone()).collect();
        let x = attached.iter().map(cut).collect::<Result<Vec<_>>>()?;
        let mut before = s.shallow_clone();
        let (first, states) = replaced(&mut before, cut)?;
        attached.extend(first);
        let mut after = before.shallow_clone();
        let random = RandomState::now(&x)?;
        let (result, draws) = rng::recorded(|| self.0.alone(|layers| run(layers, &x, &mut after, cx, taps)));
        let random = random.if_used()?;
        let mut outputs: Vec<Tensor> = result?.into_iter().collect();
        outputs.extend(tensors_of(&mut after));

        let known: Vec<&Tensor> = x.iter().chain(&states).collect();
        let weights = leaves(&outputs, &known)?;
        attached.extend(weights.iter().map(Tensor::shallow_clone));
        let (with, cut_off): (Vec<usize>, Vec<Tensor>) = outputs
            .iter()
            .enumerate()
            .filter(|(_, t)| t.requires_grad())
            .map(|(i, t)| Ok((i, t.f_detach()?)))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .unzip();
        if !with.is_empty() {
            let again = Again {
                of: Checkpointed(self.0.clone()),
                inputs: I,
                before: detached(before),
                with: with.clone(),
                weights,
                cx: *cx,
                draws,
                random,
                run,
            };
            let inputs: Vec<&Tensor> = attached.iter().collect();
            let save: Vec<Save<'_>> = attached.iter().map(Save::Tensor).collect();
            let label = format!("Checkpoint of `{name}`");
            let made = attach(&label, &inputs, cut_off, &save, move |b| again.backward(&b)).map_err(Error::in_layer(name))?;
            for (i, t) in with.into_iter().zip(made) {
                outputs[i] = t;
            }
        }
        let mut of_state = outputs.split_off(N).into_iter();
        after.visit_mut(&mut |t| {
            if let Some(new) = of_state.next() {
                *t = new;
            }
        });
        *s = after;
        outputs.try_into().map_err(|_| Error::bug(name, "a checkpoint lost an output"))
    }
}

/// What a backward pass runs again.
struct Again<B, S, F> {
    of: Checkpointed<B>,
    /// Values that go in beside the state.
    inputs: usize,
    before: S,
    /// Which of the outputs and states that come out have a history.
    with: Vec<usize>,
    weights: Vec<Tensor>,
    cx: Cx,
    draws: VecDeque<Draw>,
    /// Torch's generator, where it was used.
    random: Option<RandomState>,
    run: F,
}

impl<B, S: State, F, const N: usize> Again<B, S, F>
where
    F: Fn(&B, &[Tensor], &mut S, &Cx, &mut [Tap]) -> Result<[Tensor; N]>,
{
    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let name = self.of.0.name.as_str();
        let mut given = b.saved.iter().zip(b.needs);
        let mut next = || -> Result<Tensor> {
            match given.next() {
                Some((Some(t), needed)) => Ok(t.f_detach()?.f_set_requires_grad(*needed)?),
                _ => Err(Error::bug(name, "a checkpoint lost an input")),
            }
        };
        let mut wanted = (0..self.inputs).map(|_| next()).collect::<Result<Vec<_>>>()?;
        let x: Vec<Tensor> = wanted.iter().map(Tensor::shallow_clone).collect();
        let mut state = self.before.shallow_clone();
        wanted.extend(replaced(&mut state, |_| next())?.1);
        wanted.extend(self.weights.iter().map(Tensor::shallow_clone));

        let torch = self.random.as_ref().map(RandomState::enter).transpose()?;
        let run = || self.of.0.alone(|layers| tch::with_grad(|| (self.run)(layers, &x, &mut state, &self.cx, &mut [])));
        let (result, same) = rng::replayed(self.draws.clone(), run);
        drop(torch);
        let mut outputs: Vec<Tensor> = result?.into_iter().collect();
        outputs.extend(tensors_of(&mut state));
        if !same || outputs.len() <= self.with.iter().copied().max().unwrap_or(0) {
            return Err(
                "run again, its layers did something else than the first time: they depend on more than inputs, weights and state".into()
            );
        }
        let (mut of, mut grads) = (Vec::new(), Vec::new());
        for (&i, grad) in self.with.iter().zip(&b.grads) {
            if let (true, Some(grad)) = (outputs[i].requires_grad(), grad) {
                of.push(&outputs[i]);
                grads.push(grad);
            }
        }
        let needed: Vec<usize> = (0..wanted.len()).filter(|&i| b.needs[i] && wanted[i].requires_grad()).collect();
        let mut result: Vec<Option<Tensor>> = wanted.iter().map(|_| None).collect();
        if !of.is_empty() && !needed.is_empty() {
            let inputs: Vec<&Tensor> = needed.iter().map(|&i| &wanted[i]).collect();
            for (i, gradient) in needed.into_iter().zip(gradients(&of, &grads, &inputs)?) {
                result[i] = gradient;
            }
        }
        Ok(result)
    }
}

/// Puts what `with` makes of each tensor of a state in its place; gives both.
fn replaced(state: &mut impl State, mut with: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let (mut old, mut new, mut failed) = (Vec::new(), Vec::new(), None);
    state.visit_mut(&mut |t| match with(t) {
        Ok(made) => {
            new.push(made.shallow_clone());
            old.push(std::mem::replace(t, made));
        }
        Err(e) => failed = Some(e),
    });
    failed.map_or(Ok((old, new)), Err)
}

fn tensors_of(state: &mut impl State) -> Vec<Tensor> {
    let mut all = Vec::new();
    state.visit_mut(&mut |t| all.push(t.shallow_clone()));
    all
}

fn detached<S: State>(mut state: S) -> S {
    state.detach();
    state
}
