//! Activations: `relu`, `tanh`, `sigmoid`, `identity`, and `None`, which is `identity`; as layers torch's `ReLU` and its kin. In:
//! what stands behind `activation =`, or any shape; out: the expression of the runtime's `Activation`, or the same shape.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Expr;

use super::{Built, LayerSpec, Modes};
use crate::diag::{Blame, Diagnostics};
use crate::env::{Env, Value, show_expr};
use crate::suggest::closest;

/// As written, and the variant of `Activation`.
const ACTIVATIONS: &[(&str, &str)] = &[("relu", "Relu"), ("tanh", "Tanh"), ("sigmoid", "Sigmoid"), ("identity", "Identity")];

const fn layer(name: &'static str, rule: fn(&mut super::Rule<'_>) -> Result<Built, ()>) -> LayerSpec {
    LayerSpec { name, params: &[], modes: Modes::Both, state: None, reduces: None, rule }
}

pub(super) const LAYERS: &[LayerSpec] = &[
    layer("ReLU", |rule| Ok(Built::keeps(rule, "ReLU"))),
    layer("Sigmoid", |rule| Ok(Built::keeps(rule, "Sigmoid"))),
    layer("Tanh", |rule| Ok(Built::keeps(rule, "Tanh"))),
];

/// The activation of that name; `identity` for one that there is not.
pub(super) fn named(name: &str, span: Span, root: &TokenStream) -> TokenStream {
    let variant = ACTIVATIONS.iter().find(|(n, _)| *n == name).map_or("Identity", |(_, variant)| variant);
    let variant = Ident::new(variant, span);
    quote!(#root::Activation::#variant)
}

/// An activation as it may be written: by its name, as `None`, or as a Rust const by its path.
pub(super) fn value(e: &Expr, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    match e {
        Expr::Paren(p) => value(&p.expr, what, env, root, diags),
        Expr::Path(p) if p.path.is_ident("None") => Ok(named("identity", p.path.segments[0].ident.span(), root)),
        Expr::Path(p) if p.path.get_ident().is_some_and(|id| env.used(id).is_none()) => {
            let name = &p.path.segments[0].ident;
            match env.eval(e, diags)? {
                // A block's parameter that stands for an activation.
                Value::Rust(inner) if inner != *e => value(&inner, what, env, root, diags),
                Value::Rust(_) => by_name(name, what, root, diags),
                _ => Err(wrong(e, what, diags)),
            }
        }
        // One made elsewhere: `cfg::ACTIVATION`.
        Expr::Path(_) => {
            let e = env.rewrite(e);
            Ok(quote!(#root::Activation::from(#e)))
        }
        _ => Err(wrong(e, what, diags)),
    }
}

fn by_name(name: &Ident, what: &str, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    let text = name.to_string();
    if ACTIVATIONS.iter().any(|(n, _)| *n == text) {
        return Ok(named(&text, name.span(), root));
    }
    let d = diags.error(Blame::of(name), format!("{what}: unknown activation `{text}`"));
    match closest(&text.to_lowercase(), ACTIVATIONS.iter().map(|(n, _)| *n)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("known are {}", list())),
    };
    Err(())
}

fn wrong(e: &Expr, what: &str, diags: &mut Diagnostics) {
    diags.error(Blame::of(e), format!("{what} expects an activation, but gets `{}`", show_expr(e))).help(format!("write {}", list()));
}

fn list() -> String {
    let names = ACTIVATIONS.iter().map(|(n, _)| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    format!("{names} or `None`")
}
