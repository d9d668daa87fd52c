//! The graph of a net: what `snn_net!` builds and the passes rewrite. In: nothing (plain data, filled by [`Builder`](crate::Builder)); out:
//! layers in the order in which they run, the values between them, and the names of the weights they need.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use snn_kernels::Compiled;

use crate::error::{Error, Result};
use crate::layers::dense::DenseLayer;
use crate::layers::{Function, Reduce};
use snn_kernels::frozen::Windows;

/// A value of a [`Graph`]: what a layer gives, or an input of the net. It is of the [`Builder`](crate::Builder) that gave it; others refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// Its number among those of the graph.
    pub(crate) at: usize,
    /// The number of the builder.
    pub(crate) of: u64,
}

/// How a value depends on time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Time {
    /// The same at every step: a static input and what layers without memory make of it.
    Static,
    /// One value per step.
    Sequence,
    /// Past `MeanOverTime` and its kin: time is gone.
    Reduced,
}

/// How a sample lies in memory: cell by cell, channels last. In torch's order it is element `channel * cells + cell`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) cells: usize,
    pub(crate) channels: usize,
}

impl Layout {
    /// Of `[C, ..]`: the first axis are the channels.
    pub(crate) fn of(shape: &[usize]) -> Layout {
        match shape {
            [] => Layout { cells: 1, channels: 1 },
            [channels, space @ ..] => Layout { cells: snn_shape::product(space), channels: *channels },
        }
    }

    pub(crate) fn len(self) -> usize {
        self.cells * self.channels
    }
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Of one sample, torch's.
    pub(crate) shape: Vec<usize>,
    pub(crate) layout: Layout,
    pub(crate) time: Time,
}

impl Fact {
    pub(crate) fn new(shape: &[usize], time: Time) -> Fact {
        Fact { shape: shape.to_vec(), layout: Layout::of(shape), time }
    }
}

/// A tensor that a layer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    /// As in the `VarStore`: `layer1.0.conv1.weight`.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// What a layer does.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A convolution or a linear layer.
    Project(Project),
    /// y = a x + b, per channel.
    Normalise(Normalise),
    /// A neuron.
    Fire(Fire),
    /// The largest value of each window.
    MaxPool(Arc<Windows>),
    /// Gives what it gets.
    Pass,
    /// The same sample in another layout.
    Reorder,
    /// Element by element, or beside each other.
    Join(Function),
    /// Over time.
    Reduce(Reduce),
    /// A layer that works on numbers and takes part in no fusion.
    Dense(Arc<dyn DenseLayer>),
    /// Layers that run step by step: what comes out goes back in.
    Loop(Box<Body>),
}

/// Weights over windows.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) windows: Arc<Windows>,
    pub(crate) groups: usize,
    pub(crate) out_channels: usize,
    /// torch's `[out, in / groups, taps]`, or `[in, out / groups, taps]` of a transposed convolution.
    pub(crate) transposed: bool,
    /// The weights of each output are standardised before they are used.
    pub(crate) standardise: Option<Standardise>,
    pub(crate) weight: Weight,
    pub(crate) bias: Option<Weight>,
    /// Normalisations behind it that are folded into its weights, first to last.
    pub(crate) norms: Vec<Normalise>,
    /// The neuron behind it that runs with it.
    pub(crate) neuron: Option<Fire>,
}

/// Weight standardisation: (w - mean) / sqrt(var * fan_in + eps) * gain.
#[derive(Clone, Debug)]
pub(crate) struct Standardise {
    pub(crate) eps: f64,
    /// One number per output.
    pub(crate) gain: Option<Weight>,
}

/// A batch normalisation that evaluates: (x - mean) / sqrt(var + eps) * weight + bias.
#[derive(Clone, Debug)]
pub(crate) struct Normalise {
    pub(crate) eps: f64,
    pub(crate) mean: Weight,
    pub(crate) var: Weight,
    pub(crate) weight: Option<Weight>,
    pub(crate) bias: Option<Weight>,
}

