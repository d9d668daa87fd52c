//! Files of `torch.save`. In: the bytes of a zip archive with a pickle and storages in it; out: the tensors of the state dict in it, by name.
//!
//! Nothing in the file is run. A state dict may stand alone or in a checkpoint, a dict with other things beside it; what those are
//! (an optimiser, an `argparse.Namespace`) does not matter.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};

use tch::{Kind, Tensor};
use zip::ZipArchive;

use super::pickle::{self, Id, Pickle, Value};
use super::stored::{Stored, Weights};

/// Does a file begin like a zip archive?
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Does a file begin like what `torch.save` wrote before PyTorch 1.6?
pub(super) fn is_old(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46")
}

pub(super) const OLD: &str = "was written by `torch.save` in its old format, without a zip archive\n  help: write it anew in Python: \
     `torch.save(torch.load(path, weights_only=True), path)`";

/// `torch.FloatStorage` and its kin.
const STORAGES: &[(&str, Kind)] = &[
    ("FloatStorage", Kind::Float),
    ("DoubleStorage", Kind::Double),
    ("HalfStorage", Kind::Half),
    ("BFloat16Storage", Kind::BFloat16),
    ("LongStorage", Kind::Int64),
    ("IntStorage", Kind::Int),
    ("ShortStorage", Kind::Int16),
    ("CharStorage", Kind::Int8),
    ("ByteStorage", Kind::Uint8),
    ("BoolStorage", Kind::Bool),
];

/// As many axes as libtorch's operations work with.
const MOST_AXES: usize = 64;

/// The tensors of the state dict under the key `within` of a checkpoint; without a key, of the one that there is.
///
/// # Errors
///
/// What is wrong with the file, in words.
pub(super) fn read(bytes: &[u8], within: Option<&str>) -> Result<Weights, String> {
    let mut archive = Archive::open(bytes)?;
    let pickle = archive.whole("data.pkl")?;
    weights(&pickle, &mut archive, within)
}

fn weights(pickle: &[u8], archive: &mut Archive<'_>, within: Option<&str>) -> Result<Weights, String> {
    let pickle = pickle::read(pickle).map_err(|problem| format!("its pickle is damaged: {problem}"))?;
    let dict = state_dict(&pickle, within)?;
    let mut storages = HashMap::new();
    let entries = dict.iter().map(|&(name, id)| Ok((name.to_string(), tensor(&pickle, id, name, archive, &mut storages)?)));
    Ok(Weights { entries: entries.collect::<Result<_, String>>()?, ordered: true })
}

struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that all files are in: `archive/`.
    folder: String,
    /// So many bytes may still come out of it. `torch.save` compresses nothing and stores everything once, so all that is read is no longer
    /// than the file; a file made to fill the memory is longer inside.
    left: u64,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Archive<'a>, String> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("is a damaged zip archive: {e}"))?;
        let folder = zip.file_names().filter_map(Result::ok).find_map(|name| name.strip_suffix("data.pkl").map(str::to_string));
        let Some(folder) = folder else {
            return Err("is a zip archive without a `data.pkl`: no file of `torch.save`".into());
        };
        if zip.index_for_name(&format!("{folder}constants.pkl")).is_some() {
            return Err("is a TorchScript archive\n  help: save the weights in Python: `torch.save(module.state_dict(), path)`".into());
        }
        let mut archive = Archive { zip, folder, left: bytes.len() as u64 };
        let order = format!("{}byteorder", archive.folder);
        if archive.zip.index_for_name(&order).is_some() && archive.whole("byteorder")? != b"little" {
            return Err("was written on a machine that stores numbers the other way round (big endian)".into());
        }
        Ok(archive)
    }

    fn whole(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let damaged = |e: &dyn std::fmt::Display| format!("`{name}` in it cannot be read: {e}");
        let mut file = self.zip.by_name(&format!("{}{name}", self.folder)).map_err(|e| damaged(&e))?;
        let n = file.by_ref().take(self.left + 1).read_to_end(&mut bytes).map_err(|e| damaged(&e))? as u64;
        if n > self.left {
            return Err(damaged(&"the archive holds more than the file is long, and `torch.save` does not compress"));
        }
        self.left -= n;
        Ok(bytes)
    }
}

/// Names and values of a dict.
type Dict<'p> = Vec<(&'p str, Id)>;

