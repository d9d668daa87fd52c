//! Reading NIR's HDF5 files. In: a path, or the bytes of a file; out: a checked [`Graph`], or an error that names the file, node and field.

use std::collections::BTreeMap;
use std::path::Path;

use hdf5_pure::{DType, Dataset, File, Group};

use crate::error::{Error, Result};
use crate::field::Stored;
use crate::graph::{Graph, path};
use crate::node::Node;

/// Graphs inside graphs inside graphs: a file whose groups contain themselves ends here.
pub(crate) const DEPTH: usize = 32;

impl Graph {
    /// Reads a file of NIR (`.nir`, HDF5), as the Python package writes it, and checks the graph.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no HDF5 file or not laid out as NIR's; a field is missing or something else than it should be; an edge names a
    /// node that is not there; sizes do not fit. Each names the file, the node, what it wants and what it got.
    pub fn read(file: impl AsRef<Path>) -> Result<Graph> {
        let file = file.as_ref();
        std::fs::read(file).map_err(Error::Io).and_then(Graph::from_bytes).map_err(|error| error.in_file(file))
    }

    /// As [`read`](Graph::read), from the bytes of a file.
    ///
    /// # Errors
    ///
    /// As those of [`read`](Graph::read), without the name of a file.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Graph> {
        let file = File::from_bytes(bytes).map_err(|e| Error::Hdf5(format!("is no HDF5 file: {e}")))?;
        let root = file.group("node").map_err(|e| Error::Hdf5(format!("wants the group `node`, as NIR's files have it, but: {e}")))?;
        let graph = match node(&root, "", 0)? {
            Node::NIRGraph(graph) => graph,
            other => return Err(Error::field("", "type", "`NIRGraph` for the outermost node", format!("`{}`", other.kind()))),
        };
        graph.check()?;
        Ok(graph)
    }
}

fn node(group: &Group, name: &str, depth: usize) -> Result<Node> {
    let damaged = |e: hdf5_pure::Error| Error::Hdf5(format!("node `{name}`: {e}"));
    let fields = group.datasets().map_err(damaged)?;
    let kind = match fields.iter().any(|field| field == "type").then(|| dataset(group, name, "type")).transpose()? {
        Some(Stored::Text(kind)) => kind,
        other => return Err(Error::field(name, "type", "the name of a type", other.map_or("not there".into(), |s| s.shown()))),
    };
    if kind == "NIRGraph" {
        return inner(group, name, depth).map(Node::NIRGraph);
    }
    let fields: BTreeMap<String, Stored> = fields
        .iter()
        .filter(|field| *field != "type")
        .map(|field| Ok((field.clone(), dataset(group, name, field)?)))
        .collect::<Result<_>>()?;
    Node::of(name, &kind, &fields)
}

fn inner(group: &Group, name: &str, depth: usize) -> Result<Graph> {
    if depth == DEPTH {
        return Err(Error::field(name, "nodes", format!("at most {DEPTH} graphs inside each other"), "more"));
    }
    let damaged = |e: hdf5_pure::Error| Error::field(name, "nodes", "a group of nodes", e.to_string());
    let nodes = group.group("nodes").map_err(damaged)?;
    let read = |child: String| {
        let group = nodes.group(&child).map_err(damaged)?;
        Ok((child.clone(), node(&group, &path(name, &child), depth + 1)?))
    };
    let nodes = nodes.groups().map_err(damaged)?.into_iter().map(read).collect::<Result<_>>()?;
    Ok(Graph { nodes, edges: edges(group, name)? })
}

fn edges(group: &Group, name: &str) -> Result<Vec<(String, String)>> {
    let error = |got: String| Error::field(name, "edges", "pairs of names, [edges, 2]", got);
    let dataset = group.dataset("edges").map_err(|e| error(e.to_string()))?;
    let shape = dataset.shape().map_err(|e| error(e.to_string()))?;
    if shape.contains(&0) {
        return Ok(Vec::new());
    }
    if !matches!(shape.as_slice(), [_, 2]) {
        return Err(error(format!("{shape:?}")));
    }
    let mut names = dataset.read_string().map_err(|e| error(e.to_string()))?.into_iter();
    let mut edges = Vec::new();
    while let (Some(from), Some(to)) = (names.next(), names.next()) {
        edges.push((from, to));
    }
    Ok(edges)
}

fn dataset(group: &Group, node: &str, field: &str) -> Result<Stored> {
    let wants = "text or numbers";
    let error = |e: hdf5_pure::Error| Error::field(node, field, wants, format!("damaged: {e}"));
    let dataset = group.dataset(field).map_err(error)?;
    let shape: Vec<usize> = dataset.shape().map_err(error)?.into_iter().map(|size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
    match dataset.dtype().map_err(error)? {
        DType::String | DType::VariableLengthString => match dataset.read_string().map_err(error)?.as_slice() {
            [one] => Ok(Stored::Text(one.clone())),
            several => Err(Error::field(node, field, "one text", format!("{} texts", several.len()))),
        },
        DType::F32 | DType::F64 => numbers(&dataset, shape, false).map_err(error),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 | DType::U8 | DType::U16 | DType::U32 | DType::U64 => {
            numbers(&dataset, shape, true).map_err(error)
        }
        other => Err(Error::field(node, field, wants, format!("data of the type {other}"))),
    }
}

fn numbers(dataset: &Dataset, shape: Vec<usize>, whole: bool) -> Result<Stored, hdf5_pure::Error> {
    Ok(Stored::Numbers { shape, data: dataset.read_f64()?, whole })
}
