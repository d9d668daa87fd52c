//! What training keeps for the backward pass. In: the tree of groups; out: for each layer the numbers that it keeps per sample, over all
//! steps, of what no layer before it keeps already.
//!
//! Which of its tensors a layer keeps is said here, beside how the runtime's layers are written: most keep what arrives.

use std::collections::HashMap;

use super::flat::{Flat, FlatKind, FlatOp, Val};
use crate::ir::{BuiltinShape, Group, Leaf, Mode, Net, NodeKind, Time, What};
use crate::layers::State;
use crate::size::Size;

/// Numbers by the dotted name of the layer.
pub(super) type Saved = HashMap<String, Size>;

pub(super) fn saved(net: &Net) -> Saved {
    let mut saved = Saved::new();
    walk(&net.root, "", net, false, &mut saved);
    saved
}

/// `looped`: it runs step by step, whatever the net does.
fn walk(group: &Group, prefix: &str, net: &Net, looped: bool, saved: &mut Saved) {
    let flat = Flat::of_layers(group);
    let mut w = Walk {
        flat: &flat,
        net,
        looped,
        same: (0..flat.times.len()).collect(),
        fused: HashMap::new(),
        kept: Vec::new(),
        numbers: Size::Known(0),
    };
    let mut last = None;
    for op in &flat.ops {
        if let FlatKind::Node { node, place } = &op.what {
            let name = if prefix.is_empty() { place.name.clone() } else { format!("{prefix}.{}", place.name) };
            match &node.kind {
                NodeKind::Leaf(leaf) => w.leaf(leaf, op),
                // What arrives at a recurrent container goes through its layers at every step.
                NodeKind::Group(inner) => walk(inner, &name, net, true, saved),
                NodeKind::Poisoned => {}
            }
            last = Some(name);
        } else {
            w.function(op);
        }
        // A function has no row: what it keeps is told with the layer before it.
        let numbers = std::mem::replace(&mut w.numbers, Size::Known(0));
        if let (Some(name), true) = (&last, numbers.known() != Some(0)) {
            let entry = saved.entry(name.clone()).or_insert(Size::Known(0));
            *entry = entry.add(&numbers);
        }
    }
}

struct Walk<'a, 'g> {
    flat: &'a Flat<'g>,
    net: &'a Net,
    looped: bool,
    /// A value that is another one under a second name, such as a flattened one.
    same: Vec<Val>,
    /// What a neuron keeps instead of the normalised input that is never written.
    fused: HashMap<Val, Val>,
    kept: Vec<Val>,
    /// Of the operation at hand.
    numbers: Size,
}

impl Walk<'_, '_> {
    fn steps(&self, v: Val) -> Size {
        if self.looped || self.flat.times[v] == Time::Seq { self.net.steps.clone() } else { Size::Known(1) }
    }

    /// Numbers of a value over all steps.
    fn size(&self, v: Val) -> Size {
        Size::product(&self.flat.shapes[v]).mul(&self.steps(v))
    }

    fn keep(&mut self, v: Val) {
        let v = self.same[*self.fused.get(&v).unwrap_or(&v)];
        if !self.kept.contains(&v) {
            self.kept.push(v);
            self.numbers = self.numbers.add(&self.size(v));
        }
    }

    fn leaf(&mut self, leaf: &Leaf, op: &FlatOp<'_>) {
        let (arg, out) = (op.args[0], op.outs[0]);
        let (What::Known(spec), Some(built)) = (&leaf.what, &leaf.built) else { return op.args.iter().for_each(|&v| self.keep(v)) };
        let state = |times: usize| built.state.mul(&times.into()).mul(&self.net.steps);
        let extra = match spec.name {
            // Views, and sums over time.
            "Flatten" | "Identity" | "PrintShapeModule" => {
                self.same[out] = self.same[arg];
                return;
            }
            _ if spec.reduces.is_some() => return,
            // A byte of each window.
            "MaxPool1d" | "MaxPool2d" => {
                self.numbers = self.size(out).div(&4.into());
                return;
            }
            // Of what comes out its derivative is made.
            "ReLU" | "Sigmoid" | "Tanh" => return self.keep(out),
            // Nothing that arrives: the mask, if there is one.
            "Dropout" | "Dropout2d" | "Upsample" => {
                self.numbers = built.state.clone();
                return;
            }
            "SpikingLSTM" => state(5),
            "SpikingGRU" => state(7),
            "SpikingVanillaRNN" => state(3),
            // Of each neuron inside: what was convolved, what was normalised, and spikes.
            "SpikingSelfAttention" | "SpikeDrivenSelfAttention" | "TokenQKAttention" | "ChannelQKAttention" => state(3),
            // In a loop every step is kept with the state before it.
            _ if spec.state == Some(State::Neuron) && (self.looped || self.net.mode == Mode::Step) => state(1),
            _ => Size::Known(0),
        };
        if op.with_next && self.net.mode == Mode::Multi && !self.looped && self.flat.times[arg] == Time::Seq {
            self.fused.insert(out, arg);
            return;
        }
        op.args.iter().for_each(|&v| self.keep(v));
        self.numbers = self.numbers.add(&extra);
    }

    fn function(&mut self, op: &FlatOp<'_>) {
        let products = match &op.what {
            FlatKind::Builtin { name, shape } => match shape {
                BuiltinShape::Elementwise => matches!(*name, "mul" | "sew_and" | "sew_iand"),
                // Where the largest were, as 64-bit numbers.
                BuiltinShape::Reduce if name.starts_with("max") => {
                    self.numbers = self.size(op.outs[0]).mul(&2.into());
                    false
                }
                _ => false,
            },
            _ => true,
        };
        if products {
            op.args.iter().for_each(|&v| self.keep(v));
        }
    }
}