fn state_dict<'p>(pickle: &'p Pickle, within: Option<&str>) -> Result<Dict<'p>, String> {
    let root = pickle.root();
    let Value::Dict(_) = pickle.get(root) else {
        return Err(format!("holds {}, no state dict\n  help: save `net.state_dict()`, not `net`", describe(pickle, root)));
    };
    let all = named(pickle, root);
    // A file may name one dict many times.
    let mut known: HashMap<Id, usize> = HashMap::new();
    let mut counted = |id: Id| *known.entry(id).or_insert_with(|| tensors(pickle, id));
    let inner: Dict<'_> = all.iter().copied().filter(|&(_, id)| counted(id) > 0).collect();
    let (outside, most) = (counted(root), inner.iter().map(|&(_, id)| counted(id)).max().unwrap_or(0));
    let names = || inner.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(within) = within {
        return match inner.iter().find(|(name, _)| *name == within) {
            Some(&(_, id)) => Ok(named(pickle, id)),
            None if inner.is_empty() => Err(format!("holds no state dict under the key `{within}`, nor under any other")),
            None => Err(format!("holds no state dict under the key `{within}`\n  help: it holds them under {}", names())),
        };
    }
    match inner[..] {
        // The file is the state dict, with dicts of a module's own state in it; a net without weights has an empty one.
        _ if all.is_empty() || outside > most => Ok(all),
        [] => {
            let keys: Vec<String> = all.iter().take(8).map(|(name, id)| format!("`{name}`: {}", describe(pickle, *id))).collect();
            Err(format!("holds no state dict, but {}\n  help: save `net.state_dict()`, not `net`", keys.join(", ")))
        }
        // The fewer tensors beside it are something else of the checkpoint, such as the best accuracy.
        [(_, id)] => Ok(named(pickle, id)),
        _ => Err(format!("holds several state dicts, under {}\n  help: say which: `KeyMap::new().within(..)`", names())),
    }
}

fn pairs(pickle: &Pickle, id: Id) -> &[(Id, Id)] {
    if let Value::Dict(pairs) = pickle.get(id) { pairs } else { &[] }
}

/// The values of a dict whose keys are texts. Of equal keys the last one counts, in the place of the first, as in Python.
fn named(pickle: &Pickle, id: Id) -> Dict<'_> {
    let mut dict: Dict<'_> = Vec::new();
    // By number first: a file may name one long text many times.
    let (mut by_id, mut by_text): (HashMap<Id, usize>, HashMap<&str, usize>) = Default::default();
    for &(key, value) in pairs(pickle, id) {
        let Some(name) = pickle.text(key) else { continue };
        let place = *by_id.entry(key).or_insert_with(|| {
            *by_text.entry(name).or_insert_with(|| {
                dict.push((name, value));
                dict.len() - 1
            })
        });
        dict[place].1 = value;
    }
    dict
}

/// How many values of a dict, by a text, are tensors.
fn tensors(pickle: &Pickle, id: Id) -> usize {
    let is_tensor =
        |id: Id| matches!(pickle.get(id), Value::Called(f, _) if pickle.global(*f).is_some_and(|name| name.contains("_rebuild_")));
    pairs(pickle, id).iter().filter(|&&(key, value)| pickle.text(key).is_some() && is_tensor(value)).count()
}

/// What a value is, for messages.
fn describe(pickle: &Pickle, id: Id) -> String {
    match pickle.get(id) {
        Value::None => "nothing".into(),
        Value::Int(_) | Value::Other => "a number or flag".into(),
        Value::Text(_) => "a text".into(),
        Value::Items(_) => "a list".into(),
        Value::Dict(_) => "a dict".into(),
        Value::Global(name) => format!("`{name}`"),
        Value::Called(f, _) => match pickle.global(*f) {
            Some(name) if name.contains("_rebuild_") => "a tensor".into(),
            Some(name) => format!("an object of `{name}`"),
            None => "an object".into(),
        },
        Value::Outside(_) => "a storage".into(),
    }
}

