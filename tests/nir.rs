//! NIR graphs as nets of the language. In: graphs built here, and the real files of `../shared/data/nir` where they are present; out: the
//! source that `cargo xtask nir import` writes (kept in `nir/`, compiled here), and a net that does what the graph's plain loops do.
//!
//! `SNN_UPDATE=1` writes the sources anew; run the test again to compile them.

mod support;

use std::path::{Path, PathBuf};

use snn::{Device, Kind, Result, Tensor, nn};
use snn_nir::{
    Affine, Array, AvgPool2d, Conv1d, Conv2d, CubaLI, CubaLIF, Delay, Flatten, Graph, I, IF, ImportConfig, Input, LI, LIF, Linear, Node,
    Output, Padding, Scale, SumPool2d, Threshold,
};

#[path = "nir/braille_noDelay_bias_zero.rs"]
mod braille;
#[path = "nir/branches.rs"]
mod branches;
#[path = "nir/cnn_sinabs.rs"]
mod cnn_sinabs;
#[path = "nir/lif_norse.rs"]
mod lif_norse;
#[path = "nir/lif_rockpool.rs"]
mod lif_rockpool;
#[path = "nir/loops.rs"]
mod loops;
#[path = "nir/space.rs"]
mod space;

/// A file of `../shared/data/nir`; `None`, said aloud, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/nir").join(name);
    let found = path.exists().then_some(path);
    if found.is_none() {
        eprintln!("skipped: there is no ../shared/data/nir/{name}");
    }
    found
}

