//! The compilers behind `snn_net!` and `snn_neuron!`. In: a spiking network, or a neuron, in the languages of docs/language.md; out: a
//! statically typed model, or a neuron with its derivative; or every mistake in it at once.
//!
//! Stages of `snn_net!`, in order: `parse` (tokens to `ast`), `lower` (to `ir`), `check` (sizes, time, state), `plan`
//! (optimisation), `expand` (to tokens). `snn_neuron!` has a room of its own, `neuron`, with its own stages. This crate knows no tensor
//! library; it names the runtime by the path it is given.

mod ast;
mod check;
mod diag;
mod env;
mod expand;
mod ir;
mod layers;
mod lower;
mod neuron;
mod parse;
mod plan;
mod size;
mod suggest;
#[cfg(test)]
mod tests;
mod visible;

use diag::Diagnostics;
use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

/// `snn_net! { ($crate) .. }`, called by the runtime's `macro_rules! snn_net`, which adds its own path in front.
#[proc_macro]
pub fn snn_net(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    compile(input.into(), Target::Training).into()
}

/// The same, called by that of `snn-infer`, where there is no libtorch: of each net the frozen model alone.
#[proc_macro]
pub fn snn_frozen_net(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    compile(input.into(), Target::Frozen).into()
}

/// `snn_neuron! { ($crate) .. }`, called by the runtime's `macro_rules! snn_neuron`; inside `snn-kernels` `($crate)` is `(crate)`.
#[proc_macro]
pub fn snn_neuron(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    neuron::compile(input.into()).into()
}

/// What a net becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// A model that trains, and the frozen one that it gives.
    Training,
    /// The frozen one alone.
    Frozen,
}

/// The whole pipeline of `snn_net!`.
fn compile(input: TokenStream, target: Target) -> TokenStream {
    let mut tokens = input.into_iter();
    let root = match tokens.next() {
        Some(TokenTree::Group(path)) => path.stream(),
        _ => quote!(::snn),
    };
    let root = quote!(#root::__private);
    let mut diags = Diagnostics::new();
    let nets = front(tokens.collect(), target, &root, &mut diags);
    let failed = diags.has_errors();
    let model = |net| match failed {
        true => expand::fallback(&net, target, &root),
        false => expand::expand(&plan::plan(net), target, &root),
    };
    let models: TokenStream = nets.into_iter().map(model).collect();
    let messages = diags.into_compile_errors();
    quote!(#messages #models)
}

/// Everything up to code: what is written, resolved and checked.
fn front(tokens: TokenStream, target: Target, root: &TokenStream, diags: &mut Diagnostics) -> Vec<ir::Net> {
    let file = parse::parse(visible::visible(tokens), diags);
    let mut nets = lower::lower(&file, root, diags);
    for net in &mut nets {
        check::check(net, root, diags);
        if target == Target::Frozen {
            check::frozen::report(net, diags);
        }
    }
    nets
}
