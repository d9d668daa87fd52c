//! Graphs in Rust: what they compute, what is wrong with them, and what the language has no layer for.

mod support;

use snn_nir::{
    Affine, Array, Conv2d, CubaLIF, Delay, Error, Flatten, Graph, I, IF, ImportConfig, Input, LI, LIF, Linear, Node, Output, Padding,
    Scale, SumPool2d, Threshold,
};
use support::{full, graph, lif, linear, numbers};

/// One node on a sequence of numbers.
fn alone(node: impl Into<Node>, x: &[f64], dt: Option<f64>) -> Vec<f64> {
    let graph = Graph::chain([1], [("node", node.into())], [1]);
    graph.run(&[("input", &Array::new([x.len(), 1], x).unwrap())], dt).unwrap()["output"].data().to_vec()
}

#[test]
fn neurons_follow_their_equations() {
    let one = |x: f64| full(1, x);
    // v = 0.5, 1 (not above), 1.5 (above: -1), -0.5
    let fires = IF { r: one(5.0), v_threshold: one(1.0), v_reset: Some(one(-1.0)) };
    assert_eq!(alone(fires, &[1.0; 4], Some(0.1)), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(alone(I { r: one(2.0) }, &[1.0, -3.0, 0.5], None), [2.0, -4.0, -3.0]);
    // tau = 4 steps, from 0 towards v_leak + r x = 8
    let leaky = LI { tau: one(4.0), r: one(2.0), v_leak: one(4.0) };
    assert_eq!(alone(leaky, &[2.0; 3], Some(1.0)), [2.0, 3.5, 4.625]);
    let leaky = LIF { tau: one(4.0), r: one(2.0), v_leak: one(4.0), v_threshold: one(3.5), v_reset: Some(one(2.0)) };
    assert_eq!(alone(leaky, &[2.0; 4], Some(1.0)), [0.0, 0.0, 1.0, 0.0]); // 2, 3.5 (not above), 4.625, 3.5
    // i = 1, 0.5, 0.25 and the potential sees it in the same step: 2, 1, 0.5 with tau_mem of one step
    let synapse = CubaLIF {
        tau_syn: one(2.0),
        tau_mem: one(1.0),
        r: one(2.0),
        v_leak: one(0.0),
        v_threshold: one(1.0),
        v_reset: None,
        w_in: Some(one(2.0)),
    };
    assert_eq!(alone(synapse, &[1.0, 0.0, 0.0], Some(1.0)), [1.0, 0.0, 0.0]);
    assert_eq!(alone(Threshold { threshold: one(0.5) }, &[0.5, 0.75, -1.0], None), [0.0, 1.0, 0.0]);
    assert_eq!(alone(Scale { scale: one(-2.0) }, &[0.5, 1.0], None), [-1.0, -2.0]);
    assert_eq!(alone(Delay { delay: one(0.002) }, &[1.0, 2.0, 3.0, 4.0], Some(0.001)), [0.0, 0.0, 1.0, 2.0]);
}

#[test]
fn what_comes_back_is_a_step_old() {
    let loop_of = |back: Node| {
        let nodes = [
            ("in", Input { shape: vec![1] }.into()),
            ("sum", I { r: full(1, 1.0) }.into()),
            ("back", back),
            ("out", Output { shape: vec![1] }.into()),
        ];
        let graph = graph(nodes, &[("in", "sum"), ("sum", "back"), ("back", "sum"), ("sum", "out")]);
        graph.run(&[("in", &Array::new([3, 1], [1.0, 0.0, 0.0]).unwrap())], None).unwrap()["out"].data().to_vec()
    };
    // v = v + x + 0.5 v of before
    assert_eq!(loop_of(Linear { weight: Array::full([1, 1], 0.5) }.into()), [1.0, 1.5, 2.25]);
    // The bias comes from the first step on.
    assert_eq!(loop_of(Affine { weight: Array::full([1, 1], 0.0), bias: full(1, 4.0) }.into()), [5.0, 9.0, 13.0]);
}

/// Between an input and an output of these sizes.
fn error_of(input: &[usize], node: impl Into<Node>, output: &[usize]) -> String {
    Graph::chain(input, [("odd", node.into())], output).check().unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_is_named() {
    let ports = || [("in", Input { shape: vec![2] }.into()), ("out", Output { shape: vec![2] }.into())];
    let wired = |nodes: Vec<(&'static str, Node)>, edges: &[(&str, &str)]| {
        graph(ports().into_iter().chain(nodes), edges).check().unwrap_err().to_string()
    };
    let conv = |groups, weight: &[usize]| Conv2d {
        input_shape: Some([4, 4]),
        weight: numbers(weight),
        stride: [1, 1],
        padding: Padding::Valid,
        dilation: [1, 1],
        groups,
        bias: full(weight[0], 0.0),
    };
    let cases = [
        (error_of(&[3], linear(2, 2), &[2]), "node `odd`: wants an input of [2], but gets [3] from `input`"),
        (error_of(&[2], linear(2, 2), &[3]), "node `output`: wants an input of [3], but gets [2] from `odd`"),
        (error_of(&[2], Affine { weight: numbers(&[3, 2]), bias: full(2, 0.0) }, &[3]), "node `odd`: `bias` wants [3], but is [2]"),
        (error_of(&[2], Linear { weight: numbers(&[2, 2, 2]) }, &[2]), "node `odd`: `weight` wants a matrix [out, in], but is [2, 2, 2]"),
        (
            error_of(&[2], LI { tau: full(2, 1.0), r: full(3, 1.0), v_leak: full(1, 1.0) }, &[2]),
            "node `odd`: `r` wants the shape of `tau`, [2], or one number, but is [3]",
        ),
        (error_of(&[2], Delay { delay: full(2, -1.0) }, &[2]), "node `odd`: `delay` wants times from 0 on, but is -1"),
        (error_of(&[2, 4, 4], conv(3, &[3, 1, 3, 3]), &[3]), "node `odd`: wants an input of [3, 4, 4], but gets [2, 4, 4]"),
        (error_of(&[2, 4, 4], conv(2, &[3, 1, 3, 3]), &[3]), "node `odd`: `groups` wants a divisor of the 3 output channels, but is 2"),
        (error_of(&[2, 4, 4], conv(1, &[3, 2, 5, 3]), &[3]), "node `odd`: wants an input of [2, 4, 4], but gets [2, 4, 4]"),
        (
            error_of(&[2, 4], Flatten { input_type: None, start_dim: 1, end_dim: 2 }, &[8]),
            "node `odd`: wants an input of more axes, to flatten those from 1 to 2, but gets [2, 4]",
        ),
        (
            wired(vec![], &[("in", "fc"), ("fc", "out")]),
            "the edge `in` -> `fc` names `fc`, which is not there\n  note: the nodes are `in` and `out`",
        ),
        (wired(vec![("fc", linear(2, 2))], &[("in", "out"), ("fc", "out")]), "node `fc`: no edge leads to it"),
        (wired(vec![("fc", linear(2, 2))], &[("in", "out"), ("in", "fc")]), "node `fc`: no edge leads on from it"),
        (wired(vec![], &[("in", "out"), ("in", "out")]), "node `out`: the edge `in` -> `out` is there twice"),
        (wired(vec![("fc", linear(2, 2))], &[("in", "fc"), ("fc", "out"), ("fc", "in")]), "node `in`: an edge leads into an input"),
        (
            wired(vec![("a", linear(2, 2)), ("b", linear(2, 2))], &[("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]),
            "node `a`: is in a loop without a neuron",
        ),
        (
            wired(vec![("a", lif(2)), ("b", lif(2))], &[("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]),
            "node `a`: is in a loop with another neuron, `b`",
        ),
        (
            wired(vec![("a", linear(2, 3)), ("b", lif(2))], &[("in", "a"), ("in", "b"), ("a", "b"), ("b", "out")]),
            "node `b`: wants an input of [2], as from `in`, but gets [3] from `a`",
        ),
        (
            wired(vec![("a", lif(2)), ("w", linear(2, 3))], &[("in", "a"), ("a", "w"), ("w", "a"), ("a", "out")]),
            "node `a`: wants an input of [2], as from `in`, but gets [3] from `w`",
        ),
        (wired(vec![("inner", Node::NIRGraph(Graph::default()))], &[("in", "inner"), ("inner", "out")]), "but this has 0 and 0"),
        (error_of(&[1 << 20, 1 << 20, 1 << 20], lif(1), &[1]), "node `input`: makes [1048576, 1048576, 1048576] of"),
        (
            error_of(&[2, 4, 4], Conv2d { padding: Padding::Each([1 << 24, 1 << 24]), ..conv(1, &[3, 2, 3, 3]) }, &[3]),
            "node `odd`: makes [3, 33554434, 33554434] of [2, 4, 4] at every step: more than 268435456 numbers",
        ),
        (
            error_of(&[1, 4, 4], SumPool2d { kernel_size: [1 << 20; 2], stride: [1 << 20; 2], padding: [1 << 19; 2] }, &[1]),
            "node `odd`: makes [1, 1, 1] of [1, 4, 4] at every step: more than 268435456 numbers, or windows as large",
        ),
        (Graph::default().check().unwrap_err().to_string(), "the graph has no `Input` or no `Output`"),
    ];
    for (error, says) in cases {
        assert!(error.contains(says), "wants: {says}\ngot: {error}");
    }
}

#[test]
fn a_run_wants_steps_and_inputs_that_fit() {
    let graph = Graph::chain([2], [("lif", lif(2)), ("later", Delay { delay: full(2, 0.0015) }.into())], [2]);
    let x = Array::full([3, 2], 1.0);
    type Case<'a> = (&'a str, Vec<(&'a str, &'a Array)>, Option<f64>);
    let flat = full(2, 1.0);
    let cases: Vec<Case<'_>> = vec![
        ("node `later`: `delay` counts seconds, and nothing says how long a step is", vec![("input", &x)], None),
        ("a step of 0 seconds: it has to be a number greater than 0", vec![("input", &x)], Some(0.0)),
        ("a step of NaN seconds", vec![("input", &x)], Some(f64::NAN)),
        ("node `lif`: `tau` wants times of at least one step, which is 0.1 seconds, but is 0.01 seconds", vec![("input", &x)], Some(0.1)),
        ("`delay` wants a whole number of steps of 0.001 seconds, but is 0.0015 seconds, or 1.5 steps", vec![("input", &x)], Some(0.001)),
        ("`delay` wants at most 1000000 steps of 0.000000001 seconds, but is 0.0015 seconds", vec![("input", &x)], Some(1e-9)),
        ("input `input`: wants [T, 2], but gets nothing", vec![], Some(0.0005)),
        ("input `x`: wants one of the names [\"input\"]", vec![("x", &x)], Some(0.0005)),
        ("input `input`: wants [T, 2], but gets [2]", vec![("input", &flat)], Some(0.0005)),
    ];
    for (says, inputs, dt) in cases {
        let error = graph.run(&inputs, dt).unwrap_err().to_string();
        assert!(error.contains(says), "wants: {says}\ngot: {error}");
    }
    assert_eq!(graph.run(&[("input", &x)], Some(0.0005)).unwrap()["output"].shape(), [3, 2]);
}

#[test]
fn what_the_language_has_no_layer_for_is_named() {
    let config = ImportConfig::new("odd.nir", Some(0.001));
    assert_eq!((config.net.as_str(), config.origin.as_str()), ("Odd", "odd.nir"));
    let within = Array::new([1, 2], [1.0, 2.0]).unwrap();
    let nodes = |back: Node| {
        vec![
            ("in", Input { shape: vec![2] }.into()),
            ("a", lif(2)),
            ("w", linear(2, 2)),
            ("back", back),
            ("out", Output { shape: vec![2] }.into()),
        ]
    };
    let cases = [
        (
            Graph::chain([1, 2], [("odd", IF { r: within.clone(), v_threshold: within, v_reset: None }.into())], [1, 2]),
            "node `odd`: `r` differs within a channel of [1, 2], which the language has no layer for",
        ),
        (
            Graph::chain([2], [("odd", Delay { delay: Array::vector([0.001, 0.002]) }.into())], [2]),
            "node `odd`: delays that differ within a layer",
        ),
        (
            graph(nodes(linear(2, 2)), &[("in", "a"), ("a", "w"), ("w", "back"), ("back", "a"), ("a", "out")]),
            "node `a`: a loop from it to itself over `w`",
        ),
        (
            graph(nodes(linear(2, 2)), &[("in", "a"), ("a", "w"), ("w", "a"), ("a", "back"), ("back", "a"), ("a", "out")]),
            "node `a`: a loop from it to itself over more than one way",
        ),
        (
            graph(nodes(linear(2, 2)), &[("in", "w"), ("w", "out"), ("a", "back"), ("back", "a"), ("a", "out")]),
            "node `a`: a loop from it to itself over nothing but itself",
        ),
    ];
    for (graph, says) in cases {
        match graph.import(&config) {
            Err(error @ Error::Unmapped { .. }) => assert!(error.to_string().contains(says), "wants: {says}\ngot: {error}"),
            other => panic!("{says}: {other:?}"),
        }
    }
}

#[test]
fn weights_lie_under_the_names_of_the_net() {
    let graph =
        Graph::chain([2], [("fc.1", linear(2, 3)), ("lif", LI { tau: full(1, 0.01), r: full(3, 1.0), v_leak: full(1, 0.5) }.into())], [3]);
    let net = graph.import(&ImportConfig::new("a.nir", Some(0.001))).unwrap();
    let names: Vec<(&str, &[usize])> = net.weights.iter().map(|(name, x)| (name.as_str(), x.shape())).collect();
    let wants: [(&str, &[usize]); 4] = [("fc_1.weight", &[3, 2]), ("lif.tau", &[3]), ("lif.v_leak", &[3]), ("lif.r", &[3])];
    assert_eq!(names, wants);
    let file = support::scratch("weights.safetensors");
    net.save(&file).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let stored = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(stored.tensor("lif.v_leak").unwrap().data(), 0.5f32.to_le_bytes().repeat(3));
}
