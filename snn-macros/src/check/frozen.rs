//! What runs on libtorch alone. In: a checked net; out: each layer, container or function of it that has no frozen form, where it stands
//! and what it is.

use std::collections::BTreeSet;

use proc_macro2::TokenTree;

use crate::diag::{Blame, Diagnostics};
use crate::ir::{Group, Net, Node, NodeKind, Op, OpKind, What};

/// A layer, container or function without a frozen form.
pub(crate) struct Unfrozen {
    blame: Blame,
    /// As written in the net: `` `att` ``, or `` `TemporalWiseAttention` `` where no name was given.
    subject: String,
    /// As in the VarStore: `stem.0`; of a function its name.
    pub(crate) place: String,
    /// `` `TemporalWiseAttention` ``, `a function of your own`, ..
    pub(crate) what: String,
}

/// All of them, in the order in which they run.
pub(crate) fn unfrozen(net: &Net) -> Vec<Unfrozen> {
    let mut found = Vec::new();
    collect(&net.root, "", &mut found);
    found
}

/// One error each, for builds that have no libtorch. Copies of a block say it once.
pub(crate) fn report(net: &Net, diags: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    for layer in unfrozen(net) {
        if told.insert(layer.blame.place()) {
            let what = if layer.what == layer.subject { "it" } else { &layer.what };
            let text = format!("{} has no frozen form: {what} runs on libtorch alone", layer.subject);
            diags.error(layer.blame, text).help("enable the feature `train` of `snn`, and run the net with `forward`");
        }
    }
}

fn collect(group: &Group, prefix: &str, found: &mut Vec<Unfrozen>) {
    for op in &group.flow.ops {
        match &op.kind {
            OpKind::Node(i) => node(&group.nodes[*i], prefix, found),
            OpKind::Own { path, .. } => found.push(function(op, path.clone().into_iter().last(), prefix)),
            OpKind::Builtin(_) => {}
        }
    }
}

/// A function of the user's own; a closure has no name.
fn function(op: &Op, last: Option<TokenTree>, prefix: &str) -> Unfrozen {
    let (subject, place) = match last {
        Some(TokenTree::Ident(name)) => (format!("`{name}`"), name.to_string()),
        _ => (op.shown.clone(), prefix.to_string()),
    };
    Unfrozen { blame: op.blame, subject, place, what: "a function of your own".to_string() }
}

fn node(node: &Node, prefix: &str, found: &mut Vec<Unfrozen>) {
    let place = node.label.behind(prefix);
    let (shown, what) = match &node.kind {
        NodeKind::Group(group) => match group.container().filter(|c| !c.spec.frozen) {
            Some(c) => (&c.shown, format!("`{}`", c.spec.name)),
            None => return collect(group, &place, found),
        },
        NodeKind::Leaf(leaf) => match (&leaf.what, leaf.built.as_ref().and_then(|built| built.only_libtorch)) {
            // Its type says so, where rustc knows it.
            (What::Own { .. }, _) => return,
            (What::Known(spec), Some(argument)) => (&leaf.shown, format!("`{}` with `{argument}`", spec.name)),
            (What::Known(spec), None) if !spec.frozen => (&leaf.shown, format!("`{}`", spec.name)),
            (What::Known(_), None) => return,
        },
        NodeKind::Poisoned => return,
    };
    found.push(Unfrozen { blame: node.blame, subject: format!("`{shown}`"), place, what });
}
