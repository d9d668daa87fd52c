//! A net as a NIR graph, which other frameworks read. In: the graph that `snn_net!` writes, its weights, and how long a step is; out: a
//! [`snn_nir::Graph`] that sends the same spikes, or an error that names the layer that NIR has nothing for.
//!
//! NIR's neurons fire strictly above their threshold, those of this library from it on: what is written is the next smaller `f32`.

use std::any::Any;
use std::collections::BTreeMap;

use snn_kernels::{IFNodeConfig, LIFNodeConfig, ParametricLIFNodeConfig, SimpleIFNodeConfig, SimpleLIFNodeConfig};
use snn_nir::{Affine, Array, AvgPool2d, Conv1d, Conv2d, Delay, Flatten, IF, Input, LIF, Linear, Node as Nir, Output, Padding, SumPool2d};

use crate::error::{Error, Result};
use crate::graph::{Fire, Graph, Node, Op, Project, Value};
use crate::layers::Function;
use crate::layers::conv::{ConvConfig, PaddingMode};
use crate::layers::delay::DelayConfig;
use crate::layers::flatten::FlattenConfig;
use crate::layers::linear::LinearConfig;
use crate::layers::pool::AvgPoolConfig;
use crate::plan;
use crate::weights::Weights;

impl Graph {
    /// The net as a NIR graph with steps of `dt` seconds. `weights` gives a tensor by its dotted name, as in [`Model::new`](crate::Model::new).
    ///
    /// Batch normalisations are folded into the layer before them; time constants become seconds.
    ///
    /// # Errors
    ///
    /// [`Error::NotInNir`] names the first layer that NIR has nothing for; [`Error::Weights`] lists what is missing or has another shape.
    pub fn to_nir(&self, weights: impl FnMut(&str) -> Option<(Vec<usize>, Vec<f32>)>, dt: f64) -> Result<snn_nir::Graph> {
        self.check()?;
        if !(dt.is_finite() && dt > 0.0) {
            return Err(not_in_nir(
                &self.net,
                format!("a step of {dt} seconds"),
                "`dt` is the length of a step in seconds, greater than 0",
            ));
        }
        let graph = plan::folded(self);
        let weights = Weights::collect(&self.net, self.nodes.iter().flat_map(Node::weights), weights)?;
        let mut export = Export { weights, dt, nir: snn_nir::Graph::default() };
        let mut inputs = Vec::new();
        for port in &graph.inputs {
            inputs.push(vec![export.add(&graph, &port.name, Input { shape: port.fact.shape.clone() }.into(), &[])?]);
        }
        for (port, from) in graph.outputs.iter().zip(export.layers(&graph, inputs)?) {
            export.add(&graph, &port.name, Output { shape: port.fact.shape.clone() }.into(), &from)?;
        }
        Ok(export.nir)
    }
}

struct Export {
    weights: Weights,
    dt: f64,
    nir: snn_nir::Graph,
}

/// The nodes that send a value; several add up.
type Sent = Vec<String>;

fn not_in_nir(layer: &str, problem: impl Into<String>, help: &str) -> Error {
    Error::NotInNir { layer: layer.into(), problem: problem.into(), help: help.into() }
}

/// The largest `f32` that is smaller: strictly above it is from `threshold` on.
fn below(threshold: f64) -> f64 {
    f64::from((threshold as f32).next_down())
}

impl Export {
    /// Adds a node and the edges to it. Names are those of the net, with a number behind where a port is called like a layer.
    fn add(&mut self, graph: &Graph, name: &str, node: Nir, from: &[String]) -> Result<String> {
        let names = (1..).map(|n| if n == 1 { name.to_owned() } else { format!("{name}_{n}") });
        let name = names.into_iter().find(|name| !self.nir.nodes.contains_key(name)).unwrap_or_else(|| name.to_owned());
        self.nir.nodes.insert(name.clone(), node);
        for (at, source) in from.iter().enumerate() {
            if from[..at].contains(source) {
                let layer = format!("{}.{source}", graph.net);
                return Err(not_in_nir(&layer, "its output is added to itself", "an edge of NIR counts once: let a layer double it"));
            }
            self.nir.edges.push((source.clone(), name.clone()));
        }
        Ok(name)
    }

