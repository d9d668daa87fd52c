//! What a layer is. In: a place to build it and its arguments, then tensors; out: tensors, and its state moved on.
//!
//! A layer of your own implements [`Stateless`] (a function of one step) or [`Layer`] (with state, or with its own way
//! through a sequence), and is named by `use` in a net.

use std::any::type_name;
use std::fmt::Debug;

use snn_infer::__private::unfrozen_own;
use snn_infer::{Builder, Value};
use tch::Tensor;

use crate::container::as_one_batch;
use crate::error::{Error, Result};
use crate::ops;
use crate::scope::Scope;
use crate::state::State;
use crate::tap::Tap;

/// What a forward pass needs to know besides its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cx {
    /// Training: batch statistics and dropout are on.
    pub train: bool,
}

impl Cx {
    /// `train: true`
    pub const TRAIN: Cx = Cx { train: true };
    /// `train: false`
    pub const EVAL: Cx = Cx { train: false };
}

/// A layer of a net: one time step at a time, or a sequence at once, with the same result.
///
/// SpikingJelly: `step_mode` 's' is [`step`](Layer::step), 'm' is [`sequence`](Layer::sequence). There is no hidden state: `s`
/// is taken and replaced.
///
/// ```
/// use snn_runtime::{Cx, Layer, NeuronState, Result, Scope, Tensor};
///
/// /// Adds up what arrives.
/// #[derive(Debug)]
/// struct Accumulate;
///
/// impl Layer for Accumulate {
///     type Config = ();
///     type State = NeuronState;
///     fn build(_: &Scope<'_>, (): ()) -> Result<Self> {
///         Ok(Accumulate)
///     }
///     fn state(&self) -> NeuronState {
///         NeuronState::default()
///     }
///     fn step(&self, x: &Tensor, s: &mut NeuronState, _: &Cx) -> Result<Tensor> {
///         let sum = match &s.v {
///             Some(v) => v.f_add(x)?,
///             None => x.shallow_clone(),
///         };
///         s.v = Some(sum.shallow_clone());
///         Ok(sum)
///     }
/// }
///
/// let y = Accumulate.sequence(&Tensor::from_slice(&[1, 2, 3]).reshape([3, 1]), &mut Accumulate.state(), &Cx::EVAL)?;
/// assert_eq!(Vec::<i64>::try_from(y.reshape([-1]))?, [1, 3, 6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Layer: Debug + Sized {
    /// The arguments. For layers of your own a struct with `Default`, one public field per argument in the net.
    type Config;
    /// What it remembers; `()` for nothing.
    type State: State;

    /// Builds it with fresh weights, registered in `scope.path()`.
    ///
    /// # Errors
    ///
    /// An argument that it cannot work with.
    fn build(scope: &Scope<'_>, config: Self::Config) -> Result<Self>;

    /// A fresh state, for any batch size.
    fn state(&self) -> Self::State;

    /// One time step: `[N, ..]` to `[N, ..]`.
    ///
    /// # Errors
    ///
    /// An input that does not fit the layer or its state, or libtorch refuses an operation.
    fn step(&self, x: &Tensor, s: &mut Self::State, cx: &Cx) -> Result<Tensor>;

    /// A whole sequence: `[T, N, ..]` to `[T, N, ..]`. Unless overridden, step by step.
    ///
    /// # Errors
    ///
    /// As [`step`](Layer::step), or there is no step.
    fn sequence(&self, x: &Tensor, s: &mut Self::State, cx: &Cx) -> Result<Tensor> {
        let steps = match x.dim() {
            0 => 0,
            _ => x.size()[0],
        };
        if steps == 0 {
            return Err(Error::Steps { layer: short_name::<Self>(), problem: "the sequence has no steps".into() });
        }
        let series = (0..steps).map(|t| self.step(&ops::at_step(x, t)?, s, cx)).collect::<Result<Vec<_>>>()?;
        ops::series(&series)
    }

    /// One input, shown `steps` times: `[N, ..]` to `[T, N, ..]`.
    ///
    /// # Errors
    ///
    /// As [`sequence`](Layer::sequence).
    fn repeat(&self, x: &Tensor, steps: i64, s: &mut Self::State, cx: &Cx) -> Result<Tensor> {
        self.sequence(&ops::shown(&short_name::<Self>(), x, steps)?, s, cx)
    }

    /// Its frozen form, for nets that are frozen: what it does, written down as layers of this library, or as its own neuron. `label` is its
    /// name in the net, `args` is what arrives. Unless overridden there is none, and a net with it is trained and not frozen.
    ///
    /// ```
    /// use snn_runtime::infer::{self, Builder, Frozen, LinearConfig, Value, frozen};
    /// use snn_runtime::{Cx, Linear, Result, Scope, Stateless, Tensor};
    ///
    /// /// A linear layer, and zero where it would be less.
    /// #[derive(Debug)]
    /// struct Rectified(Linear);
    ///
    /// impl Stateless for Rectified {
    ///     type Config = ();
    ///     fn build(scope: &Scope<'_>, (): ()) -> Result<Self> {
    ///         Ok(Rectified(Stateless::build(scope, LinearConfig::new(8, 4))?))
    ///     }
    ///     fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
    ///         Ok(self.0.forward(x, cx)?.f_relu()?)
    ///     }
    ///     fn freeze(b: &mut Builder, label: &str, (): (), args: &[Value]) -> infer::Result<Value> {
    ///         let y = frozen::Linear::freeze(b, label, LinearConfig::new(8, 4), args)?;
    ///         frozen::ReLU::freeze(b, &format!("{label}.relu"), (), &[y])
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// It has none, or none with these arguments.
    fn freeze(b: &mut Builder, label: &str, config: Self::Config, args: &[Value]) -> snn_infer::Result<Value> {
        let _ = (config, args);
        Err(unfrozen_own(b, label))
    }
}