/// A neuron, its type forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Fire {
    pub(crate) neuron: Arc<dyn Compiled>,
    /// `IFNode`
    pub(crate) kind: &'static str,
    pub(crate) learned: Vec<Weight>,
}

/// What runs inside a recurrent container. Its inputs are the last output and x.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) graph: Graph,
}

/// One layer, or one call of a function.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Dotted, without the net's: `layer1.0.conv1`.
    pub(crate) name: String,
    /// The names of layers behind it whose work it does, too.
    pub(crate) merged: Vec<String>,
    /// `Conv2d`
    pub(crate) layer: &'static str,
    /// Its arguments as text: what makes it another net if they differ.
    pub(crate) config: String,
    pub(crate) op: Op,
    pub(crate) args: Vec<Value>,
    pub(crate) out: Value,
}

impl Node {
    /// The tensors it needs.
    pub(crate) fn weights(&self) -> Vec<&Weight> {
        match &self.op {
            Op::Project(p) => {
                let gain = p.standardise.iter().flat_map(|s| &s.gain);
                let norms = p.norms.iter().flat_map(Normalise::weights);
                let learned = p.neuron.iter().flat_map(|fire| &fire.learned);
                [&p.weight].into_iter().chain(&p.bias).chain(gain).chain(norms).chain(learned).collect()
            }
            Op::Normalise(n) => n.weights().collect(),
            Op::Fire(f) => f.learned.iter().collect(),
            Op::Dense(layer) => layer.weights().iter().collect(),
            Op::Loop(body) => body.graph.nodes.iter().flat_map(Node::weights).collect(),
            Op::MaxPool(_) | Op::Pass | Op::Reorder | Op::Join(_) | Op::Reduce(_) => Vec::new(),
        }
    }
}

impl Normalise {
    fn weights(&self) -> impl Iterator<Item = &Weight> {
        [&self.mean, &self.var].into_iter().chain(&self.weight).chain(&self.bias)
    }
}

/// An input or output of the net.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// As the user sees it, whatever becomes of the value.
    pub(crate) fact: Fact,
}

/// A net: layers, the values between them, inputs and outputs. Made by [`Builder`](crate::Builder).
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) net: String,
    pub(crate) steps: usize,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    /// Each after those it needs.
    pub(crate) nodes: Vec<Node>,
    /// Of each value.
    pub(crate) facts: Vec<Fact>,
    /// The arguments of each layer as the user gave them, by the layer's name. Running does not need them; whoever writes the net down does.
    pub(crate) arguments: BTreeMap<String, Arc<dyn Any + Send + Sync>>,
    /// What [`Builder`](crate::Builder) could not say where it happened: why there is no model of this graph.
    pub(crate) refused: Option<Refusal>,
}

/// An input, output or layer that cannot be, by its name, and why.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) port: String,
    pub(crate) problem: String,
    pub(crate) help: &'static str,
}

impl Graph {
    /// The net's name.
    pub fn name(&self) -> &str {
        &self.net
    }

    /// Steps of a sequence.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The names of all tensors it needs, dotted as in the `VarStore`: `conv1.weight`, `bn1.running_mean`, `sn1.w`.
    pub fn weights(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().flat_map(Node::weights).map(|w| w.name.as_str())
    }

    /// Is there a model of it?
    ///
    /// # Errors
    ///
    /// An input, an output or what a layer gives cannot be.
    pub(crate) fn check(&self) -> Result<()> {
        match self.refused.clone() {
            None => Ok(()),
            Some(Refusal { port, problem, help }) => {
                Err(Error::Argument { layer: self.net.clone(), argument: port, problem, help: help.into() })
            }
        }
    }

    pub(crate) fn fact(&self, value: Value) -> &Fact {
        &self.facts[value.at]
    }

    /// For messages: `Csnn.conv1`.
    pub(crate) fn full_name(&self, node: &Node) -> String {
        format!("{}.{}", self.net, node.name)
    }
}
