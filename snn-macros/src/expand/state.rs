//! State structs: what a net remembers between steps, as a value. In: the structs of a net; out: one state struct for each
//! that remembers something, and the functions that make a fresh one.
//!
//! ```text
//! pub struct CsnnState { batch: i64, pub sn1: NeuronState, pub layer1: [CsnnSewBasicState; 2] }
//! impl State for CsnnState { .. }          // reset, detach, visit
//! impl Csnn { fn __fresh(&self) -> CsnnState { .. } }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::types::{Def, Field, Types};
use crate::ir::{GroupKind, Label, Net, Node, NodeKind};

/// `conv1` or `0`, behind a dot.
pub(super) fn member(label: &Label) -> TokenStream {
    match label {
        Label::Named(name) => quote!(#name),
        Label::Index(i) => {
            let i = proc_macro2::Literal::usize_unsuffixed(*i);
            quote!(#i)
        }
    }
}

pub(super) fn structs(net: &Net, types: &Types<'_>) -> TokenStream {
    let items = types.defs.iter().filter_map(|def| def.state.as_ref().map(|state| one(net, types, def, state)));
    quote!(#(#items)*)
}

fn one(net: &Net, types: &Types<'_>, def: &Def<'_>, state: &Ident) -> TokenStream {
    let (root, vis, name) = (types.root(), &net.vis, &def.name);
    let is_net = *name == net.name;
    let fields = def.fields.iter().filter_map(|f| field(f, def.tuple));
    let batch = is_net.then(|| quote!(__batch: i64,));
    // A recurrent container remembers what came out of it.
    let y = def.group.feeds_back().then(|| {
        quote! {
            /// `[N, ..]`: what came out of the last step; `None` for zeros, before the first.
            pub y: ::core::option::Option<#root::Tensor>,
        }
    });
    let body = if def.tuple { quote!((#(#fields),*);) } else { quote!({ #batch #y #(#fields),* }) };
    let doc = format!(" What [`{name}`] remembers from step to step. `reset()` before an unrelated input, `detach()` to cut the gradient.");
    let kept: Vec<&Field> = def.fields.iter().filter(|f| f.kind.state.is_some()).collect();
    let mut members: Vec<TokenStream> = kept.iter().map(|f| member(&f.label)).collect();
    let mut prefixes: Vec<String> = kept.iter().map(|f| f.label.text()).collect();
    if y.is_some() {
        members.push(quote!(y));
        prefixes.push("y".to_string());
    }
    let again = def.fields.iter().filter_map(|f| {
        let member = member(&f.label);
        let value = match &f.kind.state {
            Some(_) => quote!(#root::State::shallow_clone(&self.#member)),
            None if def.tuple => quote!(()),
            None => return None,
        };
        Some(if def.tuple { value } else { quote!(#member: #value) })
    });
    let again_batch = is_net.then(|| quote!(__batch: self.__batch,));
    let again_y = y.is_some().then(|| quote!(y: #root::State::shallow_clone(&self.y),));
    let clone = if def.tuple { quote!(#state(#(#again),*)) } else { quote!(#state { #again_batch #again_y #(#again),* }) };
    let public = is_net.then(|| {
        quote! {
            impl #state {
                /// Back to a fresh state, as before the first step.
                pub fn reset(&mut self) {
                    #root::State::reset(self);
                }

                /// Cuts the gradient here: what came before is taken as given (truncated backpropagation through time).
                pub fn detach(&mut self) {
                    #root::State::detach(self);
                }

                /// Samples in the batch this state belongs to.
                pub fn batch(&self) -> i64 {
                    self.__batch
                }

                /// Every stored tensor under its dotted name, `sn1.v`; a fresh state stores none.
                pub fn named_tensors(&self) -> ::std::vec::Vec<(::std::string::String, #root::Tensor)> {
                    #root::named_tensors(self)
                }
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[derive(Debug)]
        #[allow(clippy::manual_non_exhaustive, reason = "generated: `()` keeps the numbers those of the layers")]
        #vis struct #state #body

        #[allow(unused_variables, reason = "generated: a net without neurons remembers nothing")]
        impl #root::State for #state {
            fn reset(&mut self) {
                #(#root::State::reset(&mut self.#members);)*
            }

            fn detach(&mut self) {
                #(#root::State::detach(&mut self.#members);)*
            }

            fn visit(&self, f: &mut dyn ::core::ops::FnMut(&str, &#root::Tensor)) {
                #(#root::visit_inside(#prefixes, &self.#members, f);)*
            }

            fn visit_mut(&mut self, f: &mut dyn ::core::ops::FnMut(&mut #root::Tensor)) {
                #(#root::State::visit_mut(&mut self.#members, f);)*
            }

            fn shallow_clone(&self) -> Self {
                #clone
            }
        }

        #public
    }
}

fn field(f: &Field, tuple: bool) -> Option<TokenStream> {
    let docs = &f.docs;
    match (&f.kind.state, &f.label) {
        (Some(ty), Label::Named(name)) => Some(quote!(#[doc = #docs] pub #name: #ty)),
        (Some(ty), Label::Index(..)) => Some(quote!(#[doc = #docs] pub #ty)),
        // Numbers stay those of the layers.
        (None, _) if tuple => Some(quote!(())),
        (None, _) => None,
    }
}

/// The functions that make fresh states of lists and blocks.
pub(super) fn fresh(types: &Types<'_>) -> TokenStream {
    let (generics, arguments, _) = types.net().generics.split_for_impl();
    let items = types.defs.iter().filter(|d| !matches!(d.group.kind, GroupKind::Net)).filter_map(|def| {
        let (name, state) = (&def.name, def.state.as_ref()?);
        let y = def.group.feeds_back().then(|| quote!(y: ::core::option::Option::None,));
        let value = value(def, types, &quote!(#y));
        Some(quote!(impl #generics #name #arguments { fn __fresh(&self) -> #state { #value } }))
    });
    quote!(#(#items)*)
}

/// The struct literal of a fresh state; `first` are fields of its own.
pub(super) fn value(def: &Def<'_>, types: &Types<'_>, first: &TokenStream) -> TokenStream {
    let Some(state) = &def.state else { return quote!(()) };
    let fields = def.fields.iter().filter_map(|f| {
        let node = def.group.nodes.iter().find(|n| n.label.text() == f.label.text())?;
        let member = member(&f.label);
        match (&f.kind.state, &f.label) {
            (Some(_), Label::Named(name)) => {
                let v = fresh_of(node, &quote!(self.#member), types);
                Some(quote!(#name: #v))
            }
            (Some(_), _) => Some(fresh_of(node, &quote!(self.#member), types)),
            (None, _) if def.tuple => Some(quote!(())),
            (None, _) => None,
        }
    });
    if def.tuple { quote!(#state(#(#fields),*)) } else { quote!(#state { #first #(#fields),* }) }
}

fn fresh_of(node: &Node, place: &TokenStream, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    match &node.kind {
        NodeKind::Group(g) if g.is_repeat() => {
            let i = format_ident!("i{}", place.to_string().matches('[').count());
            let inner = fresh_of(&g.nodes[0], &quote!(#place[#i]), types);
            quote!(::core::array::from_fn(|#i| #inner))
        }
        NodeKind::Group(_) => quote!(#place.__fresh()),
        _ => quote!(#root::Layer::state(&#place)),
    }
}
