//! A graph: nodes by name, and edges between them. In: nodes and edges; out: a [`Graph`] whose every field and edge is checked.

use std::collections::BTreeMap;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::node::{Input, Node, Output};

/// A NIR graph. [`Graph::read`] and [`Graph::write`] are its file, [`Graph::run`] is what it computes, [`Graph::import`] its source in the
/// language of `snn_net!`.
///
/// ```
/// use snn_nir::{Affine, Array, Graph, LIF};
///
/// # fn main() -> snn_nir::Result<()> {
/// let one = |x| Array::vector([x]);
/// let graph = Graph::chain(
///     [1],
///     [
///         ("fc", Affine { weight: Array::full([1, 1], 2.0), bias: one(0.0) }.into()),
///         ("lif", LIF { tau: one(0.01), r: one(1.0), v_leak: one(0.0), v_threshold: one(0.5), v_reset: None }.into()),
///     ],
///     [1],
/// );
/// let y = graph.run(&[("input", &Array::full([10, 1], 1.0))], Some(1e-3))?;
/// assert_eq!(y["output"].data(), [0., 0., 1., 0., 0., 1., 0., 0., 1., 0.]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The nodes by name.
    pub nodes: BTreeMap<String, Node>,
    /// From one node to another. What several edges bring to a node is added up.
    pub edges: Vec<(String, String)>,
}

impl Graph {
    /// Nodes one behind the other, between an `input` and an `output` of these sizes.
    pub fn chain<'a>(
        input: impl Into<Vec<usize>>,
        nodes: impl IntoIterator<Item = (&'a str, Node)>,
        output: impl Into<Vec<usize>>,
    ) -> Graph {
        let first = ("input", Node::from(Input { shape: input.into() }));
        let last = ("output", Node::from(Output { shape: output.into() }));
        let mut graph = Graph::default();
        let mut before: Option<String> = None;
        for (name, node) in std::iter::once(first).chain(nodes).chain(std::iter::once(last)) {
            if let Some(before) = before.replace(name.into()) {
                graph.edges.push((before, name.into()));
            }
            graph.nodes.insert(name.into(), node);
        }
        graph
    }

    /// Is everything in it as it should be? Reading, running and importing check the same.
    ///
    /// # Errors
    ///
    /// Names the node and the field or edge that is not, what it wants and what it is.
    pub fn check(&self) -> Result<()> {
        self.plan().map(|_| ())
    }

    /// The first time in seconds: a graph with one needs to know how long a step is.
    pub(crate) fn check_step(&self, prefix: &str, dt: Option<f64>) -> Result<()> {
        if let Some(dt) = dt.filter(|dt| !(dt.is_finite() && *dt > 0.0)) {
            return Err(Error::Dt { dt, problem: "it has to be a number greater than 0".into() });
        }
        for (name, node) in &self.nodes {
            let name = path(prefix, name);
            if let Node::NIRGraph(inner) = node {
                inner.check_step(&name, dt)?;
            }
            let times = node.dynamics().and_then(|d| d.times().next().map(|(field, _)| field));
            let times = times.or(if let Node::Delay(_) = node { Some("delay") } else { None });
            match (times, dt) {
                (Some(field), None) => return Err(Error::StepLength { node: name, field: format!("`{field}`") }),
                (Some(_), Some(dt)) => node.dynamics().map_or(Ok(()), |d| d.check_step(&name, dt))?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// Edges lead to nodes that are there.
    pub(crate) fn check_edges(&self, prefix: &str) -> Result<()> {
        for (from, to) in &self.edges {
            if let Some(missing) = [from, to].into_iter().find(|name| !self.nodes.contains_key(*name)) {
                return Err(Error::Edge {
                    graph: prefix.into(),
                    from: from.clone(),
                    to: to.clone(),
                    missing: missing.clone(),
                    nodes: self.nodes.keys().cloned().collect(),
                });
            }
        }
        Ok(())
    }
}

impl Node {
    /// Do its fields fit each other? What arrives is checked by [`Node::output`].
    pub(crate) fn check(&self, node: &str) -> Result<()> {
        self.check_fields(node)?;
        let positive = |name: &str, x: &Array| match x.data().iter().find(|&&x| x <= 0.0) {
            Some(x) => Err(Error::field(node, name, "times greater than 0", x.to_string())),
            None => Ok(()),
        };
        match self {
            Node::Affine(n) => {
                let out = matrix(node, &n.weight)?;
                sized(node, "bias", &n.bias, out)
            }
            Node::Linear(n) => matrix(node, &n.weight).map(|_| ()),
            Node::Conv1d(n) => conv(node, &n.weight, &n.bias, n.groups, 1),
            Node::Conv2d(n) => conv(node, &n.weight, &n.bias, n.groups, 2),
            Node::Delay(n) => match n.delay.data().iter().find(|&&x| x < 0.0) {
                Some(x) => Err(Error::field(node, "delay", "times from 0 on", x.to_string())),
                None => Ok(()),
            },
            _ => {
                let Some(dynamics) = self.dynamics() else { return Ok(()) };
                dynamics.times().try_for_each(|(name, tau)| positive(name, tau))?;
                let mut all = dynamics.parameters().filter(|(_, p)| p.data().len() > 1);
                let Some((first, shape)) = all.next().map(|(name, p)| (name, p.shape())) else { return Ok(()) };
                match all.find(|(_, p)| p.shape() != shape) {
                    Some((name, p)) => {
                        let wants = format!("the shape of `{first}`, {shape:?}, or one number");
                        Err(Error::field(node, name, wants, format!("{:?}", p.shape())))
                    }
                    None => Ok(()),
                }
            }
        }
    }
}

/// `outer.inner`, which is how nodes of nested graphs are named.
pub(crate) fn path(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.into() } else { format!("{prefix}.{name}") }
}

fn matrix(node: &str, weight: &Array) -> Result<usize> {
    match weight.shape() {
        [out, _] => Ok(*out),
        other => Err(Error::field(node, "weight", "a matrix [out, in]", format!("{other:?}"))),
    }
}

fn sized(node: &str, field: &str, x: &Array, len: usize) -> Result<()> {
    if x.shape() == [len] { Ok(()) } else { Err(Error::field(node, field, format!("[{len}]"), format!("{:?}", x.shape()))) }
}

fn conv(node: &str, weight: &Array, bias: &Array, groups: usize, axes: usize) -> Result<()> {
    let shape = weight.shape();
    if shape.len() != axes + 2 {
        let wants = format!("[out, in / groups{}]", ", kernel".repeat(axes));
        return Err(Error::field(node, "weight", wants, format!("{shape:?}")));
    }
    if snn_shape::divide(shape[0], groups).is_none() {
        return Err(Error::field(node, "groups", format!("a divisor of the {} output channels", shape[0]), groups.to_string()));
    }
    sized(node, "bias", bias, shape[0])
}
