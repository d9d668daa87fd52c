//! Parts -> tokens. In: what is checked; out: the config, the trait's functions, and a name for the layer.

mod code;
mod config;
mod cuda;
mod fingerprint;
mod neuron;
mod surrogate;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::ast::{Item, Kind};
use super::lower::Formulas;
use super::split::{Curve, Step};
use crate::neuron::Roots;

/// An item in its parts.
#[derive(Debug)]
pub(crate) enum Parts {
    Neuron(Box<Step>),
    Surrogate(Box<Curve>),
}

/// The type with the arguments: `LIFNodeConfig`, `ATan`.
fn ty(item: &Item) -> Ident {
    match item.kind {
        Kind::Neuron => format_ident!("{}Config", item.name),
        Kind::Surrogate => item.name.clone(),
    }
}

/// The struct, its implementation, and outside the kernels the layer.
pub(crate) fn expand(item: &Item, formulas: &Formulas, parts: &Parts, roots: &Roots) -> TokenStream {
    let (ty, root) = (ty(item), &roots.kernels);
    let config = config::config(item, &ty, root);
    let formulas = match parts {
        Parts::Neuron(step) => neuron::neuron(item, &ty, formulas, step, root, roots.facade.is_some()),
        Parts::Surrogate(curve) => surrogate::surrogate(item, &ty, formulas, curve, root),
    };
    let layer = layer(item, &ty, roots);
    // The loops over this neuron are compiled where it is defined.
    let loops = (item.kind == Kind::Neuron).then(|| quote!(#root::compiled!(#ty);));
    quote!(#config #formulas #loops #layer)
}

/// After a mistake: the same names, so that the rest of the crate still compiles.
pub(crate) fn fallback(item: &Item, roots: &Roots) -> TokenStream {
    let (ty, root) = (ty(item), &roots.kernels);
    let config = config::config(item, &ty, root);
    let layer = layer(item, &ty, roots);
    let formulas = match item.kind {
        Kind::Neuron => neuron::fallback(item, &ty, root),
        Kind::Surrogate => surrogate::fallback(item, &ty, root),
    };
    let loops = (item.kind == Kind::Neuron).then(|| quote!(#root::compiled!(#ty);));
    quote!(#config #formulas #loops #layer)
}

/// `pub type LIFNode = Node<LIFNodeConfig>;`
fn layer(item: &Item, ty: &Ident, roots: &Roots) -> Option<TokenStream> {
    let facade = roots.facade.as_ref().filter(|_| item.kind == Kind::Neuron)?;
    let (docs, vis, name) = (item.attrs.iter().filter(|a| a.path().is_ident("doc")), &item.vis, &item.name);
    Some(quote!(#(#docs)* #vis type #name = #facade::neuron::Node<#ty>;))
}
