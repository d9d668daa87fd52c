//! What `#[record(..)]` keeps, as typed fields. In: the tapped neurons of a net; out: recording structs shaped like the net,
//! and the code that fills them from the taps.
//!
//! ```text
//! pub struct CsnnRecording { pub sn1: Spikes, pub layer1: [CsnnSewBasicRecording; 2] }
//! impl Recording for CsnnRecording { fn visit(&self, f) { visit_recorded("sn1", &self.sn1, f); .. } }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::flat::{group_taps, taps};
use super::state::member;
use super::types::{Def, Types};
use crate::ir::{Label, Net, Node, NodeKind, Record};

/// The recording structs; nothing where nothing is tapped.
pub(super) fn structs(net: &Net, types: &Types<'_>) -> TokenStream {
    let items = types.defs.iter().filter(|d| group_taps(d.group) > 0).map(|def| {
        let (vis, name, recording) = (&net.vis, &def.name, name(def));
        let doc = format!(" What `#[record(..)]` kept of a forward pass of [`{name}`].");
        let fields = def.fields.iter().filter_map(|f| {
            let node = def.group.nodes.iter().find(|n| n.label.text() == f.label.text())?;
            let docs = &f.docs;
            match (taps(node) > 0, &f.label) {
                (true, Label::Named(label)) => {
                    let ty = ty(node, types);
                    Some(quote!(#[doc = #docs] pub #label: #ty))
                }
                (true, Label::Index(..)) => {
                    let ty = ty(node, types);
                    Some(quote!(#[doc = #docs] pub #ty))
                }
                // Numbers stay those of the layers.
                (false, _) => def.tuple.then(|| quote!(())),
            }
        });
        let body = if def.tuple { quote!((#(#fields),*);) } else { quote!({ #(#fields),* }) };
        let root = types.root();
        let value = value(def, types);
        let tapped = || def.fields.iter().filter(|f| def.group.nodes.iter().any(|n| n.label.text() == f.label.text() && taps(n) > 0));
        let (labels, members) = (tapped().map(|f| f.label.text()), tapped().map(|f| member(&f.label)));
        quote! {
            #[doc = #doc]
            #[derive(Debug)]
            #[allow(clippy::manual_non_exhaustive, reason = "generated: `()` keeps the numbers those of the layers")]
            #vis struct #recording #body

            impl #root::Recording for #recording {
                fn visit(&self, f: &mut dyn ::core::ops::FnMut(&str, #root::Recorded<'_>)) {
                    #(#root::visit_recorded(#labels, &self.#members, f);)*
                }
            }

            impl #recording {
                fn __from_taps(taps: &mut dyn ::core::iter::Iterator<Item = #root::Tap>) -> #root::Result<Self> {
                    ::core::result::Result::Ok(#value)
                }
            }
        }
    });
    quote!(#(#items)*)
}

pub(super) fn name(def: &Def<'_>) -> Ident {
    format_ident!("{}Recording", def.name)
}

/// One `Tap` for each tapped neuron, in the order of the net.
pub(super) fn fresh_taps(types: &Types<'_>) -> TokenStream {
    let root = types.root();
    let mut flags = Vec::new();
    collect(&types.net_def().group.nodes, &mut flags);
    let taps = flags.iter().map(|r| {
        let (spikes, voltage) = (r.spikes, r.voltage);
        quote!(#root::Tap::new(#spikes, #voltage))
    });
    quote!([#(#taps),*])
}

fn collect(nodes: &[Node], out: &mut Vec<Record>) {
    for node in nodes {
        match &node.kind {
            NodeKind::Group(g) => collect(&g.nodes, out),
            _ if node.record.any() => out.push(node.record),
            _ => {}
        }
    }
}

fn ty(node: &Node, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    match &node.kind {
        NodeKind::Group(g) if g.is_repeat() => {
            let (inner, n) = (ty(&g.nodes[0], types), proc_macro2::Literal::usize_unsuffixed(g.nodes.len()));
            quote!([#inner; #n])
        }
        NodeKind::Group(_) => match types.def_for(node) {
            Some(def) => {
                let name = name(def);
                quote!(#name)
            }
            None => quote!(()),
        },
        _ => match (node.record.spikes, node.record.voltage) {
            (true, true) => quote!(#root::SpikesAndVoltage),
            (_, false) => quote!(#root::Spikes),
            (false, true) => quote!(#root::Voltage),
        },
    }
}

/// Struct literals take the taps in order.
fn value(def: &Def<'_>, types: &Types<'_>) -> TokenStream {
    let fields = def.fields.iter().filter_map(|f| {
        let node = def.group.nodes.iter().find(|n| n.label.text() == f.label.text())?;
        match (taps(node) > 0, &f.label) {
            (true, Label::Named(_)) => {
                let (label, v) = (member(&f.label), filled(node, types));
                Some(quote!(#label: #v))
            }
            (true, Label::Index(..)) => Some(filled(node, types)),
            (false, _) => def.tuple.then(|| quote!(())),
        }
    });
    if def.tuple { quote!(Self(#(#fields),*)) } else { quote!(Self { #(#fields),* }) }
}

fn filled(node: &Node, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    match &node.kind {
        NodeKind::Group(g) if g.is_repeat() => {
            let copies = g.nodes.iter().map(|n| filled(n, types));
            quote!([#(#copies),*])
        }
        NodeKind::Group(_) => {
            let ty = ty(node, types);
            quote!(#ty::__from_taps(taps)?)
        }
        _ => quote!(#root::finish(taps.next())?),
    }
}
