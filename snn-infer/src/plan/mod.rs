//! From a graph to a program, one pass per file. In: the graph as it was built; out: the same function of its inputs, with fewer layers.

mod buffers;
mod fold;
mod fuse;
mod lower;
mod mean_first;
mod pass;

pub(crate) use lower::lower;

use crate::graph::{Graph, Op, Value};

/// All passes.
pub(crate) fn plan(graph: &mut Graph) {
    pass::pass(graph);
    fold::fold(graph);
    fuse::fuse(graph);
    mean_first::mean_first(graph);
    for node in &mut graph.nodes {
        if let Op::Loop(body) = &mut node.op {
            plan(&mut body.graph);
        }
    }
}

/// The same net with its normalisations in the weights before them, and nothing else done to it.
#[cfg(feature = "nir")]
pub(crate) fn folded(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    fold::fold(&mut graph);
    graph
}

/// Every reader of `old` reads `new`.
fn replace(graph: &mut Graph, old: Value, new: Value) {
    let args = graph.nodes.iter_mut().flat_map(|node| &mut node.args);
    for value in args.chain(graph.outputs.iter_mut().map(|port| &mut port.value)) {
        if *value == old {
            *value = new;
        }
    }
}

/// Who reads a value: layers, and outputs of the net.
fn readers(graph: &Graph, value: Value) -> usize {
    let args = graph.nodes.iter().flat_map(|node| &node.args);
    args.chain(graph.outputs.iter().map(|port| &port.value)).filter(|v| **v == value).count()
}
