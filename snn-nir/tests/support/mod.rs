//! Graphs that the tests build, and where files are.
#![allow(dead_code, reason = "each test crate uses its share")]

use std::path::{Path, PathBuf};

use snn_nir::{
    Affine, Array, AvgPool2d, Conv1d, Conv2d, CubaLI, CubaLIF, Delay, Flatten, Graph, I, IF, Input, LI, LIF, Linear, Node, Output, Padding,
    Scale, SumPool2d, Threshold,
};

/// A file of `../shared/data/nir`; `None`, said aloud, where there is none.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/nir").join(name);
    let found = path.exists().then_some(path);
    if found.is_none() {
        eprintln!("skipped: there is no ../shared/data/nir/{name}");
    }
    found
}

/// A file's place that no other test has.
pub(crate) fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("snn-nir-{}-{name}", std::process::id()))
}

pub(crate) fn full(n: usize, value: f64) -> Array {
    Array::full([n], value)
}

/// Numbers that differ, between -1 and 1.
pub(crate) fn numbers(shape: &[usize]) -> Array {
    let count: usize = shape.iter().product();
    Array::new(shape, (0..count).map(|n| ((n * 7) % 17) as f64 / 8.0 - 1.0).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn lif(n: usize) -> Node {
    LIF { tau: full(n, 0.01), r: full(n, 1.0), v_leak: full(n, 0.0), v_threshold: full(n, 1.0), v_reset: None }.into()
}

pub(crate) fn linear(inputs: usize, outputs: usize) -> Node {
    Linear { weight: numbers(&[outputs, inputs]) }.into()
}

pub(crate) fn graph(nodes: impl IntoIterator<Item = (&'static str, Node)>, edges: &[(&str, &str)]) -> Graph {
    let nodes = nodes.into_iter().map(|(name, node)| (name.into(), node)).collect();
    Graph { nodes, edges: edges.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect() }
}

/// One node of each type, with every field, one behind the other.
pub(crate) fn every_node() -> Graph {
    let conv1d = Conv1d {
        input_shape: Some(5),
        weight: numbers(&[2, 3, 3]),
        stride: [1],
        padding: Padding::Each([1]),
        dilation: [1],
        groups: 1,
        bias: numbers(&[2]),
    };
    let conv2d = Conv2d {
        input_shape: Some([8, 8]),
        weight: numbers(&[4, 2, 3, 3]),
        stride: [2, 2],
        padding: Padding::Each([1, 1]),
        dilation: [1, 1],
        groups: 1, // Python's check of types knows no other
        bias: numbers(&[4]),
    };
    let inner = Graph::chain([3], [("scale", Scale { scale: Array::vector([0.5, 0.1, 2.0]) }.into())], [3]);
    let cuba = CubaLIF {
        tau_syn: full(3, 0.004),
        tau_mem: full(3, 0.01),
        r: full(3, 1.5),
        v_leak: full(3, 0.0),
        v_threshold: full(3, 1.0),
        v_reset: Some(full(3, -0.125)),
        w_in: Some(full(3, 2.0)),
    };
    let mut graph = Graph::chain(
        [2, 8, 8],
        [
            ("conv2d", conv2d.into()),
            ("if", IF { r: Array::full([4, 4, 4], 1.0), v_threshold: Array::full([4, 4, 4], 0.1), v_reset: None }.into()),
            ("sum", SumPool2d { kernel_size: [2, 2], stride: [2, 2], padding: [0, 0] }.into()),
            ("mean", AvgPool2d { kernel_size: [2, 2], stride: [1, 1], padding: [1, 1] }.into()),
            ("rows", Flatten { input_type: Some(vec![4, 3, 3]), start_dim: 1, end_dim: 2 }.into()),
            ("i", I { r: Array::full([4, 9], 0.5) }.into()),
            ("flat", Flatten { input_type: Some(vec![4, 9]), start_dim: 0, end_dim: -1 }.into()),
            ("affine", Affine { weight: numbers(&[3, 36]), bias: numbers(&[3]) }.into()),
            ("cuba", cuba.into()),
            ("nested", Node::NIRGraph(inner)),
            ("linear", linear(3, 3)),
            ("lif", lif(3)),
            ("later", Delay { delay: full(3, 0.003) }.into()),
            ("li", LI { tau: full(3, 0.02), r: full(3, 1.0), v_leak: full(3, 0.25) }.into()),
            (
                "cubali",
                CubaLI { tau_syn: full(3, 0.02), tau_mem: full(3, 0.02), r: full(3, 1.0), v_leak: full(3, 0.25), w_in: Some(full(3, 1.0)) }
                    .into(),
            ),
            ("above", Threshold { threshold: full(3, 0.125) }.into()),
            ("scale", Scale { scale: full(3, 2.0) }.into()),
            ("spread", Linear { weight: numbers(&[15, 3]) }.into()),
        ],
        [15],
    );
    // A convolution over one axis has an input and an output of its own.
    graph.nodes.insert("row".into(), Input { shape: vec![3, 5] }.into());
    graph.nodes.insert("conv1d".into(), conv1d.into());
    graph.nodes.insert("column".into(), Output { shape: vec![2, 5] }.into());
    graph.edges.extend([("row".into(), "conv1d".into()), ("conv1d".into(), "column".into())]);
    graph
}
