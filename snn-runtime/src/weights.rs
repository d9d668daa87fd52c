//! Weights and buffers in the `VarStore`. In: a scope, a name, a size and how it starts; out: the registered tensor.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::scope::Scope;

/// How a weight starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// Uniform in `[-bound, bound)`, from torch's generator.
    Uniform(f64),
    Const(f64),
}

fn sizes(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|&d| d as i64).collect()
}

/// tch would rename the second of two equal names in silence.
fn free(scope: &Scope<'_>, name: &str) -> Result<()> {
    if scope.path().get(name).is_none() {
        return Ok(());
    }
    let problem = format!("is in the VarStore already, as `{}`", scope.path().path(name));
    Err(Error::argument(scope.name(), name, problem, "build a second model under a path of its own: `&(vs.root() / \"b\")`"))
}

/// A learnable weight of torch's default kind.
pub(crate) fn learnable(scope: &Scope<'_>, name: &str, dims: &[usize], start: Start) -> Result<Tensor> {
    free(scope, name)?;
    let place = (Kind::Float, scope.path().device());
    let fresh = match start {
        Start::Uniform(bound) => Tensor::f_empty(sizes(dims), place).and_then(|mut t| t.f_uniform_(-bound, bound)),
        Start::Const(value) => Tensor::f_full(sizes(dims), value, place),
    };
    Ok(scope.path().add(name, fresh.map_err(Error::in_layer(scope.name()))?, true))
}

/// A buffer: saved with the weights, changed by the layer, not by the optimiser.
pub(crate) fn buffer(scope: &Scope<'_>, name: &str, dims: &[usize], value: f64, kind: Kind) -> Result<Tensor> {
    free(scope, name)?;
    let fresh = Tensor::f_full(sizes(dims), value, (kind, scope.path().device())).map_err(Error::in_layer(scope.name()))?;
    Ok(scope.path().add(name, fresh, false))
}

/// torch's bound for the weights of a layer whose outputs see `fan_in` inputs each: `1 / sqrt(fan_in)`.
pub(crate) fn bound(fan_in: usize) -> f64 {
    if fan_in == 0 { 0.0 } else { 1.0 / (fan_in as f64).sqrt() }
}
