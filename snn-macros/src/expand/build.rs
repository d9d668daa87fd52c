//! `new`: every layer built in its place in the `VarStore`. In: the tree of groups; out: struct literals.
//!
//! ```text
//! Csnn {
//!     conv1: Layer::build(&scope.child("conv1"), Conv2dConfig { in_channels: 1, .. })?,
//!     stem: { let scope = scope.child("stem"); CsnnStem(Layer::build(&scope.child(0), ..)?, ..) },
//!     __weights: Weights::of(&CsnnFrozen::graph(), vs),
//! }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::frozen;
use super::types::{Def, Types};
use crate::ir::{Label, Leaf, Node, NodeKind, What};
use crate::layers::Built;

/// The struct literal of a list, a block or the net, with `scope` at its place.
pub(super) fn literal(def: &Def<'_>, nodes: &[Node], types: &Types<'_>) -> TokenStream {
    let (name, root) = (&def.name, types.root());
    let fields = nodes.iter().filter_map(|node| {
        let value = match &node.kind {
            NodeKind::Leaf(leaf) if leaf.reduces().is_some() => def.tuple.then(|| quote!(#root::Identity))?,
            _ => value(node, types),
        };
        Some(match &node.label {
            Label::Named(label) => quote!(#label: #value),
            Label::Index(..) => value,
        })
    });
    // Last: the layers have put their weights there.
    let weights = def.is_net().then(|| {
        let frozen = frozen::path(types.net());
        quote!(__weights: #root::Weights::of(&#frozen::graph(), vs))
    });
    let fields = fields.chain(weights);
    if def.tuple { quote!(#name(#(#fields),*)) } else { quote!(#name { #(#fields),* }) }
}

fn value(node: &Node, types: &Types<'_>) -> TokenStream {
    let label = node.label.text();
    match &node.kind {
        NodeKind::Leaf(leaf) => built(leaf, node, &label, types.root()),
        NodeKind::Group(group) if group.is_repeat() => {
            let copies = group.nodes.iter().map(|n| value(n, types));
            quote!({ let scope = scope.child(#label); [#(#copies),*] })
        }
        NodeKind::Group(group) => match types.def_for(node) {
            Some(def) => {
                let mut literal = literal(def, &group.nodes, types);
                if node.checkpoint {
                    let (root, name) = (types.root(), quote!(scope.name()));
                    literal = quote!(#root::Checkpointed::new(#name, #literal));
                }
                quote!({ let scope = scope.child(#label); #literal })
            }
            None => quote!(()),
        },
        NodeKind::Poisoned => quote!(()),
    }
}

fn built(leaf: &Leaf, node: &Node, label: &str, root: &TokenStream) -> TokenStream {
    match (&leaf.what, &leaf.built) {
        (What::Known(_), Some(built)) => {
            let config = config(built, node, root);
            let ty = Ident::new(built.ty, node.blame.start);
            quote!(<#root::#ty as #root::Layer>::build(&scope.child(#label), #config)?)
        }
        (What::Own { path, .. }, _) => {
            let shape = &leaf.input;
            let fields = leaf.args.passed().iter().map(|(name, value)| quote!(config.#name = #value;));
            quote! {
                {
                    #[allow(unused_mut, clippy::field_reassign_with_default, reason = "generated: a config may have no arguments")]
                    let mut config = <<#path as #root::Layer>::Config as ::core::default::Default>::default();
                    #(#fields)*
                    <#path as #root::Layer>::build(&scope.child(#label).with_input(&[#(#shape),*]), config)?
                }
            }
        }
        _ => quote!(()),
    }
}

/// `Conv2dConfig { in_channels: 1, .. }`
pub(super) fn config(built: &Built, node: &Node, root: &TokenStream) -> TokenStream {
    match &built.config {
        Some(fields) => {
            let config = format_ident!("{}Config", built.ty.trim_end_matches("WithIndices"), span = node.blame.start);
            let fields = fields.iter().map(|(name, value)| quote!(#name: #value));
            quote!(#root::#config { #(#fields),* })
        }
        None => quote!(()),
    }
}