    /// Adds the nodes of a graph, or of what is in a container, behind what sends its inputs; gives what sends its outputs.
    fn layers(&mut self, graph: &Graph, inputs: Vec<Sent>) -> Result<Vec<Sent>> {
        let mut sent: BTreeMap<Value, Sent> = graph.inputs.iter().map(|port| port.value).zip(inputs).collect();
        for node in &graph.nodes {
            let from: Vec<Sent> = node.args.iter().map(|arg| sent.get(arg).cloned().unwrap_or_default()).collect();
            let made = match &node.op {
                Op::Loop(body) => self.looped(graph, node, &body.graph, from.concat())?,
                // What stands side by side is taken apart by the linear layer behind it.
                Op::Join(Function::Cat) if readers_are_linear(graph, node.out) => Vec::new(),
                Op::Project(project) => {
                    match graph.nodes.iter().find(|n| node.args == [n.out] && matches!(n.op, Op::Join(Function::Cat))) {
                        Some(cat) => {
                            let from =
                                cat.args.iter().map(|arg| (graph.fact(*arg).shape.clone(), sent.get(arg).cloned().unwrap_or_default()));
                            self.side_by_side(graph, node, project, from.collect())?
                        }
                        None => self.layer(graph, node, from.concat())?,
                    }
                }
                _ => self.layer(graph, node, from.concat())?,
            };
            sent.insert(node.out, made);
        }
        Ok(graph.outputs.iter().map(|port| sent.get(&port.value).cloned().unwrap_or_default()).collect())
    }

    fn layer(&mut self, graph: &Graph, node: &Node, from: Sent) -> Result<Sent> {
        match self.node(graph, node)? {
            Some(made) => Ok(vec![self.add(graph, &node.name, made, &from)?]),
            None => Ok(from),
        }
    }

    /// A container whose output comes back: edges from its neuron to what reads the last output.
    fn looped(&mut self, graph: &Graph, node: &Node, body: &Graph, x: Sent) -> Result<Sent> {
        // No node of the language has a name like this.
        let back = format!("{} of before", node.name);
        let out = self.layers(body, vec![vec![back.clone()], x])?.concat();
        let (neurons, helps) = (body.nodes.iter().filter(|n| matches!(n.op, Op::Fire(_))), "end the container with its neuron");
        let [neuron] = out.as_slice() else { return Err(not_in_nir(&graph.full_name(node), "its output is a sum", helps)) };
        if !neurons.into_iter().any(|n| n.name == *neuron) {
            return Err(not_in_nir(&graph.full_name(node), "what comes back is not what its neuron sends", helps));
        }
        self.nir.edges.iter_mut().filter(|(from, _)| *from == back).for_each(|(from, _)| from.clone_from(neuron));
        Ok(out)
    }

    /// A linear layer on values side by side: one for each of them, added up.
    fn side_by_side(&mut self, graph: &Graph, node: &Node, project: &Project, from: Vec<(Vec<usize>, Sent)>) -> Result<Sent> {
        let (weight, bias) = self.tensors(project);
        let (mut sent, mut first) = (Vec::new(), 0);
        for (shape, from) in from {
            let (columns, all) = (shape.iter().product::<usize>(), weight.shape()[1]);
            let rows = weight.data().chunks(all).flat_map(|row| row[first..first + columns].iter().copied());
            let weight = Array::new([weight.shape()[0], columns], rows.collect::<Vec<_>>()).unwrap_or_default();
            let made = if first == 0 { Affine { weight, bias: bias.clone() }.into() } else { Linear { weight }.into() };
            sent.push(self.add(graph, &node.name, made, &from)?);
            first += columns;
        }
        Ok(sent)
    }

