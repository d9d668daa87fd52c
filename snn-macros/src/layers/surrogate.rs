//! Surrogate functions: `ATan`, `Sigmoid(alpha = 4.0, spiking = false)`. In: what stands behind `surrogate =` or
//! `surrogate_function =`; out: the expression of the runtime's `Surrogate`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Expr;

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::{Env, Value, show_expr};
use crate::suggest::closest;

/// A surrogate's name and its parameters with SpikingJelly's defaults; every one takes `spiking = true` besides.
struct Spec {
    name: &'static str,
    params: &'static [(&'static str, f64)],
}

const SURROGATES: &[Spec] = &[
    Spec { name: "ATan", params: &[("alpha", 2.0)] },
    Spec { name: "Sigmoid", params: &[("alpha", 4.0)] },
    Spec { name: "PiecewiseQuadratic", params: &[("alpha", 1.0)] },
];

/// Each as it is called with its defaults: `ATan(alpha = 2.0)`.
#[cfg(test)]
pub(crate) fn calls() -> impl Iterator<Item = String> {
    SURROGATES.iter().map(|s| {
        let params: Vec<String> = s.params.iter().map(|(name, default)| format!("{name} = {default:?}")).collect();
        format!("{}({})", s.name, params.join(", "))
    })
}

/// The surrogate of that name with its defaults.
pub(super) fn named(name: &str, root: &TokenStream) -> TokenStream {
    let Some(spec) = SURROGATES.iter().find(|s| s.name == name) else {
        unreachable!("the layer table asks for the surrogate `{name}`, which is not in the list")
    };
    let values: Vec<TokenStream> = spec.params.iter().map(|(_, default)| quote!(#default)).collect();
    build(spec, Span::call_site(), &values, &quote!(true), root)
}

fn build(spec: &Spec, span: Span, values: &[TokenStream], spiking: &TokenStream, root: &TokenStream) -> TokenStream {
    let name = Ident::new(spec.name, span);
    let fields = spec.params.iter().map(|(n, _)| Ident::new(n, Span::call_site()));
    quote!(#root::surrogate::Surrogate::from(#root::surrogate::#name { #(#fields: #values,)* spiking: #spiking }))
}

/// A surrogate as it may be written: `ATan`, `ATan()`, `ATan(2.0)`, `ATan(alpha = 2.0)`.
pub(super) fn value(value: &ast::ArgValue, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    match value {
        ast::ArgValue::Infer(span) => {
            diags.error(Blame::from(*span), format!("{what} cannot be inferred")).help("name a surrogate: `ATan`");
            Err(())
        }
        ast::ArgValue::Node(node) => match &**node {
            ast::Node::Layer(l) => {
                let name = l.path.segments.last().map(|s| s.ident.clone()).unwrap_or_else(|| Ident::new("_", l.span.start));
                call(&name, &l.args, what, env, root, diags)
            }
            other => {
                diags.error(other.blame(), format!("{what} expects one surrogate function")).help("such as `ATan`");
                Err(())
            }
        },
        ast::ArgValue::Expr(e) => expr(e, what, env, root, diags),
    }
}

fn expr(e: &Expr, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    match e {
        Expr::Path(p) if p.path.get_ident().is_some_and(|id| env.used(id).is_none()) => {
            let name = &p.path.segments[0].ident;
            match env.eval(e, diags)? {
                // A block's parameter that stands for a surrogate.
                Value::Rust(inner) if inner != *e => expr(&inner, what, env, root, diags),
                _ => call(name, &[], what, env, root, diags),
            }
        }
        Expr::Call(c) => match &*c.func {
            Expr::Path(p) if p.path.get_ident().is_some() => {
                let args: Vec<ast::Arg> = c.args.iter().map(argument).collect();
                call(&p.path.segments[0].ident, &args, what, env, root, diags)
            }
            _ => Ok(own(&env.rewrite(e), root)),
        },
        Expr::Paren(p) => expr(&p.expr, what, env, root, diags),
        Expr::Lit(_) => {
            diags.error(Blame::of(e), format!("{what} expects a surrogate function, but gets `{}`", show_expr(e))).help("such as `ATan`");
            Err(())
        }
        // A surrogate made elsewhere: `cfg::SURROGATE`.
        other => Ok(own(&env.rewrite(other), root)),
    }
}

/// `alpha = 2.0` is an assignment where syn reads a call.
fn argument(e: &Expr) -> ast::Arg {
    if let Expr::Assign(a) = e
        && let Expr::Path(p) = &*a.left
        && let Some(name) = p.path.get_ident()
    {
        return ast::Arg { name: Some(name.clone()), value: ast::ArgValue::Expr((*a.right).clone()) };
    }
    ast::Arg { name: None, value: ast::ArgValue::Expr(e.clone()) }
}

fn own(e: &Expr, root: &TokenStream) -> TokenStream {
    quote!(#root::surrogate::Surrogate::from(#e))
}

fn call(name: &Ident, args: &[ast::Arg], what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    let Some(spec) = SURROGATES.iter().find(|s| name == s.name) else {
        let d = diags.error(Blame::of(name), format!("unknown surrogate `{name}`"));
        match closest(&name.to_string(), SURROGATES.iter().map(|s| s.name)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("known are {}", SURROGATES.iter().map(|s| format!("`{}`", s.name)).collect::<Vec<_>>().join(", "))),
        };
        return Err(());
    };
    let mut values: Vec<Option<TokenStream>> = vec![None; spec.params.len()];
    let mut spiking = None;
    let mut ok = true;
    for (position, arg) in args.iter().enumerate() {
        let ast::ArgValue::Expr(e) = &arg.value else {
            diags.error(Blame::of(name), format!("{what}: `{name}` takes numbers"));
            return Err(());
        };
        let index = match &arg.name {
            Some(n) if n == "spiking" => spec.params.len(),
            Some(n) => match spec.params.iter().position(|(p, _)| n == p) {
                Some(i) => i,
                None => {
                    let d = diags.error(Blame::of(n), format!("{what}: `{name}` has no argument `{n}`"));
                    match closest(&n.to_string(), spec.params.iter().map(|(p, _)| *p).chain(["spiking"])) {
                        Some(near) => d.help(format!("did you mean `{near}`?")),
                        None => d,
                    };
                    ok = false;
                    continue;
                }
            },
            None => position,
        };
        let value = env.eval(e, diags)?;
        match (values.get_mut(index), value) {
            (Some(_), Value::Int(n)) => {
                diags.error(Blame::of(e), format!("{what}: `{name}` takes floats, but gets {n}")).help(format!("write `{n}.0`"));
                ok = false;
            }
            (Some(slot), Value::Rust(x)) => *slot = Some(quote!(#x)),
            (None, Value::Bool(b)) if index == spec.params.len() => spiking = Some(quote!(#b)),
            (None, Value::Rust(x)) if index == spec.params.len() => spiking = Some(quote!(#x)),
            _ => {
                diags.error(Blame::of(e), format!("{what}: `{}` does not fit `{name}`", show_expr(e)));
                ok = false;
            }
        }
    }
    if !ok {
        return Err(());
    }
    let values: Vec<TokenStream> =
        values.into_iter().zip(spec.params).map(|(v, (_, default))| v.unwrap_or_else(|| quote!(#default))).collect();
    Ok(build(spec, name.span(), &values, &spiking.unwrap_or_else(|| quote!(true)), root))
}
