//! What is folded, and what must not be.

use super::support::formula;
use crate::neuron::graph::{Binary, Graph, Id, Leaf, Op, Test, Unary};

fn show(graph: &Graph, id: Id) -> String {
    match graph.op(id) {
        Op::Literal(bits) => format!("{:?}", f64::from_bits(bits)),
        Op::Leaf(Leaf::Input) => "x".to_string(),
        Op::Leaf(Leaf::State(_)) => "v".to_string(),
        Op::Leaf(leaf) => format!("{leaf:?}"),
        Op::Unary(Unary::Neg, a) => format!("-{}", show(graph, a)),
        Op::Unary(f, a) => format!("{f:?}({})", show(graph, a)),
        Op::Binary(f, a, b) => {
            let sign = match f {
                Binary::Add => "+",
                Binary::Sub => "-",
                Binary::Mul => "*",
                Binary::Div => "/",
                Binary::Pow => "^",
            };
            format!("({} {sign} {})", show(graph, a), show(graph, b))
        }
        Op::Choose(Test::Flag(flag), a, b) => format!("[{flag}? {} : {}]", show(graph, a), show(graph, b)),
        op => format!("{op:?}"),
    }
}

#[test]
fn folds_what_has_the_same_bits() {
    for (written, folded) in [
        ("x * 1.0", "x"),
        ("1.0 * x", "x"),
        ("x / 1.0", "x"),
        ("x - 0.0", "x"),
        ("x + -v", "(x - v)"),
        ("-v + x", "(x - v)"),
        ("x - -v", "(x + v)"),
        ("--x", "x"),
        ("x * -1.0", "-x"),
        ("x * (2.0 * 3.0 - 1.0)", "(x * 5.0)"),
        ("if flag { x } else { x }", "x"),
        ("if flag { if flag { x } else { v } } else { 2.0 }", "[0? x : 2.0]"),
        ("detach(x)", "x"),
    ] {
        let (graph, id) = formula(&written.replace('v', "x_").replace("x_", "v"));
        // `v` was assigned before: both are the input.
        assert_eq!(show(&graph, id), folded.replace('v', "x"), "{written}");
    }
}

#[test]
fn keeps_what_may_differ() {
    for (written, kept) in [
        // -0.0 + 0.0 is 0.0, infinity * 0.0 is NaN.
        ("x + 0.0", "(x + 0.0)"),
        ("x * 0.0", "(x * 0.0)"),
        ("x - x", "(x - x)"),
        ("x / x", "(x / x)"),
        // The order of roundings.
        ("x * 2.0 * 3.0", "((x * 2.0) * 3.0)"),
        ("(x + 1.0) - 1.0", "((x + 1.0) - 1.0)"),
        ("x * 3.0 + x * 4.0", "((x * 3.0) + (x * 4.0))"),
    ] {
        let (graph, id) = formula(written);
        assert_eq!(show(&graph, id), kept, "{written}");
    }
}

#[test]
fn equal_operations_are_one() {
    let (graph, id) = formula("exp(x * 2.0) + exp(x * 2.0)");
    let Op::Binary(Binary::Add, a, b) = graph.op(id) else { panic!("{:?}", graph.op(id)) };
    assert_eq!(a, b);
}