/// The tensor that a value of the state dict says how to build.
fn tensor(
    pickle: &Pickle,
    id: Id,
    name: &str,
    archive: &mut Archive<'_>,
    storages: &mut HashMap<String, Tensor>,
) -> Result<Stored, String> {
    let Value::Called(function, arguments) = pickle.get(id) else {
        return Ok(Stored::of_no_kind(describe(pickle, id)));
    };
    let (function, arguments) = (pickle.global(*function).unwrap_or_default(), pickle.items(*arguments).unwrap_or_default());
    match (function, arguments) {
        // A Parameter around a tensor, which is no Parameter itself.
        ("torch._utils._rebuild_parameter", [inner, ..]) if !is_parameter(pickle, *inner) => {
            tensor(pickle, *inner, name, archive, storages)
        }
        ("torch._utils._rebuild_tensor_v2", [storage, offset, size, stride, ..]) => {
            let odd = || format!("`{name}` is a damaged tensor");
            let Value::Outside(place) = pickle.get(*storage) else { return Err(odd()) };
            let place = pickle.items(*place).ok_or_else(odd)?;
            let [what, class, key, _, elements, ..] = *place else { return Err(odd()) };
            let (class, key) = (pickle.global(class).ok_or_else(odd)?, pickle.text(key).ok_or_else(odd)?);
            let elements = pickle.count(elements).ok_or_else(odd)?;
            // Before they are collected: a file may name one long list many times.
            let axes = |id: Id| match pickle.items(id) {
                Some(axes) if axes.len() > MOST_AXES => {
                    Err(format!("`{name}` has {} axes, and a tensor has {MOST_AXES} at most", axes.len()))
                }
                _ => pickle.counts(id).ok_or_else(odd),
            };
            let (offset, size, stride) = (pickle.count(*offset).ok_or_else(odd)?, axes(*size)?, axes(*stride)?);
            if pickle.text(what) != Some("storage") || size.len() != stride.len() {
                return Err(odd());
            }
            let class = class.rsplit('.').next().unwrap_or(class);
            let Some((_, kind)) = STORAGES.iter().find(|(known, _)| *known == class) else {
                return Ok(Stored { shape: size, ..Stored::of_no_kind(class.trim_end_matches("Storage").into()) });
            };
            if !storages.contains_key(key) {
                storages.insert(key.to_string(), storage_of(archive, key, *kind, elements)?);
            }
            let storage = &storages[key];
            if storage.kind() != *kind || !inside(offset, &size, &stride, storage.numel()) {
                return Err(odd());
            }
            let dims = |sizes: &[usize]| sizes.iter().map(|&n| n as i64).collect::<Vec<i64>>();
            let value = storage.f_as_strided(dims(&size), dims(&stride), offset as i64).map_err(|e| format!("`{name}`: {e}"))?;
            Ok(Stored::of(value))
        }
        // Sparse, quantised, of a subclass.
        (function, _) if function.contains("_rebuild_") => Ok(Stored::of_no_kind(format!("a tensor by `{function}`"))),
        _ => Ok(Stored::of_no_kind(describe(pickle, id))),
    }
}

fn is_parameter(pickle: &Pickle, id: Id) -> bool {
    matches!(pickle.get(id), Value::Called(f, _) if pickle.global(*f) == Some("torch._utils._rebuild_parameter"))
}

/// Does every element lie in a storage of so many?
fn inside(offset: usize, size: &[usize], stride: &[usize], elements: usize) -> bool {
    if size.contains(&0) {
        return offset <= elements;
    }
    let reach = size.iter().zip(stride).try_fold(offset, |at, (&n, &step)| (n - 1).checked_mul(step)?.checked_add(at));
    // As many elements as libtorch can count.
    let all = size.iter().try_fold(1usize, |all, &n| all.checked_mul(n)).filter(|&all| all <= i64::MAX as usize);
    all.is_some() && reach.is_some_and(|last| last < elements)
}

