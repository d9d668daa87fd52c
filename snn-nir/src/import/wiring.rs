//! The net around the layers. In: a plan; out: entries in their order, the loops made containers, and what each entry gets.

use std::collections::BTreeMap;

use super::layers::{self, Layer};
use super::names::Names;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::node::Node;
use crate::plan::{Plan, Step};

/// A net, still in parts.
#[derive(Debug)]
pub(super) struct Net {
    /// Names and sizes of what goes in.
    pub(super) inputs: Vec<(String, Vec<usize>)>,
    /// In the order of the flow.
    pub(super) entries: Vec<Entry>,
    /// Names and sizes of what comes out, and what it is.
    pub(super) outputs: Vec<(String, Vec<usize>, Value)>,
}

/// A layer with its name and what it gets.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) layer: Layer,
    pub(super) gets: Value,
}

/// A value of the flow: a sum of what inputs and entries send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value(pub(super) Vec<Term>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    Input(usize),
    Entry(usize),
}

impl Net {
    pub(super) fn of(plan: &Plan<'_>, dt: f64) -> Result<Net> {
        let loops = Loops::of(plan)?;
        let (mut fields, mut ports) = (Names::default(), Names::default());
        let mut net = Net { inputs: Vec::new(), entries: Vec::new(), outputs: Vec::new() };
        let mut values: Vec<Value> = Vec::with_capacity(plan.steps.len());
        for (at, step) in plan.steps.iter().enumerate() {
            let prompt = step.from.iter().filter(|source| !source.late && !loops.inner.contains_key(&source.step));
            let gets = Value(prompt.flat_map(|source| values[source.step].0.clone()).collect());
            let value = match layers::layer(step, dt)? {
                _ if loops.inner.contains_key(&at) => Value::default(),
                Some(layer) => {
                    let layer = loops.around(plan, at, layer)?;
                    net.entries.push(Entry { name: fields.field(&step.name, step.node.kind()), layer, gets });
                    Value(vec![Term::Entry(net.entries.len() - 1)])
                }
                None if step.port && matches!(step.node, Node::Input(_)) => {
                    net.inputs.push((ports.field(&step.name, "input"), step.output.clone()));
                    Value(vec![Term::Input(net.inputs.len() - 1)])
                }
                None => {
                    if step.port {
                        net.outputs.push((ports.field(&step.name, "output"), step.output.clone(), gets.clone()));
                    }
                    gets
                }
            };
            values.push(value);
        }
        Ok(net)
    }

    /// Does it read from top to bottom, so that the wiring need not be written?
    pub(super) fn is_chain(&self) -> bool {
        let before = |at: usize| Value(vec![at.checked_sub(1).map_or(Term::Input(0), Term::Entry)]);
        let chained = self.entries.iter().enumerate().all(|(at, entry)| entry.gets == before(at));
        chained && self.inputs.len() == 1 && matches!(self.outputs.as_slice(), [(.., value)] if *value == before(self.entries.len()))
    }

    /// By their names in the net.
    pub(super) fn weights(&self) -> Vec<(String, Array)> {
        let of =
            |entry: &Entry| entry.layer.weights.iter().map(|(name, x)| (format!("{}.{name}", entry.name), x.clone())).collect::<Vec<_>>();
        self.entries.iter().flat_map(of).collect()
    }
}

/// The loops of a plan, each over one neuron.
struct Loops {
    /// The step of each `Affine` or `Linear` between a neuron and itself, and that of the neuron.
    inner: BTreeMap<usize, usize>,
    /// Neurons that get what they sent as it is.
    straight: Vec<usize>,
}

impl Loops {
    fn of(plan: &Plan<'_>) -> Result<Loops> {
        let mut loops = Loops { inner: BTreeMap::new(), straight: Vec::new() };
        for (at, step) in plan.steps.iter().enumerate() {
            for source in step.from.iter().filter(|source| source.late) {
                let neuron = source.step;
                if neuron == at {
                    loops.straight.push(neuron);
                } else if step.from.len() == 1 && matches!(step.node, Node::Affine(_) | Node::Linear(_)) && leads_only(plan, at, neuron) {
                    loops.inner.insert(at, neuron);
                } else {
                    return Err(unmapped(plan, neuron, &format!("`{}`", step.name)));
                }
            }
        }
        for &neuron in loops.inner.values().chain(&loops.straight) {
            if loops.inner.values().chain(&loops.straight).filter(|&&other| other == neuron).count() > 1 {
                return Err(unmapped(plan, neuron, "more than one way"));
            }
            if plan.steps[neuron].from.iter().all(|source| source.late || loops.inner.contains_key(&source.step)) {
                return Err(unmapped(plan, neuron, "nothing but itself"));
            }
        }
        Ok(loops)
    }

    /// The layer inside the container that closes its loop, if it has one.
    fn around(&self, plan: &Plan<'_>, neuron: usize, layer: Layer) -> Result<Layer> {
        let weights: Vec<(String, Array)> = layer.weights.iter().map(|(name, x)| (format!("sub_module.{name}"), x.clone())).collect();
        if self.straight.contains(&neuron) {
            return Ok(Layer { text: format!("ElementWiseRecurrentContainer({}, add)", layer.text), weights, ..layer });
        }
        let Some((&inner, _)) = self.inner.iter().find(|(_, of)| **of == neuron) else { return Ok(layer) };
        let (weight, bias) = match plan.steps[inner].node {
            Node::Affine(n) => (&n.weight, Some(&n.bias)),
            Node::Linear(n) => (&n.weight, None),
            _ => return Err(unmapped(plan, neuron, &format!("`{}`", plan.steps[inner].name))),
        };
        // The container's own layer sees (x, y of the step before): x as it is, y through the loop's weights.
        let n = weight.shape()[0];
        let row = |at: usize| (0..n).map(move |x| if x == at { 1.0 } else { 0.0 }).chain(weight.data()[at * n..][..n].iter().copied());
        let mut weights = weights;
        weights.push(("rc.weight".into(), Array::new([n, 2 * n], (0..n).flat_map(row).collect::<Vec<_>>())?));
        if let Some(bias) = bias {
            weights.push(("rc.bias".into(), bias.clone()));
        }
        let no_bias = if bias.is_some() { "" } else { ", bias = false" };
        let text = format!("LinearRecurrentContainer({}, {n}, {n}{no_bias})", layer.text);
        let comment = format!("The loop over `{}`: weights for what arrives (as it is), then for what comes back.", plan.steps[inner].name);
        Ok(Layer { text, weights, comment: Some(layer.comment.map_or(comment.clone(), |of| format!("{of} {comment}"))), ..layer })
    }
}

fn leads_only(plan: &Plan<'_>, from: usize, to: usize) -> bool {
    let places = plan.steps.iter().enumerate().filter(|(_, step)| step.from.iter().any(|source| source.step == from));
    places.map(|(at, _)| at).eq([to])
}

fn unmapped(plan: &Plan<'_>, neuron: usize, over: &str) -> Error {
    let step: &Step<'_> = &plan.steps[neuron];
    Error::Unmapped {
        node: step.name.clone(),
        problem: format!("a loop from it to itself over {over}"),
        help: "the language has loops over one `Affine` or `Linear` that lead back only to their neuron, or straight ones, with an input beside".into(),
    }
}
