//! A step in its parts: what is computed once per call, before the spikes, after them, and backwards. In: [`Formulas`]; out: the roots of
//! each function that is written.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::Item;
use super::derive::{Until, adjoint};
use super::graph::{Graph, Id, Leaf, Op};
use super::lower::Formulas;
use crate::diag::Diagnostics;

/// As in `lower`.
pub(crate) const MAX_CONSTANTS: usize = 16;
pub(crate) const MAX_KEPT: usize = 4;
pub(crate) const MAX_SURROGATE_CONSTANTS: usize = 8;

/// A neuron, ready to be written.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) graph: Graph,
    /// What is the same for all neurons and steps; those with a gradient first.
    pub(crate) constants: Vec<Id>,
    /// dL/d(constant), of those with a gradient.
    pub(crate) grad_constants: Vec<Id>,
    /// dL/d(learned parameter) from those; `None` is 0.
    pub(crate) grad_learned: Vec<Option<Id>>,
    /// Computed before the spikes, needed after them.
    pub(crate) kept: Vec<Id>,
    pub(crate) over: Vec<Id>,
    pub(crate) next: Vec<Id>,
    pub(crate) output: Id,
    pub(crate) grad_input: Option<Id>,
    pub(crate) grad_states: Vec<Option<Id>>,
}

/// `None` after a mistake.
pub(crate) fn step(item: &Item, formulas: &mut Formulas, diags: &mut Diagnostics) -> Option<Step> {
    let mut graph = formulas.graph.clone();
    let output = formulas.outputs.first()?.1;
    let mut seeds = vec![(output, graph.leaf(Leaf::GradOutput))];
    for (k, next) in formulas.next.iter().enumerate() {
        seeds.push((*next, graph.leaf(Leaf::GradState(k))));
    }
    let gradients = adjoint(&mut graph, &seeds, Until::Constants);
    let learned: Vec<Id> = gradients.keys().copied().filter(|id| graph.needs(*id).fixed()).collect();
    let seeds: Vec<(Id, Id)> = learned.iter().enumerate().map(|(k, id)| (*id, graph.leaf(Leaf::GradConstant(k)))).collect();
    let behind = adjoint(&mut graph, &seeds, Until::Learned);

    let mut attached = |ids: &[Id]| graph.attached(ids);
    let over = attached(&formulas.over);
    let next = attached(&formulas.next);
    let output = attached(&[output])[0];
    let mut constants = attached(&learned);
    let grad_constants = attached(&learned.iter().map(|id| gradients[id]).collect::<Vec<_>>());
    let mut of = |map: &BTreeMap<Id, Id>, leaf: Leaf| {
        let id = graph.leaf(leaf);
        map.get(&id).map(|g| graph.attached(&[*g])[0])
    };
    let grad_input = of(&gradients, Leaf::Input);
    let grad_states: Vec<Option<Id>> = (0..next.len()).map(|k| of(&gradients, Leaf::State(k))).collect();
    let grad_learned: Vec<Option<Id>> = (0..formulas.learned.len()).map(|k| of(&behind, Leaf::Learned(k))).collect();

    let finish: Vec<Id> = next.iter().copied().chain([output]).collect();
    let kept = kept(&graph, &over, &finish);
    let back = grad_input.iter().chain(grad_states.iter().flatten()).chain(&grad_constants);
    let roots: Vec<Id> = over.iter().chain(&finish).chain(back).copied().collect();
    for id in fixed(&graph, &roots) {
        if !constants.contains(&id) {
            constants.push(id);
        }
    }
    if constants.len() > MAX_CONSTANTS {
        let text =
            format!("`{}` has {} values that depend on its arguments only, but at most {MAX_CONSTANTS} fit", item.name, constants.len());
        diags.error(&item.name, text);
        return None;
    }
    Some(Step { graph, constants, grad_constants, grad_learned, kept, over, next, output, grad_input, grad_states })
}

/// The functions of a surrogate, ready to be written: `derivative` is the slope of `primitive` where it is not written.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) graph: Graph,
    pub(crate) constants: Vec<Id>,
    pub(crate) spike: Option<Id>,
    pub(crate) derivative: Id,
    /// The exact derivative of the primitive, where another one is written.
    pub(crate) slope: Option<Id>,
    pub(crate) primitive: Option<Id>,
}

/// `None` after a mistake.
pub(crate) fn curve(item: &Item, formulas: &mut Formulas, diags: &mut Diagnostics) -> Option<Curve> {
    let mut graph = formulas.graph.clone();
    let written = |name: &str| formulas.outputs.iter().find(|(n, _)| n == name).map(|(_, id)| *id);
    let (spike, derivative, primitive) = (written("spike"), written("derivative"), written("primitive"));
    let slope = primitive.map(|primitive| {
        let one = graph.literal(1.0);
        let slope = adjoint(&mut graph, &[(primitive, one)], Until::Constants);
        let input = graph.leaf(Leaf::Input);
        slope.get(&input).copied().unwrap_or_else(|| graph.literal(0.0))
    });
    let (derivative, slope) = match derivative {
        Some(written) => (written, slope),
        None => (slope?, None),
    };
    let derivative = graph.attached(&[derivative])[0];
    let slope = slope.map(|id| graph.attached(&[id])[0]);
    let primitive = primitive.map(|id| graph.attached(&[id])[0]);
    let spike = spike.map(|id| graph.attached(&[id])[0]);
    let roots: Vec<Id> = [Some(derivative), slope, primitive, spike].into_iter().flatten().collect();
    let constants = fixed(&graph, &roots);
    if constants.len() > MAX_SURROGATE_CONSTANTS {
        let most = MAX_SURROGATE_CONSTANTS;
        let text = format!("`{}` has {} values that depend on its arguments only, but at most {most} fit", item.name, constants.len());
        diags.error(&item.name, text);
        return None;
    }
    Some(Curve { graph, constants, spike, derivative, slope, primitive })
}

/// The largest values that are the same for all neurons and steps, in the order of their computation.
fn fixed(graph: &Graph, roots: &[Id]) -> Vec<Id> {
    let found = walk(graph, roots, |id| graph.needs(id).fixed() || matches!(graph.op(id), Op::Spike(..)));
    found.into_iter().filter(|id| graph.needs(*id).fixed() && graph.value(*id).is_none()).collect()
}

/// What is computed before the spikes and needed after them; what does not fit is computed again.
fn kept(graph: &Graph, over: &[Id], finish: &[Id]) -> Vec<Id> {
    let stored = |id: Id| matches!(graph.op(id), Op::Literal(_) | Op::Leaf(_)) || graph.needs(id).fixed();
    let before = walk(graph, over, stored);
    let after = walk(graph, finish, |id| stored(id) || before.contains(&id) || matches!(graph.op(id), Op::Spike(..)));
    let shared: Vec<Id> = after.into_iter().filter(|id| before.contains(id) && !stored(*id)).collect();
    let first = shared.len().saturating_sub(MAX_KEPT);
    shared[first..].to_vec()
}

/// Everything the roots are made of, down to where `stop` says so.
pub(crate) fn walk(graph: &Graph, roots: &[Id], stop: impl Fn(Id) -> bool) -> BTreeSet<Id> {
    let mut seen = BTreeSet::new();
    let mut open = roots.to_vec();
    while let Some(id) = open.pop() {
        if seen.insert(id) && !stop(id) {
            open.extend(graph.op(id).operands());
        }
    }
    seen
}
