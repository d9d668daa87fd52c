//! Frozen nets as files. In: a model and a path; out: a safetensors file with folded weights, or a model from one. The file says of which net it
//! is, layer by layer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use safetensors::tensor::{Dtype, Metadata, SafeTensorError, View};
use snn_kernels::frozen::{Packed, Weights as Sizes};

use crate::error::{Error, Result};
use crate::folded::{self, Folded};
use crate::graph::{Graph, Op};
use crate::run::Program;
use crate::weights::{self, Weights};

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
        let args: Vec<String> = node.args.iter().map(|v| v.at.to_string()).collect();
        lines.push(format!("{} {} {} ({}) -> {}", node.name, node.layer, node.config, args.join(", "), node.out.at));
        if let Op::Loop(body) = &node.op {
            lines.push(architecture(&body.graph));
        }
    }
    for port in &graph.outputs {
        lines.push(format!("output {} {:?} {}", port.name, port.fact.shape, port.value.at));
    }
    lines.join("\n")
}

/// FNV-1a, 64 bits: the same for the same text, on every machine.
fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// A tensor as it is written.
enum Saved<'a> {
    Plain(&'a [usize], &'a [f32]),
    /// `[taps, in / groups, out]`
    Packed(&'a Packed, [usize; 3]),
}

impl View for Saved<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        match self {
            Saved::Plain(shape, _) => shape,
            Saved::Packed(_, shape) => shape,
        }
    }

    /// Made when it is its turn, so that no more than one is there twice.
    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        let mut put = |values: &[f32]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        match self {
            Saved::Plain(_, values) => put(values),
            Saved::Packed(packed, [taps, inputs, outputs]) => {
                let mut row = vec![0.0; *outputs];
                for (tap, input) in (0..*taps).flat_map(|tap| (0..*inputs).map(move |input| (tap, input))) {
                    packed.row(tap, input, &mut row);
                    put(&row);
                }
            }
        }
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        snn_shape::product(self.shape()) * size_of::<f32>()
    }
}

/// Writes folded weights, `tensors` and those of the program, and what the net is. The file is there whole or not at all.
pub(crate) fn save(net: &str, architecture: &str, tensors: &Weights, program: &Program, path: &Path) -> Result<()> {
    let plain = tensors.0.iter().map(|(name, (shape, values))| (name.as_str(), Saved::Plain(shape, values)));
    let packed = program.projected().map(|p| {
        let Sizes { outputs, inputs, groups, taps } = p.weights.sizes();
        (p.name.as_str(), Saved::Packed(&p.weights, [taps, inputs / groups, outputs]))
    });
    let about = [(NET, net.to_string()), (LAYERS, architecture.to_string()), (HASH, hash(architecture))];
    let about = about.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    let format = |e: SafeTensorError| Error::Format { path: path.into(), problem: e.to_string() };
    let file = safetensors::serialize(plain.chain(packed), Some(about)).map_err(format)?;
    write_whole(path, &file).map_err(|source| Error::Io { path: path.into(), source })
}

/// The folded weights of a planned graph, from a file that [`save`] wrote for the same `architecture`.
pub(crate) fn load(graph: &Graph, architecture: &str, path: &Path) -> Result<Folded> {
    let mut file = Stored::open(path)?;
    same_net(&graph.net, architecture, &file.header, path)?;
    weights::fit(&graph.net, folded::wanted(graph).iter(), |name| {
        file.header.info(name).filter(|info| info.dtype == Dtype::F32).map(|info| info.shape.clone())
    })?;
    Folded::read(graph, &mut |name, at_once, take| file.read(name, at_once, take))
}

/// A safetensors file that is read tensor by tensor, a piece at a time: what is read is in the cache when it is packed, and nowhere else.
struct Stored<'a> {
    path: &'a Path,
    file: File,
    header: Metadata,
    /// Where the first tensor begins.
    start: u64,
    bytes: Vec<u8>,
    numbers: Vec<f32>,
}

/// The largest header that the format allows, in bytes.
const MOST_HEADER: u64 = 100_000_000;

/// Bytes of a piece.
const PIECE: usize = 1 << 17;

impl<'a> Stored<'a> {
    fn open(path: &'a Path) -> Result<Stored<'a>> {
        let io = |source| Error::Io { path: path.into(), source };
        let not_one = |problem: &dyn Display| Error::Format { path: path.into(), problem: format!("is no safetensors file: {problem}") };
        let mut file = File::open(path).map_err(io)?;
        let len = file.metadata().map_err(io)?.len();
        let mut size = [0; 8];
        if len < 8 {
            return Err(not_one(&"it is too short"));
        }
        file.read_exact(&mut size).map_err(io)?;
        let start = u64::from_le_bytes(size).saturating_add(8);
        if start > len || start - 8 > MOST_HEADER {
            return Err(not_one(&"its header does not end"));
        }
        let mut header = vec![0; (start - 8) as usize];
        file.read_exact(&mut header).map_err(io)?;
        let header: Metadata = serde_json::from_slice(&header).map_err(|e| not_one(&e))?;
        if header.data_len() as u64 != len - start {
            return Err(not_one(&format!("its tensors take {} bytes, but it has {}", header.data_len(), len - start)));
        }
        Ok(Stored { path, file, header, start, bytes: Vec::new(), numbers: Vec::new() })
    }

    /// Hands over the numbers of a tensor that is there, `at_once` of them or a multiple.
    fn read(&mut self, name: &str, at_once: usize, take: &mut dyn FnMut(&[f32])) -> Result<()> {
        let io = |source| Error::Io { path: self.path.into(), source };
        let Some((from, to)) = self.header.info(name).map(|info| info.data_offsets) else { return Ok(()) };
        self.file.seek(SeekFrom::Start(self.start + from as u64)).map_err(io)?;
        let one = at_once * size_of::<f32>();
        let piece = one * (PIECE / one).max(1);
        for from in (from..to).step_by(piece) {
            self.bytes.resize(piece.min(to - from), 0);
            self.file.read_exact(&mut self.bytes).map_err(io)?;
            self.numbers.clear();
            self.numbers.extend(self.bytes.as_chunks::<4>().0.iter().map(|n| f32::from_le_bytes(*n)));
            take(&self.numbers);
        }
        Ok(())
    }
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
