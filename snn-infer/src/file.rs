//! Frozen nets as files. In: a model and a path; out: a safetensors file with folded weights, or a model from one. The file says of which net it
//! is, layer by layer.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};

use crate::error::{Error, Result};
use crate::graph::{Graph, Op};
use crate::weights::{Weights, folded};

/// Where the file says of which net it is.
const NET: &str = "snn.net";
/// Where it says what its layers are, one per line.
const LAYERS: &str = "snn.layers";
/// Where it has the hash of the two.
const HASH: &str = "snn.architecture";

/// What a net is, as text: one line for each input, layer and output. Weights have no part in it.
pub(crate) fn architecture(graph: &Graph) -> String {
    let mut lines = vec![format!("steps {}", graph.steps)];
    for port in &graph.inputs {
        lines.push(format!("input {} {:?} {:?}", port.name, port.fact.shape, port.fact.time));
    }
    for node in &graph.nodes {
        let args: Vec<String> = node.args.iter().map(|v| v.0.to_string()).collect();
        lines.push(format!("{} {} {} ({}) -> {}", node.name, node.layer, node.config, args.join(", "), node.out.0));
        if let Op::Loop(body) = &node.op {
            lines.push(architecture(&body.graph));
        }
    }
    for port in &graph.outputs {
        lines.push(format!("output {} {:?} {}", port.name, port.fact.shape, port.value.0));
    }
    lines.join("\n")
}

/// FNV-1a, 64 bits: the same for the same text, on every machine.
fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// Writes folded weights and what the net is. The file is there whole or not at all.
pub(crate) fn save(net: &str, architecture: &str, weights: &Weights, path: &Path) -> Result<()> {
    let bytes: Vec<(&str, &[usize], Vec<u8>)> = weights
        .0
        .iter()
        .map(|(name, (shape, values))| (name.as_str(), shape.as_slice(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let format = |e: safetensors::SafeTensorError| Error::Format { path: path.into(), problem: e.to_string() };
    let views = bytes.iter().map(|(name, shape, data)| Ok((*name, TensorView::new(Dtype::F32, shape.to_vec(), data)?)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(format)?;
    let about = [(NET, net.to_string()), (LAYERS, architecture.to_string()), (HASH, hash(architecture))];
    let about = about.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    let file = safetensors::serialize(views, Some(about)).map_err(format)?;
    write_whole(path, &file).map_err(|source| Error::Io { path: path.into(), source })
}

/// The folded weights of a planned graph, from a file that [`save`] wrote for the same `architecture`.
pub(crate) fn load(graph: &Graph, architecture: &str, path: &Path) -> Result<Weights> {
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
    let no_file = |e: safetensors::SafeTensorError| Error::Format { path: path.into(), problem: format!("is no safetensors file: {e}") };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(no_file)?;
    same_net(&graph.net, architecture, &metadata, path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(no_file)?;
    let wanted = folded(graph);
    Weights::collect(&graph.net, wanted.iter(), |name| {
        let view = file.tensor(name).ok().filter(|view| view.dtype() == Dtype::F32)?;
        let (numbers, _) = view.data().as_chunks::<4>();
        Some((view.shape().to_vec(), numbers.iter().map(|n| f32::from_le_bytes(*n)).collect()))
    })
}

fn same_net(net: &str, architecture: &str, metadata: &Metadata, path: &Path) -> Result<()> {
    let none = HashMap::new();
    let about = metadata.metadata().as_ref().unwrap_or(&none);
    let (Some(stored), Some(layers)) = (about.get(HASH), about.get(LAYERS)) else {
        let problem =
            "is no frozen net: it does not say of which net it is; trained weights are loaded into the model, which is then frozen";
        return Err(Error::Format { path: path.into(), problem: problem.into() });
    };
    if *stored == hash(architecture) {
        return Ok(());
    }
    let (mut ours, mut theirs) = (architecture.lines(), layers.lines());
    let problem = loop {
        match (ours.next(), theirs.next()) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (Some(ours), Some(theirs)) => break format!("the net has `{ours}`, the file `{theirs}`"),
            (Some(ours), None) => break format!("the net has `{ours}`, the file ends before it"),
            (None, Some(theirs)) => break format!("the file has `{theirs}`, the net ends before it"),
            (None, None) => break "their hashes differ".to_string(),
        }
    };
    Err(Error::Architecture { path: path.into(), net: net.into(), problem })
}

/// Writes beside `path` and renames, so that nobody sees half a file, however many write to one path at once.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static WRITES: AtomicUsize = AtomicUsize::new(0);
    let mut name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(format!(".tmp{}-{}", process::id(), WRITES.fetch_add(1, Ordering::Relaxed)));
    let beside = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
