//! Freezing. In: nets that train and are loaded; out: frozen models of the weights at that moment, files that a build without
//! libtorch reads, and errors that name what does not fit.

/// The net of `cargo xtask demo`.
#[path = "../examples/train_fmnist/net.rs"]
mod demo;
mod support;
#[path = "support/tiny.rs"]
mod tiny;

use std::{env, fs};

use snn::nn::OptimizerConfig as _;
use snn::{Kind, Result, Tensor, nn};
use support::frozen::frozen;
use support::{distance, for_infer, input, shake, store};
use tiny::{Tiny, TinyFrozen};

type Steps3 = Tiny<3>;
type Frozen3 = TinyFrozen<3>;

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(demo::Csnn, demo::CsnnFrozen, x: still [3, 1, 28, 28]);
    frozen!(Tiny<3>, TinyFrozen<3>, x: still [2, 1, 8, 8], gate: seq [3, 2, 6] => classes, spikes);
    frozen!(Tiny<9>, TinyFrozen<9>, x: still [2, 1, 8, 8], gate: seq [9, 2, 6] => classes, spikes);
    Ok(())
}

fn numbers(x: &Tensor) -> Vec<f32> {
    Vec::try_from(x.contiguous().view([-1])).expect("floats")
}

/// The classes of a frozen model, as the net gives them.
fn classes(net: &mut Frozen3, x: &Tensor, gate: &Tensor) -> Result<Tensor> {
    let n = x.size()[0] as usize;
    let (mut classes, mut spikes) = (vec![0.0; 3 * n], vec![0.0; 3 * n * 6]);
    net.infer(&numbers(x), &numbers(gate), &mut classes, &mut spikes)?;
    Ok(Tensor::from_slice(&classes).view([-1, 3]))
}

/// Weights are shared with the `VarStore`, whatever is done to them there.
#[test]
fn a_frozen_model_has_the_weights_of_its_moment() -> Result<()> {
    let mut vs = store();
    let net = Steps3::new(&vs.root())?;
    shake(&vs);
    let (x, gate) = (input(&[4, 1, 8, 8]), input(&[3, 4, 6]));
    let forward = || -> Result<Tensor> {
        let (x, gate) = Steps3::input(x.shallow_clone(), gate.shallow_clone())?;
        Ok(net.forward(&x, &gate)?.classes.into_tensor())
    };
    let mut before = net.freeze()?;
    let first = classes(&mut before, &x, &gate)?;
    assert!(distance(&first, &forward()?) < 1e-4);

    // A step of training.
    let mut optimizer = nn::Sgd::default().build(&vs, 0.5)?;
    let (a, b) = Steps3::input(x.shallow_clone(), gate.shallow_clone())?;
    let y = net.forward_t(&a, &b, true)?.classes;
    optimizer.backward_step(&y.f_square()?.f_sum(Kind::Float)?);
    let trained = classes(&mut net.freeze()?, &x, &gate)?;
    assert!(distance(&trained, &first) > 1e-3, "training has done something");
    assert!(distance(&trained, &forward()?) < 1e-4);
    assert!(classes(&mut before, &x, &gate)?.equal(&first), "a frozen model changes no more");

    // Weights from a file, by both ways to load them.
    let other = store();
    Steps3::new(&other.root())?;
    shake(&other);
    let file = env::temp_dir().join(format!("snn-frozen-weights-{}.safetensors", std::process::id()));
    snn::save(&other, &file)?;
    snn::load(&vs, &file)?;
    let loaded = classes(&mut net.freeze()?, &x, &gate)?;
    assert!(distance(&loaded, &trained) > 1e-3 && distance(&loaded, &forward()?) < 1e-4);
    tch::no_grad(|| vs.trainable_variables().iter_mut().for_each(|w| drop(w.zero_())));
    vs.load(&file)?;
    fs::remove_file(&file).expect("the file was written");
    assert!(classes(&mut net.freeze()?, &x, &gate)?.equal(&loaded));

    // Another kind: what is frozen is `f32`.
    vs.double();
    assert!(classes(&mut net.freeze()?, &x, &gate)?.equal(&loaded));
    Ok(())
}

