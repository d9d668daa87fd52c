//! What `base;` stands for: the arguments that SpikingJelly's `BaseNode` gives to all neurons. In: the defaults that were written; out: the
//! parameters, behind the neuron's own.

use quote::format_ident;
use syn::{Expr, parse_quote, parse_quote_spanned};

use super::ast::{Item, Param, ParamKind};
use crate::diag::Diagnostics;
use crate::suggest::closest;

pub(crate) const V_THRESHOLD: &str = "v_threshold";
pub(crate) const V_RESET: &str = "v_reset";
pub(crate) const SURROGATE: &str = "surrogate_function";
pub(crate) const DETACH_RESET: &str = "detach_reset";

const RESET_DOC: &str = " The potential after a spike, and before the first step; `None`: the threshold is subtracted.";

/// Adds them.
pub(crate) fn complete(item: &mut Item, diags: &mut Diagnostics) {
    let Some(base) = &mut item.base else { return };
    let soft = base.soft;
    let defaults = std::mem::take(&mut base.defaults);
    let mut params: Vec<Param> = [
        (V_THRESHOLD, ParamKind::Float, parse_quote!(1.0), " The potential at which it fires."),
        (V_RESET, ParamKind::OptFloat, parse_quote!(::core::option::Option::Some(0.0)), RESET_DOC),
        (SURROGATE, ParamKind::Other, parse_quote!(::core::default::Default::default()), " What stands in for a spike's derivative."),
        (DETACH_RESET, ParamKind::Bool, parse_quote!(false), " Is the spike a constant in the reset, when gradients are taken?"),
    ]
    .into_iter()
    .filter(|(name, ..)| !(soft && *name == V_RESET))
    .map(|(name, kind, default, doc)| Param {
        attrs: vec![parse_quote!(#[doc = #doc])],
        name: format_ident!("{name}"),
        ty: parse_quote!(_),
        kind,
        default,
        rule: None,
        common: true,
    })
    .collect();
    for (name, default, rule) in defaults {
        match params.iter_mut().find(|p| p.name == name) {
            Some(param) => {
                param.default = if name == SURROGATE { into(&default) } else { default };
                param.rule = rule;
            }
            None => {
                let d = diags.error(&name, format!("`base` has no `{name}`"));
                match closest(&name.to_string(), params.iter().map(|p| p.name.to_string()).collect::<Vec<_>>().iter().map(String::as_str)) {
                    Some(near) => d.help(format!("did you mean `{near}`?")),
                    None if soft && name == V_RESET => d.help("`base soft` has no reset value: leave out `soft`"),
                    None => d.help("an argument of its own stands before `base`: `name: f64 = ..;`"),
                };
            }
        }
    }
    item.params.append(&mut params);
}

/// A surrogate's own type will do.
fn into(default: &Expr) -> Expr {
    let span = syn::spanned::Spanned::span(default);
    parse_quote_spanned!(span=> ::core::convert::Into::into(#default))
}
