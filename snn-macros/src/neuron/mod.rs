//! The compiler behind `snn_neuron!`. In: a neuron or a surrogate function, written once; out: its config, and its step with the
//! derivative, in Rust and as CUDA C++ source, or every mistake in it at once.
//!
//! Stages, in order: `parse` (tokens to `ast`), `base` (the arguments that all neurons have), `lower` and `formula` (names and expressions
//! to `graph`), `derive` (the adjoint), `split` (what runs once, before the spikes, after them, backwards), `schedule` (graph to
//! statements), `expand` (to tokens).

mod ast;
mod base;
mod derive;
mod expand;
mod formula;
mod graph;
mod lower;
mod parse;
mod schedule;
mod split;
#[cfg(test)]
mod tests;

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use crate::diag::Diagnostics;
use ast::{Item, Kind};
use expand::Parts;
use lower::Formulas;

/// Where generated code finds what it names.
#[derive(Debug)]
pub(crate) struct Roots {
    /// The traits of `snn-kernels`.
    pub(crate) kernels: TokenStream,
    /// The layers of `snn-runtime`; `None` inside the kernels.
    pub(crate) facade: Option<TokenStream>,
}

/// `(crate)` inside `snn-kernels`, the path of the facade anywhere else.
fn roots(path: Option<TokenTree>) -> Roots {
    let path = match path {
        Some(TokenTree::Group(path)) => path.stream(),
        _ => quote!(::snn),
    };
    if path.to_string() == "crate" {
        return Roots { kernels: path, facade: None };
    }
    Roots { kernels: quote!(#path::__private::kernels), facade: Some(quote!(#path::__private)) }
}

/// The whole pipeline.
pub(crate) fn compile(input: TokenStream) -> TokenStream {
    let mut tokens = input.into_iter();
    let roots = roots(tokens.next());
    let mut diags = Diagnostics::new();
    let items = front(tokens.collect(), &mut diags);
    let written: TokenStream = items
        .iter()
        .map(|(item, parts)| match parts {
            Some((formulas, parts)) => expand::expand(item, formulas, parts, &roots),
            None => expand::fallback(item, &roots),
        })
        .collect();
    let messages = diags.into_compile_errors();
    quote!(#messages #written)
}

/// Everything up to code: what is written, resolved and derived. No parts after a mistake.
pub(crate) fn front(tokens: TokenStream, diags: &mut Diagnostics) -> Vec<(Item, Option<(Formulas, Parts)>)> {
    let read = parse::parse(crate::visible::visible(tokens), diags);
    let unread = diags.has_errors();
    read.into_iter()
        .map(|mut item| {
            base::complete(&mut item, diags);
            let parts = if unread { None } else { parts(&item, diags) };
            (item, parts)
        })
        .collect()
}

fn parts(item: &Item, diags: &mut Diagnostics) -> Option<(Formulas, Parts)> {
    let mut formulas = lower::lower(item, diags)?;
    let parts = match item.kind {
        Kind::Neuron => Parts::Neuron(Box::new(split::step(item, &mut formulas, diags)?)),
        Kind::Surrogate => Parts::Surrogate(Box::new(split::curve(item, &mut formulas, diags)?)),
    };
    Some((formulas, parts))
}
