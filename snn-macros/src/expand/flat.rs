//! Groups as straight-line code. In: a group's flow; out: one list of operations, with repeats and groups that take time
//! away inlined, and every other list or block left as one call; or all of it, layer by layer.

use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::{BuiltinShape, Group, Label, Node, NodeKind, Op, OpKind, Time};
use crate::size::Size;

/// A value of the straight-line code.
pub(super) type Val = usize;

pub(super) struct Flat<'a> {
    pub(super) inputs: Vec<Val>,
    pub(super) ops: Vec<FlatOp<'a>>,
    pub(super) outputs: Vec<Val>,
    pub(super) times: Vec<Time>,
    /// Per sample, without time.
    pub(super) shapes: Vec<Vec<Size>>,
    /// Nothing is left as one call.
    to_the_layers: bool,
}

pub(super) struct FlatOp<'a> {
    pub(super) what: FlatKind<'a>,
    pub(super) args: Vec<Val>,
    pub(super) outs: Vec<Val>,
    /// The operation behind it does its work as well, where whole sequences run.
    pub(super) with_next: bool,
}

pub(super) enum FlatKind<'a> {
    /// A layer or a group that keeps its own function.
    Node {
        node: &'a Node,
        place: Place,
    },
    Builtin {
        name: &'static str,
        shape: BuiltinShape,
    },
    Own {
        path: &'a TokenStream,
        extra: &'a [TokenStream],
    },
}

/// How generated code reaches a node: behind `self`, behind the state, among the weights and among the taps.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// As in the VarStore: `stem.0`
    pub(super) name: String,
    /// `.stem.0`
    pub(super) field: TokenStream,
    /// Taps before it.
    pub(super) tap: usize,
}

/// Taps in a node, itself included.
pub(super) fn taps(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Group(g) => group_taps(g),
        _ => usize::from(node.record.any()),
    }
}

pub(super) fn group_taps(group: &Group) -> usize {
    group.nodes.iter().map(taps).sum()
}

/// Does time end inside?
fn takes_time_away(group: &Group) -> bool {
    group.container().is_none()
        && group.flow.ops.iter().any(|op| match &op.kind {
            OpKind::Builtin(b) => b.shape == BuiltinShape::Reduce,
            OpKind::Node(i) => match &group.nodes[*i].kind {
                NodeKind::Group(g) => takes_time_away(g),
                NodeKind::Leaf(leaf) => leaf.ends_time(),
                NodeKind::Poisoned => false,
            },
            OpKind::Own { .. } => false,
        })
}

fn inlined(group: &Group) -> bool {
    group.is_repeat() || takes_time_away(group)
}

/// `.conv1`, `.0`, `[0]`.
fn step_into(group: &Group, label: &Label) -> TokenStream {
    match label {
        Label::Named(name) => quote!(.#name),
        Label::Index(i) => {
            let i = proc_macro2::Literal::usize_unsuffixed(*i);
            if group.is_repeat() { quote!([#i]) } else { quote!(.#i) }
        }
    }
}

impl<'a> Flat<'a> {
    pub(super) fn of(group: &'a Group) -> Flat<'a> {
        Flat::new(group, false)
    }

    /// Every layer an operation of its own, whatever lists, blocks and containers it stands in; but a recurrent container is one.
    pub(super) fn of_layers(group: &'a Group) -> Flat<'a> {
        Flat::new(group, true)
    }

    fn new(group: &'a Group, to_the_layers: bool) -> Flat<'a> {
        let mut flat =
            Flat { inputs: Vec::new(), ops: Vec::new(), outputs: Vec::new(), times: Vec::new(), shapes: Vec::new(), to_the_layers };
        flat.inputs = group.flow.inputs.iter().map(|&v| flat.value(group, v)).collect();
        let inputs = flat.inputs.clone();
        flat.outputs = flat.inline(group, &inputs, &Place::default());
        flat
    }

    /// A list or block that time enters: its static prefix must not be hidden in a function that runs at every step.
    fn starts_static(&self, group: &Group, args: &[Val]) -> bool {
        if group.container().is_some() {
            return false;
        }
        let time = |&v: &usize| group.flow.facts[v].as_ref().map(|f| f.time);
        args.iter().any(|&v| self.times[v] == Time::Static) && group.flow.outputs.iter().any(|v| time(v) == Some(Time::Seq))
    }

    /// Its operations stand here, instead of a call. What is run again for its backward pass is one call.
    fn opens(&self, node: &Node, group: &Group, args: &[Val]) -> bool {
        match self.to_the_layers {
            true => !group.feeds_back() || inlined(group),
            false => !node.checkpoint && (inlined(group) || self.starts_static(group, args)),
        }
    }

    fn value(&mut self, group: &Group, v: usize) -> Val {
        self.shapes.push(group.flow.facts[v].as_ref().map(|f| f.shape.clone()).unwrap_or_default());
        self.times.push(group.flow.facts[v].as_ref().map_or(Time::Static, |f| f.time));
        self.times.len() - 1
    }

    fn inline(&mut self, group: &'a Group, inputs: &[Val], place: &Place) -> Vec<Val> {
        let mut known: Vec<Option<Val>> = vec![None; group.flow.values];
        for (&v, &input) in group.flow.inputs.iter().zip(inputs) {
            known[v] = Some(input);
        }
        let offsets: Vec<usize> = group
            .nodes
            .iter()
            .scan(place.tap, |at, node| {
                let start = *at;
                *at += taps(node);
                Some(start)
            })
            .collect();
        for op in &group.flow.ops {
            let args: Vec<Val> = op.args.iter().filter_map(|&v| known[v]).collect();
            let outs = match &op.kind {
                OpKind::Node(i) => {
                    let node = &group.nodes[*i];
                    let (outer, inner) = (&place.field, step_into(group, &node.label));
                    let place = Place { name: node.label.behind(&place.name), field: quote!(#outer #inner), tap: offsets[*i] };
                    match &node.kind {
                        NodeKind::Group(g) if self.opens(node, g, &args) => self.inline(g, &args, &place),
                        _ => self.push(group, FlatKind::Node { node, place }, args, op),
                    }
                }
                OpKind::Builtin(b) => self.push(group, FlatKind::Builtin { name: b.name, shape: b.shape }, args, op),
                OpKind::Own { path, extra } => self.push(group, FlatKind::Own { path, extra }, args, op),
            };
            for (&v, out) in op.outs.iter().zip(outs) {
                known[v] = Some(out);
            }
        }
        group.flow.outputs.iter().filter_map(|&v| known[v]).collect()
    }

    fn push(&mut self, group: &Group, what: FlatKind<'a>, args: Vec<Val>, op: &Op) -> Vec<Val> {
        let outs: Vec<Val> = op.outs.iter().map(|&v| self.value(group, v)).collect();
        self.ops.push(FlatOp { what, args, outs: outs.clone(), with_next: op.with_next });
        outs
    }
}