    /// The node for a layer; `None` for what passes on what it gets, all of it added up.
    fn node(&self, graph: &Graph, node: &Node) -> Result<Option<Nir>> {
        let arguments = graph.arguments.get(node.name.split('#').next().unwrap_or(&node.name)).map(|any| &**any);
        let arguments: &(dyn Any + Send + Sync) = arguments.unwrap_or(&());
        let shape = node.args.first().map_or(&[][..], |arg| &graph.fact(*arg).shape);
        let made = match &node.op {
            Op::Project(project) => self.project(project, arguments, shape),
            Op::Fire(fire) => self.neuron(fire, arguments, &graph.fact(node.out).shape),
            Op::Pass => match arguments.downcast_ref::<FlattenConfig>() {
                // Axes of the language are counted with the batch.
                Some(c) => {
                    Ok(Flatten { input_type: Some(shape.to_vec()), start_dim: c.start_dim as i64 - 1, end_dim: c.end_dim as i64 - 1 }
                        .into())
                }
                None => return Ok(None),
            },
            Op::Reorder | Op::Join(Function::Add) => return Ok(None),
            Op::Dense(_) => self.dense(arguments, shape),
            Op::Reduce(_) => Err((
                "it is over time, which NIR's graphs do not end".into(),
                "declare a net that outputs `[T, ..]`, and share the weights",
            )),
            Op::Normalise(_) => {
                Err(("it does not stand alone behind a convolution or linear layer, whose weights could take it".into(), ""))
            }
            Op::MaxPool(_) | Op::Join(_) | Op::Loop(_) => Err(("there is no node for it".into(), "")),
        };
        made.map(Some).map_err(|(problem, help)| {
            let layer = format!("{} (`{}`)", graph.full_name(node), node.layer);
            not_in_nir(&layer, problem, help)
        })
    }

    /// Weight and bias as torch has them, normalisations folded in.
    fn tensors(&self, project: &Project) -> (Array, Array) {
        let (weight, bias) = self.weights.projected(project);
        // Folded in `f64`, used in `f32`.
        let array = |shape: &[usize], data: Vec<f64>| {
            Array::new(shape, data.into_iter().map(|x| f64::from(x as f32)).collect::<Vec<_>>()).unwrap_or_default()
        };
        (array(&project.weight.shape, weight), array(&[project.out_channels], bias))
    }

    fn project(&self, project: &Project, arguments: &(dyn Any + Send + Sync), shape: &[usize]) -> Made {
        let (weight, bias) = self.tensors(project);
        if project.standardise.is_some() {
            return Err(("its weights are standardised at every call".into(), ""));
        }
        if let Some(c) = arguments.downcast_ref::<ConvConfig<1>>() {
            let (padding, [len]) = (padding(c)?, space(shape)?);
            return Ok(
                Conv1d { input_shape: Some(len), weight, stride: c.stride, padding, dilation: c.dilation, groups: c.groups, bias }.into()
            );
        }
        if let Some(c) = arguments.downcast_ref::<ConvConfig<2>>() {
            let (padding, size) = (padding(c)?, space(shape)?);
            return Ok(
                Conv2d { input_shape: Some(size), weight, stride: c.stride, padding, dilation: c.dilation, groups: c.groups, bias }.into()
            );
        }
        match (arguments.downcast_ref::<LinearConfig>(), shape) {
            (Some(_), [_]) => Ok(Affine { weight, bias }.into()),
            (Some(_), _) => {
                Err((format!("its input is {shape:?}, and a linear layer of NIR takes a flat one"), "put `Flatten(),` before it"))
            }
            (None, _) => Err(("there is no node for it".into(), "")),
        }
    }

