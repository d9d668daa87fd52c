//! Files: what is written is read again, by us and by Python's package; what is damaged is an error that says where.

mod support;

use std::process::Command;

use hdf5_pure::{FileBuilder, GroupBuilder};
use snn_nir::{Error, Graph, Node};
use support::{every_node, scratch, shared};

#[test]
fn every_node_is_read_as_it_was_written() {
    let graph = every_node();
    assert_eq!(Graph::from_bytes(graph.to_bytes().unwrap()).unwrap(), graph);
    let file = scratch("every_node.nir");
    graph.write(&file).unwrap();
    let read = Graph::read(&file);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(read.unwrap(), graph);
    let kinds: std::collections::BTreeSet<&str> = graph.nodes.values().map(Node::kind).collect();
    assert_eq!(kinds.len(), Node::KINDS.len(), "a type is not in the test: {kinds:?}");
}

#[test]
fn real_files_survive_a_round_trip() {
    for name in ["lif_norse.nir", "lif_rockpool.nir", "cnn_sinabs.nir", "braille_noDelay_bias_zero.nir"] {
        let Some(file) = shared(name) else { continue };
        let graph = Graph::read(&file).unwrap();
        assert_eq!(Graph::from_bytes(graph.to_bytes().unwrap()).unwrap(), graph, "{name}");
    }
}

#[test]
fn a_missing_node_is_named() {
    let Some(file) = shared("braille_noDelay_bias_zero_subgraph.nir") else { return };
    let error = Graph::read(&file).unwrap_err().to_string();
    for says in
        ["braille_noDelay_bias_zero_subgraph.nir: ", "graph `lif1`", "`input` -> `lif` names `lif`", "`input`, `lif1`, `lin` and `output`"]
    {
        assert!(error.contains(says), "{error}");
    }
}

/// Runs where `SNN_NIR_PYTHON`, or else `python3`, can import `nir`.
#[test]
fn python_reads_what_is_written() {
    let python = std::env::var("SNN_NIR_PYTHON").unwrap_or("python3".into());
    let has_nir = Command::new(&python).args(["-c", "import nir"]).output().is_ok_and(|out| out.status.success());
    if !has_nir {
        eprintln!("skipped: {python} cannot import nir");
        return;
    }
    let (graph, file) = (every_node(), scratch("python.nir"));
    graph.write(&file).unwrap();
    let script = "import nir, nir.serialization, sys; g = nir.read(sys.argv[1])\n\
        for name in sorted(g.nodes): print(name, type(g.nodes[name]).__name__)\n\
        print(len(g.edges), nir.serialization.read_version(sys.argv[1]))";
    let out = Command::new(&python).args(["-c", script]).arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut wants: String = graph.nodes.iter().map(|(name, node)| format!("{name} {}\n", node.kind())).collect();
    wants += &format!("{} 1.0.8\n", graph.edges.len());
    assert_eq!(String::from_utf8_lossy(&out.stdout), wants);
}

/// A file with one node, `odd`, between an input and an output of one number.
fn file(odd: impl FnOnce(&mut GroupBuilder)) -> Vec<u8> {
    let mut file = FileBuilder::new();
    let mut node = file.create_group("node");
    node.create_dataset("type").with_vlen_strings(&["NIRGraph"]).with_shape(&[]);
    node.create_dataset("edges").with_vlen_strings(&["input", "odd", "odd", "output"]).with_shape(&[2, 2]);
    let mut nodes = node.create_group("nodes");
    for (name, kind) in [("input", "Input"), ("output", "Output")] {
        let mut port = nodes.create_group(name);
        port.create_dataset("type").with_vlen_strings(&[kind]).with_shape(&[]);
        port.create_dataset("shape").with_i64_data(&[1]);
        nodes.add_group(port.finish());
    }
    let mut group = nodes.create_group("odd");
    odd(&mut group);
    nodes.add_group(group.finish());
    node.add_group(nodes.finish());
    file.add_group(node.finish());
    file.finish().unwrap()
}

/// A `LIF` with the field as it is given.
fn lif(field: &str, fill: impl Fn(&mut hdf5_pure::DatasetBuilder)) -> Vec<u8> {
    file(|group| {
        group.create_dataset("type").with_vlen_strings(&["LIF"]).with_shape(&[]);
        for name in ["tau", "r", "v_leak", "v_threshold"].into_iter().filter(|name| *name != field) {
            group.create_dataset(name).with_f32_data(&[1.0]);
        }
        fill(group.create_dataset(field));
    })
}

#[test]
fn what_is_wrong_with_a_field_is_said() {
    let fine = lif("v_reset", |d| {
        d.with_f64_data(&[0.5]);
    });
    assert!(matches!(&Graph::from_bytes(fine).unwrap().nodes["odd"], Node::LIF(n) if n.v_reset.as_ref().unwrap().data() == [0.5]));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            lif("tau", |d| {
                d.with_vlen_strings(&["fast"]).with_shape(&[]);
            }),
            "node `odd`: `tau` wants finite numbers, but is the text `fast`",
        ),
        (
            lif("tau", |d| {
                d.with_f32_data(&[f32::NAN]);
            }),
            "node `odd`: `tau` wants finite numbers, but is [NaN] of shape [1]",
        ),
        (
            lif("tau", |d| {
                d.with_f32_data(&[0.0]);
            }),
            "node `odd`: `tau` wants times greater than 0, but is 0",
        ),
        (
            lif("tau", |d| {
                d.with_f32_data(&[1.0, 2.0]);
            }),
            "node `odd`: wants an input of [2], but gets [1] from `input`",
        ),
        (
            lif("r", |d| {
                d.with_f32_data(&[1.0; 3]).with_shape(&[3, 1]);
            }),
            "wants an input of [3, 1], but gets [1]",
        ),
        (
            lif("tau", |d| {
                d.with_vlen_strings(&["a", "b"]);
            }),
            "node `odd`: `tau` wants one text, but is 2 texts",
        ),
        (file(|_| ()), "node `odd`: `type` wants the name of a type, but is not there"),
        (
            file(|g| {
                g.create_dataset("type").with_i64_data(&[3]).with_shape(&[]);
            }),
            "node `odd`: `type` wants the name of a type, but is 3",
        ),
        (
            file(|g| {
                g.create_dataset("type").with_vlen_strings(&["Lif"]).with_shape(&[]);
            }),
            "node `odd`: there is no type `Lif`\n  help: NIR has `Input`",
        ),
        (
            file(|g| {
                g.create_dataset("type").with_vlen_strings(&["LIF"]).with_shape(&[]);
            }),
            "node `odd`: `tau` wants finite numbers, but is not there",
        ),
        (b"no HDF5 file at all".to_vec(), "is no HDF5 file"),
        (FileBuilder::new().finish().unwrap(), "wants the group `node`"),
    ];
    for (bytes, says) in cases {
        let error = Graph::from_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains(says), "{says}\n{error}");
    }
    let error = Graph::read("there-is-no.nir").unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if path.ends_with("there-is-no.nir")), "{error}");
}

/// Each of the first bytes and some of the rest, changed or cut off: an error or another graph, never a panic.
#[test]
fn damaged_files_do_not_panic() {
    let bytes = every_node().to_bytes().unwrap();
    let mut errors = 0;
    for at in (0..bytes.len()).filter(|at| *at < 256 || at % 499 == 0) {
        for value in [0, 0xFF, bytes[at] ^ 0x10] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            errors += usize::from(Graph::from_bytes(damaged).is_err());
        }
        errors += usize::from(Graph::from_bytes(bytes[..at].to_vec()).is_err());
    }
    assert!(errors > 256, "{errors}");
}