/// A layer without memory. A sequence runs through it in one call, steps and batch as one axis
/// (SpikingJelly: `functional.seq_to_ann_forward`).
pub trait Stateless: Debug + Sized {
    /// The arguments, see [`Layer::Config`].
    type Config;

    /// Builds it, see [`Layer::build`].
    ///
    /// # Errors
    ///
    /// An argument that it cannot work with.
    fn build(scope: &Scope<'_>, config: Self::Config) -> Result<Self>;

    /// `[N, ..]` to `[N, ..]`, where `N` may be steps times batch.
    ///
    /// # Errors
    ///
    /// An input that does not fit, or libtorch refuses an operation.
    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor>;

    /// `[T, N, ..]` to `[T, N, ..]`: [`forward`](Stateless::forward) on `[T * N, ..]`.
    ///
    /// # Errors
    ///
    /// As [`forward`](Stateless::forward).
    fn forward_sequence(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        as_one_batch(&short_name::<Self>(), x, |x| self.forward(x, cx))
    }

    /// Its frozen form, see [`Layer::freeze`].
    ///
    /// # Errors
    ///
    /// As there.
    fn freeze(b: &mut Builder, label: &str, config: Self::Config, args: &[Value]) -> snn_infer::Result<Value> {
        let _ = (config, args);
        Err(unfrozen_own(b, label))
    }
}

impl<L: Stateless> Layer for L {
    type Config = L::Config;
    type State = ();

    fn build(scope: &Scope<'_>, config: Self::Config) -> Result<Self> {
        <L as Stateless>::build(scope, config)
    }

    fn state(&self) {}

    fn step(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.forward(x, cx)
    }

    fn sequence(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
        self.forward_sequence(x, cx)
    }

    fn repeat(&self, x: &Tensor, steps: i64, (): &mut (), cx: &Cx) -> Result<Tensor> {
        ops::shown(&short_name::<L>(), &self.forward(x, cx)?, steps)
    }

    fn freeze(b: &mut Builder, label: &str, config: Self::Config, args: &[Value]) -> snn_infer::Result<Value> {
        <L as Stateless>::freeze(b, label, config, args)
    }
}

/// A layer whose spikes and potential can be recorded: a neuron. A layer of your own implements it to be `#[record(..)]`ed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded",
    label = "`#[record(..)]` needs a layer that implements `Record`",
    note = "neurons do, and what `snn_neuron!` defines; for another layer write the three methods of `snn::Record`"
)]
pub trait Record: Layer {
    /// [`Layer::step`], which also fills `tap`.
    ///
    /// # Errors
    ///
    /// As [`Layer::step`].
    fn step_recorded(&self, x: &Tensor, s: &mut Self::State, cx: &Cx, tap: &mut Tap) -> Result<Tensor>;

    /// [`Layer::sequence`], which also fills `tap`.
    ///
    /// # Errors
    ///
    /// As [`Layer::sequence`].
    fn sequence_recorded(&self, x: &Tensor, s: &mut Self::State, cx: &Cx, tap: &mut Tap) -> Result<Tensor>;

    /// [`Layer::repeat`], which also fills `tap`.
    ///
    /// # Errors
    ///
    /// As [`Layer::repeat`].
    fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut Self::State, cx: &Cx, tap: &mut Tap) -> Result<Tensor>;
}

/// `[T * N, ..]` to `[T, N, ..]`.
pub(crate) fn split(layer: &str, y: &Tensor, steps: i64, batch: i64) -> Result<Tensor> {
    let mut sizes = y.size();
    if sizes.first() != Some(&(steps * batch)) {
        let help = "a layer keeps the batch axis; implement `Layer` to work on whole sequences";
        return Err(Error::shape(layer, format!("an output of [{steps} * {batch}, ..]"), &sizes, help));
    }
    sizes.splice(0..1, [steps, batch]);
    Ok(y.f_reshape(sizes)?)
}

/// `IFNode` for `snn_runtime::neuron::IFNode`.
fn short_name<T>() -> String {
    let name = type_name::<T>();
    let end = name.find('<').unwrap_or(name.len());
    name[..end].rsplit("::").next().unwrap_or(name).to_string()
}
