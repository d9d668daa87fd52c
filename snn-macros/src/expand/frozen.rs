//! The frozen model. In: a checked and planned net; out: `CsnnFrozen`, which needs no libtorch, and the graph that it is made from: one
//! call for each layer, with the user's own arguments.
//!
//! ```text
//! pub struct CsnnFrozen { model: Model }
//! impl CsnnFrozen {
//!     fn graph() -> Result<Graph> {
//!         let mut whole = Builder::new("Csnn", Self::T);
//!         let b = &mut whole;
//!         let v0 = b.input("x", &[1, 28, 28], false);
//!         let v1 = freeze::<frozen::Conv2d>(b, "conv1", Conv2dConfig { .. }, &[v0])?;
//!         let v2 = b.function("mean_over_time", &[v1])?;
//!         b.output("y", v2);
//!         Ok(whole.finish())
//!     }
//!     pub fn infer(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> { self.model.infer(&[x], &mut [y]) }
//! }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::build;
use super::flat::{Flat, FlatKind, FlatOp, Val};
use crate::check::frozen::unfrozen;
use crate::ir::{BuiltinShape, Group, Leaf, Net, NodeKind, Port, What};
use crate::layers::Built;

/// `CsnnFrozen`
pub(super) fn name(net: &Net) -> Ident {
    format_ident!("{}Frozen", net.name)
}

