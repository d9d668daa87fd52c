//! Files of PyTorch and SpikingJelly. In: what `tests/checkpoints/record.py` wrote with both; out: nets that give what they gave there, and for
//! what does not fit one error that says everything.

mod support;

use std::fs;
use std::path::PathBuf;

use snn::io::{self, KeyMap};
use snn::{Device, Error, Kind, Result, Tensor, load, load_with, nn, save, snn_net};
use support::{assert_near, assert_says, store};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(name)
}

/// A file of this test's own.
fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("checkpoints-{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("the folder of tests can be written to");
    path
}

snn_net! {
    /// SpikingJelly's `examples/conv_fashion_mnist.py`, with names of one's own.
    net Renamed(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        conv1: Conv2d(_, 2, 3, padding = 1, bias = false), bn1: BatchNorm2d(_), IFNode(), MaxPool2d(2),
        conv2: Conv2d(_, 2, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode(), MaxPool2d(2),
        Flatten(),
        fc1: Linear(_, 32, bias = false), IFNode(),
        fc2: Linear(_, 10, bias = false), IFNode(),
        MeanOverTime(),
    }

    /// The same, with its names.
    net Tutorial(x: [1, 28, 28]) -> [10] {
        T = 4;
        step_mode = 's';
        surrogate = ATan;
        conv_fc: [
            Conv2d(_, 2, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Conv2d(_, 2, 3, padding = 1, bias = false), BatchNorm2d(_), IFNode(), MaxPool2d(2),
            Flatten(),
            Linear(_, 32, bias = false), IFNode(),
            Linear(_, 10, bias = false), IFNode(),
        ],
        MeanOverTime(),
    }

    /// Learned time constants, between weights.
    net Plif(x: [T, 6]) -> [T, 5] {
        T = 3;
        step_mode = 'm';
        fc1: Linear(_, 5), sn1: ParametricLIFNode(init_tau = 2.0),
        fc2: Linear(_, 5, bias = false), sn2: ParametricLIFNode(),
    }
}

/// The map that the error of `a_renamed_net_is_told_its_map` proposes.
fn renamed() -> KeyMap {
    KeyMap::new()
        .rename("conv_fc.0", "conv1")
        .rename("conv_fc.1", "bn1")
        .rename("conv_fc.4", "conv2")
        .rename("conv_fc.5", "batchnorm2d1")
        .rename("conv_fc.9", "fc1")
        .rename("conv_fc.11", "fc2")
}

fn golden() -> (Tensor, Tensor) {
    let tensors = Tensor::read_safetensors(file("golden.safetensors")).expect("it is part of the repository");
    let get = |name: &str| tensors.iter().find(|(known, _)| known == name).expect("recorded").1.shallow_clone();
    (get("x"), get("y"))
}

#[test]
fn a_checkpoint_of_spikingjelly_gives_the_same_outputs() -> Result<()> {
    let (x, y) = golden();
    assert!(y.count_nonzero(None::<i64>).int64_value(&[]) > 8, "the net fires");
    for name in ["tutorial.pth", "tutorial.safetensors"] {
        let vs = store();
        let net = Tutorial::new(&vs.root())?;
        load(&vs, file(name))?;
        assert_near(&*net.forward(&Tutorial::input(x.shallow_clone())?)?, &y, 0.0);
        let vs = store();
        let net = Renamed::new(&vs.root())?;
        let loaded = load_with(&vs, file(name), &renamed())?;
        assert_eq!((loaded.loaded.len(), loaded.missing.len() + loaded.unexpected.len() + loaded.ignored.len()), (14, 0));
        assert_near(&*net.forward(&Renamed::input(x.shallow_clone())?)?, &y, 0.0);
    }
    Ok(())
}

#[test]
fn a_renamed_net_is_told_its_map() -> Result<()> {
    let vs = store();
    let _net = Renamed::new(&vs.root())?;
    let before = vs.variables()["fc1.weight"].copy();
    let e = load(&vs, file("tutorial.pth")).unwrap_err();
    assert!(matches!(&e, Error::Weights(w) if w.missing.len() == 6 && w.unexpected.len() == 6), "{e:?}");
    let text = e.to_string();
    for part in [
        "tutorial.pth: does not fit the model",
        "\n  missing: batchnorm2d1: bias, num_batches_tracked, running_mean, running_var, weight; bn1: ",
        "\n  unexpected: conv_fc.0: weight; conv_fc.1: weight, bias, running_mean, running_var, num_batches_tracked; ",
        "KeyMap::new()\n            .rename(\"conv_fc.0\", \"conv1\")\n            .rename(\"conv_fc.1\", \"bn1\")\n            .rename(\"conv_fc.4\", \"conv2\")",
        ".rename(\"conv_fc.5\", \"batchnorm2d1\")\n            .rename(\"conv_fc.9\", \"fc1\")\n            .rename(\"conv_fc.11\", \"fc2\");",
        "in their order where several have the same",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    assert!(vs.variables()["fc1.weight"].equal(&before));
    // A safetensors file has no order: twins are not guessed at.
    let text = load(&vs, file("tutorial.safetensors")).unwrap_err().to_string();
    assert!(text.contains(".rename(\"conv_fc.9\", \"fc1\")") && !text.contains(".rename(\"conv_fc.1\","), "{text}");
    Ok(())
}

#[test]
fn a_learned_time_constant_comes_along_and_a_prefix_goes() -> Result<()> {
    let vs = store();
    let _net = Plif::new(&vs.root())?;
    let map = KeyMap::new().rename("module.0", "fc1").rename("module.1", "sn1").rename("module.2", "fc2").rename("module.3", "sn2");
    load_with(&vs, file("plif.pth"), &map)?;
    // SpikingJelly: w = -ln(init_tau - 1).
    assert!((vs.variables()["sn1.w"].double_value(&[]) + 2f64.ln()).abs() < 1e-6);
    let two = KeyMap::new().rename("module.0", "fc1").rename("module.2", "fc1");
    assert_says(
        load_with(&vs, file("plif.pth"), &two),
        &["plif.pth", "`fc1.weight`", "both `module.0.weight` and `module.2.weight`", "`ignore`"],
    );
    let slip = KeyMap::new().rename("modul.0", "fc1").ignore("module.2");
    assert_says(
        load_with(&vs, file("plif.pth"), &slip),
        &["plif.pth", "`rename(\"modul.0\", \"fc1\")`", "no name", "did you mean \"module.0\"?"],
    );

    // Names that differ by a prefix.
    let path = written("prefix.safetensors", b"");
    save(&vs, &path)?;
    let inner = store();
    let _net = Plif::new(&(inner.root() / "net"))?;
    assert_says(load(&inner, &path), &["missing: net.fc1: bias, weight", ".rename(\"\", \"net\");"]);
    load_with(&inner, &path, &KeyMap::new().rename("", "net"))?;
    assert!(inner.variables()["net.sn1.w"].equal(&vs.variables()["sn1.w"]));
    save(&inner, &path)?;
    assert_says(load(&vs, &path), &[".rename(\"net\", \"\");"]);
    load_with(&vs, &path, &KeyMap::new().rename("net", ""))?;
    Ok(())
}

#[test]
fn not_strict_tells_what_was_left() -> Result<()> {
    let vs = store();
    let _net = Plif::new(&vs.root())?;
    let fc2 = vs.variables()["fc2.weight"].copy();
    let map = KeyMap::new().rename("module.0", "fc1").rename("module.2", "head").ignore("module.3").strict(false);
    let loaded = io::load_with(&vs, file("plif.pth"), &map)?;
    assert_eq!(loaded.loaded, ["fc1.bias", "fc1.weight"]);
    assert_eq!(loaded.missing, ["fc2.weight", "sn1.w", "sn2.w"]);
    assert_eq!(loaded.unexpected, ["module.1.w", "head.weight"]);
    assert_eq!(loaded.ignored, ["module.3.w"]);
    assert_eq!(
        loaded.to_string(),
        "2 loaded\n  missing: fc2: weight; sn1: w; sn2: w\n  unexpected: module.1: w; head: weight\n  ignored: module.3: w"
    );
    assert!(vs.variables()["fc2.weight"].equal(&fc2));
    // Other shapes stay an error, and so does a file of which nothing fits.
    let wrong = KeyMap::new().rename("module.0", "fc2").strict(false);
    assert_says(
        load_with(&vs, file("plif.pth"), &wrong),
        &["of another shape: fc2: weight wants [5, 5], but gets [5, 6]", ".ignore(\"fc2\")"],
    );
    assert_says(load_with(&vs, file("plif.pth"), &KeyMap::new().strict(false)), &["unexpected: module.0: weight, bias"]);
    Ok(())
}

/// A store with one variable like each of the file's.
fn kinds() -> nn::VarStore {
    let vs = nn::VarStore::new(Device::Cpu);
    let shapes: [(&str, &[i64], Kind); 17] = [
        ("transposed", &[4, 3], Kind::Float),
        ("part", &[2, 2], Kind::Float),
        ("expanded", &[3], Kind::Float),
        ("scalar", &[], Kind::Float),
        ("empty", &[0, 3], Kind::Float),
        ("parameter", &[2], Kind::Float),
        ("f64", &[2], Kind::Double),
        ("f16", &[2], Kind::Half),
        ("bf16", &[2], Kind::BFloat16),
        ("i64", &[2], Kind::Int64),
        ("i32", &[2], Kind::Int),
        ("i16", &[2], Kind::Int16),
        ("i8", &[2], Kind::Int8),
        ("u8", &[2], Kind::Uint8),
        ("bool", &[2], Kind::Bool),
        ("complex", &[1], Kind::Float),
        ("sparse", &[2], Kind::Float),
    ];
    for (name, shape, kind) in shapes {
        let _ = vs.root().add(name, Tensor::zeros(shape, (kind, Device::Cpu)), false);
    }
    vs
}

#[test]
fn every_kind_of_tensor_is_read_or_named() -> Result<()> {
    let vs = kinds();
    let e = load(&vs, file("kinds.pth")).unwrap_err();
    let Error::Weights(w) = &e else { panic!("{e:?}") };
    assert_eq!((w.unexpected.join(""), w.missing.len(), w.shapes.len()), ("number".to_string(), 0, 0), "{e}");
    let says = "complex wants numbers of Float, but gets ComplexFloat, sparse wants numbers of Float, but gets a tensor by `torch._utils._rebuild_sparse_tensor`";
    assert_eq!(w.kinds.join("; "), says);
    let rest = KeyMap::new().ignore("complex").ignore("sparse").ignore("number").strict(false);
    assert_eq!(load_with(&vs, file("kinds.pth"), &rest)?.missing, ["complex", "sparse"]);
    let of = |name: &str| Vec::<f64>::try_from(vs.variables()[name].to_kind(Kind::Double).reshape([-1])).expect("numbers");
    assert_eq!(of("transposed"), [0.0, 4.0, 8.0, 1.0, 5.0, 9.0, 2.0, 6.0, 10.0, 3.0, 7.0, 11.0]);
    assert_eq!((of("part"), of("expanded"), of("scalar")), (vec![5.0, 6.0, 9.0, 10.0], vec![7.0; 3], vec![2.5]));
    assert_eq!((of("parameter"), of("f64")), (vec![1.0, -1.0], vec![0.1, 1e300]));
    assert_eq!((of("f16"), of("bf16"), of("bool")), (vec![0.5, -2.0], vec![0.5, -2.0], vec![1.0, 0.0]));
    assert_eq!(vs.variables()["i64"].int64_value(&[0]), -(1 << 40));
    assert_eq!((of("i32"), of("i16"), of("i8"), of("u8")), (vec![-5.0, 3.0], vec![-5.0, 3.0], vec![-5.0, 3.0], vec![250.0, 3.0]));
    Ok(())
}

/// A store of `torch.nn.Linear(2, 1)` called `fc`.
fn linear() -> nn::VarStore {
    let vs = nn::VarStore::new(Device::Cpu);
    let _ = vs.root().sub("fc").zeros("weight", &[1, 2]);
    let _ = vs.root().sub("fc").zeros("bias", &[1]);
    vs
}

#[test]
fn other_ways_to_write_a_file_are_read_or_told_with_the_fix() -> Result<()> {
    let vs = linear();
    load(&vs, file("protocol4.pth"))?;
    assert_eq!(vs.variables()["fc.weight"].double_value(&[0, 1]), 2.0);
    for (name, says) in [
        ("old.pth", &["old format", "torch.save(torch.load(path, weights_only=True), path)"][..]),
        ("script.pth", &["TorchScript", "module.state_dict()"]),
        ("module.pth", &["an object of `torch.nn.modules.linear.Linear`", "save `net.state_dict()`"]),
        ("record.py", &["is no safetensors file", "no file of `torch.save`"]),
    ] {
        assert_says(load(&vs, file(name)), &[&[name], says].concat());
        assert!(matches!(load(&vs, file(name)), Err(Error::Format { .. })), "{name}");
    }
    let in_net = KeyMap::new().within("net");
    assert_says(load_with(&vs, file("protocol4.pth"), &in_net), &["no state dict under the key `net`"]);
    assert_says(load_with(&vs, file("tutorial.safetensors"), &in_net), &["has no `net`"]);
    assert_says(load_with(&vs, file("tutorial.pth"), &KeyMap::new().within("optimizer")), &["key `optimizer`", "under `net`"]);
    Ok(())
}

/// Damage is an error or other weights, never a panic: cut off anywhere, and with any byte wrong.
#[test]
fn damaged_files_do_not_panic() {
    let whole = fs::read(file("kinds.pth")).expect("it is part of the repository");
    let vs = kinds();
    let all = KeyMap::new().strict(false);
    for len in (0..whole.len()).step_by(97) {
        let e = load_with(&vs, written("cut.pth", &whole[..len]), &all).unwrap_err();
        assert!(matches!(e, Error::Format { .. }), "{len}: {e:?}");
    }
    // Behind the checksums of the archive the pickle is damaged by a test beside its reader.
    for i in (0..whole.len()).step_by(31) {
        let mut bytes = whole.clone();
        bytes[i] ^= 1 << (i % 8);
        let _ = load_with(&vs, written("flip.pth", &bytes), &all);
    }
}
