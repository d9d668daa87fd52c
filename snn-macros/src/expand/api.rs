//! What a user calls: `new`, `input`, `forward`, `step`, .. In: the net's ports; out: its public `impl`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{build, frozen, recording, state, types::Types};
use crate::ir::{Net, Port};
use crate::size::{Size, show};

/// How the time axis of a port is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// `T` steps: `Seq<S, T>`.
    All,
    /// One step: `Static<S>`.
    One,
    /// Any number of steps: `Steps<S>`.
    Any,
}

/// `Shape3<1, 28, 28>`
fn shape(root: &TokenStream, sizes: &[Size]) -> TokenStream {
    let name = format_ident!("Shape{}", sizes.len());
    if sizes.is_empty() {
        return quote!(#root::#name);
    }
    let sizes = sizes.iter().map(|s| match s {
        Size::Known(_) => quote!(#s),
        Size::Expr(e) => quote!({ #e }),
    });
    quote!(#root::#name<#(#sizes),*>)
}

pub(super) fn port(net: &Net, root: &TokenStream, port: &Port, span: Span) -> TokenStream {
    let shape = shape(root, &port.shape);
    match (port.sequence, span) {
        (false, _) | (true, Span::One) => quote!(#root::Static<#shape>),
        (true, Span::All) => {
            let steps = match &net.steps {
                Size::Known(n) => quote!(#n),
                Size::Expr(e) => quote!({ #e }),
            };
            quote!(#root::Seq<#shape, #steps>)
        }
        (true, Span::Any) => quote!(#root::Steps<#shape>),
    }
}

/// The type of what comes back: a value, a tuple, or a struct of named outputs.
pub(super) fn output_type(net: &Net, root: &TokenStream, span: Span) -> TokenStream {
    if net.named_outputs {
        let name = output_name(net, span);
        let (_, generics, _) = net.generics.split_for_impl();
        return quote!(#name #generics);
    }
    let types: Vec<TokenStream> = net.outputs.iter().map(|p| port(net, root, p, span)).collect();
    if let [one] = types.as_slice() { one.clone() } else { quote!((#(#types),*)) }
}

fn output_name(net: &Net, span: Span) -> Ident {
    match span {
        Span::All => format_ident!("{}Output", net.name),
        Span::One => format_ident!("{}Step", net.name),
        Span::Any => format_ident!("{}Chunk", net.name),
    }
}

/// Wraps the tensors `y0`, `y1`, .. into the typed result.
fn output_value(net: &Net, root: &TokenStream, span: Span) -> TokenStream {
    let own = net.root.has_own_code();
    let values: Vec<TokenStream> = net
        .outputs
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let (y, ty) = (format_ident!("y{i}"), port(net, root, p, span));
            // Code of the user's own may give another shape than it should; everything else is proved.
            let what = format!("{} output `{}`", net.name, p.name);
            if own { quote!(<#ty>::named(#what, #y)?) } else { quote!(<#ty>::trusted(#y)) }
        })
        .collect();
    if net.named_outputs {
        let name = output_name(net, span);
        let fields = net.outputs.iter().map(|p| &p.name);
        return quote!(#name { #(#fields: #values),* });
    }
    if let [one] = values.as_slice() { one.clone() } else { quote!((#(#values),*)) }
}

/// `y0`, or `(y0, y1)`.
fn pattern(net: &Net) -> TokenStream {
    let names: Vec<Ident> = (0..net.outputs.len()).map(|i| format_ident!("y{i}")).collect();
    if let [one] = names.as_slice() { quote!(#one) } else { quote!((#(#names),*)) }
}

/// The structs of named outputs.
pub(super) fn output_structs(net: &Net, root: &TokenStream) -> TokenStream {
    if !net.named_outputs {
        return TokenStream::new();
    }
    let (vis, name) = (&net.vis, &net.name);
    let (generics, _, _) = net.generics.split_for_impl();
    let items = [(Span::All, "a forward pass"), (Span::One, "one step"), (Span::Any, "a forward pass over any number of steps")];
    let items = items.into_iter().map(|(span, what)| {
        let output = output_name(net, span);
        let doc = format!(" What [`{name}`] gives for {what}.");
        let fields = net.outputs.iter().map(|p| {
            let (label, ty) = (&p.name, port(net, root, p, span));
            let doc = format!(" `{}`", show(&p.shape, p.sequence && span != Span::One));
            quote!(#[doc = #doc] pub #label: #ty)
        });
        quote!(#[doc = #doc] #[derive(Debug)] #vis struct #output #generics { #(#fields),* })
    });
    quote!(#(#items)*)
}

/// The public functions of the net; `run` are the private ones they call.
pub(super) fn implementation(net: &Net, types: &Types<'_>, run: &TokenStream, summary: &TokenStream) -> TokenStream {
    let root = types.root();
    let name = &net.name;
    let (impl_generics, type_generics, where_clause) = net.generics.split_for_impl();
    let steps = &net.steps;
    let input = input(net, root);
    let new = new(net, types);
    let freeze = freeze(net, root);
    let fresh = fresh(net, types);
    let forward = forward(net, types);
    let chunk = chunk(net, types);
    let step = step(net, types);
    let recorded = recorded(net, types);
    let reports = reports(net, root);
    quote! {
        #[allow(clippy::needless_question_mark, reason = "generated: outputs behind code of the user's own are checked")]
        impl #impl_generics #name #type_generics #where_clause {
            /// Time steps of a forward pass.
            pub const T: usize = #steps;
            #summary
            #new
            #input
            #fresh
            #forward
            #step
            #chunk
            #recorded
            #reports
            #freeze
        }

        #[allow(unused_variables, clippy::all, reason = "generated: not every net uses every argument")]
        impl #impl_generics #name #type_generics #where_clause {
            #run
        }
    }
}

fn new(net: &Net, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    let def = types.net_def();
    let literal = build::literal(def, &net.root.nodes, types);
    let name = net.name.to_string();
    quote! {
        /// Builds every layer with fresh weights, under the names of this net: `conv1.weight`.
        ///
        /// # Errors
        ///
        /// A value that is only known at run time does not fit its layer, such as `tau <= 1`.
        pub fn new(vs: &#root::nn::Path<'_>) -> #root::Result<Self> {
            let scope = #root::Scope::root(#name, vs);
            ::core::result::Result::Ok(#literal)
        }
    }
}

fn freeze(net: &Net, root: &TokenStream) -> TokenStream {
    let (frozen, path) = (frozen::name(net), frozen::path(net));
    let (_, type_generics, _) = net.generics.split_for_impl();
    let doc = format!(" The net as it is now without libtorch, for inference: see [`{frozen}`]. Training on does not change it.");
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        ///
        /// A layer has no frozen form; the error names it.
        pub fn freeze(&self) -> #root::Result<#frozen #type_generics> {
            ::core::result::Result::Ok(#frozen { model: self.__weights.freeze(#path::graph()?)? })
        }

        /// Writes the net as it is now as a NIR graph, which other frameworks read, with steps of `dt` seconds. Normalisations are folded.
        ///
        /// # Errors
        ///
        /// A layer is not in NIR; the error names it. The file cannot be written.
        pub fn export_nir(&self, path: impl ::core::convert::AsRef<::std::path::Path>, dt: f64) -> #root::Result<()> {
            self.__weights.export_nir(&#path::graph()?, path.as_ref(), dt)
        }
    }
}

fn input(net: &Net, root: &TokenStream) -> TokenStream {
    let names: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let types: Vec<TokenStream> = net.inputs.iter().map(|p| port(net, root, p, Span::All)).collect();
    let checked = net.inputs.iter().zip(&types).map(|(p, ty)| {
        let (name, what) = (&p.name, format!("{} input `{}`", net.name, p.name));
        quote!(<#ty>::named(#what, #name))
    });
    let list: Vec<String> = net
        .inputs
        .iter()
        .map(|p| {
            let (batch, rest) = (if p.sequence { "[T, N" } else { "[N" }, p.shape.iter().map(|s| format!(", {s}")).collect::<String>());
            format!("`{}` is `{batch}{rest}]`", p.name)
        })
        .collect();
    let doc = format!(" Checks sizes and kind once, here: {}.", list.join(", "));
    let (ty, value) = match types.as_slice() {
        [one] => (one.clone(), quote!(#(#checked)*)),
        many => (quote!((#(#many),*)), quote!(::core::result::Result::Ok((#(#checked?),*)))),
    };
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        ///
        /// The tensor has another rank, another size, or is not of floats; the error says which and what was wanted.
        pub fn input(#(#names: #root::Tensor),*) -> #root::Result<#ty> {
            #value
        }
    }
}

fn fresh(net: &Net, types: &Types<'_>) -> TokenStream {
    let state_name = &types.net_def().state;
    let value = state::value(types.net_def(), types, &quote!(__batch: batch,));
    let doc = format!(" A fresh state for `batch` samples, to run [`{}::forward_from`] on.", net.name);
    quote! {
        #[doc = #doc]
        pub fn state(&self, batch: i64) -> #state_name {
            #value
        }
    }
}

/// `x: &Static<..>, gate: &Seq<..>`
pub(super) fn parameters(net: &Net, root: &TokenStream, span: Span) -> TokenStream {
    let params = net.inputs.iter().map(|p| {
        let (name, ty) = (&p.name, port(net, root, p, span));
        quote!(#name: &#ty)
    });
    quote!(#(#params),*)
}

/// All inputs have the state's batch.
fn batch_check(net: &Net, root: &TokenStream) -> TokenStream {
    let (name, inputs) = (net.name.to_string(), net.inputs.iter().map(|p| &p.name));
    quote!(#root::check_batch(#name, s.__batch, &[#(#inputs.batch()),*])?;)
}

fn first_batch(net: &Net) -> TokenStream {
    match net.inputs.first() {
        Some(p) => {
            let name = &p.name;
            quote!(#name.batch())
        }
        None => quote!(1),
    }
}

fn forward(net: &Net, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    let state = &types.net_def().state;
    let (params, ty) = (parameters(net, root, Span::All), output_type(net, root, Span::All));
    let names: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let (pattern, value) = (pattern(net), output_value(net, root, Span::All));
    let (batch, check) = (first_batch(net), batch_check(net, root));
    quote! {
        /// Runs all `T` steps from a fresh state, for evaluation: `forward_t(.., false)`.
        ///
        /// # Errors
        ///
        /// libtorch refuses an operation, such as tensors on two devices.
        pub fn forward(&self, #params) -> #root::Result<#ty> {
            self.forward_t(#(#names,)* false)
        }

        /// Runs all `T` steps from a fresh state. `train` switches batch statistics and dropout on; the result is
        /// differentiable either way.
        ///
        /// # Errors
        ///
        /// As [`forward`](Self::forward); in training also a batch that batch normalisation cannot use.
        pub fn forward_t(&self, #params, train: bool) -> #root::Result<#ty> {
            self.forward_from(#(#names,)* &mut self.state(#batch), train)
        }

        /// Runs `T` more steps from the state `s`, and leaves `s` after them.
        ///
        /// # Errors
        ///
        /// As [`forward_t`](Self::forward_t), or `s` belongs to another batch size.
        pub fn forward_from(&self, #params, s: &mut #state, train: bool) -> #root::Result<#ty> {
            #check
            let #pattern = self.__run(#(#names,)* Self::T as i64, s, &#root::Cx { train }, &mut [])?;
            ::core::result::Result::Ok(#value)
        }
    }
}

/// What the net does, in numbers.
fn reports(net: &Net, root: &TokenStream) -> TokenStream {
    let (params, batch) = (parameters(net, root, Span::All), first_batch(net));
    let names = net.inputs.iter().map(|p| &p.name);
    quote! {
        /// Runs as [`forward`](Self::forward), and measures what arrives at each layer and how often neurons fire.
        ///
        /// # Errors
        ///
        /// As [`forward`](Self::forward).
        pub fn measure(&self, #params) -> #root::Result<#root::Activity> {
            ::core::result::Result::Ok(#root::measure(#batch, || self.forward(#(#names),*))?.1)
        }

        /// Operations and energy by layer, per sample, for what [`measure`](Self::measure) found.
        pub fn ops_report(&self, activity: &#root::Activity) -> #root::OpsReport {
            #root::OpsReport::new(&Self::SUMMARY, activity)
        }
    }
}

/// Nothing where a layer works on whole sequences.
fn step(net: &Net, types: &Types<'_>) -> TokenStream {
    if net.root.whole_sequences_only() {
        return TokenStream::new();
    }
    let root = types.root();
    let state = &types.net_def().state;
    let (params, ty) = (parameters(net, root, Span::One), output_type(net, root, Span::One));
    let names: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let (pattern, value, check) = (pattern(net), output_value(net, root, Span::One), batch_check(net, root));
    quote! {
        /// Runs one time step from the state `s`, for evaluation. What the net does over time (`MeanOverTime`) sees this
        /// step alone.
        ///
        /// # Errors
        ///
        /// As [`forward`](Self::forward), or `s` belongs to another batch size.
        pub fn step(&self, #params, s: &mut #state) -> #root::Result<#ty> {
            self.step_t(#(#names,)* s, false)
        }

        /// [`step`](Self::step), with `train` as in [`forward_t`](Self::forward_t).
        ///
        /// # Errors
        ///
        /// As [`step`](Self::step).
        pub fn step_t(&self, #params, s: &mut #state, train: bool) -> #root::Result<#ty> {
            #check
            let #pattern = self.__step(#(#names,)* s, &#root::Cx { train }, &mut [])?;
            ::core::result::Result::Ok(#value)
        }
    }
}

fn chunk(net: &Net, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    let state = &types.net_def().state;
    let (params, ty) = (parameters(net, root, Span::Any), output_type(net, root, Span::Any));
    let names: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let (pattern, value, check) = (pattern(net), output_value(net, root, Span::Any), batch_check(net, root));
    let sequences: Vec<&Ident> = net.inputs.iter().filter(|p| p.sequence).map(|p| &p.name).collect();
    let net_name = net.name.to_string();
    // Without a sequence among the inputs, the number of steps is said.
    let (count, given) =
        if sequences.is_empty() { (Some(quote!(steps: i64,)), quote!(steps)) } else { (None, quote!(#(#sequences.steps()),*)) };
    quote! {
        /// Runs any number of steps from the state `s`, and leaves `s` after them: for recordings of different length, and
        /// for long ones in pieces. A sequence comes back with as many steps.
        ///
        /// # Errors
        ///
        /// As [`forward_from`](Self::forward_from), or there is no step to run.
        pub fn forward_chunk(&self, #params, #count s: &mut #state, train: bool) -> #root::Result<#ty> {
            #check
            let steps = #root::check_steps(#net_name, &[#given])?;
            let #pattern = self.__run(#(#names,)* steps, s, &#root::Cx { train }, &mut [])?;
            ::core::result::Result::Ok(#value)
        }
    }
}

fn recorded(net: &Net, types: &Types<'_>) -> TokenStream {
    let root = types.root();
    if super::flat::group_taps(&net.root) == 0 {
        return TokenStream::new();
    }
    let (params, ty) = (parameters(net, root, Span::All), output_type(net, root, Span::All));
    let names: Vec<&Ident> = net.inputs.iter().map(|p| &p.name).collect();
    let (pattern, value) = (pattern(net), output_value(net, root, Span::All));
    let (name, taps, batch) = (recording::name(types.net_def()), recording::fresh_taps(types), first_batch(net));
    let (state, check) = (&types.net_def().state, batch_check(net, root));
    let chunk_params = parameters(net, root, Span::Any);
    let chunk_ty = output_type(net, root, Span::Any);
    let chunk_value = output_value(net, root, Span::Any);
    let sequences: Vec<&Ident> = net.inputs.iter().filter(|p| p.sequence).map(|p| &p.name).collect();
    let net_name = net.name.to_string();
    let (count, given) =
        if sequences.is_empty() { (Some(quote!(steps: i64,)), quote!(steps)) } else { (None, quote!(#(#sequences.steps()),*)) };
    quote! {
        /// [`forward_t`](Self::forward_t), and what `#[record(..)]` asks for, each `[T, N, ..]` and cut off from the gradient.
        ///
        /// # Errors
        ///
        /// As [`forward_t`](Self::forward_t).
        pub fn forward_recorded(&self, #params, train: bool) -> #root::Result<(#ty, #name)> {
            let s = &mut self.state(#batch);
            #check
            let mut taps = #taps;
            let #pattern = self.__run(#(#names,)* Self::T as i64, s, &#root::Cx { train }, &mut taps)?;
            ::core::result::Result::Ok((#value, #name::__from_taps(&mut taps.into_iter())?))
        }

        /// [`forward_chunk`](Self::forward_chunk), and what `#[record(..)]` asks for.
        ///
        /// # Errors
        ///
        /// As [`forward_chunk`](Self::forward_chunk).
        pub fn forward_chunk_recorded(&self, #chunk_params, #count s: &mut #state, train: bool) -> #root::Result<(#chunk_ty, #name)> {
            #check
            let steps = #root::check_steps(#net_name, &[#given])?;
            let mut taps = #taps;
            let #pattern = self.__run(#(#names,)* steps, s, &#root::Cx { train }, &mut taps)?;
            ::core::result::Result::Ok((#chunk_value, #name::__from_taps(&mut taps.into_iter())?))
        }
    }
}
