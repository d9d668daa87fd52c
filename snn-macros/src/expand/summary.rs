//! `Csnn::SUMMARY`: the model as a table, known at compile time. In: the tree of groups; out: a const.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs;
use super::saved::{Saved, saved};
use crate::ir::{Fact, Flow, Group, Leaf, Net, NodeKind, OpKind, Time};
use crate::size::Size;

pub(super) fn constant(net: &Net, root: &TokenStream) -> TokenStream {
    let (mut rows, saved) = (Vec::new(), saved(net));
    collect(&net.root, "", root, &saved, &mut rows);
    let (name, steps) = (net.name.to_string(), &net.steps);
    quote! {
        /// The model as a table: layer, output shape, parameters, state, multiply-accumulates per sample and step.
        pub const SUMMARY: #root::Summary = #root::Summary { net: #name, steps: #steps, rows: &[#(#rows),*] };
    }
}

fn collect(group: &Group, prefix: &str, root: &TokenStream, saved: &Saved, rows: &mut Vec<TokenStream>) {
    for (i, node) in group.nodes.iter().enumerate() {
        let name = node.label.behind(prefix);
        match &node.kind {
            NodeKind::Leaf(leaf) => rows.extend(row(leaf, &name, result(&group.flow, i), root, saved)),
            NodeKind::Group(g) => {
                rows.extend(feedback(g, &name, root));
                collect(g, &name, root, saved, rows);
            }
            NodeKind::Poisoned => {}
        }
    }
}

/// A recurrent container has a row of its own: it remembers what came out of it.
fn feedback(group: &Group, name: &str, root: &TokenStream) -> Option<TokenStream> {
    let c = group.container().filter(|_| group.feeds_back())?;
    let (layer, out) = (c.spec.name, &group.flow.facts[group.flow.inputs[0]].as_ref()?.shape);
    let state = Size::product(out);
    Some(
        quote!(#root::SummaryRow { name: #name, layer: #layer, out: &[#(#out),*], sequence: true, params: 0, state: #state, macs: 0, saved: 0 }),
    )
}

/// What the first call of a node gives.
fn result(flow: &Flow, node: usize) -> Option<&Fact> {
    let op = flow.ops.iter().find(|op| matches!(op.kind, OpKind::Node(i) if i == node))?;
    flow.facts[op.outs[0]].as_ref()
}

fn row(leaf: &Leaf, name: &str, result: Option<&Fact>, root: &TokenStream, saved: &Saved) -> Option<TokenStream> {
    let built = leaf.built.as_ref()?;
    let layer = docs::layer(leaf);
    let out = &built.outputs[0];
    let sequence = result.is_some_and(|f| f.time == Time::Seq);
    let params = built.weights.iter().fold(Size::Known(0), |sum, (_, shape)| sum.add(&Size::product(shape)));
    let (state, macs) = (&built.state, &built.macs);
    let none = Size::Known(0);
    let saved = saved.get(name).unwrap_or(&none);
    Some(quote! {
        #root::SummaryRow {
            name: #name,
            layer: #layer,
            out: &[#(#out),*],
            sequence: #sequence,
            params: #params,
            state: #state,
            macs: #macs,
            saved: #saved,
        }
    })
}
