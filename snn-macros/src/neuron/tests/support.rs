//! Shortcuts of the tests. In: source text; out: parts, values, code.

use std::collections::HashMap;

use crate::diag::{Diagnostics, Level};
use crate::neuron::ast::Item;
use crate::neuron::expand::Parts;
use crate::neuron::front;
use crate::neuron::graph::{Binary, Comparison, Graph, Id, Leaf, Op, Test, Unary};
use crate::neuron::lower::Formulas;
use crate::neuron::split::Step;

/// Compiles one neuron that must be free of mistakes.
pub(super) fn neuron(source: &str) -> (Item, Formulas, Step) {
    let (item, formulas, parts) = compiled(&format!("neuron Test {{ {source} }}"));
    match parts {
        Parts::Neuron(step) => (item, formulas, *step),
        Parts::Surrogate(_) => panic!("a surrogate"),
    }
}

fn compiled(source: &str) -> (Item, Formulas, Parts) {
    let mut diags = Diagnostics::new();
    let mut items = front(source.parse().unwrap_or_else(|e| panic!("{e}:\n{source}")), &mut diags);
    let found: Vec<_> = diags.finish().into_iter().filter(|d| d.level == Level::Error).collect();
    assert!(found.is_empty(), "{source}\n{found:?}");
    let (item, parts) = items.pop().expect("an item");
    let (formulas, parts) = parts.expect("parts");
    (item, formulas, parts)
}

/// What an expression over the input `x` and the state `v` becomes.
pub(super) fn formula(source: &str) -> (Graph, Id) {
    let (_, formulas, step) = neuron(&format!("base; flag: bool = true; step(x) {{ v = x; {source} }}"));
    let _ = formulas;
    (step.graph, step.output)
}

/// Calculates a value in `f64`.
pub(super) fn evaluate(graph: &Graph, id: Id, leaves: &HashMap<Leaf, f64>, flags: &[bool]) -> f64 {
    let of = |id: Id| evaluate(graph, id, leaves, flags);
    match graph.op(id) {
        Op::Literal(bits) => f64::from_bits(bits),
        Op::Leaf(leaf) => *leaves.get(&leaf).unwrap_or_else(|| panic!("{leaf:?} has no value")),
        Op::Unary(f, a) => {
            let a = of(a);
            match f {
                Unary::Neg => -a,
                Unary::Abs => a.abs(),
                Unary::Exp => a.exp(),
                Unary::Ln => a.ln(),
                Unary::Sigmoid => 1.0 / (1.0 + (-a).exp()),
                Unary::Tanh => a.tanh(),
                Unary::Sqrt => a.sqrt(),
                Unary::Sin => a.sin(),
                Unary::Cos => a.cos(),
                Unary::Atan => a.atan(),
                // By its integral: a thousand trapezoids are enough for a finite difference.
                Unary::Erf | Unary::Erfc => {
                    let n = 4000;
                    let bell = |t: f64| (-t * t).exp() * std::f64::consts::FRAC_2_SQRT_PI;
                    let inner: f64 = (1..n).map(|k| bell(a * f64::from(k) / f64::from(n))).sum();
                    let erf = a / f64::from(n) * (inner + 0.5 * (bell(0.0) + bell(a)));
                    if f == Unary::Erf { erf } else { 1.0 - erf }
                }
                Unary::Round => a.round_ties_even(),
                Unary::Floor => a.floor(),
            }
        }
        Op::Binary(f, a, b) => {
            let (a, b) = (of(a), of(b));
            match f {
                Binary::Add => a + b,
                Binary::Sub => a - b,
                Binary::Mul => a * b,
                Binary::Div => a / b,
                Binary::Pow => a.powf(b),
            }
        }
        Op::Choose(test, a, b) => {
            let holds = match test {
                Test::Flag(flag) => flags[flag],
                Test::Compare(how, x, y) => {
                    let (x, y) = (of(x), of(y));
                    match how {
                        Comparison::Less => x < y,
                        Comparison::LessEqual => x <= y,
                        Comparison::Greater => x > y,
                        Comparison::GreaterEqual => x >= y,
                        Comparison::Equal => x == y,
                        Comparison::NotEqual => x != y,
                    }
                }
            };
            of(if holds { a } else { b })
        }
        Op::Detach(a) | Op::UnwrapOr(_, a) => of(a),
        // With `spiking = false`: the primitive of the test is tanh.
        Op::Spike(_, a) => of(a).tanh(),
        Op::Sum { index, from, to, body } => {
            let mut leaves = leaves.clone();
            let mut total = 0.0;
            let mut i = f64::from(from);
            while i < evaluate(graph, to, &leaves, flags) {
                leaves.insert(Leaf::Index(index), i);
                total += evaluate(graph, body, &leaves, flags);
                i += 1.0;
            }
            total
        }
    }
}
