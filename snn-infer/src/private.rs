//! What generated code names, as `$crate::__private::X`, and what the training side of a layer shares. No part of the public interface: it may
//! change with any version.

pub use snn_macros::snn_frozen_net as snn_net_impl;
pub use snn_shape as shape;

pub use crate as infer;
pub use crate::error::{list, tail};
pub use crate::file::write_whole;
pub use crate::layers::dropout::check_share;
pub use crate::layers::pool::pool_misfit;
pub use crate::layers::space::{axes, by};
pub use crate::*;

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

/// Why there is no graph: `layer` is of a kind, `what`, that only libtorch runs.
pub fn unfrozen(layer: &str, what: &str) -> Error {
    Error::unsupported(layer, format!("{what} runs on libtorch alone"), "run the net with `forward`")
}
