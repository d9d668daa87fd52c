//! Weights as files. In: a `VarStore`; out: a safetensors file that another store of the same model takes to the bit, and for
//! any other file an error that says what does not fit, with nothing changed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use snn_runtime::{BatchNorm2d, BatchNorm2dConfig, Device, Error, Kind, Linear, LinearConfig, Tensor, load, nn, save};
use support::{assert_same, assert_says, build};

/// A folder of this test's own.
fn folder(test: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("io-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn names_in(dir: &PathBuf) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const FC: LinearConfig = LinearConfig { in_features: 5, out_features: 3, bias: true };
const BN: BatchNorm2dConfig =
    BatchNorm2dConfig { num_features: 4, eps: 1e-5, momentum: Some(0.1), affine: true, track_running_stats: true };

/// A store of a model: `fc`, `bn`, and whatever else `more` adds.
fn store(more: impl FnOnce(&nn::VarStore)) -> nn::VarStore {
    let vs = nn::VarStore::new(Device::Cpu);
    build::<Linear>(&vs, "fc", FC).unwrap();
    build::<BatchNorm2d>(&vs, "bn", BN).unwrap();
    more(&vs);
    vs
}

fn plain() -> nn::VarStore {
    store(|_| ())
}

fn sorted(vs: &nn::VarStore) -> BTreeMap<String, Tensor> {
    vs.variables().into_iter().collect()
}

fn values(vs: &nn::VarStore) -> BTreeMap<String, Tensor> {
    sorted(vs).into_iter().map(|(name, t)| (name, t.detach().copy())).collect()
}

#[track_caller]
fn assert_equal(got: &BTreeMap<String, Tensor>, want: &BTreeMap<String, Tensor>) {
    assert!(got.keys().eq(want.keys()));
    for (name, want) in want {
        assert_same(&got[name], want, name);
    }
}

/// All different from a fresh store, the counter beyond what f32 holds.
fn trained() -> nn::VarStore {
    let vs = plain();
    tch::no_grad(|| {
        for (name, t) in vs.variables() {
            let mut t = t;
            let _ = match name.as_str() {
                "bn.num_batches_tracked" => t.fill_((1i64 << 40) + 1),
                _ => t.uniform_(-2.0, 2.0),
            };
        }
    });
    vs
}

#[test]
fn what_is_saved_is_loaded_to_the_bit() {
    let path = folder("round").join("model.safetensors");
    let from = trained();
    save(&from, &path).unwrap();
    let to = plain();
    load(&to, &path).unwrap();
    assert_equal(&values(&to), &values(&from));
    assert_eq!(to.variables()["bn.num_batches_tracked"].int64_value(&[]), (1 << 40) + 1);
    assert_eq!(to.variables()["bn.num_batches_tracked"].kind(), Kind::Int64);
    assert!(to.variables()["fc.weight"].requires_grad() && to.variables()["fc.weight"].is_leaf(), "still to be trained");
}

#[test]
fn a_layer_sees_what_was_loaded() {
    let path = folder("layer").join("model.safetensors");
    save(&trained(), &path).unwrap();
    let vs = nn::VarStore::new(Device::Cpu);
    let fc: Linear = build(&vs, "fc", FC).unwrap();
    let _: BatchNorm2d = build(&vs, "bn", BN).unwrap();
    load(&vs, &path).unwrap();
    assert_same(&fc.weight, &vs.variables()["fc.weight"], "fc.weight");
    assert!(fc.weight.abs().max().double_value(&[]) > 1.0 / 5f64.sqrt(), "not the fresh weights");
}

#[test]
fn the_file_is_plain_safetensors() {
    let path = folder("plain").join("model.safetensors");
    let vs = trained();
    save(&vs, &path).unwrap();
    let read: BTreeMap<String, Tensor> = Tensor::read_safetensors(&path).unwrap().into_iter().collect();
    assert_equal(&read, &values(&vs));
}

#[test]
fn weights_with_strides_are_saved_as_their_elements() {
    let path = folder("strides").join("model.safetensors");
    let wide = Tensor::arange(12, (Kind::Float, Device::Cpu)).view([3, 4]);
    let vs = nn::VarStore::new(Device::Cpu);
    let _ = vs.root().add("t", wide.transpose(0, 1), false);
    assert!(!vs.variables()["t"].is_contiguous());
    save(&vs, &path).unwrap();
    let read: BTreeMap<String, Tensor> = Tensor::read_safetensors(&path).unwrap().into_iter().collect();
    assert_same(&read["t"], &wide.transpose(0, 1).contiguous(), "t");
}

#[test]
fn kinds_and_empty_tensors_survive() {
    let path = folder("kinds").join("model.safetensors");
    let kinds = [Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16, Kind::Int64, Kind::Int, Kind::Uint8, Kind::Bool];
    let make = |value: i64| {
        let vs = nn::VarStore::new(Device::Cpu);
        for kind in kinds {
            let _ = vs.root().add(&format!("{kind:?}"), Tensor::full([2, 3], value, (kind, Device::Cpu)), false);
        }
        let _ = vs.root().add("empty", Tensor::zeros([0, 3], (Kind::Float, Device::Cpu)), false);
        vs
    };
    let (from, to) = (make(1), make(0));
    save(&from, &path).unwrap();
    load(&to, &path).unwrap();
    assert_equal(&values(&to), &values(&from));
    // An empty model has an empty file.
    let none = nn::VarStore::new(Device::Cpu);
    save(&none, &path).unwrap();
    load(&nn::VarStore::new(Device::Cpu), &path).unwrap();
}

#[test]
fn a_file_appears_whole_and_replaces_the_old_one() {
    let dir = folder("atomic");
    let path = dir.join("model.safetensors");
    fs::write(&path, "something older").unwrap();
    let vs = trained();
    save(&vs, &path).unwrap();
    assert_eq!(names_in(&dir), ["model.safetensors"], "nothing is left beside it");
    let to = plain();
    load(&to, &path).unwrap();
    assert_equal(&values(&to), &values(&vs));
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let dir = folder("unwritable");
    let vs = plain();
    let e = assert_says(save(&vs, dir.join("no/such/folder.safetensors")), &["no/such/folder.safetensors"]);
    assert!(matches!(e, Error::Io { .. }), "{e:?}");
    // A folder stands where the file should go.
    fs::create_dir(dir.join("taken")).unwrap();
    assert_says(save(&vs, dir.join("taken")), &["taken"]);
    assert_eq!(names_in(&dir), ["taken"]);
    assert!(save(&vs, "").is_err());
    assert!(save(&vs, "/").is_err());
}

#[test]
fn names_that_do_not_fit_are_listed_and_nothing_changes() {
    let path = folder("names").join("model.safetensors");
    let from = store(|vs| {
        let _ = vs.root().sub("old").zeros("weight", &[2]);
        let _ = vs.root().sub("old").zeros("bias", &[2]);
    });
    save(&from, &path).unwrap();
    let to = store(|vs| {
        build::<Linear>(vs, "head", FC).unwrap();
    });
    let before = values(&to);
    let e = assert_says(load(&to, &path), &["model.safetensors", "missing: head", "unexpected: old"]);
    assert!(matches!(&e, Error::Weights(w) if !w.missing.is_empty() && !w.unexpected.is_empty() && w.shapes.is_empty()));
    // Not the folder's name.
    let text = e.to_string().replace(&path.display().to_string(), "");
    for name in ["weight", "bias"] {
        assert_eq!(text.matches(name).count(), 2, "{name} in {text}");
    }
    assert!(!text.contains("fc"), "what fits is not listed: {text}");
    assert_equal(&values(&to), &before);
}

#[test]
fn other_shapes_are_listed_and_nothing_changes() {
    let path = folder("shapes").join("model.safetensors");
    let other = nn::VarStore::new(Device::Cpu);
    build::<Linear>(&other, "fc", LinearConfig { out_features: 7, ..FC }).unwrap();
    build::<BatchNorm2d>(&other, "bn", BN).unwrap();
    save(&other, &path).unwrap();
    let to = plain();
    let before = values(&to);
    let e = assert_says(load(&to, &path), &["of another shape", "fc", "weight", "[3, 5]", "[7, 5]", "bias", "[3]", "[7]"]);
    assert!(!e.to_string().contains("missing"), "{e}");
    assert_equal(&values(&to), &before);
}

#[test]
fn no_file_is_an_error() {
    let vs = plain();
    let e = assert_says(load(&vs, folder("none").join("model.safetensors")), &["model.safetensors"]);
    assert!(matches!(e, Error::Io { .. }), "{e:?}");
}

#[test]
fn truncated_files_are_errors_at_every_length() {
    let path = folder("truncated").join("model.safetensors");
    save(&trained(), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    let to = plain();
    let before = values(&to);
    for len in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..len]).unwrap();
        let e = assert_says(load(&to, &path), &["model.safetensors"]);
        assert!(matches!(e, Error::Format { .. }), "{len}: {e:?}");
    }
    assert_equal(&values(&to), &before);
}

