//! Names with a meaning inside the macro: consts, block parameters, `use`d items, const generics. In: declarations;
//! out: values of expressions, and expressions rewritten so that they mean the same anywhere in the expansion.

use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprLit, ExprPath, Ident, Lit, Path, UnOp, UseTree};

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::size::Size;
use crate::suggest::closest;

/// What an expression comes to.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "few are alive at a time")]
pub(crate) enum Value {
    Int(i64),
    Bool(bool),
    /// Something only rustc can evaluate, rewritten by [`Env::rewrite`].
    Rust(Expr),
}

impl Value {
    fn into_expr(self, span: Span) -> Expr {
        match self {
            Value::Int(n) => {
                let lit = proc_macro2::Literal::i64_unsuffixed(n.abs());
                let lit: Expr = Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::new(with_span(lit, span)) });
                if n < 0 { syn::parse_quote!((-#lit)) } else { lit }
            }
            Value::Bool(b) => Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Bool(syn::LitBool::new(b, span)) }),
            Value::Rust(e) => match e {
                Expr::Lit(_) | Expr::Path(_) | Expr::Paren(_) => e,
                other => syn::parse_quote!((#other)),
            },
        }
    }
}

fn with_span(mut lit: proc_macro2::Literal, span: Span) -> proc_macro2::Literal {
    lit.set_span(span);
    lit
}

/// The names in scope, innermost definition last.
#[derive(Clone, Default)]
pub(crate) struct Env {
    values: BTreeMap<String, Value>,
    uses: BTreeMap<String, Path>,
    generics: Vec<String>,
}

impl Env {
    pub(crate) fn set(&mut self, name: &Ident, value: Value) {
        self.values.insert(name.to_string(), value);
    }

    /// A closure's parameter hides what had its name.
    pub(crate) fn shadow(&mut self, name: &Ident) {
        self.values.remove(&name.to_string());
    }

