//! `BatchNorm2d, LIFNode` runs as one kernel where whole sequences do. In: a flow; out: the same flow, the normalisation marked
//! as the work of the neuron behind it.
//!
//! The neuron then scales and shifts its input in registers: the normalised input is neither written nor kept for the backward
//! pass. In single steps each runs on its own, as written.

use super::mean_first::readers;
use crate::ir::{Flow, Group, Leaf, NodeKind, Op, OpKind, What};
use crate::layers::takes_norm;

/// Marks every pair in every group of the net.
pub(super) fn run(group: &mut Group) {
    for node in &mut group.nodes {
        if let NodeKind::Group(inner) = &mut node.kind {
            run(inner);
        }
    }
    for at in 1..group.flow.ops.len() {
        let [norm, neuron] = [&group.flow.ops[at - 1], &group.flow.ops[at]];
        group.flow.ops[at - 1].with_next = pair(group, &group.flow, norm, neuron);
    }
}

/// A batch normalisation whose only reader is the neuron behind it.
fn pair(group: &Group, flow: &Flow, norm: &Op, neuron: &Op) -> bool {
    let known = |leaf: &Leaf| if let What::Known(spec) = &leaf.what { Some(*spec) } else { None };
    leaf(group, norm).is_some_and(|leaf| leaf.built.as_ref().is_some_and(|b| b.scales_channels))
        && leaf(group, neuron).and_then(known).is_some_and(takes_norm)
        && neuron.args == norm.outs
        && readers(flow, norm.outs[0]) == 1
}

fn leaf<'a>(group: &'a Group, op: &Op) -> Option<&'a Leaf> {
    let OpKind::Node(i) = op.kind else { return None };
    if let NodeKind::Leaf(leaf) = &group.nodes[i].kind { Some(leaf) } else { None }
}
