//! Frozen layers, one family per file. In: a builder, a label, arguments and values; out: the layer in the graph, or an error that names it.

pub(crate) mod activation;
pub(crate) mod adaptive_pool;
pub(crate) mod batchnorm;
pub(crate) mod conv;
pub(crate) mod conv_transpose;
pub(crate) mod delay;
pub(crate) mod dense;
pub(crate) mod dropout;
pub(crate) mod flatten;
mod functions;
pub(crate) mod groupnorm;
pub(crate) mod linear;
pub(crate) mod neuron;
pub(crate) mod non_spiking;
pub(crate) mod pool;
pub(crate) mod psn;
pub(crate) mod space;
pub(crate) mod synapse_filter;
pub(crate) mod temporal_norm;
pub(crate) mod upsample;
pub(crate) mod voting;
pub(crate) mod weight_standard;

pub(crate) use functions::{Function, Reduce};

use crate::builder::Builder;
use crate::error::Result;
use crate::graph::Value;

/// A layer's frozen form. The types are markers with the layers' names, in [`frozen`](crate::frozen); a neuron that `snn_neuron!` defines has
/// one, too. A layer of your own that is made of layers of this library is written down as those:
///
/// ```standalone_crate
/// use snn_infer::{Builder, Frozen, LinearConfig, Result, Value, frozen, snn_net};
///
/// /// A linear layer, and zero where it would be less.
/// pub struct Rectified;
///
/// /// Its arguments, as in training.
/// #[derive(Default)]
/// pub struct RectifiedConfig {
///     pub out_features: usize,
/// }
///
/// impl Frozen for Rectified {
///     type Config = RectifiedConfig;
///
///     fn freeze(b: &mut Builder, label: &str, c: RectifiedConfig, args: &[Value]) -> Result<Value> {
///         let arrives = b.shape(args[0])?[0];
///         let y = frozen::Linear::freeze(b, label, LinearConfig::new(arrives, c.out_features), args)?;
///         frozen::ReLU::freeze(b, &format!("{label}.relu"), (), &[y])
///     }
/// }
///
/// snn_net! {
///     use crate::Rectified;
///     pub net Net(x: [T, 4]) -> [T, 2] {
///         T = 2;
///         rect: Rectified(out_features = 2) -> [2], // `rect.weight`, `rect.bias`
///         sn: IFNode(),
///     }
/// }
///
/// fn main() {
///     assert!(NetFrozen::load("there/is/no/such.safetensors").is_err());
/// }
/// ```
///
/// `args` are the values with which the net calls the layer. One that has no frozen form is an error:
///
/// ```compile_fail,E0277
/// # mod layers {
/// pub struct Attention; // which needs libtorch
/// # }
/// snn_infer::snn_net! {
///     use crate::layers::Attention;
///     net Net(x: [T, 4]) -> [T, 4] {
///         T = 2;
///         fc: Linear(_, 4),
///         att: Attention(),
///     }
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no frozen form: a layer of your own runs on libtorch alone",
    label = "has no frozen form",
    note = "enable the feature `train` of `snn`, and run the net with `forward`; a neuron that `snn_neuron!` defines has a frozen form, and \
            `impl snn::Frozen` gives one to a layer that is made of layers of this library"
)]
pub trait Frozen {
    /// The arguments, the same struct as in training.
    type Config;

    /// Adds the layer to the graph. `label` is its name in the net, the last part of those of its weights.
    ///
    /// # Errors
    ///
    /// Arguments that it cannot work with, a value that does not fit, or it has no frozen form with these arguments.
    fn freeze(b: &mut Builder, label: &str, config: Self::Config, args: &[Value]) -> Result<Value>;
}