#[test]
fn garbage_is_an_error() {
    let path = folder("garbage").join("model.safetensors");
    save(&trained(), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    let to = plain();
    let before = values(&to);
    let mut files: Vec<Vec<u8>> = vec![b"not a model".to_vec(), vec![0; 100], vec![0xff; 100], b"\x80\x02}q\x00.".to_vec()];
    // A header of absurd length, one that is no JSON, one with sizes that overflow, one more byte than it says.
    files.push([&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    files.push([&4u64.to_le_bytes()[..], b"{]x}"].concat());
    let overflow = format!(r#"{{"fc.weight":{{"dtype":"F32","shape":[{0},{0}],"data_offsets":[0,4]}}}}"#, u64::MAX / 2);
    files.push([&(overflow.len() as u64).to_le_bytes()[..], overflow.as_bytes(), &[0; 4]].concat());
    files.push([&whole[..], &[0]].concat());
    for (i, file) in files.iter().enumerate() {
        fs::write(&path, file).unwrap();
        let e = assert_says(load(&to, &path), &["model.safetensors"]);
        assert!(matches!(e, Error::Format { .. }), "{i}: {e:?}");
    }
    assert_equal(&values(&to), &before);
}

/// Any byte of the header may be wrong: an error, or a file that says something else, but no panic.
#[test]
fn a_header_with_one_wrong_byte_does_not_panic() {
    let path = folder("flip").join("model.safetensors");
    save(&trained(), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for i in (0..header).step_by(3) {
        let mut file = whole.clone();
        file[i] ^= 1 << (i % 8);
        fs::write(&path, &file).unwrap();
        let _ = load(&plain(), &path);
    }
}

#[test]
fn threads_that_save_to_one_path_leave_one_whole_file() {
    let dir = folder("threads");
    let path = dir.join("model.safetensors");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| save(&trained(), &path).unwrap()));
        }
    });
    assert_eq!(names_in(&dir), ["model.safetensors"]);
    load(&plain(), &path).unwrap();
}