    pub(crate) fn generic(&mut self, name: &Ident) {
        self.generics.push(name.to_string());
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The const generics of the net around a block.
    pub(crate) fn inherit_generics(&mut self, outer: &Env) {
        self.generics.extend(outer.generics.iter().cloned());
    }

    /// The full path behind a name that `use` brought in.
    pub(crate) fn used(&self, name: &Ident) -> Option<&Path> {
        self.uses.get(&name.to_string())
    }

    /// The names that `use` brought in, for did-you-mean.
    pub(crate) fn used_names(&self) -> impl Iterator<Item = &str> {
        self.uses.keys().map(String::as_str)
    }

    /// `use a::{b, c as d};`
    pub(crate) fn import(&mut self, tree: &UseTree, diags: &mut Diagnostics) {
        self.import_under(&mut Vec::new(), tree, diags);
    }

    fn import_under(&mut self, prefix: &mut Vec<Ident>, tree: &UseTree, diags: &mut Diagnostics) {
        let mut add = |path: &[Ident], name: &Ident| {
            self.uses.insert(name.to_string(), syn::parse_quote!(#(#path)::*));
        };
        match tree {
            UseTree::Path(p) => {
                prefix.push(p.ident.clone());
                self.import_under(prefix, &p.tree, diags);
                prefix.pop();
            }
            UseTree::Name(n) if n.ident == "self" => {
                if let Some(last) = prefix.last().cloned() {
                    add(prefix, &last);
                }
            }
            UseTree::Name(n) => {
                prefix.push(n.ident.clone());
                add(prefix, &n.ident);
                prefix.pop();
            }
            UseTree::Rename(r) => {
                prefix.push(r.ident.clone());
                add(prefix, &r.rename);
                prefix.pop();
            }
            UseTree::Glob(g) => {
                diags
                    .error(Blame::of(g), "`use ..::*` hides which names it brings in")
                    .help("name each one, so that a typo in a layer's name can be told: `use crate::layers::{A, B};`");
            }
            UseTree::Group(g) => {
                for tree in &g.items {
                    self.import_under(prefix, tree, diags);
                }
            }
        }
    }

    /// `const CH: usize = 128;`
    pub(crate) fn declare(&mut self, c: &ast::Const, diags: &mut Diagnostics) {
        if self.values.contains_key(&c.name.to_string()) {
            diags.error(Blame::of(&c.name), format!("`{}` is declared twice", c.name)).help("rename one of the two");
        }
        let value = self.eval(&c.value, diags).unwrap_or_else(|()| Value::Rust(c.value.clone()));
        self.set(&c.name, value);
    }

    /// The value of an expression; `Err` is reported already.
    pub(crate) fn eval(&self, expr: &Expr, diags: &mut Diagnostics) -> Result<Value, ()> {
        if ast::is_missing(expr) {
            return Err(());
        }
        Ok(match expr {
            Expr::Paren(p) => self.eval(&p.expr, diags)?,
            Expr::Group(g) => self.eval(&g.expr, diags)?,
            Expr::Lit(l) => match &l.lit {
                Lit::Int(n) if matches!(n.suffix(), "" | "usize" | "i64" | "u32" | "i32" | "u64") => match n.base10_parse::<i64>() {
                    Ok(n) => Value::Int(n),
                    Err(_) => {
                        diags.error(Blame::of(n), format!("`{n}` is too large for a size"));
                        return Err(());
                    }
                },
                Lit::Bool(b) => Value::Bool(b.value),
                _ => Value::Rust(expr.clone()),
            },
            Expr::Path(p) if p.qself.is_none() => match p.path.get_ident().and_then(|id| self.values.get(&id.to_string())) {
                Some(v) => v.clone(),
                None => Value::Rust(self.rewrite(expr)),
            },
            Expr::Unary(u) => match (&u.op, self.eval(&u.expr, diags)?) {
                (UnOp::Neg(_), Value::Int(n)) => Value::Int(-n),
                (UnOp::Not(_), Value::Bool(b)) => Value::Bool(!b),
                _ => Value::Rust(self.rewrite(expr)),
            },
            Expr::Binary(b) => {
                let (l, r) = (self.eval(&b.left, diags), self.eval(&b.right, diags));
                match (l?, r?) {
                    (Value::Int(l), Value::Int(r)) => match arithmetic(l, &b.op, r) {
                        Ok(Some(v)) => v,
                        Ok(None) => Value::Rust(self.rewrite(expr)),
                        Err(why) => {
                            diags.error(Blame::of(expr), format!("`{}` {why}", show_expr(expr)));
                            return Err(());
                        }
                    },
                    (Value::Bool(l), Value::Bool(r)) => match &b.op {
                        BinOp::And(_) => Value::Bool(l && r),
                        BinOp::Or(_) => Value::Bool(l || r),
                        BinOp::Eq(_) => Value::Bool(l == r),
                        BinOp::Ne(_) => Value::Bool(l != r),
                        _ => Value::Rust(self.rewrite(expr)),
                    },
                    _ => Value::Rust(self.rewrite(expr)),
                }
            }
            _ => Value::Rust(self.rewrite(expr)),
        })
    }

    /// A whole number that is at least 0, or an expression of rustc's. `what` names it: "`conv1`: `out_channels`".
    pub(crate) fn size(&self, expr: &Expr, what: &str, diags: &mut Diagnostics) -> Result<Size, ()> {
        match self.eval(expr, diags)? {
            Value::Int(n) => match usize::try_from(n) {
                Ok(n) => Ok(Size::Known(n)),
                Err(_) => {
                    diags.error(Blame::of(expr), format!("{what} is a size, but gets {n}")).help("a size is 0 or more");
                    Err(())
                }
            },
            Value::Bool(b) => {
                diags.error(Blame::of(expr), format!("{what} is a size, but gets `{b}`"));
                Err(())
            }
            Value::Rust(e) => self.opaque_size(expr, e, what, diags),
        }
    }

    /// A size that rustc evaluates: a path from outside, a const generic, or arithmetic on them.
    fn opaque_size(&self, written: &Expr, e: Expr, what: &str, diags: &mut Diagnostics) -> Result<Size, ()> {
        if let Expr::Lit(l) = &e {
            let text = l.lit.to_token_stream().to_string();
            let d = diags.error(Blame::of(written), format!("{what} is a size, but gets `{text}`"));
            if let Lit::Float(f) = &l.lit {
                d.help(format!("write `{}`", f.base10_digits().split('.').next().unwrap_or("1")));
            }
            return Err(());
        }
        if let Some(unknown) = self.unknown_name(&e) {
            let known: Vec<&str> = self.values.keys().map(String::as_str).chain(self.generics.iter().map(String::as_str)).collect();
            let d = diags.error(Blame::of(written), format!("unknown name `{unknown}`"));
            match closest(&unknown, known.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => {
                    d.help(format!("declare `const {unknown}: usize = ..;` here, or name a Rust const by its path: `crate::{unknown}`"))
                }
            };
            return Err(());
        }
        Ok(Size::Expr(e.into_token_stream()))
    }

    /// A bare name that nothing here declares.
    fn unknown_name(&self, e: &Expr) -> Option<String> {
        match e {
            Expr::Path(p) => {
                let id = p.path.get_ident()?.to_string();
                (!self.generics.contains(&id) && !self.values.contains_key(&id)).then_some(id)
            }
            Expr::Paren(p) => self.unknown_name(&p.expr),
            Expr::Binary(b) => self.unknown_name(&b.left).or_else(|| self.unknown_name(&b.right)),
            _ => None,
        }
    }

    /// The same expression with consts and parameters replaced by their values and `use`d names by their full paths, so
    /// that it stands on its own in the expansion.
    pub(crate) fn rewrite(&self, expr: &Expr) -> Expr {
        let mut out = expr.clone();
        Rewrite(self).visit_expr_mut(&mut out);
        out
    }

    /// The full path of a layer or function that `use` brought in.
    pub(crate) fn full_path(&self, path: &Path) -> TokenStream {
        let mut path = path.clone();
        Rewrite(self).visit_path_mut(&mut path);
        path.into_token_stream()
    }
}

/// `Ok(None)`: not an operation on whole numbers; `Err`: why it has no value.
fn arithmetic(l: i64, op: &BinOp, r: i64) -> Result<Option<Value>, &'static str> {
    let overflow = "is too large for a size";
    let int = |n: Option<i64>| n.map(|n| Some(Value::Int(n))).ok_or(overflow);
    match op {
        BinOp::Add(_) => int(l.checked_add(r)),
        BinOp::Sub(_) => int(l.checked_sub(r)),
        BinOp::Mul(_) => int(l.checked_mul(r)),
        BinOp::Div(_) if r == 0 => Err("divides by zero"),
        BinOp::Div(_) => int(l.checked_div(r)),
        BinOp::Rem(_) if r == 0 => Err("divides by zero"),
        BinOp::Rem(_) => int(l.checked_rem(r)),
        BinOp::Eq(_) => Ok(Some(Value::Bool(l == r))),
        BinOp::Ne(_) => Ok(Some(Value::Bool(l != r))),
        BinOp::Lt(_) => Ok(Some(Value::Bool(l < r))),
        BinOp::Le(_) => Ok(Some(Value::Bool(l <= r))),
        BinOp::Gt(_) => Ok(Some(Value::Bool(l > r))),
        BinOp::Ge(_) => Ok(Some(Value::Bool(l >= r))),
        _ => Ok(None),
    }
}

struct Rewrite<'a>(&'a Env);

impl VisitMut for Rewrite<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Path(ExprPath { qself: None, path, .. }) = expr
            && let Some(id) = path.get_ident()
            && let Some(value) = self.0.values.get(&id.to_string())
        {
            *expr = value.clone().into_expr(id.span());
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        if path.leading_colon.is_some() {
            return;
        }
        let Some(full) = path.segments.first().and_then(|s| self.0.uses.get(&s.ident.to_string())) else { return };
        let mut segments = full.segments.clone();
        // The user's own token keeps its place, so that errors and hovers land on it.
        if let (Some(last), Some(first)) = (segments.last_mut(), path.segments.first()) {
            last.ident.set_span(first.ident.span());
            last.arguments = first.arguments.clone();
        }
        segments.extend(path.segments.iter().skip(1).cloned());
        path.segments = segments;
    }
}

/// An expression on one line, as it was written.
pub(crate) fn show_expr(expr: &Expr) -> String {
    let text = expr.to_token_stream().to_string();
    text.replace(" :: ", "::").replace("- ", "-").replace("( ", "(").replace(" )", ")").replace(" ,", ",")
}
