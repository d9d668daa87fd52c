//! Writing NIR's HDF5 files. In: a [`Graph`]; out: a file, or its bytes, that Python's `nir.read` reads.

use std::path::Path;

use hdf5_pure::{FileBuilder, FinishedGroup, GroupBuilder};

use crate::error::{Error, Result};
use crate::field::Stored;
use crate::graph::{Graph, path};
use crate::node::Node;
use crate::read::DEPTH;

/// The version of NIR whose layout this is.
const VERSION: &str = "1.0.8";

impl Graph {
    /// Writes it as a file of NIR (`.nir`, HDF5), which the Python package reads. Numbers are stored as `f32` where that loses nothing.
    ///
    /// The file is there whole or not at all: it is written beside `file` and then renamed.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Graph::check): no file is written that could not be read; the system's.
    pub fn write(&self, file: impl AsRef<Path>) -> Result<()> {
        let file = file.as_ref();
        let bytes = self.to_bytes().map_err(|error| error.in_file(file))?;
        write_whole(file, &bytes)
    }

    /// The bytes that [`write`](Graph::write) writes.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Graph::check).
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        check_names(self, "", 0)?;
        let mut file = FileBuilder::new();
        file.create_dataset("version").with_vlen_strings(&[VERSION]).with_shape(&[]);
        let mut node = file.create_group("node");
        fill(&mut node, self);
        file.add_group(node.finish());
        file.finish().map_err(|e| Error::Hdf5(e.to_string()))
    }
}

/// Names become those of groups, and groups inside groups are read down to some depth.
fn check_names(graph: &Graph, prefix: &str, depth: usize) -> Result<()> {
    if depth == DEPTH {
        return Err(Error::field(prefix, "nodes", format!("at most {DEPTH} graphs inside each other"), "more"));
    }
    for (name, node) in &graph.nodes {
        if name.is_empty() || name == "." || name.contains(['/', '\0']) {
            return Err(Error::field(&path(prefix, name), "name", "a name of a group of HDF5, without `/`", format!("{name:?}")));
        }
        if let Node::NIRGraph(inner) = node {
            check_names(inner, &path(prefix, name), depth + 1)?;
        }
    }
    Ok(())
}

/// Writes beside the file and renames.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let beside = file.with_added_extension(format!("{}.part", std::process::id()));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|error| {
        // What is left of it is of no use; that it may not be there either is fine.
        let _ = std::fs::remove_file(&beside);
        Error::Io(error).in_file(file)
    })
}

fn fill(group: &mut GroupBuilder, graph: &Graph) {
    text(group, "type", "NIRGraph");
    let names: Vec<&str> = graph.edges.iter().flat_map(|(from, to)| [from.as_str(), to.as_str()]).collect();
    group.create_dataset("edges").with_vlen_strings(&names).with_shape(&[graph.edges.len() as u64, 2]);
    let mut nodes = group.create_group("nodes");
    for (name, node) in &graph.nodes {
        let child = nodes.create_group(name);
        nodes.add_group(finished(child, node));
    }
    group.add_group(nodes.finish());
}

fn finished(mut group: GroupBuilder, node: &Node) -> FinishedGroup {
    if let Node::NIRGraph(graph) = node {
        fill(&mut group, graph);
        return group.finish();
    }
    text(&mut group, "type", node.kind());
    for (name, stored) in node.fields() {
        match stored {
            Stored::Text(value) => text(&mut group, name, &value),
            Stored::Numbers { shape, data, whole } => numbers(&mut group, name, &shape, &data, whole),
        }
    }
    group.finish()
}

fn text(group: &mut GroupBuilder, name: &str, value: &str) {
    group.create_dataset(name).with_vlen_strings(&[value]).with_shape(&[]);
}

fn numbers(group: &mut GroupBuilder, name: &str, shape: &[usize], data: &[f64], whole: bool) {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let dataset = group.create_dataset(name);
    if whole {
        dataset.with_i64_data(&data.iter().map(|&x| x as i64).collect::<Vec<_>>());
    } else if data.iter().all(|&x| f64::from(x as f32) == x) {
        dataset.with_f32_data(&data.iter().map(|&x| x as f32).collect::<Vec<_>>());
    } else {
        dataset.with_f64_data(data);
    }
    dataset.with_shape(&shape);
}