/// Imports the graph, compares the source with the one that is compiled here, and reads the weights into the net that `build` makes.
fn import<N>(graph: &Graph, file: &str, dt: Option<f64>, build: impl FnOnce(&nn::Path<'_>) -> Result<N>) -> N {
    let net = graph.import(&ImportConfig::new(file, dt)).unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nir").join(Path::new(file).with_extension("rs"));
    if std::env::var_os("SNN_UPDATE").is_some() {
        std::fs::write(&kept, &net.source).unwrap();
    }
    assert_eq!(net.source, std::fs::read_to_string(&kept).unwrap(), "{} is another; SNN_UPDATE=1 writes it", kept.display());
    let vs = nn::VarStore::new(Device::Cpu);
    let built = build(&vs.root()).unwrap();
    let weights = std::env::temp_dir().join(format!("snn-nir-{}-{file}.safetensors", std::process::id()));
    net.save(&weights).unwrap();
    let loaded = snn::load(&vs, &weights);
    std::fs::remove_file(&weights).unwrap();
    loaded.unwrap();
    built
}

/// `[T, ..]` as the net takes it, with a batch of one.
fn tensor(x: &Array) -> Tensor {
    let mut shape: Vec<i64> = x.shape().iter().map(|&size| size as i64).collect();
    shape.insert(1, 1);
    Tensor::from_slice(x.data()).to_kind(Kind::Float).reshape(shape)
}

/// A net's output is that of the loops; and not nothing.
fn assert_same(y: &Tensor, want: &Array, within: f64) {
    let y: Vec<f64> = Vec::try_from(y.to_kind(Kind::Double).reshape([-1])).unwrap();
    assert_eq!(y.len(), want.data().len());
    assert!(y.iter().any(|&got| got != y[0]), "all numbers are {}: nothing is compared", y[0]);
    for (at, (got, want)) in y.iter().zip(want.data()).enumerate() {
        assert!((got - want).abs() <= within, "number {at} of {:?}: {got} instead of {want}", y.len());
    }
}

fn named(nodes: impl IntoIterator<Item = (&'static str, Node)>, edges: &[(&str, &str)]) -> Graph {
    let nodes = nodes.into_iter().map(|(name, node)| (name.into(), node)).collect();
    Graph { nodes, edges: edges.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect() }
}

/// Numbers that differ, in eighths from -1 to 1: sums of products of them are exact.
fn eighths(shape: &[usize], salt: usize) -> Array {
    let count: usize = shape.iter().product();
    Array::new(shape, (0..count).map(|n| ((n * 7 + salt * 5) % 17) as f64 / 8.0 - 1.0).collect::<Vec<_>>()).unwrap()
}

fn full(n: usize, value: f64) -> Array {
    Array::full([n], value)
}

/// 0 or 1, one in three.
fn spikes(shape: &[usize]) -> Array {
    let count: usize = shape.iter().product();
    Array::new(shape, (0..count).map(|n| f64::from(u8::from((n * n + n / 7) % 3 == 1))).collect::<Vec<_>>()).unwrap()
}

/// Over space: convolutions with all their arguments, pools, parameters per channel.
fn space_graph() -> Graph {
    let conv1 = Conv2d {
        input_shape: Some([9, 8]),
        weight: eighths(&[4, 1, 3, 2], 1),
        stride: [2, 1],
        padding: Padding::Each([1, 0]),
        dilation: [1, 2],
        groups: 2,
        bias: eighths(&[4], 2),
    };
    let conv2 = Conv2d {
        input_shape: None,
        weight: eighths(&[3, 4, 2, 2], 3),
        stride: [1, 1],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: eighths(&[3], 4),
    };
    // One threshold for each channel, the same over its cells.
    let thresholds = Array::new([4, 5, 6], (0..120).map(|at| 0.5 + (at / 30) as f64 / 4.0).collect::<Vec<_>>()).unwrap();
    let fire = IF { r: Array::full([4, 5, 6], 1.0), v_threshold: thresholds, v_reset: Some(Array::full([4, 5, 6], -0.25)) };
    let conv1d = Conv1d {
        input_shape: Some(9),
        weight: eighths(&[2, 3, 3], 6),
        stride: [2],
        padding: Padding::Valid,
        dilation: [1],
        groups: 1,
        bias: eighths(&[2], 7),
    };
    Graph::chain(
        [2, 9, 8],
        [
            ("conv1", conv1.into()),
            ("sn1", fire.into()),
            ("conv2", conv2.into()),
            ("sn2", IF { r: full(1, 1.0), v_threshold: full(1, 0.5), v_reset: Some(full(1, 0.25)) }.into()),
            ("sum", SumPool2d { kernel_size: [2, 2], stride: [1, 2], padding: [0, 1] }.into()),
            ("mean", AvgPool2d { kernel_size: [2, 2], stride: [1, 1], padding: [0, 0] }.into()),
            ("rows", Flatten { input_type: None, start_dim: 1, end_dim: 2 }.into()),
            ("conv3", conv1d.into()),
            ("flat", Flatten { input_type: Some(vec![2, 4]), start_dim: 0, end_dim: -1 }.into()),
        ],
        [8],
    )
}

/// A loop over `Linear`, one over nothing, and all neurons that are no spiking ones.
fn loops_graph() -> Graph {
    let cuba = CubaLIF {
        tau_syn: full(4, 0.004),
        tau_mem: full(4, 0.01),
        r: full(4, 1.5),
        v_leak: full(4, 0.125),
        v_threshold: Array::vector([0.25, 0.375, 0.5, 0.25]),
        v_reset: Some(full(4, -0.125)),
        w_in: Some(full(4, 2.0)),
    };
    let lif = LIF { tau: full(4, 0.005), r: full(4, 1.0), v_leak: full(4, 0.0), v_threshold: full(4, 0.75), v_reset: None };
    named(
        [
            ("in", Input { shape: vec![3] }.into()),
            ("fc", Affine { weight: eighths(&[4, 3], 1), bias: eighths(&[4], 2) }.into()),
            ("cuba", cuba.into()),
            ("back", Linear { weight: eighths(&[4, 4], 3) }.into()),
            ("scale", Scale { scale: Array::vector([1.0, 1.5, 0.5, 2.0]) }.into()),
            ("lif", lif.into()),
            ("later", Delay { delay: full(4, 0.003) }.into()),
            ("now", Delay { delay: full(1, 0.0) }.into()),
            ("li", LI { tau: full(4, 0.01), r: full(4, 2.0), v_leak: full(4, 0.5) }.into()),
            ("i", I { r: full(4, 100.0) }.into()),
            ("read", CubaLI { tau_syn: full(4, 0.002), tau_mem: full(4, 0.01), r: full(4, 1.0), v_leak: full(4, 0.0), w_in: None }.into()),
            ("above", Threshold { threshold: Array::vector([0.25, 0.5, 0.125, 1.0]) }.into()),
            ("out", Output { shape: vec![4] }.into()),
            ("seen", Output { shape: vec![4] }.into()),
        ],
        &[
            ("in", "fc"),
            ("fc", "cuba"),
            ("cuba", "back"),
            ("back", "cuba"),
            ("cuba", "scale"),
            ("scale", "lif"),
            ("lif", "lif"),
            ("lif", "later"),
            ("later", "now"),
            ("now", "li"),
            ("li", "i"),
            ("i", "read"),
            ("read", "out"),
            ("li", "above"),
            ("above", "seen"),
        ],
    )
}

/// Two inputs, sums, a graph inside the graph, one output.
fn branches_graph() -> Graph {
    let inner = Graph::chain(
        [3],
        [
            ("fc", Linear { weight: eighths(&[2, 3], 5) }.into()),
            ("add", IF { r: full(2, 0.5), v_threshold: full(2, 0.25), v_reset: None }.into()),
        ],
        [2],
    );
    named(
        [
            ("left", Input { shape: vec![3] }.into()),
            ("right", Input { shape: vec![2] }.into()),
            ("inner", Node::NIRGraph(inner)),
            ("1", Affine { weight: eighths(&[2, 2], 1), bias: eighths(&[2], 2) }.into()),
            ("sum", IF { r: full(2, 1.0), v_threshold: full(2, 0.5), v_reset: None }.into()),
            ("output", Output { shape: vec![2] }.into()),
        ],
        &[("left", "inner"), ("right", "1"), ("inner", "sum"), ("1", "sum"), ("right", "sum"), ("sum", "output"), ("inner", "output")],
    )
}

#[test]
fn space() {
    let graph = space_graph();
    let net = import(&graph, "space.nir", None, space::Space::new);
    let x = spikes(&[100, 2, 9, 8]);
    let y = net.forward(&space::Space::input(tensor(&x)).unwrap()).unwrap();
    assert_same(&y, &graph.run(&[("input", &x)], None).unwrap()["output"], 0.0);
}

#[test]
fn loops() {
    let graph = loops_graph();
    let net = import(&graph, "loops.nir", Some(1e-3), loops::Loops::new);
    let x = spikes(&[100, 3]);
    let want = graph.run(&[("in", &x)], Some(1e-3)).unwrap();
    let y = net.forward(&loops::Loops::input(tensor(&x)).unwrap()).unwrap();
    assert_same(&y.out, &want["out"], 1e-5);
    assert_same(&y.seen, &want["seen"], 0.0);
}

#[test]
fn branches() {
    let graph = branches_graph();
    let net = import(&graph, "branches.nir", None, branches::Branches::new);
    let (left, right) = (spikes(&[100, 3]), spikes(&[100, 2]));
    let want = graph.run(&[("left", &left), ("right", &right)], None).unwrap();
    let (left, right) = branches::Branches::input(tensor(&left), tensor(&right)).unwrap();
    assert_same(&net.forward(&left, &right).unwrap(), &want["output"], 0.0);
}

/// A column of a recording, comma by comma.
fn column(text: &str, n: usize) -> Vec<f64> {
    text.lines().map(|line| line.split(',').nth(n).unwrap().parse().unwrap()).collect()
}

#[test]
fn norses_lif_spikes_where_its_recording_does() {
    let (Some(file), Some(csv)) = (shared("lif_norse.nir"), shared("lif_norse.csv")) else { return };
    let net = import(&Graph::read(file).unwrap(), "lif_norse.nir", Some(1e-4), lif_norse::LifNorse::new);
    let csv = std::fs::read_to_string(csv).unwrap();
    let x = tensor(&Array::new([1000, 1], column(&csv, 0)).unwrap());
    let y = net.forward_chunk(&snn::Steps::new(x).unwrap(), &mut net.state(1), false).unwrap();
    let spikes: Vec<i64> = Vec::try_from(y.reshape([-1]).nonzero().reshape([-1])).unwrap();
    assert_eq!(spikes, [460, 510, 710, 760]);
}

#[test]
fn rockpools_lif_has_a_resistance() {
    let Some(file) = shared("lif_rockpool.nir") else { return };
    let graph = Graph::read(file).unwrap();
    let net = import(&graph, "lif_rockpool.nir", Some(1e-4), lif_rockpool::LifRockpool::new);
    let x = Array::new([100, 1], (0..100).map(|t| f64::from(u8::from(t % 7 < 4))).collect::<Vec<_>>()).unwrap();
    let y = net.forward(&lif_rockpool::LifRockpool::input(tensor(&x)).unwrap()).unwrap();
    assert_same(&y, &graph.run(&[("input", &x)], Some(1e-4)).unwrap()["output"], 0.0);
}

#[test]
fn sinabs_cnn_runs() {
    let Some(file) = shared("cnn_sinabs.nir") else { return };
    let mut graph = Graph::read(file).unwrap();
    // Weights in 1024ths: sums are exact, in whatever order they are taken.
    for node in graph.nodes.values_mut() {
        let weight = match node {
            Node::Conv2d(n) => &mut n.weight,
            Node::Affine(n) => &mut n.weight,
            _ => continue,
        };
        *weight = Array::new(weight.shape(), weight.data().iter().map(|w| (w * 1024.0).round() / 1024.0).collect::<Vec<_>>()).unwrap();
    }
    let net = import(&graph, "cnn_sinabs.nir", None, cnn_sinabs::CnnSinabs::new);
    let x = spikes(&[12, 2, 34, 34]);
    let y = net.forward_chunk(&snn::Steps::new(tensor(&x)).unwrap(), &mut net.state(1), false).unwrap();
    assert_same(&y, &graph.run(&[("input", &x)], None).unwrap()["output"], 0.0);
}

#[test]
fn the_recurrent_braille_net_runs() {
    let Some(file) = shared("braille_noDelay_bias_zero.nir") else { return };
    let graph = Graph::read(file).unwrap();
    let net = import(&graph, "braille_noDelay_bias_zero.nir", Some(1e-4), braille::BrailleNoDelayBiasZero::new);
    let x = spikes(&[100, 12]);
    let y = net.forward(&braille::BrailleNoDelayBiasZero::input(tensor(&x)).unwrap()).unwrap();
    assert_same(&y, &graph.run(&[("input", &x)], Some(1e-4)).unwrap()["output"], 0.0);
}

snn::snn_net! {
    /// All that NIR has a node for.
    net Exported(x: [T, 2, 8, 8]) -> (out: [T, 5], seen: [T, 5]) {
        T = 40;
        step_mode = 'm';

        conv1: Conv2d(_, 4, 3, stride = 2, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        sn1: IFNode(),
        conv2: Conv2d(_, 4, 2, padding = "same"),
        sn2: SimpleLIFNode(tau = 3.0, v_reset = Some(-0.25)),
        mean: AvgPool2d(2, stride = 1, padding = 1),
        sum: AvgPool2d((2, 3), divisor_override = 1),
        drop: Dropout(0.5),
        flat: Flatten(),
        fc1: Linear(_, 6),
        sn3: LIFNode(tau = 4.0, decay_input = false),
        later: Delay(2),
        fc2: Linear(_, 5, bias = false),
        sn4: ParametricLIFNode(init_tau = 1.5),
        x: SimpleIFNode(v_threshold = 0.5, v_reset = Some(0.125)),
        rec: LinearRecurrentContainer([cell: LIFNode()], 6, 6),
        own: ElementWiseRecurrentContainer([IFNode(v_threshold = 1.5)], add),

        forward(x) {
            let a = sn1(bn1(conv1(x)));
            let b = sn2(conv2(a));
            let c = own(rec(sn3(fc1(flat(drop(sum(mean(add(a, b)))))))));
            let d = fc2(later(c));
            (sn4(d), x(d))
        }
    }
}

#[test]
fn an_exported_net_does_the_same() {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Exported::new(&vs.root()).unwrap();
    support::shake(&vs);
    let x = spikes(&[40, 2, 8, 8]);
    let input = Exported::input(tensor(&x)).unwrap();
    net.forward_t(&input, true).unwrap(); // running statistics
    let file = std::env::temp_dir().join(format!("snn-nir-{}-exported.nir", std::process::id()));
    net.export_nir(&file, 1e-3).unwrap();
    let graph = Graph::read(&file);
    std::fs::remove_file(&file).unwrap();
    let graph = graph.unwrap();
    assert!(!graph.nodes.contains_key("bn1") && graph.nodes.contains_key("sn4"), "{:?}", graph.nodes.keys());
    let (want, y) = (graph.run(&[("x", &x)], Some(1e-3)).unwrap(), net.forward(&input).unwrap());
    assert_same(&y.out, &want["out"], 0.0);
    assert_same(&y.seen, &want["seen"], 0.0);
}

snn::snn_net! {
    net Pooled(x: [T, 1, 4, 4]) -> [T, 4] { T = 2; step_mode = 'm'; pool: MaxPool2d(2), Flatten(), }
    net Soft(x: [T, 4]) -> [T, 4] { T = 2; step_mode = 'm'; sn: IFNode(v_reset = None), }
    net Starts(x: [T, 4]) -> [T, 4] { T = 2; step_mode = 'm'; sn: LIFNode(v_reset = Some(0.5)), }
    net Twice(x: [T, 4]) -> [T, 4] { T = 2; step_mode = 'm'; sn: IFNode(), forward(x) { let y = sn(x); add(y, y) } }
    net Mean(x: [T, 4]) -> [4] { T = 2; step_mode = 'm'; sn: IFNode(), MeanOverTime(), }
    net Quadratic(x: [T, 4]) -> [T, 4] { T = 2; step_mode = 'm'; sn: QIFNode(), }
    net Tail(x: [T, 4]) -> [T, 4] { T = 2; step_mode = 'm'; rec: ElementWiseRecurrentContainer([IFNode(), Linear(_, 4)], add), }
    net Plain(x: [T, 4]) -> [T, 4] { T = 2; step_mode = 'm'; sn: IFNode(), }
}

/// Exports a fresh net, which fails.
macro_rules! refused {
    ($net:ident, $dt:expr, $file:expr) => {
        $net::new(&nn::VarStore::new(Device::Cpu).root()).unwrap().export_nir($file, $dt).unwrap_err().to_string()
    };
}

#[test]
fn what_nir_has_nothing_for_is_named() {
    let file = std::env::temp_dir().join("there-is-no-such-folder").join("a.nir");
    for (error, says) in [
        (refused!(Pooled, 0.1, &file), "Pooled.pool (`MaxPool2d`): is not in NIR: there is no node for it"),
        (refused!(Soft, 0.1, &file), "Soft.sn (`IFNode`): is not in NIR: it subtracts the threshold, and NIR's neurons are set to a value"),
        (refused!(Starts, 0.1, &file), "Starts.sn (`LIFNode`): is not in NIR: it starts at its reset value"),
        (refused!(Twice, 0.1, &file), "Twice.sn: is not in NIR: its output is added to itself"),
        (refused!(Mean, 0.1, &file), "is not in NIR: it is over time"),
        (refused!(Quadratic, 0.1, &file), "Quadratic.sn (`QIFNode`): is not in NIR"),
        (refused!(Tail, 0.1, &file), "Tail.rec: is not in NIR: what comes back is not what its neuron sends"),
        (refused!(Plain, 0.0, &file), "Plain: is not in NIR: a step of 0 seconds"),
        (refused!(Plain, 0.1, &file), "a.nir: "),
    ] {
        assert!(error.contains(says), "wants: {says}\ngot: {error}");
    }
}