#[test]
fn what_does_not_fit_is_named() -> Result<()> {
    let mut net = Steps3::new(&store().root())?.freeze()?;
    let (mut classes, mut spikes) = (vec![0.0; 6], vec![0.0; 36]);
    let says = |error: std::result::Result<(), snn::infer::Error>, parts: &[&str]| {
        let text = error.expect_err("it does not fit").to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    says(net.infer(&[0.0; 100], &[0.0; 36], &mut classes, &mut spikes), &["Tiny input `x`", "[N, 1, 8, 8]", "100"]);
    says(net.infer(&[0.0; 128], &[0.0; 35], &mut classes, &mut spikes), &["Tiny input `gate`", "[3, 2, 6]", "35"]);
    says(net.infer(&[0.0; 128], &[0.0; 36], &mut classes[..5], &mut spikes), &["Tiny output `classes`", "[2, 3]", "5"]);
    says(net.infer(&[0.0; 128], &[0.0; 36], &mut classes, &mut spikes[..6]), &["Tiny output `spikes`", "[3, 2, 6]", "6"]);
    net.infer(&[0.0; 128], &[0.0; 36], &mut classes, &mut spikes)?;
    let mut s = net.state(3);
    says(net.step(&[0.0; 128], &[0.0; 12], &mut classes, &mut spikes[..12], &mut s), &["Tiny", "batch of 3", "gets 2"]);
    let missing = Frozen3::load("/there/is/no/such.safetensors").expect_err("no file").to_string();
    assert!(missing.contains("/there/is/no/such.safetensors"), "{missing}");
    Ok(())
}

/// A file says of which net it is.
#[test]
fn a_file_of_another_net_is_refused() -> Result<()> {
    let file = env::temp_dir().join(format!("snn-frozen-other-{}.safetensors", std::process::id()));
    Tiny::<4>::new(&store().root())?.freeze()?.save(&file)?;
    let error = Frozen3::load(&file).expect_err("it has 4 steps").to_string();
    fs::remove_file(&file).expect("the file was written");
    assert!(error.contains("another net than `Tiny`") && error.contains("steps 3") && error.contains("steps 4"), "{error}");
    Ok(())
}

#[test]
fn every_layer_is_in_the_list_of_kernels() -> Result<()> {
    let net = Steps3::new(&store().root())?.freeze()?;
    let list: Vec<String> = net.model().kernels().map(|(layers, kernel)| format!("{layers}: {kernel}")).collect();
    for layer in ["conv", "sn", "maxpool2d1", "res.0.conv", "res.1.sn", "flat.0", "flat.3", "rec", "fc"] {
        let named = |line: &String| line.split([':', ' ']).any(|word| word == layer);
        assert!(list.iter().any(named), "{layer} is not in {list:#?}");
    }
    Ok(())
}

/// What `examples/infer/tests/frozen.rs` reads in a build without libtorch: a frozen file, inputs and outputs.
/// `SNN_UPDATE=1 cargo test --test frozen` writes it anew.
#[test]
fn the_file_for_builds_without_libtorch_is_what_this_build_gives() -> Result<()> {
    let (model, stored) = for_infer("tiny.frozen.safetensors", "numbers.safetensors", |model| {
        let vs = store();
        let net = Steps3::new(&vs.root())?;
        shake(&vs);
        let (x, gate) = (input(&[4, 1, 8, 8]), input(&[3, 4, 6]));
        let (a, b) = Steps3::input(x.shallow_clone(), gate.shallow_clone())?;
        net.forward_t(&a, &b, true)?;
        let y = net.forward(&a, &b)?;
        net.freeze()?.save(model)?;
        Ok(vec![("x", x), ("gate", gate), ("classes", y.classes.into_tensor()), ("spikes", y.spikes.into_tensor())])
    })?;
    let found = classes(&mut Frozen3::load(&model)?, &stored["x"], &stored["gate"])?;
    assert!(stored["spikes"].sum(Kind::Float).double_value(&[]) > 0.0, "a net that fires");
    assert!(distance(&found, &stored["classes"]) < 1e-4);
    Ok(())
}
