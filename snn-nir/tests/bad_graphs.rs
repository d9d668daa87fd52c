//! Graphs that are built in Rust and that no file could hold. In: each of them; out: an error that names the node and the field, never a panic,
//! from `check`, `run`, `import` and `to_bytes` alike.

mod support;

use snn_nir::{Affine, Array, Conv2d, Flatten, Graph, IF, ImportConfig, Linear, Node, Padding, SumPool2d};
use support::{full, lif};

fn conv(weight: Array, stride: usize, padding: Padding<2>, dilation: usize, groups: usize) -> Node {
    let bias = full(1, 0.0);
    Conv2d { input_shape: None, weight, stride: [stride; 2], padding, dilation: [dilation; 2], groups, bias }.into()
}

#[test]
fn fields_that_no_file_holds_are_named() {
    let nothing = Array::default;
    let kernel = || Array::full([1, 1, 3, 3], 1.0);
    let most = usize::MAX;
    let cases: Vec<(Node, &str)> = vec![
        (Linear { weight: nothing() }.into(), "`weight` wants finite numbers"),
        (Linear { weight: Array::full([0, 1], 0.0) }.into(), "`weight` wants finite numbers"),
        (Linear { weight: Array::full([1, 1], f64::NAN) }.into(), "`weight` wants finite numbers"),
        (Linear { weight: full(3, 1.0) }.into(), "`weight` wants a matrix"),
        (Affine { weight: Array::full([1, 1], 1.0), bias: nothing() }.into(), "`bias` wants finite numbers"),
        (IF { r: nothing(), v_threshold: full(1, 1.0), v_reset: None }.into(), "`r` wants finite numbers"),
        (IF { r: full(1, 1.0), v_threshold: full(1, f64::INFINITY), v_reset: None }.into(), "`v_threshold` wants finite numbers"),
        (IF { r: full(1, 1.0), v_threshold: full(1, 1.0), v_reset: Some(nothing()) }.into(), "`v_reset` wants finite numbers"),
        (conv(full(1, 1.0), 1, Padding::Valid, 1, 1), "`weight` wants [out, in / groups, kernel, kernel]"),
        (conv(kernel(), most, Padding::Valid, 1, 1), "`stride` wants"),
        (conv(kernel(), 1, Padding::Each([most; 2]), 1, 1), "`padding` wants"),
        (conv(kernel(), 1, Padding::Same, most, 1), "`dilation` wants"),
        (conv(kernel(), 1, Padding::Valid, 1, 0), "`groups` wants a divisor"),
        (SumPool2d { kernel_size: [most; 2], stride: [1; 2], padding: [0; 2] }.into(), "`kernel_size` wants"),
        (Flatten { input_type: Some(vec![0]), start_dim: 0, end_dim: -1 }.into(), "`input_type` wants the sizes of a shape"),
        (Flatten { input_type: None, start_dim: i64::MAX, end_dim: i64::MIN }.into(), "`start_dim` wants"),
    ];
    for (node, says) in cases {
        let graph = Graph::chain([1, 8, 8], [("it", node)], [1]);
        let x = Array::full([1, 1, 8, 8], 1.0);
        let errors = [
            graph.check().unwrap_err(),
            graph.run(&[("input", &x)], None).unwrap_err(),
            graph.import(&ImportConfig::new("x.nir", None)).unwrap_err(),
            graph.to_bytes().unwrap_err(),
        ];
        for error in errors {
            let error = error.to_string();
            assert!(error.starts_with("node `it`: ") && error.contains(says), "{says}: {error}");
        }
    }
    let no_size = Graph::chain([0], [("it", Linear { weight: Array::full([1, 1], 1.0) }.into())], [1]);
    assert!(no_size.check().unwrap_err().to_string().starts_with("node `input`: `shape` wants"));
}

#[test]
fn sizes_that_nothing_fits_are_refused() {
    let empty = Graph::default().check().unwrap_err().to_string();
    assert!(empty.contains("has no `Input` or no `Output`"), "{empty}");
    let large = Graph::chain([1 << 24, 1 << 24], [("flat", Flatten { input_type: None, start_dim: 0, end_dim: -1 }.into())], [1]);
    assert!(large.check().is_err());
    let zero = conv(Array::full([1, 1, 3, 3], 1.0), 0, Padding::Valid, 1, 1);
    let error = Graph::chain([1, 8, 8], [("it", zero)], [1]).check().unwrap_err().to_string();
    assert!(error.starts_with("node `it`: wants an input of"), "{error}");
}

#[test]
fn steps_and_inputs_are_named() {
    let graph = Graph::chain([1], [("lif", lif(1))], [1]);
    let x = Array::full([2, 1], 1.0);
    for dt in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = graph.run(&[("input", &x)], Some(dt)).unwrap_err().to_string();
        assert!(error.starts_with("a step of ") && error.contains("greater than 0"), "{error}");
    }
    let error = |inputs: &[(&str, &Array)]| graph.run(inputs, Some(1e-3)).unwrap_err().to_string();
    assert!(error(&[]).starts_with("input `input`: wants [T, 1], but gets nothing"));
    assert!(error(&[("x", &x)]).starts_with("input `x`: wants one of the names"));
    assert!(error(&[("input", &Array::default())]).starts_with("input `input`: wants [T, 1]"));
    // No steps are no spikes.
    let none = graph.run(&[("input", &Array::full([0, 1], 0.0))], Some(1e-3)).unwrap();
    assert_eq!(none.get("output").map_or(0, |y| y.data().len()), 0);
}

/// What is written is read again: names that a file cannot hold are refused.
#[test]
fn names_that_no_file_holds_are_refused() {
    for name in ["", "a/b", ".", "/"] {
        let mut graph = Graph::chain([1], [("it", Linear { weight: Array::full([1, 1], 1.0) }.into())], [1]);
        let node = graph.nodes.remove("it").unwrap();
        graph.nodes.insert(name.into(), node);
        graph.edges.iter_mut().flat_map(|(a, b)| [a, b]).filter(|n| *n == "it").for_each(|n| *n = name.into());
        let written = graph.to_bytes();
        let error = written.expect_err(name).to_string();
        assert!(error.contains("wants a name"), "{name}: {error}");
    }
}
