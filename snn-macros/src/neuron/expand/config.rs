//! The struct that holds the arguments, its defaults and its checks. In: the parameters; out:
//!
//! ```text
//! pub struct LIFNodeConfig { pub tau: f64, pub decay_input: bool, .. }
//! impl Default for LIFNodeConfig { .. }
//! fn check(&self) -> Result<(), Refused> { .. }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{BinOp, Expr, Lit};

use crate::env::show_expr;
use crate::neuron::ast::{Item, Kind, Param, ParamKind, Rule};
use crate::neuron::base;

/// The struct and its `Default`.
pub(super) fn config(item: &Item, ty: &Ident, root: &TokenStream) -> TokenStream {
    let (vis, name) = (&item.vis, item.name.to_string());
    let attrs = &item.attrs;
    let intro = match item.kind {
        Kind::Neuron => format!(" Arguments and formulas of `{name}`. The default has those of its definition."),
        Kind::Surrogate => String::new(),
    };
    let intro = (!intro.is_empty()).then(|| quote!(#[doc = #intro] #[doc = ""]));
    let fields = item.params.iter().map(|p| {
        let (attrs, name, ty) = (&p.attrs, &p.name, ty_of(p, root));
        let documented = attrs.iter().any(|a| a.path().is_ident("doc"));
        let doc = format!(" `{}` unless given.", show_expr(&p.default));
        let doc = (!documented).then(|| quote!(#[doc = #doc]));
        quote!(#(#attrs)* #doc #vis #name: #ty,)
    });
    let defaults = item.params.iter().map(|p| {
        let (name, default) = (&p.name, &p.default);
        quote!(#name: #default,)
    });
    let spiking = (item.kind == Kind::Surrogate).then(|| {
        let doc = " Send spikes? Else the function's own value.";
        (quote!(#[doc = #doc] #vis spiking: bool,), quote!(spiking: true,))
    });
    let (spiking, spiking_default) = spiking.unwrap_or_default();
    quote! {
        #intro
        #(#attrs)*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[allow(non_snake_case, reason = "the names are those of the definition")]
        #vis struct #ty { #(#fields)* #spiking }

        impl ::core::default::Default for #ty {
            fn default() -> Self {
                #ty { #(#defaults)* #spiking_default }
            }
        }
    }
}

fn ty_of(p: &Param, root: &TokenStream) -> TokenStream {
    match (p.common, p.kind) {
        (true, ParamKind::Float) => quote!(f64),
        (true, ParamKind::OptFloat) => quote!(::core::option::Option<f64>),
        (true, ParamKind::Bool) => quote!(bool),
        (true, _) => quote!(#root::Surrogate),
        (false, _) => p.ty.to_token_stream(),
    }
}

/// `fn check`: every number finite, then what the definition asks.
pub(super) fn check(item: &Item, root: &TokenStream) -> TokenStream {
    let names = item.params.iter().map(|p| &p.name).collect::<Vec<_>>();
    // In the user's own hygiene, as his conditions are.
    let locals = names.iter().map(|n| spanned(n, item.name.span().located_at(n.span())));
    let bound = item.params.iter().zip(locals).map(|(p, local)| {
        let name = &p.name;
        quote!(let #local = self.#name;)
    });
    let finite = item.params.iter().filter(|p| !p.common).filter_map(|p| finite(p, root));
    let shared = item.base.as_ref().map(|b| {
        let threshold = Ident::new(base::V_THRESHOLD, item.name.span());
        let reset =
            if b.soft { quote!(::core::option::Option::None) } else { Ident::new(base::V_RESET, item.name.span()).to_token_stream() };
        quote!(#root::Refused::threshold_and_reset(#threshold, #reset)?;)
    });
    let rules = item.params.iter().filter_map(|p| p.rule.as_ref().map(|r| rule(item, p, &r.condition, r, root)));
    quote! {
        fn check(&self) -> ::core::result::Result<(), #root::Refused> {
            #(#bound)*
            #(#finite)*
            #shared
            #(#rules)*
            ::core::result::Result::Ok(())
        }
    }
}

fn finite(p: &Param, root: &TokenStream) -> Option<TokenStream> {
    let name = &p.name;
    let text = name.to_string();
    let refuse = |value: TokenStream| {
        quote! {
            if !#value.is_finite() {
                return ::core::result::Result::Err(#root::Refused::new(#text, ::std::format!("must be a finite number, but is {:?}", #value), ""));
            }
        }
    };
    match p.kind {
        ParamKind::Float => Some(refuse(quote!(#name))),
        ParamKind::OptFloat => {
            let check = refuse(quote!(#name));
            Some(quote!(if let ::core::option::Option::Some(#name) = #name { #check }))
        }
        _ => None,
    }
}

/// The same name elsewhere. (Not made of its text: that of `r#type` is no identifier.)
fn spanned(name: &Ident, span: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(span);
    name
}

/// One comparison after the other.
fn rule(item: &Item, p: &Param, condition: &Expr, whole: &Rule, root: &TokenStream) -> TokenStream {
    if let Expr::Binary(both) = condition
        && matches!(both.op, BinOp::And(_))
    {
        let (a, b) = (rule(item, p, &both.left, whole, root), rule(item, p, &both.right, whole, root));
        return quote!(#a #b);
    }
    if let Expr::Paren(inner) = condition {
        return rule(item, p, &inner.expr, whole, root);
    }
    let (name, help) = (p.name.to_string(), &whole.help);
    let wants = format!("{}, but is {{:?}}", wants(condition));
    let value = spanned(&p.name, item.name.span());
    let check = quote! {
        if !(#condition) {
            return ::core::result::Result::Err(#root::Refused::new(#name, ::std::format!(#wants, #value), #help));
        }
    };
    // A condition on an argument that is `None` holds.
    item.params.iter().filter(|o| o.kind == ParamKind::OptFloat && mentions(condition, &o.name)).fold(check, |check, option| {
        let local = spanned(&option.name, item.name.span());
        quote!(if let ::core::option::Option::Some(#local) = #local { #check })
    })
}

fn mentions(condition: &Expr, name: &Ident) -> bool {
    match condition {
        Expr::Path(path) => path.path.is_ident(name),
        Expr::Binary(b) => mentions(&b.left, name) || mentions(&b.right, name),
        Expr::Unary(u) => mentions(&u.expr, name),
        Expr::Paren(p) => mentions(&p.expr, name),
        _ => false,
    }
}

/// `must be greater than 1`
fn wants(condition: &Expr) -> String {
    let Expr::Binary(b) = condition else { return format!("must satisfy `{}`", braces(&show_expr(condition))) };
    let word = match b.op {
        BinOp::Gt(_) => "greater than",
        BinOp::Ge(_) => "at least",
        BinOp::Lt(_) => "less than",
        BinOp::Le(_) => "at most",
        BinOp::Ne(_) => "other than",
        _ => return format!("must satisfy `{}`", braces(&show_expr(condition))),
    };
    let limit = match &*b.right {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Float(x) => x.base10_digits().trim_end_matches('0').trim_end_matches('.').to_string(),
            other => other.to_token_stream().to_string(),
        },
        other => format!("`{}`", show_expr(other)),
    };
    format!("must be {word} {}", braces(&limit))
}

/// For the text of a `format!`.
fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