#[test]
fn whole_numbers_do_not_become_floats() {
    let path = folder("whole-numbers").join("model.safetensors");
    let with = |kind| {
        let vs = nn::VarStore::new(Device::Cpu);
        let _ = vs.root().sub("fc").add("t", Tensor::ones([2], (kind, Device::Cpu)), false);
        vs
    };
    for (stored, wanted) in [(Kind::Int64, Kind::Float), (Kind::Float, Kind::Int64), (Kind::Int64, Kind::Int8)] {
        save(&with(stored), &path).unwrap();
        let says = [format!("{wanted:?}"), format!("{stored:?}")];
        let e = assert_says(load(&with(wanted), &path), &["fc: t wants numbers of", &says[0], &says[1]]);
        assert!(matches!(e, Error::Weights(_)), "{e:?}");
    }
}

/// A file of another kind of floats is converted; a kind that libtorch lacks is not guessed at.
#[test]
fn kinds_of_the_file_are_converted_or_refused() {
    let path = folder("convert").join("model.safetensors");
    let vs = nn::VarStore::new(Device::Cpu);
    let _ = vs.root().add("t", Tensor::full([2], 1.5, (Kind::Double, Device::Cpu)), false);
    save(&vs, &path).unwrap();
    let to = nn::VarStore::new(Device::Cpu);
    let t = to.root().add("t", Tensor::zeros([2], (Kind::Float, Device::Cpu)), false);
    load(&to, &path).unwrap();
    assert_eq!(t.kind(), Kind::Float);
    assert_eq!(Vec::<f32>::try_from(&t).unwrap(), [1.5, 1.5]);
    let header = r#"{"t":{"dtype":"U64","shape":[2],"data_offsets":[0,16]}}"#;
    fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[1; 16]].concat()).unwrap();
    let e = assert_says(load(&to, &path), &["of another kind: t wants numbers of Float, but gets U64"]);
    assert!(matches!(e, Error::Weights(_)), "{e:?}");
    assert_eq!(Vec::<f32>::try_from(&t).unwrap(), [1.5, 1.5]);
}
