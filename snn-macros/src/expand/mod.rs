//! ir -> tokens. In: a checked and planned net; out: its struct, state, functions, summary. One generated thing per file;
//! above each generator stands the Rust it writes.

mod api;
mod build;
mod container;
mod docs;
mod dump;
mod fallback;
mod flat;
mod flow;
mod frozen;
mod methods;
mod recording;
mod run;
mod saved;
mod state;
mod summary;
mod types;

use proc_macro2::TokenStream;
use quote::quote;

use crate::Target;
use crate::ir::Net;
use types::Types;

/// The model, whole.
pub(crate) fn expand(net: &Net, target: Target, root: &TokenStream) -> TokenStream {
    let (outside, inside) = checks(net, root);
    let frozen = frozen::model(net, root, &inside);
    let model = match target {
        Target::Training => {
            let training = training(net, root);
            quote!(#outside #training #frozen)
        }
        Target::Frozen => quote!(#outside #frozen),
    };
    dump::write(&net.name.to_string(), &model);
    model
}

/// The model that trains.
fn training(net: &Net, root: &TokenStream) -> TokenStream {
    let mut types = Types::of(net, root);
    let run = run::functions(net, &mut types);
    let summary = summary::constant(net, root);
    let implementation = api::implementation(net, &types, &run, &summary);
    let structs = types.structs();
    let states = state::structs(net, &types);
    let fresh = state::fresh(&types);
    let recordings = recording::structs(net, &types);
    let methods = methods::impls(&types);
    let outputs = api::output_structs(net, root);
    quote! {
        #structs
        #states
        #outputs
        #recordings
        #implementation
        #fresh
        #methods
    }
}

/// What stands in for a net with errors.
pub(crate) fn fallback(net: &Net, target: Target, root: &TokenStream) -> TokenStream {
    let frozen = fallback::frozen(net, root);
    match target {
        Target::Training => {
            let training = fallback::training(net, root);
            quote!(#training #frozen)
        }
        Target::Frozen => frozen,
    }
}

/// Const checks: items of their own where every size is a const, inside `CsnnFrozen::graph`, which `new` calls, where one is a const generic.
///
/// ```text
/// const _: () = { use ::snn::__private::shape::check::*; features("fc1", 128, cfg::HIDDEN); };
/// ```
fn checks(net: &Net, root: &TokenStream) -> (TokenStream, TokenStream) {
    if net.checks.is_empty() {
        return (TokenStream::new(), TokenStream::new());
    }
    let checks = &net.checks;
    let body = quote! {
        #[allow(unused_imports, reason = "generated: not every net needs every check")]
        use #root::shape::check::*;
        #(#checks;)*
    };
    if net.generics.params.is_empty() {
        (quote!(const _: () = { #body };), TokenStream::new())
    } else {
        (TokenStream::new(), quote!(const { #body };))
    }
}
