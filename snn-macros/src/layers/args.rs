//! Arguments meet parameters. In: what was written between the parentheses, the row's parameters and the net's settings;
//! out: one value per parameter, of the kind the row asks for, or errors on the exact argument.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

use super::value::Bind;
use super::{Default, Kind, LayerSpec, Param, activation, surrogate};
use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::Env;
use crate::size::Size;
use crate::suggest::closest;

/// A bound argument.
#[derive(Clone, Debug)]
pub(crate) struct Arg {
    pub(crate) value: ArgValue,
    /// The argument's own tokens, or the layer where a default stands in.
    pub(crate) blame: Blame,
    /// The name token of `name = value`.
    pub(crate) name: Option<Ident>,
    pub(crate) written: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum ArgValue {
    /// `_`
    Infer,
    Size(Size),
    Sizes(Vec<Size>),
    /// `(None, 4)`
    SizesOrNone(Vec<Option<Size>>),
    /// Numbers, each the user's own expression, and its value where it is a literal.
    Factors(Vec<(TokenStream, Option<f64>)>),
    /// `"same"`, `"zeros"`, ..
    Text(String),
    Axis(i64),
    Bool(bool),
    /// A float: the user's own expression, and its value where it is a literal.
    Float(TokenStream, Option<f64>),
    None,
    /// Layers, or a function of tensors: lowered where they stand.
    Apart,
    /// A value of the runtime's `Activation`.
    Activation(TokenStream),
    /// A value of the runtime's `Surrogate`, and its name where it is named.
    Surrogate(TokenStream, Option<&'static str>),
}

impl ToTokens for Arg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match &self.value {
            ArgValue::Infer => quote!(_),
            ArgValue::Apart => TokenStream::new(),
            ArgValue::Size(s) => quote!(#s),
            ArgValue::Sizes(s) => quote!([#(#s),*]),
            ArgValue::SizesOrNone(s) => {
                let sizes = s.iter().map(|n| match n {
                    Some(n) => quote!(::core::option::Option::Some(#n)),
                    None => quote!(::core::option::Option::None),
                });
                quote!([#(#sizes),*])
            }
            ArgValue::Factors(f) => {
                let f = f.iter().map(|(f, _)| f);
                quote!([#(#f),*])
            }
            ArgValue::Text(s) => quote!(#s),
            ArgValue::Axis(n) => quote!(#n),
            ArgValue::Bool(b) => quote!(#b),
            ArgValue::Float(e, _) | ArgValue::Activation(e) | ArgValue::Surrogate(e, _) => e.clone(),
            ArgValue::None => quote!(::core::option::Option::None),
        });
    }
}

/// One value per parameter of the row.
#[derive(Clone, Debug, std::default::Default)]
pub(crate) struct Args {
    values: Vec<(&'static str, Arg)>,
    /// Arguments of a layer of the user's own: fields of its config.
    passed: Vec<(Ident, Expr)>,
}

impl Args {
    pub(crate) fn get(&self, name: &str) -> &Arg {
        match self.values.iter().find(|(n, _)| *n == name) {
            Some((_, arg)) => arg,
            None => unreachable!("the layer table asks for `{name}`, which its row does not have"),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arg> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, a)| a)
    }

    /// Settles an argument that was open.
    pub(crate) fn settle(&mut self, name: &str, size: Size) {
        if let Some((_, arg)) = self.values.iter_mut().find(|(n, _)| *n == name) {
            arg.value = ArgValue::Size(size);
        }
    }

    pub(crate) fn pass(&mut self, name: Ident, value: Expr) {
        self.passed.push((name, value));
    }

    pub(crate) fn passed(&self) -> &[(Ident, Expr)] {
        &self.passed
    }
}

/// Defaults of the whole net for parameters of the same name, already converted.
#[derive(Clone, Debug, std::default::Default)]
pub(crate) struct Settings {
    values: Vec<(&'static str, Arg)>,
}

impl Settings {
    /// `surrogate`, `detach_reset`, `v_threshold`, `v_reset`: what they set and of which kind.
    pub(crate) const NEURON: &'static [(&'static str, Param)] = &[
        ("surrogate", Param { name: "surrogate_function", kind: Kind::Surrogate, default: Default::Surrogate }),
        ("detach_reset", Param { name: "detach_reset", kind: Kind::Bool, default: Default::Bool(false) }),
        ("v_threshold", Param { name: "v_threshold", kind: Kind::Float, default: Default::Float(1.0) }),
        ("v_reset", Param { name: "v_reset", kind: Kind::OptFloat, default: Default::Float(0.0) }),
    ];

    /// Takes `name = value;` if it is a neuron's setting; `false` if it is not.
    pub(crate) fn set(&mut self, setting: &ast::Setting, env: &Env, root: &TokenStream, diags: &mut Diagnostics) -> bool {
        let Some((_, param)) = Self::NEURON.iter().find(|(n, _)| setting.name == n) else { return false };
        let mut bind = Bind { shown: &setting.name.to_string(), env, root, diags, setting: true };
        if let Ok(value) = bind.value(param, &ast::ArgValue::Expr(setting.value.clone())) {
            let arg = Arg { value, blame: Blame::of(&setting.value), name: None, written: false };
            self.values.retain(|(n, _)| *n != param.name);
            self.values.push((param.name, arg));
        }
        true
    }

    fn get(&self, name: &str) -> Option<&Arg> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, a)| a)
    }
}

/// Binds the arguments of `layer` to the parameters of `spec`. `step_mode` is taken out by the caller.
pub(crate) fn bind(
    spec: &'static LayerSpec,
    shown: &str,
    layer: &ast::Layer,
    settings: &Settings,
    env: &Env,
    root: &TokenStream,
    diags: &mut Diagnostics,
) -> Result<Args, ()> {
    let mut bind = Bind { shown, env, root, diags, setting: false };
    let mut given: Vec<Option<Arg>> = spec.params.iter().map(|_| None).collect();
    let mut ok = true;
    let mut position = 0;
    let mut named = false;
    for arg in &layer.args {
        let blame = blame_of(&arg.value);
        let index = match &arg.name {
            Some(name) if name == "step_mode" => continue,
            Some(name) => {
                named = true;
                // SpikingJelly says `surrogate_function`; the net's setting is `surrogate`: both are understood.
                let wanted = if name == "surrogate" { "surrogate_function".to_string() } else { name.to_string() };
                match spec.params.iter().position(|p| wanted == p.name) {
                    Some(i) => i,
                    None => {
                        unknown_argument(bind.diags, spec, shown, name);
                        ok = false;
                        continue;
                    }
                }
            }
            None if named => {
                bind.diags
                    .error(blame, format!("`{shown}`: an argument without a name follows one with a name"))
                    .help("give its name, or put it first");
                ok = false;
                continue;
            }
            None => {
                position += 1;
                if position > spec.params.len() {
                    // Once, on the first that is too many.
                    if position == spec.params.len() + 1 {
                        let text = format!(
                            "{} takes {}, but gets {}",
                            subject(shown, spec),
                            count(spec.params.len(), "argument"),
                            layer.args.len()
                        );
                        bind.diags.error(blame, text).help(format!("`{}`", signature(spec)));
                    }
                    ok = false;
                    continue;
                }
                position - 1
            }
        };
        let param = &spec.params[index];
        if given[index].is_some() {
            let at = arg.name.as_ref().map_or(blame, Blame::of);
            bind.diags.error(at, format!("`{shown}`: `{}` is given twice", param.name)).help("remove one of the two");
            ok = false;
            continue;
        }
        match bind.value(param, &arg.value) {
            Ok(value) => given[index] = Some(Arg { value, blame, name: arg.name.clone(), written: true }),
            Err(()) => {
                ok = false;
                // Bound all the same, so that the layer is not said to miss it.
                given[index] = Some(Arg { value: ArgValue::None, blame, name: None, written: true });
            }
        }
    }
    let mut missing = Vec::new();
    let values = spec.params.iter().zip(given).map(|(param, arg)| {
        let setting = || settings.get(param.name).filter(|_| !matches!(param.default, Default::OwnSurrogate(_))).cloned();
        let arg = arg.or_else(setting).unwrap_or_else(|| {
            if matches!(param.default, Default::Required) {
                missing.push(param.name);
            }
            Arg { value: default_value(param, root), blame: layer.span, name: None, written: false }
        });
        (param.name, arg)
    });
    let values = values.collect();
    if !missing.is_empty() && ok {
        let list = missing.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(" and ");
        let d = bind.diags.error(layer.span, format!("{} is missing {list}", subject(shown, spec)));
        if spec.params.first().is_some_and(|p| p.kind == Kind::Inferred)
            && layer.args.first().is_some_and(|a| a.name.is_none() && !matches!(a.value, ast::ArgValue::Infer(_)))
        {
            d.help(format!("`{}` comes first; write `_` there to infer it: `{}`", spec.params[0].name, signature(spec)));
        } else {
            d.help(format!("`{}`", signature(spec)));
        }
        ok = false;
    }
    if ok { Ok(Args { values, passed: Vec::new() }) } else { Err(()) }
}

/// The arguments of a layer that another one makes: those given, the row's defaults, and the rest left open.
pub(crate) fn derived(spec: &'static LayerSpec, given: &[(&str, Option<&Arg>)], blame: Blame, root: &TokenStream) -> Args {
    let value = |param: &Param| given.iter().find(|(name, _)| *name == param.name).and_then(|(_, arg)| arg.cloned());
    let default = |param: &Param| Arg { value: default_value(param, root), blame, name: None, written: false };
    Args { values: spec.params.iter().map(|p| (p.name, value(p).unwrap_or_else(|| default(p)))).collect(), passed: Vec::new() }
}

fn unknown_argument(diags: &mut Diagnostics, spec: &LayerSpec, shown: &str, name: &Ident) {
    let d = diags.error(Blame::of(name), format!("{} has no argument `{name}`", subject(shown, spec)));
    let names = spec.params.iter().map(|p| p.name).chain(["step_mode"]);
    match closest(&name.to_string(), names) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("`{}`", signature(spec))),
    };
}

/// `Conv2d(in_channels, out_channels, kernel_size, stride = 1, ..)`.
pub(crate) fn signature(spec: &LayerSpec) -> String {
    let params = spec.params.iter().map(|p| match p.default {
        Default::Required if p.kind == Kind::Layers => "[..]".to_string(),
        Default::Required if p.kind == Kind::Bool => format!("{} = true", p.name),
        Default::Required => p.name.to_string(),
        Default::Int(n) => format!("{} = {n}", p.name),
        Default::Bool(b) => format!("{} = {b}", p.name),
        Default::Float(x) => format!("{} = {x:?}", p.name),
        Default::None => format!("{} = None", p.name),
        Default::Text(s) => format!("{} = {s:?}", p.name),
        Default::Name(s) => format!("{} = {s}", p.name),
        Default::Surrogate => format!("{} = Sigmoid", p.name),
        Default::SurrogateOf(s) | Default::OwnSurrogate(s) => format!("{} = {s}", p.name),
    });
    format!("{}({})", spec.name, params.collect::<Vec<_>>().join(", "))
}

/// `` `fc1`: `Linear` ``, or `` `Linear` `` for an unnamed entry.
pub(super) fn subject(shown: &str, spec: &LayerSpec) -> String {
    if shown == spec.name { format!("`{shown}`") } else { format!("`{shown}`: `{}`", spec.name) }
}

/// `1 argument`, `2 arguments`.
pub(crate) fn count(n: usize, what: &str) -> String {
    match n {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn default_value(param: &Param, root: &TokenStream) -> ArgValue {
    match (param.default, param.kind) {
        (Default::Required, _) => ArgValue::Infer,
        (Default::Int(n), Kind::Sizes(axes) | Kind::Padding(axes) | Kind::Zeros(axes)) => {
            ArgValue::Sizes(vec![Size::Known(n.unsigned_abs() as usize); axes])
        }
        (Default::Int(n), Kind::Axis) => ArgValue::Axis(n),
        (Default::Int(n), _) => ArgValue::Size(Size::Known(n.unsigned_abs() as usize)),
        (Default::Bool(b), _) => ArgValue::Bool(b),
        (Default::Float(x), Kind::OptFloat) => ArgValue::Float(quote!(::core::option::Option::Some(#x)), Some(x)),
        (Default::Float(x), _) => ArgValue::Float(quote!(#x), Some(x)),
        (Default::None, _) => ArgValue::None,
        (Default::Text(s), _) => ArgValue::Text(s.to_string()),
        (Default::Name(s), _) => ArgValue::Activation(activation::named(s, Span::call_site(), root)),
        (Default::Surrogate, _) => ArgValue::Surrogate(surrogate::named("Sigmoid", root), Some("Sigmoid")),
        (Default::SurrogateOf(name) | Default::OwnSurrogate(name), _) => ArgValue::Surrogate(surrogate::named(name, root), Some(name)),
    }
}

/// What an argument is blamed on: its value.
pub(crate) fn blame_of(value: &ast::ArgValue) -> Blame {
    match value {
        ast::ArgValue::Infer(span) => Blame::from(*span),
        ast::ArgValue::Expr(e) => Blame::of(e),
        ast::ArgValue::Node(n) => n.blame(),
    }
}
