//! What stands in for a net with errors, so that the rest of the user's crate is still checked. In: the net's ports; out: the structs and
//! functions of a sound net, which no program ever runs: the error is reported beside them.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::api::{Span, output_structs, output_type, parameters, port};
use super::frozen::{name as frozen_name, output_names};
use crate::ir::Net;

/// What is left of a net with errors: its name, so that the rest of the user's crate still type-checks.
pub(super) fn training(net: &Net, root: &TokenStream) -> TokenStream {
    let (vis, name) = (&net.vis, &net.name);
    let (impl_generics, type_generics, where_clause) = net.generics.split_for_impl();
    let (state, frozen) = (format_ident!("{}State", net.name), frozen_name(net));
    let (output, step_output, chunk_output) =
        (output_type(net, root, Span::All), output_type(net, root, Span::One), output_type(net, root, Span::Any));
    let (params, step_params, chunk_params) =
        (parameters(net, root, Span::All), parameters(net, root, Span::One), parameters(net, root, Span::Any));
    let inputs: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let input_types: Vec<TokenStream> = net.inputs.iter().map(|p| port(net, root, p, Span::All)).collect();
    let input_type = if input_types.len() == 1 { quote!(#(#input_types)*) } else { quote!((#(#input_types),*)) };
    let steps_param = net.inputs.iter().all(|p| !p.sequence).then(|| quote!(steps: i64,));
    let outputs = output_structs(net, root);
    let steps = &net.steps;
    quote! {
        #vis struct #name #impl_generics #where_clause {}
        #vis struct #state {}
        #outputs

        #[allow(unused_variables, missing_docs, dead_code, reason = "stands in for a net that does not compile")]
        impl #state {
            pub fn reset(&mut self) {}
            pub fn detach(&mut self) {}
            pub fn batch(&self) -> i64 { 0 }
            pub fn named_tensors(&self) -> ::std::vec::Vec<(::std::string::String, #root::Tensor)> { ::std::vec::Vec::new() }
        }

        #[allow(unused_variables, missing_docs, dead_code, reason = "stands in for a net that does not compile")]
        impl #impl_generics #name #type_generics #where_clause {
            pub const T: usize = #steps;
            pub const SUMMARY: #root::Summary = #root::Summary { net: "", steps: 0, rows: &[] };
            pub fn new(vs: &#root::nn::Path<'_>) -> #root::Result<Self> { ::core::unreachable!() }
            pub fn input(#(#inputs: #root::Tensor),*) -> #root::Result<#input_type> { ::core::unreachable!() }
            pub fn state(&self, batch: i64) -> #state { ::core::unreachable!() }
            pub fn forward(&self, #params) -> #root::Result<#output> { ::core::unreachable!() }
            pub fn forward_t(&self, #params, train: bool) -> #root::Result<#output> { ::core::unreachable!() }
            pub fn forward_from(&self, #params, s: &mut #state, train: bool) -> #root::Result<#output> { ::core::unreachable!() }
            pub fn forward_chunk(&self, #chunk_params, #steps_param s: &mut #state, train: bool) -> #root::Result<#chunk_output> { ::core::unreachable!() }
            pub fn step(&self, #step_params, s: &mut #state) -> #root::Result<#step_output> { ::core::unreachable!() }
            pub fn step_t(&self, #step_params, s: &mut #state, train: bool) -> #root::Result<#step_output> { ::core::unreachable!() }
            pub fn measure(&self, #params) -> #root::Result<#root::Activity> { ::core::unreachable!() }
            pub fn ops_report(&self, activity: &#root::Activity) -> #root::OpsReport { ::core::unreachable!() }
            pub fn freeze(&self) -> #root::Result<#frozen #type_generics> { ::core::unreachable!() }
            pub fn export_nir(&self, path: impl ::core::convert::AsRef<::std::path::Path>, dt: f64) -> #root::Result<()> { ::core::unreachable!() }
        }
    }
}

/// What is left of it where the net has errors.
pub(super) fn frozen(net: &Net, root: &TokenStream) -> TokenStream {
    let (infer, vis, frozen, steps) = (quote!(#root::infer), &net.vis, frozen_name(net), &net.steps);
    let (impl_generics, type_generics, where_clause) = net.generics.split_for_impl();
    let (inputs, outputs) = (net.inputs.iter().map(|p| &p.name), output_names(net));
    let args = quote!(#(#inputs: &[f32],)* #(#outputs: &mut [f32]),*);
    quote! {
        #vis struct #frozen #impl_generics #where_clause {}

        #[allow(unused_variables, missing_docs, dead_code, reason = "stands in for a net that does not compile")]
        impl #impl_generics #frozen #type_generics #where_clause {
            pub const T: usize = #steps;
            pub fn load(path: impl ::core::convert::AsRef<::std::path::Path>) -> #infer::Result<Self> { ::core::unreachable!() }
            pub fn save(&self, path: impl ::core::convert::AsRef<::std::path::Path>) -> #infer::Result<()> { ::core::unreachable!() }
            pub fn infer(&mut self, #args) -> #infer::Result<()> { ::core::unreachable!() }
            pub fn state(&self, batch: usize) -> #infer::State { ::core::unreachable!() }
            pub fn step(&mut self, #args, s: &mut #infer::State) -> #infer::Result<()> { ::core::unreachable!() }
            pub fn model(&self) -> &#infer::Model { ::core::unreachable!() }
            pub fn into_model(self) -> #infer::Model { ::core::unreachable!() }
        }
    }
}
