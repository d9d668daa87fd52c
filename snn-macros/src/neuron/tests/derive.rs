//! Every adjoint against finite differences, on formulas and on whole steps, for each setting of the flags.

use std::collections::HashMap;

use super::support::{evaluate, neuron};
use crate::neuron::graph::{Id, Leaf};
use crate::neuron::split::Step;

/// One body of a step over the input `x`, the states `v` and `w`, the argument `a`, the learned `k` and the flag `flag`.
fn step_of(body: &str) -> (Vec<String>, Step) {
    let source = format!("base; a: f64 = 0.7; flag: bool = true; learn k = 1.2; state w = 0.3; step(x) {{ {body} }}");
    let (_, formulas, step) = neuron(&source);
    (formulas.flags.iter().map(ToString::to_string).collect(), step)
}

/// Position of `v_threshold`, `v_reset`, `surrogate_function`, `detach_reset` behind `a` and `flag`.
const LEAVES: [(Leaf, f64); 7] = [
    (Leaf::Parameter(0), 0.7),
    (Leaf::Parameter(2), 0.9),
    (Leaf::Parameter(3), -0.2),
    (Leaf::Learned(0), 1.2),
    (Leaf::Input, 0.83),
    (Leaf::State(0), 0.41),
    (Leaf::State(1), -0.67),
];

/// Output and next states weighted with the gradients that arrive: what the adjoint is the gradient of.
const UPSTREAM: [(Leaf, f64); 3] = [(Leaf::GradOutput, 1.3), (Leaf::GradState(0), -0.7), (Leaf::GradState(1), 0.45)];

fn objective(step: &Step, leaves: &HashMap<Leaf, f64>, flags: &[bool]) -> f64 {
    let of = |id: Id| evaluate(&step.graph, id, leaves, flags);
    let states: f64 = step.next.iter().zip(&UPSTREAM[1..]).map(|(id, (_, g))| of(*id) * g).sum();
    of(step.output) * UPSTREAM[0].1 + states
}

/// Compares all gradients under all flags; `detach_reset` off, where the adjoint is the true gradient.
fn check(body: &str) {
    let (names, step) = step_of(body);
    for setting in 0..1u32 << names.len() {
        let flags: Vec<bool> = (0..names.len()).map(|k| setting >> k & 1 == 1).collect();
        if names.iter().zip(&flags).any(|(name, on)| name.contains("detach_reset") && *on) {
            continue;
        }
        let mut leaves: HashMap<Leaf, f64> = LEAVES.into_iter().chain(UPSTREAM).collect();
        for (n, over) in step.over.iter().enumerate() {
            let slope = 1.0 - evaluate(&step.graph, *over, &leaves, &flags).tanh().powi(2);
            leaves.insert(Leaf::Slope(n), slope);
        }
        for (k, g) in step.grad_constants.iter().enumerate() {
            let g = evaluate(&step.graph, *g, &leaves, &flags);
            leaves.insert(Leaf::GradConstant(k), g);
        }
        let gradients = [
            (Leaf::Input, step.grad_input),
            (Leaf::State(0), step.grad_states[0]),
            (Leaf::State(1), step.grad_states[1]),
            (Leaf::Learned(0), step.grad_learned[0]),
        ];
        for (leaf, gradient) in gradients {
            let got = gradient.map_or(0.0, |g| evaluate(&step.graph, g, &leaves, &flags));
            let at = |d: f64| {
                let mut moved = leaves.clone();
                *moved.get_mut(&leaf).expect("a leaf") += d;
                objective(&step, &moved, &flags)
            };
            let want = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (got - want).abs() < 1e-6 * (1.0 + want.abs()),
                "{body}\n{names:?} {flags:?} {leaf:?}: {got}, finite difference {want}"
            );
        }
    }
}

#[test]
fn each_operation() {
    for f in [
        "x + v * k",
        "x - v * w",
        "x * v * k",
        "x / (v + k)",
        "x / a",
        "a / (x * k)",
        "-x * k",
        "exp(x * k)",
        "ln(x + k)",
        "sigmoid(x * v)",
        "tanh(x * k)",
        "relu(x - v)",
        "relu(v - x)",
        "abs(w * k)",
        "abs(x * k)",
        "sqrt(x + k)",
        "sin(x * v)",
        "cos(x * k)",
        "atan(x * k)",
        "erf(x * k)",
        "erfc(x * v)",
        "pow(x, k)",
        "pow(x, 3.0)",
        "pow(a, x)",
        "min(x, v * k)",
        "max(x, v * k)",
        "clamp(x * k, 0.0, 0.5)",
        "clamp(x * k, 0.0, 2.0)",
        "round(x) + x",
        "floor(x * k) + v",
        "if x < v { x * x } else { v * k }",
        "if flag { x * k } else { v * v }",
        "if flag && x > 0.0 { x * k } else { v }",
        "if flag || x > 1.0 { x * k } else { v }",
        "if !flag { x * k } else { v }",
        "sum(1..4, |i| sin(i * x * k))",
        "sum(0..=2, |i| sum(1..3, |j| i * x * x + j * v))",
        "sum(1..3, |i| if flag { x * i } else { v * v })",
    ] {
        check(&format!("v = v * 0.9 + x * x; w = w + v; {f}"));
    }
}

#[test]
fn whole_steps() {
    check(
        "let h = if flag { v + (x - (v - rest)) / a } else { v - (v - rest) / a + x }; let s = spike(h - v_threshold); w = w * a + s; v = reset(h, s); s",
    );
    check(
        "let h = relu(k * (v + x)); let s = spike(h - v_threshold); v = if flag { reset(h / k, s, v_threshold / k) } else { reset(h, s) }; w = w + h; s",
    );
    check("let s = spike(v + x - 1.0) - spike(-v - x - 1.0); v = reset(v + x, s); w = w * sigmoid(v) + s; s * w");
}

#[test]
fn a_branch_costs_only_its_own_side() {
    let (_, step) = step_of("let h = if flag { v + x / k } else { v + x }; let s = spike(h - v_threshold); w = w + s; v = reset(h, s); s");
    let code = crate::neuron::schedule::schedule(&step.graph, &step.over, &|id| step.constants.contains(&id));
    let text = format!("{code:?}");
    assert!(text.contains("Branch"), "{text}");
}

#[test]
fn detached_values_have_no_gradient() {
    let (_, step) = step_of("v = detach(v) * x; w = w + v; detach(k * x) * 2.0");
    assert!(step.grad_learned[0].is_none());
    assert!(step.grad_states[0].is_none());
    assert!(step.grad_input.is_some());
}
