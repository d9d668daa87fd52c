//! Surrogate functions: what stands in for the derivative of a spike. In: a function's name and arguments; out: a
//! [`Surrogate`] that neurons take.
//!
//! Forward, a neuron fires where x = h - v_threshold >= 0. Backward, the derivative of that step is replaced by the one given
//! here. With `spiking: false` the output is the smooth function itself, between 0 and 1, and the gradient its true one.

use std::sync::Once;

use snn_kernels::Draw;
use snn_kernels::cuda::{ALONE, ALONE_BACKWARD, AloneArguments, AloneKernels, FiresArguments};
use tch::{Kind, Tensor};

use crate::autograd::{Save, attach_one, recorded};
use crate::cuda::{Launcher, address};
use crate::elements::{Elements, Fresh, dense};
use crate::error::{Error, Result};
use crate::rng;

pub use snn_kernels::{
    ATan, DeterministicPass, Erf, FakeNumericalGradient, LeakyKReLU, LogTailedReLU, MultiLevelSpikeCount, NonzeroSignLogAbs, PiecewiseExp,
    PiecewiseLeakyReLU, PiecewiseQuadratic, PoissonPass, QPseudoSpike, Rect, S2NN, Sigmoid, SoftSign, SquarewaveFourierSeries, SuperSpike,
    Surrogate,
};

/// What errors call a surrogate that stands alone.
const NAME: &str = "a surrogate";

/// What the kernels take.
pub(crate) const FLOATS: &str = "`Float` or `Double`";

/// Spikes of x = h - v_threshold, element by element, as one node of the graph: mostly 1 where x >= 0, else 0 (NaN too).
///
/// ```
/// use snn_runtime::Tensor;
/// use snn_runtime::surrogate::{ATan, apply};
///
/// let x = Tensor::from_slice(&[-0.5f32, 0.0]).set_requires_grad(true);
/// let spikes = apply(ATan::default(), &x)?;
/// spikes.sum(snn_runtime::Kind::Float).backward();
/// assert_eq!(Vec::<f32>::try_from(&spikes)?, [0.0, 1.0]);
/// assert_eq!(x.grad().double_value(&[1]), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Kind`] unless x is of `Float` or `Double` (on a CUDA device `Half` and `BFloat16`, too), [`Error::Argument`] if the function's own
/// arguments do not work, [`Error::Cuda`] if a kernel cannot run there.
pub fn apply(surrogate: impl Into<Surrogate>, x: &Tensor) -> Result<Tensor> {
    let surrogate = surrogate.into();
    check(&surrogate, NAME, ARGUMENT)?;
    if let Some(on) = Launcher::of(NAME, x)? {
        return run_on(&on, surrogate, x);
    }
    match x.kind() {
        Kind::Float => run::<f32>(surrogate, x),
        Kind::Double => run::<f64>(surrogate, x),
        got => Err(Error::Kind { layer: NAME.into(), wants: FLOATS, got }),
    }
}

fn run<F: Elements>(surrogate: Surrogate, x: &Tensor) -> Result<Tensor> {
    let dense = dense(NAME, x)?;
    let mut y = Fresh::<F>::new(NAME, &x.size())?;
    y.elements().copy_from_slice(F::slice(NAME, &dense)?);
    surrogate.spike(y.elements(), if surrogate.draws() { rng::ALONE.draw() } else { Draw::default() });
    let y = y.into_tensor();
    if !recorded(&[x]) {
        return Ok(y);
    }
    attach_one(NAME, "Surrogate", &[x], y, &[Save::Tensor(&dense)], move |b| {
        let (Some(g), Some(x)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
        let mut slope = Fresh::<F>::new(NAME, &x.size())?;
        slope.elements().copy_from_slice(F::slice(NAME, x)?);
        surrogate.derivative(slope.elements());
        Ok(vec![Some(g.f_mul(&slope.into_tensor())?)])
    })
}

/// The same on a CUDA device.
fn run_on(on: &Launcher<'_>, surrogate: Surrogate, x: &Tensor) -> Result<Tensor> {
    static TOLD: Once = Once::new();
    on.tell(&TOLD, "surrogate function");
    let elements = on.neurons(&x.size())?;
    let draw = if surrogate.draws() { rng::ALONE.draw() } else { Draw::default() };
    let launch = move |on: &Launcher<'_>, name: &str, x: &Tensor, grad: Option<&Tensor>| -> Result<Tensor> {
        let (kernels, y) = (AloneKernels::new(&surrogate, on.element), on.fresh(&x.size(), on.kind)?);
        let call = AloneArguments {
            x: address(x),
            grad: grad.map_or(0, address),
            y: address(&y),
            fires: FiresArguments::new(&surrogate, draw, on.element),
            elements: elements as u32,
            // A row whose end is looked at by itself.
            wide: on.wide(0, [Some(x), grad].into_iter().flatten().map(address)),
        };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the length and kind that it says.
        unsafe { on.call(&kernels.source, name, kernels.blocks(elements), call) }?;
        Ok(y)
    };
    let (dense, kind) = (on.dense(x, on.kind)?, on.kind);
    let y = launch(on, ALONE, &dense, None)?;
    if !recorded(&[x]) {
        return Ok(y);
    }
    attach_one(NAME, "Surrogate", &[x], y, &[Save::Tensor(&dense)], move |b| {
        let (Some(g), Some(x)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
        let on = &Launcher::at(NAME, x, kind)?;
        Ok(vec![Some(launch(on, ALONE_BACKWARD, x, Some(&on.dense(g, kind)?))?)])
    })
}

/// What most layers call their surrogate.
pub(crate) const ARGUMENT: &str = "surrogate_function";

/// The layer's `argument`, a surrogate, has arguments that the formulas can work with.
pub(crate) fn check(surrogate: &Surrogate, layer: &str, argument: &str) -> Result<()> {
    surrogate.check().map_err(|r| {
        let problem = format!("has an `{}` that {}", r.argument, r.problem);
        Error::argument(layer, argument, problem, r.help)
    })
}
