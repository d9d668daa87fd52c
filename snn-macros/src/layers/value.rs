//! One argument becomes what its parameter asks for. In: an expression or node of the user's; out: a size, a float, a choice, .., or an
//! error on it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::{Expr, Lit};

use super::args::ArgValue;
use super::{Kind, Param, activation, surrogate};
use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::{Env, Value, show_expr};
use crate::size::Size;
use crate::suggest::closest;

/// Turns what was written into the kind that is asked for.
pub(super) struct Bind<'a> {
    pub(super) shown: &'a str,
    pub(super) env: &'a Env,
    pub(super) root: &'a TokenStream,
    pub(super) diags: &'a mut Diagnostics,
    /// A setting names itself; an argument is named after its layer.
    pub(super) setting: bool,
}

impl Bind<'_> {
    fn what(&self, param: &Param) -> String {
        if self.setting { format!("`{}`", self.shown) } else { format!("`{}`: `{}`", self.shown, param.name) }
    }

    pub(super) fn value(&mut self, param: &Param, value: &ast::ArgValue) -> Result<ArgValue, ()> {
        let what = self.what(param);
        if param.kind == Kind::OptSurrogate && matches!(value, ast::ArgValue::Expr(e) if is_none(e)) {
            return Ok(ArgValue::None);
        }
        if matches!(param.kind, Kind::Surrogate | Kind::OptSurrogate) {
            return surrogate::value(value, &what, self.env, self.root, self.diags).map(|(value, name)| ArgValue::Surrogate(value, name));
        }
        if param.kind == Kind::Activation {
            return activation::value(value, &what, self.env, self.root, self.diags).map(ArgValue::Activation);
        }
        match value {
            ast::ArgValue::Node(_) if param.kind == Kind::Layers => Ok(ArgValue::Apart),
            ast::ArgValue::Infer(_) if matches!(param.kind, Kind::Inferred | Kind::OptInferred) => Ok(ArgValue::Infer),
            ast::ArgValue::Infer(span) => {
                self.diags.error(Blame::from(*span), format!("{what} cannot be inferred")).help("`_` stands for the input side only");
                Err(())
            }
            ast::ArgValue::Node(node) => {
                self.diags.error(node.blame(), format!("{what} expects {}, but gets a layer", wanted(param.kind)));
                Err(())
            }
            ast::ArgValue::Expr(e) => self.expr(param, e, &what),
        }
    }

    fn expr(&mut self, param: &Param, e: &Expr, what: &str) -> Result<ArgValue, ()> {
        match param.kind {
            Kind::Inferred | Kind::Size => self.positive(e, what).map(ArgValue::Size),
            Kind::OptSize
            | Kind::OptInferred
            | Kind::OptSizes(_)
            | Kind::OptSpace
            | Kind::OptFactors
            | Kind::OptBool
            | Kind::OptFloat
            | Kind::OptChoice(_)
                if is_none(e) =>
            {
                Ok(ArgValue::None)
            }
            Kind::OptSize | Kind::OptInferred => self.positive(e, what).map(ArgValue::Size),
            Kind::Sizes(n) | Kind::OptSizes(n) => self.sizes(e, n, what, Self::positive).map(ArgValue::Sizes),
            Kind::OptSpace => self.each(&listed(e), what, Self::positive).map(ArgValue::Sizes),
            Kind::OptFactors => self.each(&listed(e), what, Self::factor).map(ArgValue::Factors),
            Kind::SizesOrNone(n) if is_none(e) => {
                let nones = vec!["None"; n].join(", ");
                self.diags
                    .error(Blame::of(e), format!("{what} expects a size for each axis, but gets `None`"))
                    .help(format!("`None` keeps one axis; `({nones})` would keep them all"));
                Err(())
            }
            Kind::SizesOrNone(n) => self.sizes(e, n, what, Self::positive_or_none).map(ArgValue::SizesOrNone),
            Kind::Padding(_) if text_of(e).is_some() => self.choice(e, &["same", "valid"], what),
            Kind::Padding(n) | Kind::Zeros(n) => self.sizes(e, n, what, Self::zero_or_more).map(ArgValue::Sizes),
            Kind::Count => self.count(e, what).map(ArgValue::Size),
            Kind::Axis => match self.env.eval(e, self.diags)? {
                Value::Int(n) => Ok(ArgValue::Axis(n)),
                _ => self.wrong(e, param.kind, what),
            },
            Kind::Bool | Kind::OptBool => match self.env.eval(e, self.diags)? {
                Value::Bool(b) => Ok(ArgValue::Bool(b)),
                _ => self.wrong(e, param.kind, what),
            },
            Kind::Float => self.float(e, what),
            Kind::OptFloat => match self.float(e, what)? {
                // `Some(0.1)`, a const of type f64 and one of type Option<f64> all become an Option<f64>.
                ArgValue::Float(x, known) => {
                    let span = Blame::of(e).start;
                    Ok(ArgValue::Float(quote_spanned!(span=> ::core::convert::Into::<::core::option::Option<f64>>::into(#x)), known))
                }
                other => Ok(other),
            },
            Kind::Text => match text_of(e) {
                Some(text) => Ok(ArgValue::Text(text)),
                None => self.wrong(e, param.kind, what),
            },
            Kind::Choice(words) | Kind::OptChoice(words) => self.choice(e, words, what),
            Kind::Layers => self.wrong(e, param.kind, what),
            Kind::Function => Ok(ArgValue::Apart),
            Kind::Activation | Kind::Surrogate | Kind::OptSurrogate => unreachable!("taken above"),
        }
    }

    fn wrong<T>(&mut self, e: &Expr, kind: Kind, what: &str) -> Result<T, ()> {
        self.diags.error(Blame::of(e), format!("{what} expects {}, but gets `{}`", wanted(kind), show_expr(e)));
        Err(())
    }

    fn zero_or_more(&mut self, e: &Expr, what: &str) -> Result<Size, ()> {
        self.env.size(e, what, self.diags)
    }

    fn count(&mut self, e: &Expr, what: &str) -> Result<Size, ()> {
        if let Value::Int(n) = self.env.eval(e, self.diags)?
            && n < 0
        {
            self.diags.error(Blame::of(e), format!("{what} must not be negative, but is {n}")).help("use 0 or more");
            return Err(());
        }
        self.env.size(e, what, self.diags)
    }

    fn positive(&mut self, e: &Expr, what: &str) -> Result<Size, ()> {
        let size = self.env.size(e, what, self.diags)?;
        if size.known() == Some(0) {
            self.diags.error(Blame::of(e), format!("{what} must be at least 1, but is 0")).help("write a size of 1 or more");
            return Err(());
        }
        Ok(size)
    }

    fn positive_or_none(&mut self, e: &Expr, what: &str) -> Result<Option<Size>, ()> {
        if is_none(e) { Ok(None) } else { self.positive(e, what).map(Some) }
    }

    /// One for each axis; a single one serves all of them.
    fn sizes<S: Clone>(
        &mut self,
        e: &Expr,
        axes: usize,
        what: &str,
        one: fn(&mut Self, &Expr, &str) -> Result<S, ()>,
    ) -> Result<Vec<S>, ()> {
        let list = listed(e);
        if list.len() != axes && list.len() != 1 {
            let wants = if axes == 1 { "one size".to_string() } else { format!("one size or {axes}") };
            let d = self.diags.error(Blame::of(e), format!("{what} expects {wants}, but gets {}", list.len()));
            if axes > 1 {
                d.help(format!("one size serves all {axes} axes"));
            }
            return Err(());
        }
        let sizes = self.each(&list, what, one)?;
        Ok(if sizes.len() == axes { sizes } else { vec![sizes[0].clone(); axes] })
    }

    /// Every one of them is read: each may have its mistake.
    fn each<S>(&mut self, list: &[&Expr], what: &str, one: fn(&mut Self, &Expr, &str) -> Result<S, ()>) -> Result<Vec<S>, ()> {
        list.iter().map(|e| one(self, e, what)).collect::<Vec<_>>().into_iter().collect()
    }

    /// A number greater than 0; a whole one becomes a float.
    fn factor(&mut self, e: &Expr, what: &str) -> Result<(TokenStream, Option<f64>), ()> {
        let (tokens, value) = match self.env.eval(e, self.diags)? {
            Value::Int(n) => (proc_macro2::Literal::f64_unsuffixed(n as f64).into_token_stream(), Some(n as f64)),
            Value::Bool(_) => return self.wrong(e, Kind::OptFactors, what),
            Value::Rust(x) => (x.to_token_stream(), literal(&x)),
        };
        if value.is_some_and(|f| f <= 0.0 || f.is_nan()) {
            self.diags.error(Blame::of(e), format!("{what} must be greater than 0, but is `{}`", show_expr(e)));
            return Err(());
        }
        Ok((tokens, value))
    }

    fn choice(&mut self, e: &Expr, words: &[&str], what: &str) -> Result<ArgValue, ()> {
        let one_of = if words.len() == 1 { "" } else { "one of " };
        let list = || one_of.to_string() + &words.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", ");
        let Some(text) = text_of(e) else {
            self.diags.error(Blame::of(e), format!("{what} expects {}, but gets `{}`", list(), show_expr(e)));
            return Err(());
        };
        if words.contains(&text.as_str()) {
            return Ok(ArgValue::Text(text));
        }
        let d = self.diags.error(Blame::of(e), format!("{what} expects {}, but gets {text:?}", list()));
        if let Some(near) = closest(&text, words.iter().copied()) {
            d.help(format!("did you mean {near:?}?"));
        }
        Err(())
    }

    /// Floats are the user's own expressions; a literal of another kind is told here, because rustc's message would not
    /// name the layer.
    fn float(&mut self, e: &Expr, what: &str) -> Result<ArgValue, ()> {
        match self.env.eval(e, self.diags)? {
            Value::Int(n) => {
                self.diags.error(Blame::of(e), format!("{what} is a float, but gets {n}")).help(format!("write `{n}.0`"));
                Err(())
            }
            Value::Bool(_) => self.wrong(e, Kind::Float, what),
            Value::Rust(x) => {
                let known = literal(&x);
                if known.is_none() && matches!(&x, Expr::Lit(_)) {
                    return self.wrong(e, Kind::Float, what);
                }
                if known.is_some_and(f64::is_nan) || matches!(&x, Expr::Path(p) if p.path.segments.last().is_some_and(|s| s.ident == "NAN"))
                {
                    self.diags.error(Blame::of(e), format!("{what} is not a number: nothing would ever reach it"));
                    return Err(());
                }
                Ok(ArgValue::Float(x.into_token_stream(), known))
            }
        }
    }
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Inferred => "a size or `_`",
        Kind::OptInferred => "a size, `_` or `None`",
        Kind::Size | Kind::OptSize => "a size",
        Kind::Count => "a whole number",
        Kind::Sizes(_) | Kind::OptSizes(_) | Kind::Zeros(_) => "a size for each axis",
        Kind::SizesOrNone(_) => "a size or `None` for each axis",
        Kind::Padding(_) => "a size for each axis, \"same\" or \"valid\"",
        Kind::Axis => "a whole number",
        Kind::OptSpace => "a size, or one for each axis of space",
        Kind::OptFactors => "a number, or one for each axis of space",
        Kind::Bool => "`true` or `false`",
        Kind::OptBool => "`true`, `false` or `None`",
        Kind::Float | Kind::OptFloat => "a float",
        Kind::Text | Kind::Choice(_) => "a string",
        Kind::OptChoice(_) => "a string or `None`",
        Kind::Activation => "an activation such as `relu`",
        Kind::Layers => "layers in brackets",
        Kind::Function => "a function of `(y_prev, x)`",
        Kind::Surrogate => "a surrogate function",
        Kind::OptSurrogate => "a surrogate function or `None`",
    }
}

/// What stands in a tuple or an array; anything else is a list of itself.
fn listed(e: &Expr) -> Vec<&Expr> {
    match e {
        Expr::Tuple(t) => t.elems.iter().collect(),
        Expr::Array(a) => a.elems.iter().collect(),
        Expr::Paren(p) if matches!(&*p.expr, Expr::Tuple(_)) => listed(&p.expr),
        _ => vec![e],
    }
}

fn is_none(e: &Expr) -> bool {
    matches!(e, Expr::Path(p) if p.path.is_ident("None"))
}

fn text_of(e: &Expr) -> Option<String> {
    match e {
        Expr::Lit(l) => match &l.lit {
            Lit::Str(s) => Some(s.value()),
            _ => None,
        },
        Expr::Paren(p) => text_of(&p.expr),
        _ => None,
    }
}

/// The value of a float literal, a sign included.
fn literal(e: &Expr) -> Option<f64> {
    match e {
        Expr::Lit(l) => match &l.lit {
            Lit::Float(f) => f.base10_parse().ok(),
            _ => None,
        },
        Expr::Paren(p) => literal(&p.expr),
        Expr::Group(g) => literal(&g.expr),
        Expr::Unary(u) if matches!(u.op, syn::UnOp::Neg(_)) => literal(&u.expr).map(|x| -x),
        _ => None,
    }
}
