//! Activations: `relu`, `tanh`, `sigmoid`, `identity`, and `None`, which is `identity`; as layers torch's `ReLU` and its kin. In:
//! what stands behind `activation =`, or any shape; out: the expression of the runtime's `Activation`, or the same shape.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Expr;

use super::{Built, LayerSpec, Modes};
use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::{Env, Value, show_expr};
use crate::suggest::closest;

/// As written, and the variant of `Activation`.
const ACTIVATIONS: &[(&str, &str)] = &[("relu", "Relu"), ("tanh", "Tanh"), ("sigmoid", "Sigmoid"), ("identity", "Identity")];

const fn layer(name: &'static str, rule: fn(&mut super::Rule<'_>) -> Result<Built, ()>) -> LayerSpec {
    LayerSpec { name, params: &[], modes: Modes::Both, state: None, reduces: None, frozen: true, rule }
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
pub(super) fn value(value: &ast::ArgValue, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    match value {
        ast::ArgValue::Expr(e) => expr(e, what, env, root, diags),
        ast::ArgValue::Infer(span) => {
            diags.error(Blame::from(*span), format!("{what} cannot be inferred")).help("name an activation: `relu`");
            Err(())
        }
        ast::ArgValue::Node(node) => {
            let d = diags.error(node.blame(), format!("{what} expects an activation, but gets a layer"));
            match &**node {
                // `ReLU()`, as it is in torch.
                ast::Node::Layer(l) if l.args.is_empty() => {
                    d.help(advice(&l.path.segments.last().map_or(String::new(), |s| s.ident.to_string())))
                }
                _ => d.help(format!("write {}", list())),
            };
            Err(())
        }
    }
}

fn expr(e: &Expr, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    match e {
        Expr::Paren(p) => expr(&p.expr, what, env, root, diags),
        Expr::Path(p) if p.path.is_ident("None") => Ok(named("identity", p.path.segments[0].ident.span(), root)),
        Expr::Path(p) if p.path.get_ident().is_some_and(|id| env.used(id).is_none()) => {
            let name = &p.path.segments[0].ident;
            match env.eval(e, diags)? {
                // A block's parameter that stands for an activation.
                Value::Rust(inner) if inner != *e => expr(&inner, what, env, root, diags),
                Value::Rust(_) => by_name(name, root, diags),
                _ => wrong(e, what, diags),
            }
        }
        // One made elsewhere: `cfg::ACTIVATION`.
        Expr::Path(_) => {
            let e = env.rewrite(e);
            Ok(quote!(#root::Activation::from(#e)))
        }
        _ => wrong(e, what, diags),
    }
}

fn by_name(name: &Ident, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    let text = name.to_string();
    if ACTIVATIONS.iter().any(|(n, _)| *n == text) {
        return Ok(named(&text, name.span(), root));
    }
    diags.error(Blame::of(name), format!("unknown activation `{text}`")).help(advice(&text));
    Err(())
}

/// What `text` was meant to be, if torch's names are any guide.
fn advice(text: &str) -> String {
    let names = || ACTIVATIONS.iter().map(|(n, _)| *n);
    let text = text.to_lowercase();
    match names().find(|n| *n == text).or_else(|| closest(&text, names())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", list()),
    }
}

fn wrong(e: &Expr, what: &str, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    diags.error(Blame::of(e), format!("{what} expects an activation, but gets `{}`", show_expr(e))).help(format!("write {}", list()));
    Err(())
}

fn list() -> String {
    let names = ACTIVATIONS.iter().map(|(n, _)| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    format!("{names} or `None`")
}
