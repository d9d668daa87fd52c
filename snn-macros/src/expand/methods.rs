//! Functions of lists and blocks: one per struct and kind of input, not per instance. In: a group; out: the name of the
//! function that runs it, written into its struct once.
//!
//! ```text
//! impl CsnnSewBasic {
//!     fn sequence(&self, x0: &Tensor, steps: i64, s: &mut CsnnSewBasicState, cx: &Cx) -> Result<Tensor> { .. }
//! }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::container;
use super::flat::{Flat, group_taps};
use super::flow::{Style, Writer};
use super::types::{Kind, Types};
use crate::ir::{Group, Time};

/// The function of `group` for inputs with these time axes.
pub(super) fn group<'a>(types: &mut Types<'a>, group: &'a Group, kind: &Kind, style: Style, times: &[Time]) -> Ident {
    match (group.container(), times) {
        (Some(c), [time]) => container::function(types, group, c, kind, style, *time),
        _ => {
            let body = function(types, group, kind, style, times);
            define(types, kind, &name(style, times), body)
        }
    }
}

/// Gives a struct a function; its name is `base`, and a number if another one has that.
pub(super) fn define(types: &mut Types<'_>, kind: &Kind, base: &str, body: TokenStream) -> Ident {
    let Some(def) = kind.def else { return Ident::new(base, Span::call_site()) };
    let methods = &mut types.defs[def].methods;
    // The same name with another body: two blocks of one structure that pass other constants to a function.
    let mut n = 1;
    loop {
        let name = if n == 1 { base.to_string() } else { format!("{base}_{n}") };
        match methods.get(&name) {
            Some(known) if known.to_string() == body.to_string() => return Ident::new(&name, Span::call_site()),
            Some(_) => n += 1,
            None => {
                methods.insert(name.clone(), body);
                return Ident::new(&name, Span::call_site());
            }
        }
    }
}

/// `__step`, `__sequence`, `__repeat`; letters for several inputs.
fn name(style: Style, times: &[Time]) -> String {
    match (style, times) {
        (Style::Step, _) | (_, [Time::Reduced]) => "__step".to_string(),
        (_, [Time::Seq]) => "__sequence".to_string(),
        (_, [Time::Static]) => "__repeat".to_string(),
        (_, many) => {
            let letters: String = many
                .iter()
                .map(|t| match t {
                    Time::Seq => 't',
                    Time::Static => 'c',
                    Time::Reduced => 'r',
                })
                .collect();
            format!("__sequence_{letters}")
        }
    }
}

/// Everything behind `fn name`.
pub(super) fn function<'a>(types: &mut Types<'a>, group: &'a Group, kind: &Kind, style: Style, times: &[Time]) -> TokenStream {
    let root = types.root();
    let mut flat = Flat::of(group);
    // A shared struct is written for the inputs at hand, whatever instance it was described for.
    for (&v, &t) in flat.inputs.clone().iter().zip(times) {
        flat.times[v] = t;
    }
    let inputs: Vec<Ident> = (0..flat.inputs.len()).map(|i| format_ident!("x{i}")).collect();
    let mut w = Writer::new(types, root, style, &flat);
    for (&v, ident) in flat.inputs.iter().zip(&inputs) {
        w.borrowed(v, ident.clone());
    }
    w.ops(&flat, flat.ops.iter());
    let code = w.finish(&flat.outputs);
    let outs: Vec<TokenStream> = w.give_all(&flat.outputs);
    let n = outs.len();
    let (ty, result) = tensors(root, n, &outs);
    let steps = (style == Style::Sequence).then(|| quote!(steps: i64,));
    let state = kind.state.to_token_stream();
    let state = kind.state.is_some().then(|| quote!(s: &mut #state,));
    let taps = (group_taps(group) > 0).then(|| quote!(taps: &mut [#root::Tap],));
    quote! {
        (&self, #(#inputs: &#root::Tensor,)* #steps #state cx: &#root::Cx, #taps) -> #root::Result<#ty> {
            #code
            ::core::result::Result::Ok(#result)
        }
    }
}

/// One tensor as itself, several as a tuple.
pub(super) fn tensors(root: &TokenStream, n: usize, values: &[TokenStream]) -> (TokenStream, TokenStream) {
    if n == 1 {
        let v = &values[0];
        return (quote!(#root::Tensor), quote!(#v));
    }
    let types = (0..n).map(|_| quote!(#root::Tensor));
    (quote!((#(#types),*)), quote!((#(#values),*)))
}

/// The `impl` blocks of all lists and blocks.
pub(super) fn impls(types: &Types<'_>) -> TokenStream {
    // Const generics of the net may stand in what its blocks pass to functions.
    let (generics, arguments, _) = types.net().generics.split_for_impl();
    let items = types.defs.iter().filter(|d| !d.methods.is_empty()).map(|def| {
        let name = &def.name;
        let methods = def.methods.iter().map(|(f, body)| {
            let f = Ident::new(f, Span::call_site());
            quote!(fn #f #body)
        });
        quote! {
            #[allow(unused_variables, clippy::all, reason = "generated: not every block uses every argument")]
            impl #generics #name #arguments { #(#methods)* }
        }
    });
    quote!(#(#items)*)
}
