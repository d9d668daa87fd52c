//! Frozen nets as files. In: a model; out: the same outputs from its file, to the bit, and what is said of files that do not fit.

mod support;

use std::path::PathBuf;

use snn_infer::{BatchNormConfig, Builder, Frozen, Graph, LinearConfig, Model, Result, frozen};
use snn_kernels::{LIFNodeConfig, ParametricLIFNodeConfig};
use support::{Numbers, Weights};

fn graph(features: usize, tau: f64) -> Result<Graph> {
    let mut b = Builder::new("Net", 2);
    let x = b.input("x", &[3], true);
    let y = frozen::Linear::freeze(&mut b, "fc1", LinearConfig { bias: false, ..LinearConfig::new(3, features) }, &[x])?;
    let y = frozen::BatchNorm1d::freeze(&mut b, "bn", BatchNormConfig::new(features), &[y])?;
    let y = frozen::ParametricLIFNode::freeze(&mut b, "plif", ParametricLIFNodeConfig::default(), &[y])?;
    let y = frozen::BatchNorm1d::freeze(&mut b, "alone", BatchNormConfig::new(features), &[y])?;
    let y = frozen::LIFNode::freeze(&mut b, "lif", LIFNodeConfig { tau, v_threshold: 0.1, ..Default::default() }, &[y])?;
    b.output("y", y);
    Ok(b.finish())
}

fn weights(features: usize) -> Weights {
    let (f, w) = ([features], [features, 3]);
    let norm = |layer: &str| ["weight", "bias", "running_mean", "running_var"].map(|name| format!("{layer}.{name}"));
    let names: Vec<String> = norm("bn").into_iter().chain(norm("alone")).collect();
    let mut shapes: Vec<(&str, &[usize])> = vec![("fc1.weight", &w), ("plif.w", &[])];
    shapes.extend(names.iter().map(|name| (name.as_str(), &f[..])));
    Weights::new(&shapes)
}

/// A file of this test alone, removed behind it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("snn-infer-{name}-{}.safetensors", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(model: &mut Model) -> Result<Vec<f32>> {
    let (x, mut y) = (Numbers::new(2).take(2 * 4 * 3), vec![9.0; 2 * 4 * 5]);
    model.infer(&[&x], &mut [&mut y])?;
    Ok(y)
}

#[test]
fn a_file_gives_the_same_bits() -> Result<()> {
    let file = Scratch::new("same");
    let mut model = Model::new(graph(5, 2.0)?, weights(5).source())?;
    model.save(&file.0)?;
    let mut loaded = Model::load(graph(5, 2.0)?, &file.0)?;
    let want = run(&mut model)?;
    assert!(want.contains(&1.0) && want.contains(&0.0));
    assert_eq!(run(&mut loaded)?, want);
    // A loaded model is a whole one.
    loaded.save(&file.0)?;
    assert_eq!(run(&mut Model::load(graph(5, 2.0)?, &file.0)?)?, want);
    Ok(())
}

#[test]
fn a_file_of_another_net_is_refused_with_where_they_differ() -> Result<()> {
    let file = Scratch::new("other");
    Model::new(graph(5, 2.0)?, weights(5).source())?.save(&file.0)?;
    let say = |graph| Model::load(graph, &file.0).unwrap_err().to_string();
    let e = say(graph(5, 3.0)?);
    assert!(e.contains("was saved by another net than `Net`: the net has `lif LIFNode LIFNodeConfig { tau: 3.0,"), "{e}");
    assert!(e.contains("the file `lif LIFNode LIFNodeConfig { tau: 2.0,") && e.ends_with("help: freeze and save the trained model again"));
    assert!(say(graph(6, 2.0)?).contains("the net has `fc1 Linear"));
    Ok(())
}

#[test]
fn what_is_no_frozen_net_is_told() -> Result<()> {
    let file = Scratch::new("broken");
    let say = || Model::load(graph(5, 2.0).unwrap(), &file.0).unwrap_err().to_string();
    assert!(say().contains("No such file"), "{}", say());
    std::fs::write(&file.0, b"not a file").unwrap();
    assert!(say().contains("is no safetensors file"), "{}", say());
    let empty: Vec<(&str, safetensors::tensor::TensorView<'_>)> = Vec::new();
    std::fs::write(&file.0, safetensors::serialize(empty, None).unwrap()).unwrap();
    assert!(say().contains("is no frozen net: it does not say of which net it is"), "{}", say());
    // The right words, but no weights behind them.
    Model::new(graph(5, 2.0)?, weights(5).source())?.save(&file.0)?;
    let bytes = std::fs::read(&file.0).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let about = metadata.metadata().clone();
    let empty: Vec<(&str, safetensors::tensor::TensorView<'_>)> = Vec::new();
    std::fs::write(&file.0, safetensors::serialize(empty, about).unwrap()).unwrap();
    let e = say();
    assert_eq!(e, "the weights do not fit `Net`\n  missing: alone: scale, shift; fc1: weight, bias; plif: w");
    Ok(())
}

#[test]
fn weights_of_another_shape_are_named() -> Result<()> {
    let mut wrong = weights(5);
    wrong.0.insert("fc1.weight".into(), (vec![5, 4], vec![0.0; 20]));
    wrong.0.remove("bn.bias");
    let e = Model::new(graph(5, 2.0)?, wrong.source()).unwrap_err().to_string();
    assert_eq!(e, "the weights do not fit `Net`\n  missing: bn: bias\n  of another shape: fc1: weight wants [5, 3], but gets [5, 4]");
    Ok(())
}
