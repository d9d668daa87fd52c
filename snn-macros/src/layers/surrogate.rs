//! Surrogate functions: `ATan`, `Sigmoid(alpha = 4.0, spiking = false)`. In: what stands behind `surrogate =` or
//! `surrogate_function =`; out: the expression of the runtime's `Surrogate`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Expr;

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::{Env, Value as Constant, show_expr};
use crate::suggest::closest;

/// A surrogate's name and its parameters with SpikingJelly's defaults; every one takes `spiking = true` besides.
struct Spec {
    name: &'static str,
    params: &'static [(&'static str, Number)],
    /// Is there a function that it is the slope of, to send with `spiking = false`?
    primitive: bool,
}

/// What a parameter is, with its default.
#[derive(Clone, Copy)]
enum Number {
    Float(f64),
    Count(u64),
    /// A count that has to be given; without one where the surrogate is itself a default.
    Required(u64),
    /// Two floats or `None`: fields `grad_min` and `grad_max` of the runtime's struct.
    Window,
}

impl Number {
    /// `alpha = 2.0`
    #[cfg(test)]
    fn shown(self, name: &str) -> String {
        match self {
            Float(x) => format!("{name} = {x:?}"),
            Count(n) => format!("{name} = {n}"),
            Required(_) => name.to_string(),
            Window => format!("{name} = None"),
        }
    }
}

use self::Number::{Count, Float, Required, Window};

