//! Weights of layers, and checks that layers share. In: a scope, sizes; out: a tensor registered under its torch name.

use tch::nn::Init;
use tch::{Kind, Scalar, Tensor};

use crate::error::{Error, Result};
use crate::scope::Scope;

/// A learnable tensor `name`, from U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)): torch's `Linear` and `Conv` initialisation.
pub(crate) fn uniform(scope: &Scope<'_>, name: &str, sizes: &[usize], fan_in: usize) -> Result<Tensor> {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    learnable(scope, name, sizes, Init::Uniform { lo: -bound, up: bound })
}

/// A learnable tensor `name`.
pub(crate) fn learnable(scope: &Scope<'_>, name: &str, sizes: &[usize], init: Init) -> Result<Tensor> {
    free(scope, name)?;
    scope.path().f_var(name, &dims(sizes), init).map_err(Error::in_layer(scope.name()))
}

/// A tensor `name` that is stored with the weights and not learned.
pub(crate) fn buffer(scope: &Scope<'_>, name: &str, sizes: &[usize], value: impl Into<Scalar>, kind: Kind) -> Result<Tensor> {
    let tensor = Tensor::f_full(dims(sizes), value, (kind, scope.path().device())).map_err(Error::in_layer(scope.name()))?;
    buffer_of(scope, name, tensor)
}

/// `tensor`, stored under `name` with the weights and not learned.
pub(crate) fn buffer_of(scope: &Scope<'_>, name: &str, tensor: Tensor) -> Result<Tensor> {
    free(scope, name)?;
    Ok(scope.path().add(name, tensor, false))
}

/// tch would store a second tensor of that name under another one, where nobody finds it.
fn free(scope: &Scope<'_>, name: &str) -> Result<()> {
    match scope.path().get(name) {
        None => Ok(()),
        Some(_) => {
            let problem = format!("is already in the `VarStore`, as `{}`", scope.path().path(name));
            Err(Error::argument(scope.name(), name, problem, "give each model a path of its own: `vs.root() / \"second\"`"))
        }
    }
}

/// Every size that `sizes` names is at least 1.
pub(crate) fn positive(scope: &Scope<'_>, sizes: &[(&str, usize)]) -> Result<()> {
    match sizes.iter().find(|(_, n)| *n == 0) {
        Some((argument, _)) => Err(Error::argument(scope.name(), argument, "must be at least 1, but is 0", "")),
        None => Ok(()),
    }
}

/// As libtorch takes them.
pub(crate) fn dims(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&n| n as i64).collect()
}