fn storage_of(archive: &mut Archive<'_>, key: &str, kind: Kind, elements: usize) -> Result<Tensor, String> {
    let bytes = archive.whole(&format!("data/{key}"))?;
    if elements.checked_mul(kind.elt_size_in_bytes()) != Some(bytes.len()) {
        return Err(format!("its storage `{key}` has {} bytes, but should have {elements} numbers of {kind:?}", bytes.len()));
    }
    Tensor::f_from_data_size(&bytes, &[elements as i64], kind).map_err(|e| format!("its storage `{key}`: {e}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    const KINDS: &[u8] = include_bytes!("../../../tests/checkpoints/kinds.pth");
    const TUTORIAL: &[u8] = include_bytes!("../../../tests/checkpoints/tutorial.pth");

    /// The checksums of the archive keep most damage from the pickle: here it is damaged behind them.
    #[test]
    fn a_damaged_pickle_is_an_error_or_says_something_else() {
        for file in [KINDS, TUTORIAL] {
            let mut archive = Archive::open(file).unwrap();
            let whole = archive.whole("data.pkl").unwrap();
            assert!(weights(&whole, &mut archive, None).is_ok());
            for i in (0..whole.len()).step_by(3) {
                assert!(pickle::read(&whole[..i]).is_err(), "cut off at {i}");
                let mut pickle = whole.clone();
                pickle[i] ^= 1 << (i % 8);
                archive.left = file.len() as u64;
                let _ = weights(&pickle, &mut archive, None);
            }
        }
    }

    #[test]
    fn nothing_is_run_and_nothing_is_deep() {
        let mut archive = Archive::open(KINDS).unwrap();
        // os.system("true")
        let e = weights(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.", &mut archive, None).err().unwrap();
        assert!(e.starts_with("holds an object of `os.system`, no state dict"), "{e}");
        // A million lists in each other.
        let deep = [vec![0x80, 2], vec![b']'; 1_000_000], vec![b'a'; 999_999], vec![b'.']].concat();
        let e = weights(&deep, &mut archive, None).err().unwrap();
        assert!(e.starts_with("holds a list"), "{e}");
    }

    fn zipped(name: &str, bytes: &[u8], method: CompressionMethod) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn an_archive_holds_no_more_than_it_is_long() {
        let says = |e: String| assert!(e.starts_with("`data.pkl` in it cannot be read") && e.contains("than the file is long"), "{e}");
        let bomb = zipped("archive/data.pkl", &vec![0; 1 << 22], CompressionMethod::Deflated);
        assert!(bomb.len() < 1 << 15);
        says(read(&bomb, None).err().unwrap());
        // The same bytes twice.
        let once = zipped("archive/data.pkl", &[0; 2000], CompressionMethod::Stored);
        let mut archive = Archive::open(&once).unwrap();
        assert_eq!(archive.whole("data.pkl").unwrap().len(), 2000);
        says(archive.whole("data.pkl").unwrap_err());
    }

    const TENSOR: &[u8] = b"ctorch._utils\n_rebuild_tensor_v2\n)R";

    fn text(text: &str) -> Vec<u8> {
        [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    }

    /// A dict.
    fn dict(pairs: &[(&str, &[u8])]) -> Vec<u8> {
        let pairs: Vec<u8> = pairs.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
        [&b"}("[..], &pairs, b"u"].concat()
    }

    #[test]
    fn a_tensor_beside_a_state_dict_does_not_hide_it() {
        let names = |root: &[u8]| {
            let pickle = pickle::read(&[&b"\x80\x02"[..], root, b"."].concat()).unwrap();
            state_dict(&pickle, None).map(|dict| dict.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>())
        };
        let net = dict(&[("w", TENSOR), ("b", TENSOR)]);
        assert_eq!(names(&net).unwrap(), ["w", "b"]);
        assert_eq!(names(&dict(&[("best_acc", TENSOR), ("net", &net), ("epoch", b"K\x05")])).unwrap(), ["w", "b"]);
        let e = names(&dict(&[("net", &net), ("best_acc", TENSOR), ("ema", &net)])).unwrap_err();
        assert!(e.starts_with("holds several state dicts, under `net`, `ema`\n"), "{e}");
    }

    /// A module's own state, of `get_extra_state`, is a dict in the state dict.
    #[test]
    fn most_tensors_are_the_state_dict() {
        let extra = dict(&[("amax", TENSOR)]);
        let root = dict(&[("w", TENSOR), ("b", TENSOR), ("q._extra_state", &extra), ("p._extra_state", &extra)]);
        let pickle = pickle::read(&[&b"\x80\x02"[..], &root, b"."].concat()).unwrap();
        let names = |within| state_dict(&pickle, within).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(None), ["w", "b", "q._extra_state", "p._extra_state"]);
        assert_eq!(names(Some("q._extra_state")), ["amax"]);
    }

    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let root = dict(&[("w", b"K\x05"), ("b", TENSOR), ("w", TENSOR)]);
        let pickle = pickle::read(&[&b"\x80\x02"[..], &root, b"."].concat()).unwrap();
        let dict = state_dict(&pickle, None).unwrap();
        assert_eq!(dict.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["w", "b"]);
        assert!(matches!(pickle.get(dict[0].1), Value::Called(..)));
    }

    #[test]
    fn a_tensor_has_so_many_axes() {
        // The storage is looked at after the axes.
        let many = [&b"("[..], &b"K\x01".repeat(65), b"t"].concat();
        let storage = [&b"("[..], &text("storage"), b"ctorch\nFloatStorage\n", &text("0"), &text("cpu"), b"K\x01tQ"].concat();
        let tensor = [&b"ctorch._utils\n_rebuild_tensor_v2\n("[..], &storage, b"K\x00", &many, &many, b"tR"].concat();
        let root = [&b"\x80\x02"[..], &dict(&[("w", &tensor)]), b"."].concat();
        let e = weights(&root, &mut Archive::open(KINDS).unwrap(), None).err().unwrap();
        assert!(e.starts_with("`w` has 65 axes, and a tensor has 64 at most"), "{e}");
    }

    #[test]
    fn a_tensor_lies_in_its_storage() {
        assert!(inside(2, &[3, 2], &[2, 1], 8) && !inside(3, &[3, 2], &[2, 1], 8));
        assert!(inside(0, &[3], &[0], 1) && inside(1, &[0, 3], &[9, 9], 1) && !inside(2, &[0], &[1], 1));
        assert!(!inside(1, &[2], &[usize::MAX], 8) && !inside(0, &[1 << 40, 1 << 40], &[0, 0], 8));
    }
}
