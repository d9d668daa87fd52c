//! The nodes of NIR, one type each. In: the fields of a node as a file stores them; out: a [`Node`] with typed fields, and the fields of one.
//!
//! Source: J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified instruction set for interoperable brain-inspired
//! computing", Nature Communications 15, 2024; the layout of files is that of the Python package `nir` 1.0.8.

use std::collections::BTreeMap;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::field::{Field, Padding, Stored};
use crate::graph::Graph;

/// Declares the types of nodes by their fields, as files name them. One list: the enum, reading and writing follow from it.
macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $ty,)*
            }

            impl From<$name> for Node {
                fn from(node: $name) -> Node {
                    Node::$name(node)
                }
            }
        )*

        /// A node of a graph.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Node {
            $($(#[$doc])* $name($name),)*
            /// A graph inside the graph, with one [`Input`] and one [`Output`].
            NIRGraph(Graph),
        }

        impl Node {
            /// The names of all types.
            pub const KINDS: &[&str] = &[$(stringify!($name),)* "NIRGraph"];

            /// The name of its type: `LIF`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Node::$name(_) => stringify!($name),)*
                    Node::NIRGraph(_) => "NIRGraph",
                }
            }

            /// The node `node` of the type `kind` (any but `NIRGraph`) from its fields.
            pub(crate) fn of(node: &str, kind: &str, fields: &BTreeMap<String, Stored>) -> Result<Node> {
                match kind {
                    $(stringify!($name) => Ok(Node::$name($name { $($field: field(node, stringify!($field), fields)?,)* })),)*
                    _ => Err(Error::Kind { node: node.into(), kind: kind.into(), known: Node::KINDS.to_vec() }),
                }
            }

            /// Is every field what a file could hold?
            pub(crate) fn check_fields(&self, name: &str) -> Result<()> {
                match self {
                    $(Node::$name(node) => {
                        $(fits(name, stringify!($field), &node.$field)?;)*
                        Ok(())
                    })*
                    Node::NIRGraph(_) => Ok(()),
                }
            }

            /// Its fields, but for those of a graph.
            pub(crate) fn fields(&self) -> Vec<(&'static str, Stored)> {
                match self {
                    $(Node::$name(node) => {
                        let fields: Vec<(&'static str, Option<Stored>)> = vec![$((stringify!($field), node.$field.stored()),)*];
                        fields.into_iter().filter_map(|(name, stored)| Some((name, stored?))).collect()
                    })*
                    Node::NIRGraph(_) => Vec::new(),
                }
            }
        }
    };
}

fn field<F: Field>(node: &str, name: &str, fields: &BTreeMap<String, Stored>) -> Result<F> {
    match fields.get(name) {
        Some(stored) => F::of(stored).ok_or_else(|| Error::field(node, name, F::wants(), stored.shown())),
        None => F::absent().ok_or_else(|| Error::field(node, name, F::wants(), "not there")),
    }
}

fn fits<F: Field>(node: &str, name: &str, value: &F) -> Result<()> {
    let shown = || value.stored().map_or("nothing".into(), |stored| stored.shown());
    if value.fits() { Ok(()) } else { Err(Error::field(node, name, F::wants(), shown())) }
}