/// The type where a function of it is called: `<CsnnFrozen<STEPS>>`
pub(super) fn path(net: &Net) -> TokenStream {
    let (name, (_, type_generics, _)) = (name(net), net.generics.split_for_impl());
    if net.generics.params.is_empty() { quote!(#name) } else { quote!(<#name #type_generics>) }
}

/// The struct and its functions; `checks` are the const checks of a generic net.
pub(super) fn model(net: &Net, root: &TokenStream, checks: &TokenStream) -> TokenStream {
    let (vis, frozen) = (&net.vis, name(net));
    let (impl_generics, type_generics, where_clause) = net.generics.split_for_impl();
    let docs = docs(net);
    let (graph, functions) = (graph(net, root, checks), functions(net, root));
    quote! {
        #docs
        #[derive(Debug)]
        #vis struct #frozen #impl_generics #where_clause { model: #root::infer::Model }

        impl #impl_generics #frozen #type_generics #where_clause {
            #functions
            #graph
        }
    }
}

/// What stands above the struct.
fn docs(net: &Net) -> TokenStream {
    let name = &net.name;
    let intro = format!(" `{name}`, frozen: it needs no libtorch, and changes no more.");
    let own = net.attrs.iter().filter(|a| a.path().is_ident("doc"));
    quote! {
        #[doc = #intro]
        ///
        #(#own)*
        ///
        /// Normalisations are folded into the weights, which are packed; spikes are bits. What a call works on is kept for the next one, so that
        /// a batch of the same size or a smaller one allocates nothing.
    }
}

/// The graph, or the first of what keeps the net from being frozen.
fn graph(net: &Net, root: &TokenStream, checks: &TokenStream) -> TokenStream {
    let body = match unfrozen(net).first() {
        Some(first) => {
            let (layer, what) = (format!("{}.{}", net.name, first.place), &first.what);
            quote!(::core::result::Result::Err(#root::unfrozen(#layer, #what)))
        }
        None => calls(net, root),
    };
    quote! {
        fn graph() -> #root::infer::Result<#root::infer::Graph> {
            #checks
            #body
        }
    }
}

/// One call for each input, layer, function and output.
fn calls(net: &Net, root: &TokenStream) -> TokenStream {
    let (whole, b, flat, net_name) = (local("whole"), builder(), Flat::of_layers(&net.root), net.name.to_string());
    let inputs = net.inputs.iter().zip(&flat.inputs).map(|(port, &v)| {
        let (v, name, sizes, sequence) = (value(v), text(&port.name), &port.shape, port.sequence);
        quote!(let #v = #b.input(#name, &[#(#sizes),*], #sequence);)
    });
    let ops = flat.ops.iter().map(|op| call(op, root));
    let outputs = output_names(net).into_iter().zip(&flat.outputs).map(|(name, &v)| {
        let (v, name) = (value(v), text(&name));
        quote!(#b.output(#name, #v);)
    });
    quote! {
        let mut #whole = #root::infer::Builder::new(#net_name, Self::T);
        let #b = &mut #whole;
        #(#inputs)*
        #(#ops)*
        #(#outputs)*
        ::core::result::Result::Ok(#whole.finish())
    }
}

fn call(op: &FlatOp<'_>, root: &TokenStream) -> TokenStream {
    let (b, args) = (builder(), op.args.iter().map(|&v| value(v)));
    let made = match &op.what {
        FlatKind::Node { node, place } => match &node.kind {
            NodeKind::Leaf(leaf) => leaf.built.as_ref().map(|built| match &leaf.what {
                What::Own { path, .. } => own(leaf, built, path, &place.name, &args.collect::<Vec<_>>(), root),
                What::Known(_) => {
                    let (ty, config, name) = (Ident::new(built.ty, node.blame.start), build::config(built, node, root), &place.name);
                    quote!(#root::freeze::<#root::infer::frozen::#ty>(#b, #name, #config, &[#(#args),*])?)
                }
            }),
            NodeKind::Group(group) => Some(recurrent(group, &place.name, op.args[0], root)),
            NodeKind::Poisoned => None,
        },
        FlatKind::Builtin { shape: BuiltinShape::CatLast, .. } => Some(quote!(#b.function("cat_last", &[#(#args),*])?)),
        FlatKind::Builtin { name, .. } => Some(quote!(#b.function(#name, &[#(#args),*])?)),
        FlatKind::Own { .. } => None,
    };
    let Some(made) = made else { unreachable!("`unfrozen` finds what has no call") };
    let outs = op.outs.iter().map(|&v| value(v));
    quote!(let #(#outs)* = #made;)
}

/// A layer of the user's own, whose type says whether it has a frozen form: neurons of `snn_neuron!` have. Defaults and arguments are
/// those it is built with.
///
/// ```text
/// freeze_own::<crate::TiringNode>(b, "hidden", |config| { config.tau = 2.0; }, &[v1], &[32])?
/// ```
fn own(leaf: &Leaf, built: &Built, path: &TokenStream, name: &str, args: &[Ident], root: &TokenStream) -> TokenStream {
    let (b, config) = (builder(), local("config"));
    let (fields, shape) = (leaf.args.passed().iter().map(|(name, value)| quote!(#config.#name = #value;)), &built.outputs[0]);
    quote! {
        #root::freeze_own::<#path>(
            #b,
            #name,
            #[allow(unused_variables, reason = "generated: a config may have no arguments")]
            |#config| { #(#fields)* },
            &[#(#args),*],
            &[#(#shape),*],
        )?
    }
}

/// What comes out of one step goes back in at the next:
///
/// ```text
/// b.recurrent("rec1", v0, &[256], |b, v0, v1| { let v2 = b.function("cat_last", &[v1, v0])?; .. Ok(v4) })?
/// ```
fn recurrent(group: &Group, name: &str, x: Val, root: &TokenStream) -> TokenStream {
    let (b, x, flat) = (builder(), value(x), Flat::of_layers(group));
    let back = group.flow.facts[group.flow.inputs[0]].iter().flat_map(|fact| &fact.shape);
    let inputs = flat.inputs.iter().map(|&v| value(v));
    let ops = flat.ops.iter().map(|op| call(op, root));
    let out = value(flat.outputs[0]);
    quote!(#b.recurrent(#name, #x, &[#(#back),*], |#b, #(#inputs),*| { #(#ops)* ::core::result::Result::Ok(#out) })?)
}

/// Names are the macro's own: between them stand the user's expressions.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

fn builder() -> Ident {
    local("b")
}

fn value(v: Val) -> Ident {
    local(&format!("v{v}"))
}

fn text(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_string()
}

/// What the outputs are called where they are arguments: as declared, or `y`, or `y0`, `y1`. No input has the name.
pub(super) fn output_names(net: &Net) -> Vec<Ident> {
    let name = |(i, port): (usize, &Port)| {
        let mut name = match (net.named_outputs, net.outputs.len()) {
            (true, _) => port.name.clone(),
            (false, 1) => format_ident!("y"),
            (false, _) => format_ident!("y{i}"),
        };
        while net.inputs.iter().any(|input| input.name == name) {
            name = format_ident!("{name}_out");
        }
        name
    };
    net.outputs.iter().enumerate().map(name).collect()
}

/// What a user calls.
fn functions(net: &Net, root: &TokenStream) -> TokenStream {
    let infer = quote!(#root::infer);
    let steps = &net.steps;
    let inputs: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let outputs = output_names(net);
    let args = quote!(#(#inputs: &[f32],)* #(#outputs: &mut [f32]),*);
    let both = quote!(&[#(#inputs),*], &mut [#(#outputs),*]);
    let all = list(net, &outputs, true);
    let one = list(net, &outputs, false);
    let step = (!net.root.whole_sequences_only()).then(|| {
        quote! {
            /// Runs one time step from the state `s`, and leaves `s` after it. `T` of them from a fresh state are one
            /// [`infer`](Self::infer); what the net does over time (`MeanOverTime`) sees this step alone.
            ///
            #[doc = #one]
            ///
            /// # Errors
            ///
            /// As [`infer`](Self::infer), or `s` belongs to another batch size.
            pub fn step(&mut self, #args, s: &mut #infer::State) -> #infer::Result<()> {
                self.model.step(#both, s)
            }
        }
    });
    quote! {
        /// Time steps of one call of [`infer`](Self::infer).
        pub const T: usize = #steps;

        /// Reads what [`save`](Self::save) wrote.
        ///
        /// # Errors
        ///
        /// The file cannot be read, or is of another net; the error says where the two differ.
        pub fn load(path: impl ::core::convert::AsRef<::std::path::Path>) -> #infer::Result<Self> {
            ::core::result::Result::Ok(Self { model: #infer::Model::load(Self::graph()?, path)? })
        }

        /// Writes what [`load`](Self::load) reads, as `safetensors`, whole or not at all.
        ///
        /// # Errors
        ///
        /// The file cannot be written.
        pub fn save(&self, path: impl ::core::convert::AsRef<::std::path::Path>) -> #infer::Result<()> {
            self.model.save(path)
        }

        /// Runs all `T` steps from a fresh state. `N`, the batch, follows from the lengths.
        ///
        #[doc = #all]
        ///
        /// # Errors
        ///
        /// The length of an input or output does not fit; the error names it.
        pub fn infer(&mut self, #args) -> #infer::Result<()> {
            self.model.infer(#both)
        }

        /// A fresh state for `batch` samples, to run `step` on.
        pub fn state(&self, batch: usize) -> #infer::State {
            self.model.state(batch)
        }

        #step

        /// The engine behind it: which kernel each layer got, how often its neurons fired in the last call.
        pub fn model(&self) -> &#infer::Model {
            &self.model
        }

        /// The engine itself, which takes inputs and outputs by number: for code over several nets.
        pub fn into_model(self) -> #infer::Model {
            self.model
        }
    }
}

/// `` `x` is `[N, 1, 28, 28]`; `y` is `[N, 10]`. ``
fn list(net: &Net, outputs: &[Ident], all_steps: bool) -> String {
    let one = |(name, port): (&Ident, &Port)| {
        let time = if port.sequence && all_steps { "T, " } else { "" };
        let sizes: String = port.shape.iter().map(|s| format!(", {s}")).collect();
        format!("`{name}` is `[{time}N{sizes}]`")
    };
    let inputs = net.inputs.iter().map(|p| &p.name).zip(&net.inputs).map(one);
    let outputs = outputs.iter().zip(&net.outputs).map(one);
    format!(" {}.", inputs.chain(outputs).collect::<Vec<_>>().join("; "))
}
