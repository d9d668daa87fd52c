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
    let entries = dict.iter().map(|(name, id)| Ok((name.clone(), tensor(&pickle, *id, name, archive, &mut storages)?)));
    Ok(Weights { entries: entries.collect::<Result<_, String>>()?, ordered: true })
}

struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that all files are in: `archive/`.
    folder: String,
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
        let mut archive = Archive { zip, folder };
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
        file.read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
        Ok(bytes)
    }
}

/// Names and values of a dict whose keys are texts and in which at least one value is a tensor.
type Dict = Vec<(String, Id)>;

fn state_dict(pickle: &Pickle, within: Option<&str>) -> Result<Dict, String> {
    let Value::Dict(_) = pickle.get(pickle.root()) else {
        return Err(format!("holds {}, no state dict\n  help: save `net.state_dict()`, not `net`", describe(pickle, pickle.root())));
    };
    let children: Vec<(&str, Id)> = children(pickle, pickle.root()).collect();
    let names = |dicts: &[(&str, Dict)]| dicts.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut inner: Vec<(&str, Dict)> = children.iter().filter_map(|&(name, id)| Some((name, tensors(pickle, id)?))).collect();
    if let Some(within) = within {
        let all = names(&inner);
        let found = inner.into_iter().find(|(name, _)| *name == within).map(|(_, dict)| dict);
        return found.ok_or_else(|| match all.is_empty() {
            true => format!("holds no state dict under the key `{within}`, nor under any other"),
            false => format!("holds no state dict under the key `{within}`\n  help: it holds them under {all}"),
        });
    }
    if let Some(dict) = tensors(pickle, pickle.root()) {
        return Ok(dict);
    }
    match inner.len() {
        // A net without weights has an empty dict.
        0 if children.is_empty() => Ok(Vec::new()),
        0 => {
            let keys: Vec<String> = children.iter().take(8).map(|(name, id)| format!("`{name}`: {}", describe(pickle, *id))).collect();
            Err(format!("holds no state dict, but {}\n  help: save `net.state_dict()`, not `net`", keys.join(", ")))
        }
        1 => Ok(inner.remove(0).1),
        _ => Err(format!("holds several state dicts, under {}\n  help: say which: `KeyMap::new().within(..)`", names(&inner))),
    }
}

/// The values of a dict whose keys are texts.
fn children(pickle: &Pickle, id: Id) -> impl Iterator<Item = (&str, Id)> {
    let entries: &[(Id, Id)] = if let Value::Dict(entries) = pickle.get(id) { entries } else { &[] };
    entries.iter().filter_map(|&(key, value)| Some((pickle.text(key)?, value)))
}

fn tensors(pickle: &Pickle, id: Id) -> Option<Dict> {
    let is_tensor =
        |id: Id| matches!(pickle.get(id), Value::Called(f, _) if pickle.global(*f).is_some_and(|name| name.contains("_rebuild_")));
    let dict: Dict = children(pickle, id).map(|(name, value)| (name.to_string(), value)).collect();
    dict.iter().any(|(_, value)| is_tensor(*value)).then_some(dict)
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
            let (offset, size) = (pickle.count(*offset).ok_or_else(odd)?, pickle.counts(*size).ok_or_else(odd)?);
            let stride = pickle.counts(*stride).ok_or_else(odd)?;
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

    #[test]
    fn a_tensor_lies_in_its_storage() {
        assert!(inside(2, &[3, 2], &[2, 1], 8) && !inside(3, &[3, 2], &[2, 1], 8));
        assert!(inside(0, &[3], &[0], 1) && inside(1, &[0, 3], &[9, 9], 1) && !inside(2, &[0], &[1], 1));
        assert!(!inside(1, &[2], &[usize::MAX], 8) && !inside(0, &[1 << 40, 1 << 40], &[0, 0], 8));
    }
}