nodes! {
    /// Where a graph begins.
    Input {
        /// The sizes of one step of one sample.
        shape: Vec<usize>,
    }
    /// Where a graph ends.
    Output {
        /// The sizes of one step of one sample.
        shape: Vec<usize>,
    }
    /// y = W x + b.
    Affine {
        /// W, `[out, in]`.
        weight: Array,
        /// b, `[out]`.
        bias: Array,
    }
    /// y = W x.
    Linear {
        /// W, `[out, in]`.
        weight: Array,
    }
    /// Each number times one of its own: y = s x.
    Scale {
        /// s, of the input's shape.
        scale: Array,
    }
    /// A convolution over one axis.
    Conv1d {
        /// The length of the input; `None`: whatever arrives.
        input_shape: Option<usize>,
        /// `[out, in / groups, kernel]`.
        weight: Array,
        /// Steps of the kernel.
        stride: [usize; 1],
        /// Zeros around the input.
        padding: Padding<1>,
        /// Steps between the kernel's cells.
        dilation: [usize; 1],
        /// Groups of channels that do not see each other.
        groups: usize,
        /// `[out]`.
        bias: Array,
    }
    /// A convolution over two axes.
    Conv2d {
        /// Height and width of the input; `None`: whatever arrives.
        input_shape: Option<[usize; 2]>,
        /// `[out, in / groups, kernel, kernel]`.
        weight: Array,
        /// Steps of the kernel.
        stride: [usize; 2],
        /// Zeros around the input.
        padding: Padding<2>,
        /// Steps between the kernel's cells.
        dilation: [usize; 2],
        /// Groups of channels that do not see each other.
        groups: usize,
        /// `[out]`.
        bias: Array,
    }
    /// The sum over windows.
    SumPool2d {
        /// Height and width of a window.
        kernel_size: [usize; 2],
        /// Steps of the window.
        stride: [usize; 2],
        /// Zeros around the input.
        padding: [usize; 2],
    }
    /// The mean over windows, zeros of the padding counted.
    AvgPool2d {
        /// Height and width of a window.
        kernel_size: [usize; 2],
        /// Steps of the window.
        stride: [usize; 2],
        /// Zeros around the input.
        padding: [usize; 2],
    }
    /// Several axes as one.
    Flatten {
        /// The sizes of the input, without batch; `None`: whatever arrives.
        input_type: Option<Vec<usize>>,
        /// The first of the axes; from the end when negative.
        start_dim: i64,
        /// The last of the axes; from the end when negative.
        end_dim: i64,
    }
    /// y(t) = x(t - delay).
    Delay {
        /// In seconds, of the input's shape.
        delay: Array,
    }
    /// 1 where x > threshold, otherwise 0.
    Threshold {
        /// Of the input's shape.
        threshold: Array,
    }
    /// Leaky integrate and fire: tau dv/dt = (v_leak - v) + r x; where v > v_threshold it sends 1, and v becomes v_reset.
    LIF {
        /// Time constant in seconds.
        tau: Array,
        /// Resistance.
        r: Array,
        /// What the potential leaks to.
        v_leak: Array,
        /// What the potential has to exceed.
        v_threshold: Array,
        /// The potential after a spike; `None`: 0.
        v_reset: Option<Array>,
    }
    /// Integrate and fire: dv/dt = r x; where v > v_threshold it sends 1, and v becomes v_reset.
    IF {
        /// Resistance.
        r: Array,
        /// What the potential has to exceed.
        v_threshold: Array,
        /// The potential after a spike; `None`: 0.
        v_reset: Option<Array>,
    }
    /// Leaky integrator: tau dv/dt = (v_leak - v) + r x; it sends v.
    LI {
        /// Time constant in seconds.
        tau: Array,
        /// Resistance.
        r: Array,
        /// What the potential leaks to.
        v_leak: Array,
    }
    /// Integrator: dv/dt = r x; it sends v.
    I {
        /// Resistance.
        r: Array,
    }
    /// LIF behind a synapse: tau_syn di/dt = -i + w_in x and tau_mem dv/dt = (v_leak - v) + r i.
    CubaLIF {
        /// Time constant of the current, in seconds.
        tau_syn: Array,
        /// Time constant of the potential, in seconds.
        tau_mem: Array,
        /// Resistance.
        r: Array,
        /// What the potential leaks to.
        v_leak: Array,
        /// What the potential has to exceed.
        v_threshold: Array,
        /// The potential after a spike; `None`: 0.
        v_reset: Option<Array>,
        /// Weight of the input; `None`: 1.
        w_in: Option<Array>,
    }
    /// LI behind a synapse, as [`CubaLIF`] without spikes.
    CubaLI {
        /// Time constant of the current, in seconds.
        tau_syn: Array,
        /// Time constant of the potential, in seconds.
        tau_mem: Array,
        /// Resistance.
        r: Array,
        /// What the potential leaks to.
        v_leak: Array,
        /// Weight of the input; `None`: 1.
        w_in: Option<Array>,
    }
}
