//! Files of nets and weights, damaged. In: bytes; out: a net that runs, or an error.

use std::fs;
use std::path::Path;

use bolero::check;
use snn_fuzz::Corpus;
use snn_infer::{BatchNormConfig, Builder, Frozen, Graph, LinearConfig, Model, frozen};
use snn_kernels::ParametricLIFNodeConfig;
use snn_nir::{Affine, Array, Conv2d, CubaLIF, Flatten, IF, ImportConfig, LIF, Linear, Node, Padding, SumPool2d};

fn full(n: usize, value: f64) -> Array {
    Array::full([n], value)
}

/// Space, and a neuron behind a synapse.
fn convolutional() -> snn_nir::Graph {
    let conv = Conv2d {
        input_shape: Some([4, 4]),
        weight: Array::full([2, 1, 3, 3], 0.25),
        stride: [1, 1],
        padding: Padding::Each([1, 1]),
        dilation: [1, 1],
        groups: 1,
        bias: full(2, 0.1),
    };
    let fire = IF { r: Array::full([2, 4, 4], 1.0), v_threshold: Array::full([2, 4, 4], 1.0), v_reset: None };
    let pool = SumPool2d { kernel_size: [2, 2], stride: [2, 2], padding: [0, 0] };
    let flatten = Flatten { input_type: Some(vec![2, 2, 2]), start_dim: 0, end_dim: -1 };
    let cuba = CubaLIF {
        tau_syn: full(3, 0.004),
        tau_mem: full(3, 0.01),
        r: full(3, 1.5),
        v_leak: full(3, 0.0),
        v_threshold: full(3, 1.0),
        v_reset: Some(full(3, -0.125)),
        w_in: Some(full(3, 2.0)),
    };
    let affine = Affine { weight: Array::full([3, 8], 0.5), bias: full(3, 0.0) };
    let nodes = [("conv", conv.into()), ("if", fire.into()), ("pool", pool.into()), ("flat", flatten.into())];
    snn_nir::Graph::chain([1, 4, 4], nodes.into_iter().chain([("fc", affine.into()), ("cuba", cuba.into())]), [3])
}

/// A loop, in a graph inside the graph.
fn recurrent() -> snn_nir::Graph {
    let lif = LIF { tau: full(2, 0.01), r: full(2, 1.0), v_leak: full(2, 0.0), v_threshold: full(2, 0.5), v_reset: None };
    let mut inner = snn_nir::Graph::chain([2], [("lif", lif.into())], [2]);
    inner.nodes.insert("back".into(), Linear { weight: Array::full([2, 2], 0.5) }.into());
    inner.edges.extend([("lif".into(), "back".into()), ("back".into(), "lif".into())]);
    snn_nir::Graph::chain([2], [("cell", Node::NIRGraph(inner))], [2])
}

/// The whole files of the corpora, which `SNN_UPDATE=1` writes, are read without an error.
#[test]
fn whole_files_are_read() {
    let folder = |target: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__").join(target).join("corpus");
    let frozen = folder("frozen_net").join("whole");
    if std::env::var_os("SNN_UPDATE").is_some() {
        for target in ["nir", "frozen_net"] {
            fs::create_dir_all(folder(target)).expect("a folder");
        }
        convolutional().write(folder("nir").join("convolutional")).expect("a file");
        recurrent().write(folder("nir").join("recurrent")).expect("a file");
        let weights = |name: &str| {
            let shape: &[usize] = if name == "fc.weight" {
                &[4, 3]
            } else if name == "plif.w" {
                &[]
            } else {
                &[4]
            };
            Some((shape.to_vec(), vec![0.5; shape.iter().product()]))
        };
        Model::new(net(), weights).and_then(|model| model.save(&frozen)).expect("a file");
    }
    assert_eq!(snn_nir::Graph::read(folder("nir").join("convolutional")).expect("a graph"), convolutional());
    assert_eq!(snn_nir::Graph::read(folder("nir").join("recurrent")).expect("a graph"), recurrent());
    Model::load(net(), &frozen).expect("a model");
}

/// A graph that is read is whole: it is written and read again as the same, it is imported or says why not, and it runs.
#[test]
fn nir() {
    let corpus = Corpus::of("nir");
    let read = |file: &[u8]| {
        let Ok(graph) = snn_nir::Graph::from_bytes(file.to_vec()) else { return };
        graph.check().expect("checked when read");
        let again = graph.to_bytes().and_then(snn_nir::Graph::from_bytes).expect("written and read again");
        assert_eq!(again, graph);
        let _ = graph.import(&ImportConfig::new("some.nir", Some(1e-4))); // or why not
        let inputs: Vec<(&str, Array)> = graph
            .nodes
            .iter()
            .filter_map(|(name, node)| {
                let Node::Input(input) = node else { return None };
                (input.shape.iter().product::<usize>() < 1 << 12)
                    .then(|| (name.as_str(), Array::full([&[2], &input.shape[..]].concat(), 1.0)))
            })
            .collect();
        let inputs: Vec<(&str, &Array)> = inputs.iter().map(|(name, x)| (*name, x)).collect();
        let _ = graph.run(&inputs, Some(1e-4));
    };
    check!().for_each(|bytes| corpus.each(bytes, read));
}

fn net() -> Graph {
    let mut b = Builder::new("Net", 2);
    let x = b.input("x", &[3], true);
    let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig { bias: false, ..LinearConfig::new(3, 4) }, &[x]).expect("a layer");
    let y = frozen::BatchNorm1d::freeze(&mut b, "bn", BatchNormConfig::new(4), &[y]).expect("a layer");
    let y = frozen::ParametricLIFNode::freeze(&mut b, "plif", ParametricLIFNodeConfig::default(), &[y]).expect("a layer");
    b.output("y", y);
    b.finish()
}

/// A frozen net, as safetensors: it is loaded and runs, or the error names the file or the net.
#[test]
fn frozen_net() {
    let corpus = Corpus::of("frozen_net");
    let path = std::env::temp_dir().join(format!("snn-fuzz-{}.safetensors", std::process::id()));
    let read = |file: &[u8]| {
        fs::write(&path, file).expect("a file of our own");
        match Model::load(net(), &path) {
            Ok(mut model) => {
                let mut y = [0.0; 8];
                model.infer(&[&[1.0; 6]], &mut [&mut y]).expect("a net that was loaded runs");
            }
            Err(error) => {
                let says = error.to_string();
                assert!(says.starts_with(&path.display().to_string()) || says.contains("`Net`"), "{says}");
            }
        }
    };
    check!().for_each(|bytes| corpus.each(bytes, read));
    let _ = fs::remove_file(&path);
}
