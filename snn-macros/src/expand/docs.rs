//! Docs of generated fields: what an IDE shows when it hovers over `net.conv1`. In: a node; out: one line of Markdown.

use crate::ir::{Group, GroupKind, Leaf, Node, NodeKind, Time, What};
use crate::layers;
use crate::size::show;

/// `` `Conv2d`: `[1, 28, 28]` to `[128, 28, 28]`. Weights: `weight` `[128, 1, 3, 3]`. ``
pub(super) fn field(node: &Node, shapes: bool) -> String {
    match &node.kind {
        NodeKind::Leaf(leaf) => leaf_doc(leaf, shapes),
        NodeKind::Group(g) => match &g.kind {
            GroupKind::Repeat => format!(" {} copies, each with its own weights.", g.nodes.len()),
            _ if node.checkpoint => format!("{} Run again for its backward pass.", group(g)),
            _ => group(g),
        },
        NodeKind::Poisoned => String::new(),
    }
}

/// The layers of a list or block, in order.
pub(super) fn group(group: &Group) -> String {
    let names: Vec<String> = group.nodes.iter().take(12).map(name).collect();
    let more = if group.nodes.len() > 12 { ", .." } else { "" };
    let list = format!("{}{more}", names.join(", "));
    match &group.kind {
        GroupKind::Block(block) => format!(" Block `{block}`: {list}."),
        GroupKind::Container(c) => format!(" `{}`, {}: {list}.", c.spec.name, layers::computes(c.spec)),
        _ => format!(" {list}, one after the other."),
    }
}

fn name(node: &Node) -> String {
    match &node.kind {
        NodeKind::Leaf(leaf) => format!("`{}`", layer(leaf)),
        _ => format!("`{}`", node.label.text()),
    }
}

/// The layer's type as written in the net.
pub(super) fn layer(leaf: &Leaf) -> String {
    match &leaf.what {
        What::Known(spec) => spec.name.to_string(),
        What::Own { path, .. } => path.to_string().rsplit(' ').next().unwrap_or_default().to_string(),
    }
}

fn leaf_doc(leaf: &Leaf, shapes: bool) -> String {
    let name = layer(leaf);
    let Some(built) = leaf.built.as_ref().filter(|_| shapes) else { return format!(" `{name}`.") };
    let outputs: Vec<String> = built.outputs.iter().map(|s| format!("`{}`", show(s, false))).collect();
    let mut doc = format!(" `{name}`: `{}` to {}", show(&leaf.input, false), outputs.join(" and "));
    if leaf.input_time == Time::Static {
        doc.push_str(", the same input at every step");
    }
    doc.push('.');
    if !built.weights.is_empty() {
        let list: Vec<String> = built.weights.iter().map(|(n, s)| format!("`{n}` `{}`", show(s, false))).collect();
        doc.push_str(&format!(" Weights: {}.", list.join(", ")));
    }
    doc
}