    fn neuron(&self, fire: &Fire, arguments: &(dyn Any + Send + Sync), shape: &[usize]) -> Made {
        const SOFT: &str = "it subtracts the threshold, and NIR's neurons are set to a value";
        const START: &str = "it starts at its reset value, and NIR's neurons at 0";
        const HELP: &str = "give it `v_reset = Some(0.0)`";
        let full = |x: f64| Array::full(shape, x);
        let zero = |v_reset: Option<f64>| match v_reset {
            None => Err((SOFT.into(), HELP)),
            Some(0.0) => Ok(0.0),
            Some(_) => Err((START.into(), HELP)),
        };
        let if_node = |threshold: f64, reset: f64| {
            Ok(IF { r: full(1.0 / self.dt), v_threshold: full(below(threshold)), v_reset: Some(full(reset)) }.into())
        };
        // tau counts steps; without `decay_input` the current is not divided by it.
        let lif_node = |tau: f64, decay_input: bool, threshold: f64, reset: f64| {
            let (r, v_threshold, v_reset) = (full(if decay_input { 1.0 } else { tau }), full(below(threshold)), Some(full(reset)));
            Ok(LIF { tau: full(tau * self.dt), r, v_leak: full(reset), v_threshold, v_reset }.into())
        };
        if let Some(c) = arguments.downcast_ref::<IFNodeConfig>() {
            return if_node(c.v_threshold, zero(c.v_reset)?);
        }
        if let Some(c) = arguments.downcast_ref::<SimpleIFNodeConfig>() {
            return if_node(c.v_threshold, c.v_reset.ok_or((SOFT.to_owned(), HELP))?);
        }
        if let Some(c) = arguments.downcast_ref::<LIFNodeConfig>() {
            return lif_node(c.tau, c.decay_input, c.v_threshold, zero(c.v_reset)?);
        }
        if let Some(c) = arguments.downcast_ref::<SimpleLIFNodeConfig>() {
            return lif_node(c.tau, c.decay_input, c.v_threshold, c.v_reset.ok_or((SOFT.to_owned(), HELP))?);
        }
        if let (Some(c), [w]) = (arguments.downcast_ref::<ParametricLIFNodeConfig>(), fire.learned.as_slice()) {
            let w = self.weights.get(w).first().copied().unwrap_or_default();
            return lif_node(1.0 + (-f64::from(w)).exp(), c.decay_input, c.v_threshold, zero(c.v_reset)?);
        }
        Err(("there is no node for it".into(), ""))
    }

    fn dense(&self, arguments: &(dyn Any + Send + Sync), shape: &[usize]) -> Made {
        if let Some(c) = arguments.downcast_ref::<DelayConfig>() {
            return Ok(Delay { delay: Array::full(shape, c.delay_steps as f64 * self.dt) }.into());
        }
        let Some(c) = arguments.downcast_ref::<AvgPoolConfig<2>>() else { return Err(("there is no node for it".into(), "")) };
        let &AvgPoolConfig { kernel_size, stride, padding, .. } = c;
        let padded = padding != [0, 0];
        match c.divisor_override {
            _ if c.ceil_mode => Err(("its last windows hang over the end".into(), "leave out `ceil_mode`")),
            None if padded && !c.count_include_pad => Err(("it does not count the padding".into(), "leave out `count_include_pad`")),
            None => Ok(AvgPool2d { kernel_size, stride, padding }.into()),
            Some(1) => Ok(SumPool2d { kernel_size, stride, padding }.into()),
            Some(_) => Err(("its divisor is its own".into(), "leave out `divisor_override`, or make it 1")),
        }
    }
}

/// Is a value of flat features read by linear layers alone?
fn readers_are_linear(graph: &Graph, value: Value) -> bool {
    let linear = |node: &Node| {
        let arguments = graph.arguments.get(&node.name);
        matches!(node.op, Op::Project(_)) && arguments.is_some_and(|any| any.is::<LinearConfig>())
    };
    let read = graph.nodes.iter().filter(|node| node.args.contains(&value)).all(linear);
    read && graph.fact(value).shape.len() == 1 && graph.outputs.iter().all(|port| port.value != value)
}

/// A node, or what keeps it from being one, and the fix.
type Made<N = Nir> = std::result::Result<N, (String, &'static str)>;

/// The sizes behind the channels.
fn space<const D: usize>(shape: &[usize]) -> Made<[usize; D]> {
    shape.get(1..).and_then(|space| space.try_into().ok()).ok_or_else(|| (format!("its input is {shape:?}"), ""))
}

fn padding<const D: usize>(c: &ConvConfig<D>) -> Made<Padding<D>> {
    if c.padding_mode != PaddingMode::Zeros {
        return Err((format!("its padding is {:?}", c.padding_mode), "NIR pads with zeros"));
    }
    let same = |i: usize| c.padding[i] == <[usize; 2]>::from(snn_shape::same_padding(c.kernel_size[i], c.dilation[i]));
    match (0..D).all(|i| c.padding[i][0] == c.padding[i][1]) {
        true => Ok(Padding::Each(c.padding.map(|[before, _]| before))),
        false if (0..D).all(|i| same(i) && c.stride[i] == 1) => Ok(Padding::Same),
        false => Err((format!("its padding is {:?}, another before than behind", c.padding), "")),
    }
}