const fn smooth(name: &'static str, params: &'static [(&'static str, Number)]) -> Spec {
    Spec { name, params, primitive: true }
}

const fn slope(name: &'static str, params: &'static [(&'static str, Number)]) -> Spec {
    Spec { name, params, primitive: false }
}

const SURROGATES: &[Spec] = &[
    smooth("ATan", &[("alpha", Float(2.0))]),
    smooth("Sigmoid", &[("alpha", Float(4.0))]),
    smooth("PiecewiseQuadratic", &[("alpha", Float(1.0))]),
    smooth("PiecewiseExp", &[("alpha", Float(1.0))]),
    smooth("SoftSign", &[("alpha", Float(2.0))]),
    slope("SuperSpike", &[("alpha", Float(1.0))]),
    smooth("NonzeroSignLogAbs", &[("alpha", Float(1.0))]),
    smooth("Erf", &[("alpha", Float(2.0))]),
    smooth("PiecewiseLeakyReLU", &[("w", Float(1.0)), ("c", Float(0.01))]),
    smooth("SquarewaveFourierSeries", &[("n", Count(2)), ("T_period", Count(8))]),
    smooth("S2NN", &[("alpha", Float(4.0)), ("beta", Float(1.0))]),
    smooth("QPseudoSpike", &[("alpha", Float(2.0))]),
    smooth("LeakyKReLU", &[("leak", Float(0.0)), ("k", Float(1.0))]),
    slope("FakeNumericalGradient", &[("alpha", Float(0.3))]),
    smooth("LogTailedReLU", &[("alpha", Float(0.0))]),
    smooth("Rect", &[("alpha", Float(1.0))]),
    smooth("DeterministicPass", &[]),
    smooth("PoissonPass", &[]),
    smooth("MultiLevelSpikeCount", &[("max_spike_count", Required(4)), ("grad_window", Window)]),
];

/// Each as it is called with its defaults: `ATan(alpha = 2.0)`.
#[cfg(test)]
pub(crate) fn calls() -> impl Iterator<Item = String> {
    SURROGATES.iter().map(|s| {
        let params: Vec<String> = s.params.iter().map(|(name, number)| number.shown(name)).collect();
        format!("{}({})", s.name, params.join(", "))
    })
}

/// The surrogate of that name with its defaults.
pub(super) fn named(name: &str, root: &TokenStream) -> TokenStream {
    let Some(spec) = SURROGATES.iter().find(|s| s.name == name) else {
        unreachable!("the layer table asks for the surrogate `{name}`, which is not in the list")
    };
    build(spec, Span::call_site(), &vec![None; spec.params.len()], &quote!(true), root)
}

/// `None` values are defaults.
fn build(spec: &Spec, span: Span, values: &[Option<TokenStream>], spiking: &TokenStream, root: &TokenStream) -> TokenStream {
    let name = Ident::new(spec.name, span);
    let fields = spec.params.iter().zip(values).map(|((param, number), value)| {
        let field = Ident::new(param, Span::call_site());
        let value = match (number, value) {
            (Window, Some(fields)) => return fields.clone(),
            (Window, None) => return no_window(),
            (_, Some(value)) => value.clone(),
            (Float(x), None) => quote!(#x),
            (Count(n) | Required(n), None) => {
                let n = proc_macro2::Literal::u64_unsuffixed(*n);
                quote!(#n)
            }
        };
        quote!(#field: #value)
    });
    quote!(#root::surrogate::Surrogate::from(#root::surrogate::#name { #(#fields,)* spiking: #spiking }))
}

fn no_window() -> TokenStream {
    quote!(grad_min: ::core::option::Option::None, grad_max: ::core::option::Option::None)
}

/// A surrogate's expression, and its name where it is named.
type Value = (TokenStream, Option<&'static str>);

/// A surrogate as it may be written: `ATan`, `ATan()`, `ATan(2.0)`, `ATan(alpha = 2.0)`.
pub(super) fn value(value: &ast::ArgValue, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<Value, ()> {
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

fn expr(e: &Expr, what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<Value, ()> {
    match e {
        Expr::Path(p) if p.path.get_ident().is_some_and(|id| env.used(id).is_none()) => {
            let name = &p.path.segments[0].ident;
            match env.eval(e, diags)? {
                // A block's parameter that stands for a surrogate.
                Constant::Rust(inner) if inner != *e => expr(&inner, what, env, root, diags),
                _ => call(name, &[], what, env, root, diags),
            }
        }
        Expr::Call(c) => match &*c.func {
            Expr::Path(p) if p.path.get_ident().is_some() => {
                let args: Vec<ast::Arg> = c.args.iter().map(argument).collect();
                call(&p.path.segments[0].ident, &args, what, env, root, diags)
            }
            _ => Ok((own(&env.rewrite(e), root), None)),
        },
        Expr::Paren(p) => expr(&p.expr, what, env, root, diags),
        Expr::Lit(_) => {
            diags.error(Blame::of(e), format!("{what} expects a surrogate function, but gets `{}`", show_expr(e))).help("such as `ATan`");
            Err(())
        }
        // A surrogate made elsewhere: `cfg::SURROGATE`.
        other => Ok((own(&env.rewrite(other), root), None)),
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

fn call(name: &Ident, args: &[ast::Arg], what: &str, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> Result<Value, ()> {
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
        let value = match spec.params.get(index) {
            Some((param, number)) => number_of(*number, param, e, name, what, env, diags).map(|v| values[index] = Some(v)),
            None if index == spec.params.len() => flag(spec, e, name, what, env, diags).map(|v| spiking = Some(v)),
            None => {
                diags.error(Blame::of(e), format!("{what}: `{}` does not fit `{name}`", show_expr(e)));
                Err(())
            }
        };
        ok &= value.is_ok();
    }
    for ((param, number), value) in spec.params.iter().zip(&values) {
        if matches!(number, Required(_)) && value.is_none() && ok {
            diags.error(Blame::of(name), format!("{what}: `{name}` is missing `{param}`")).help(format!("`{name}({param} = 4)`"));
            ok = false;
        }
    }
    if !ok {
        return Err(());
    }
    Ok((build(spec, name.span(), &values, &spiking.unwrap_or_else(|| quote!(true)), root), Some(spec.name)))
}

/// One number as it stands in the runtime's struct.
fn number_of(
    number: Number,
    param: &str,
    e: &Expr,
    name: &Ident,
    what: &str,
    env: &Env,
    diags: &mut Diagnostics,
) -> Result<TokenStream, ()> {
    if let (Window, Expr::Tuple(pair)) = (number, e)
        && let [min, max] = [0, 1].map(|i| pair.elems.get(i))
        && let (Some(min), Some(max), 2) = (min, max, pair.elems.len())
    {
        let [min, max] = [min, max].map(|e| number_of(Float(0.0), param, e, name, what, env, diags));
        let (min, max) = (min?, max?);
        return Ok(quote!(grad_min: ::core::option::Option::Some(#min), grad_max: ::core::option::Option::Some(#max)));
    }
    match (number, env.eval(e, diags)?) {
        (Window, Constant::Rust(none)) if matches!(&none, Expr::Path(p) if p.path.is_ident("None")) => Ok(no_window()),
        (Window, _) => {
            let text = format!("{what}: `{param}` expects two floats or `None`, but gets `{}`", show_expr(e));
            diags.error(Blame::of(e), text).help(format!("such as `{param} = (0.0, 4.0)`"));
            Err(())
        }
        (Count(_) | Required(_), Constant::Int(n)) if n > 0 => {
            let n = proc_macro2::Literal::i64_unsuffixed(n);
            Ok(quote!(#n))
        }
        (Count(_) | Required(_), Constant::Int(n)) => {
            diags.error(Blame::of(e), format!("{what}: `{param}` must be at least 1, but is {n}"));
            Err(())
        }
        (Float(_), Constant::Int(n)) => {
            diags.error(Blame::of(e), format!("{what}: `{name}` takes floats, but gets {n}")).help(format!("write `{n}.0`"));
            Err(())
        }
        (Count(_) | Required(_), Constant::Rust(Expr::Lit(_))) => {
            diags.error(Blame::of(e), format!("{what}: `{param}` expects a whole number, but gets `{}`", show_expr(e)));
            Err(())
        }
        (_, Constant::Rust(x)) => Ok(quote!(#x)),
        (_, Constant::Bool(_)) => {
            diags.error(Blame::of(e), format!("{what}: `{}` does not fit `{name}`", show_expr(e)));
            Err(())
        }
    }
}

/// `spiking`.
fn flag(spec: &Spec, e: &Expr, name: &Ident, what: &str, env: &Env, diags: &mut Diagnostics) -> Result<TokenStream, ()> {
    match env.eval(e, diags)? {
        Constant::Bool(false) if !spec.primitive => {
            let text = format!("{what}: `{name}` cannot be without spikes: there is no function that it is the slope of");
            diags.error(Blame::of(e), text).help("leave `spiking` out, or take another surrogate, such as `ATan`");
            Err(())
        }
        Constant::Bool(b) => Ok(quote!(#b)),
        Constant::Rust(x) => Ok(quote!(#x)),
        Constant::Int(_) => {
            diags.error(Blame::of(e), format!("{what}: `{}` does not fit `{name}`", show_expr(e)));
            Err(())
        }
    }
}
