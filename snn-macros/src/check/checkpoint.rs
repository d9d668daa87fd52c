//! Where `#[checkpoint]` can run. In: a checked net; out: an error where a step-by-step net would have to take the group apart.
//!
//! In `'s'` what does not change with time runs once, before the first step, and what comes after time once, after the last. A group that holds
//! layers of two of these kinds is taken apart, and what is taken apart cannot be run again as one.

use crate::diag::Diagnostics;
use crate::ir::{Group, Mode, Net, Node, NodeKind, OpKind, Time};

pub(super) fn check(net: &Net, diags: &mut Diagnostics) {
    if net.mode == Mode::Step {
        group(&net.root, diags);
    }
}

fn group(group: &Group, diags: &mut Diagnostics) {
    for op in &group.flow.ops {
        let OpKind::Node(i) = op.kind else { continue };
        let node = &group.nodes[i];
        let NodeKind::Group(inner) = &node.kind else { continue };
        if inner.container().is_some() {
            // Every step is one call of it.
            continue;
        }
        let times = |values: &[usize]| values.iter().filter_map(|&v| group.flow.facts[v].as_ref()).map(|f| f.time).collect::<Vec<_>>();
        let (before, after) = (times(&op.args), times(&op.outs));
        if node.checkpoint && before.contains(&Time::Static) && after.contains(&Time::Seq) {
            split(node, "time starts", "the layers before its first neuron run once, and those behind it at every step", diags);
        } else if node.checkpoint && !before.contains(&Time::Reduced) && after.contains(&Time::Reduced) {
            split(node, "time ends", "its first layers run at every step, and its last ones once", diags);
        } else {
            self::group(inner, diags);
        }
    }
}

fn split(node: &Node, what: &str, why: &str, diags: &mut Diagnostics) {
    diags
        .error(node.blame, format!("{what} inside `{}`, which `#[checkpoint]` runs again as one", node.label.text()))
        .note(format!("step by step, {why}"))
        .help("set `step_mode = 'm'`, or take those layers out of it");
}
