//! What a layer is. In: tensors of one step or of a sequence, and state; out: tensors. [`Layer`] is the general form,
//! [`Stateless`] the short one for layers that remember nothing; layers of your own implement one of the two.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::record::Tap;
use crate::scope::Scope;
use crate::state::State;

/// What a forward pass knows besides its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cx {
    /// Training: batch statistics, dropout.
    pub train: bool,
}

/// A layer with memory. SpikingJelly: `base.MemoryModule`, with the memory as a value of its own.
///
/// The three ways to run it give the same numbers: a sequence is its steps, and a repeat is a sequence of equal steps.
pub trait Layer: Sized + std::fmt::Debug {
    /// Its arguments. For a layer of your own: `Default`, and a public field for each argument that the net may give.
    type Config;
    /// What it remembers between steps; `()` for nothing.
    type State: State;

    /// Builds it with fresh weights in `scope`.
    ///
    /// # Errors
    ///
    /// An argument does not fit.
    fn build(scope: &Scope<'_>, config: Self::Config) -> Result<Self>;

    /// The state before the first step.
    fn state(&self) -> Self::State;

    /// One step: `[N, ..]` to `[N, ..]`.
    ///
    /// # Errors
    ///
    /// The input or the state does not fit, or libtorch refuses.
    fn step(&self, x: &Tensor, s: &mut Self::State, cx: &Cx) -> Result<Tensor>;

    /// A whole sequence: `[T, N, ..]` to `[T, N, ..]`. Unless overridden, its steps one by one.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    fn sequence(&self, x: &Tensor, s: &mut Self::State, cx: &Cx) -> Result<Tensor> {
        let steps = x.size().first().copied().unwrap_or(0);
        let out = (0..steps).map(|t| self.step(&x.f_get(t)?, s, cx)).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::f_stack(&out, 0)?)
    }

    /// `[N, ..]` shown at each of `steps` steps: to `[T, N, ..]`. Unless overridden, a sequence of equal steps.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    fn repeat(&self, x: &Tensor, steps: i64, s: &mut Self::State, cx: &Cx) -> Result<Tensor> {
        self.sequence(&crate::ops::at_every_step(x, steps)?, s, cx)
    }
}

/// A layer without memory: one call serves a whole sequence, flattened to `[T * N, ..]`. SpikingJelly: `functional.seq_to_ann_forward`.
pub trait Stateless: Sized + std::fmt::Debug {
    /// Its arguments, see [`Layer::Config`].
    type Config;

    /// Builds it with fresh weights in `scope`.
    ///
    /// # Errors
    ///
    /// An argument does not fit.
    fn build(scope: &Scope<'_>, config: Self::Config) -> Result<Self>;

    /// `[N, ..]` to `[N, ..]`.
    ///
    /// # Errors
    ///
    /// libtorch refuses.
    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor>;
}

impl<L: Stateless> Layer for L {
    type Config = L::Config;
    type State = ();

    fn build(scope: &Scope<'_>, config: Self::Config) -> Result<Self> {
        Stateless::build(scope, config)
    }

    fn state(&self) -> Self::State {}

    fn step(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.forward(x, cx)
    }

    fn sequence(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
        seq_to_ann(x, |x| self.forward(x, cx))
    }

    fn repeat(&self, x: &Tensor, steps: i64, (): &mut (), cx: &Cx) -> Result<Tensor> {
        crate::ops::at_every_step(&self.forward(x, cx)?, steps)
    }
}

/// `[T, N, ..]` as one batch of `T * N` through `f`, and back.
pub(crate) fn seq_to_ann(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let (steps, batch) = leading(x)?;
    let y = f(&x.f_flatten(0, 1)?)?;
    Ok(y.f_unflatten(0, [steps, batch])?)
}

/// The sizes of time and batch.
pub(crate) fn leading(x: &Tensor) -> Result<(i64, i64)> {
    match x.size().as_slice() {
        [steps, batch, ..] => Ok((*steps, *batch)),
        other => Err(Error::Shape { layer: "sequence".into(), wants: "[T, N, ..]".into(), got: other.to_vec(), help: String::new() }),
    }
}

/// A layer whose spikes and potentials `#[record(..)]` can keep.
pub trait Record: Layer {
    /// [`Layer::step`], keeping what `tap` asks for.
    ///
    /// # Errors
    ///
    /// As [`Layer::step`].
    fn step_recorded(&self, x: &Tensor, s: &mut Self::State, cx: &Cx, tap: &mut Tap) -> Result<Tensor>;

    /// [`Layer::sequence`], keeping what `tap` asks for.
    ///
    /// # Errors
    ///
    /// As [`Layer::step`].
    fn sequence_recorded(&self, x: &Tensor, s: &mut Self::State, cx: &Cx, tap: &mut Tap) -> Result<Tensor>;

    /// [`Layer::repeat`], keeping what `tap` asks for.
    ///
    /// # Errors
    ///
    /// As [`Layer::step`].
    fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut Self::State, cx: &Cx, tap: &mut Tap) -> Result<Tensor>;
}
