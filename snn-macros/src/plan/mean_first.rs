//! `Linear, MeanOverTime` becomes `MeanOverTime, Linear`. In: a flow; out: the same flow with the mean taken first.
//!
//! A linear layer of a mean is the mean of the linear layer, so the layer runs once instead of `T` times. Up to rounding,
//! that is: sums are taken in another order.

use crate::ir::{Flow, Group, NodeKind, Op, OpKind, Time};

/// Rewrites every group of the net.
pub(super) fn run(group: &mut Group) {
    for node in &mut group.nodes {
        if let NodeKind::Group(inner) = &mut node.kind {
            run(inner);
        }
    }
    while let Some(at) = candidate(group) {
        swap(&mut group.flow, at);
    }
}

/// A `Linear` whose only reader is the mean that follows it.
fn candidate(group: &Group) -> Option<usize> {
    let flow = &group.flow;
    flow.ops.windows(2).position(|pair| {
        let [linear, mean] = pair else { return false };
        is_mean(mean) && mean.args == linear.outs && is_linear(group, linear) && readers(flow, linear.outs[0]) == 1
    })
}

fn is_mean(op: &Op) -> bool {
    matches!(&op.kind, OpKind::Builtin(b) if b.name == "mean_over_time")
}

fn is_linear(group: &Group, op: &Op) -> bool {
    let OpKind::Node(i) = op.kind else { return false };
    matches!(&group.nodes[i].kind, NodeKind::Leaf(leaf) if leaf.built.as_ref().is_some_and(|b| b.ty == "Linear"))
}

/// How often a value is read.
pub(super) fn readers(flow: &Flow, value: usize) -> usize {
    let in_ops = flow.ops.iter().flat_map(|op| &op.args).filter(|&&v| v == value).count();
    in_ops + flow.outputs.iter().filter(|&&v| v == value).count()
}

/// `y = linear(x); z = mean(y)` becomes `y = mean(x); z = linear(y)`.
fn swap(flow: &mut Flow, at: usize) {
    let (x, y, z) = (flow.ops[at].args[0], flow.ops[at].outs[0], flow.ops[at + 1].outs[0]);
    flow.facts[y] = flow.facts[x].clone().map(|f| crate::ir::Fact { time: Time::Reduced, ..f });
    flow.ops.swap(at, at + 1);
    let set = |op: &mut Op, from: usize, to: usize| (op.args, op.outs) = (vec![from], vec![to]);
    set(&mut flow.ops[at], x, y);
    set(&mut flow.ops[at + 1], y, z);
}
