//! What generated code names, as `$crate::__private::X`, and what the training side of a layer shares. No part of the public interface: it may
//! change with any version.

pub use snn_kernels as kernels;
pub use snn_macros::snn_frozen_net as snn_net_impl;
pub use snn_macros::snn_neuron as snn_neuron_impl;
pub use snn_shape as shape;

pub use crate as infer;
pub use crate::error::{list, tail};
pub use crate::file::write_whole;
pub use crate::layers::dropout::check_share;
pub use crate::layers::pool::pool_misfit;
pub use crate::layers::space::{axes, by};
pub use crate::weights::affine;
pub use crate::*;

/// Where `snn_neuron!` finds what it makes a layer of.
pub mod neuron {
    pub use crate::frozen::Node;
}

/// A layer of the graph: [`Frozen::freeze`] with one type to name. Its arguments are kept beside it.
///
/// # Errors
///
/// As there.
pub fn freeze<L: Frozen>(b: &mut Builder, label: &str, config: L::Config, args: &[Value]) -> Result<Value>
where
    L::Config: Clone + Send + Sync + 'static,
{
    b.keep(label, config.clone());
    L::freeze(b, label, config, args)
}

/// A layer of the user's own in the graph: its arguments are the defaults of its `Config` with what `set` changes, and it gives `shape`.
///
/// # Errors
///
/// As [`Frozen::freeze`], or it gives another shape.
pub fn freeze_own<L: Frozen<Config: Default>>(
    b: &mut Builder,
    label: &str,
    set: impl FnOnce(&mut L::Config),
    args: &[Value],
    shape: &[usize],
) -> Result<Value> {
    let mut config = L::Config::default();
    set(&mut config);
    let value = L::freeze(b, label, config, args)?;
    declared(b, label, value, shape)
}

/// What a layer of the user's own gives has the shape that the net says.
///
/// # Errors
///
/// It has another.
pub fn declared(b: &Builder, label: &str, value: Value, shape: &[usize]) -> Result<Value> {
    b.take(&b.full_name(label), &[value])?;
    let got = &b.fact(value).shape;
    if got == shape {
        return Ok(value);
    }
    Err(Error::shape(&b.full_name(label), format!("{shape:?} to come out"), got, format!("write `-> {got:?}` behind the layer")))
}

/// Why a layer of the user's own is not in the graph.
pub fn unfrozen_own(b: &Builder, label: &str) -> Error {
    unfrozen(&b.full_name(label), "a layer of your own")
}

/// Why there is no graph: `layer` is of a kind, `what`, that only libtorch runs.
pub fn unfrozen(layer: &str, what: &str) -> Error {
    Error::unsupported(layer, format!("{what} runs on libtorch alone"), "run the net with `forward`")
}
