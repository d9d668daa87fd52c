//! Does it fit? In: a lowered net; out: the same net with every size, shape and time axis settled, or errors. What depends
//! on a mistake is poisoned and keeps quiet: one mistake, one message.

mod checkpoint;
mod container;
pub(crate) mod frozen;
mod functions;
mod leaf;
mod outputs;

use std::collections::BTreeSet;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;
use crate::ir::{Fact, Group, GroupKind, Net, NodeKind, OpKind, Time};
use crate::size::Size;

/// What a walk through a net carries along.
struct Walk<'a> {
    root: &'a TokenStream,
    /// `T`
    steps: Size,
    diags: &'a mut Diagnostics,
    /// Const checks for sizes that rustc knows.
    checks: Vec<TokenStream>,
    /// Blocks in which a mistake was found: their other copies would only repeat it.
    spoilt: BTreeSet<String>,
    /// The innermost container around what is looked at.
    inside: Option<&'static str>,
}

/// Checks one net and fills in what was left open.
pub(crate) fn check(net: &mut Net, root: &TokenStream, diags: &mut Diagnostics) {
    let inputs: Vec<Option<Fact>> = net
        .inputs
        .iter()
        .map(|port| {
            (!net.broken && port.known).then(|| Fact {
                shape: port.shape.clone(),
                time: if port.sequence { Time::Seq } else { Time::Static },
                origin: format!("input `{}` is", port.name),
                spikes: false,
            })
        })
        .collect();
    let mut walk = Walk { root, steps: net.steps.clone(), diags, checks: Vec::new(), spoilt: BTreeSet::new(), inside: None };
    let results = walk.group(&mut net.root, inputs);
    let checks = std::mem::take(&mut walk.checks);
    net.checks.extend(checks);
    outputs::check(net, &results, root, diags);
    checkpoint::check(net, diags);
}

impl Walk<'_> {
    /// Runs a group's flow on facts instead of data.
    fn group(&mut self, group: &mut Group, inputs: Vec<Option<Fact>>) -> Vec<Option<Fact>> {
        let block = match &group.kind {
            GroupKind::Block(name) => Some(name.clone()),
            _ => None,
        };
        if block.as_ref().is_some_and(|b| self.spoilt.contains(b)) {
            return vec![None; group.flow.outputs.len()];
        }
        let before = self.diags.errors();
        for (value, fact) in group.flow.inputs.clone().into_iter().zip(inputs) {
            group.flow.facts[value] = fact;
        }
        for op in group.flow.ops.clone() {
            let args: Option<Vec<Fact>> = op.args.iter().map(|&v| group.flow.facts[v].clone()).collect();
            let outs = match (&op.kind, args) {
                (OpKind::Node(i), args) => match (&mut group.nodes[*i].kind, args) {
                    (NodeKind::Leaf(leaf), Some(args)) => self.leaf(leaf, &args, op.blame, op.outs.len()),
                    (NodeKind::Group(inner), args) => {
                        let facts = match args {
                            Some(args) => args.into_iter().map(Some).collect(),
                            // Still worth a walk: mistakes that need no input show up.
                            None => vec![None; op.args.len()],
                        };
                        match inner.container() {
                            Some(_) => self.container(inner, facts.into_iter().next().flatten(), op.blame),
                            None => self.group(inner, facts),
                        }
                    }
                    _ => vec![None; op.outs.len()],
                },
                (OpKind::Builtin(b), Some(args)) => vec![self.builtin(b, &args, &op, group)],
                (OpKind::Own { .. }, Some(args)) => vec![self.own_function(&args, &op)],
                _ => vec![None; op.outs.len()],
            };
            for (value, fact) in op.outs.iter().zip(outs) {
                group.flow.facts[*value] = fact;
            }
        }
        if let Some(block) = block
            && self.diags.errors() > before
        {
            self.spoilt.insert(block);
        }
        group.flow.outputs.iter().map(|&v| group.flow.facts[v].clone()).collect()
    }
}
