//! Expressions -> graph. In: Rust expressions over the neuron's names; out: the numbers of their operations, or what is no formula.

use proc_macro2::Ident;
use syn::spanned::Spanned as _;
use syn::{BinOp, Expr, ExprCall, ExprIf, Lit, Pat, RangeLimits, UnOp};

use super::ast::ParamKind;
use super::graph::{Binary, Comparison, Id, Leaf, Op, Test, Unary};
use super::lower::Scope;
use crate::diag::Blame;
use crate::env::show_expr;

/// The functions and how many arguments they take.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("exp", 1, 1),
    ("ln", 1, 1),
    ("sigmoid", 1, 1),
    ("tanh", 1, 1),
    ("relu", 1, 1),
    ("abs", 1, 1),
    ("sqrt", 1, 1),
    ("sin", 1, 1),
    ("cos", 1, 1),
    ("atan", 1, 1),
    ("erf", 1, 1),
    ("erfc", 1, 1),
    ("round", 1, 1),
    ("floor", 1, 1),
    ("pow", 2, 2),
    ("min", 2, 2),
    ("max", 2, 2),
    ("clamp", 3, 3),
    ("detach", 1, 1),
    ("spike", 1, 1),
    ("reset", 2, 3),
    ("sum", 2, 2),
];

/// What `if` asks.
enum Condition {
    Test(Test),
    Never,
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

impl Scope<'_> {
    /// The value of an expression.
    pub(super) fn number(&mut self, e: &Expr) -> Result<Id, ()> {
        match e {
            Expr::Lit(literal) => self.literal(literal),
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) => self.named(name),
                None => self.no_formula(e),
            },
            Expr::Paren(inner) => self.number(&inner.expr),
            Expr::Group(inner) => self.number(&inner.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                let a = self.number(&unary.expr)?;
                Ok(self.graph.unary(Unary::Neg, a))
            }
            Expr::Binary(binary) => {
                let f = match binary.op {
                    BinOp::Add(_) => Binary::Add,
                    BinOp::Sub(_) => Binary::Sub,
                    BinOp::Mul(_) => Binary::Mul,
                    BinOp::Div(_) => Binary::Div,
                    BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) | BinOp::Eq(_) | BinOp::Ne(_) => {
                        self.diags.error(e, "a comparison is not a number").help("choose with it: `if a < b { 1.0 } else { 0.0 }`");
                        return Err(());
                    }
                    _ => return self.no_formula(e),
                };
                let (a, b) = (self.number(&binary.left), self.number(&binary.right));
                Ok(self.graph.push(Op::Binary(f, a?, b?)))
            }
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) if call.method == "unwrap_or" && call.args.len() == 1 => {
                let fallback = self.number(&call.args[0])?;
                match self.argument(&call.receiver) {
                    Some((k, _)) if self.item.params[k].kind == ParamKind::OptFloat => Ok(self.graph.push(Op::UnwrapOr(k, fallback))),
                    _ => {
                        self.diags.error(&*call.receiver, "`unwrap_or` is for an argument of type `Option<f64>`");
                        Err(())
                    }
                }
            }
            Expr::MethodCall(call) if FUNCTIONS.iter().any(|(name, ..)| call.method == name) => {
                let help = format!("write `{}({}, ..)`", call.method, show_expr(&call.receiver))
                    .replace(", ..)", if call.args.is_empty() { ")" } else { ", ..)" });
                self.diags.error(&call.method, format!("`{}` is a function here, not a method", call.method)).help(help);
                Err(())
            }
            Expr::If(choice) => self.choice(choice),
            Expr::Block(block) if block.label.is_none() => {
                let known = self.locals.len();
                let value = self.body(&block.block.stmts, block.block.brace_token.span.close(), "this block");
                self.locals.truncate(known);
                value
            }
            _ => self.no_formula(e),
        }
    }

    fn no_formula(&mut self, e: &Expr) -> Result<Id, ()> {
        let text = show_expr(e);
        let what = if text.len() < 40 { format!("`{text}` is not part of a formula") } else { "this is not part of a formula".to_string() };
        self.diags.error(e, what).help("a formula has numbers, names, `+ - * /`, `if .. {} else {}`, and functions such as `exp(x)`");
        Err(())
    }

    fn literal(&mut self, e: &syn::ExprLit) -> Result<Id, ()> {
        match &e.lit {
            Lit::Float(x) => match x.base10_parse() {
                Ok(value) => return Ok(self.graph.literal(value)),
                Err(error) => self.diags.error(x, error.to_string()),
            },
            Lit::Int(n) => self.diags.error(n, format!("a formula takes floats, but gets {n}")).help(format!("write `{n}.0`")),
            other => self.diags.error(other, "a formula takes floats"),
        };
        Err(())
    }

    /// `if decay_input { .. } else { .. }`
    fn choice(&mut self, e: &ExprIf) -> Result<Id, ()> {
        let condition = self.condition(&e.cond);
        let known = self.locals.len();
        let then = self.body(&e.then_branch.stmts, e.then_branch.brace_token.span.close(), "this block");
        self.locals.truncate(known);
        let Some((_, otherwise)) = &e.else_branch else {
            self.diags.error(&e.if_token, "`if` without `else` has no value").help("write `if .. { .. } else { .. }`");
            return Err(());
        };
        let otherwise = self.number(otherwise);
        let (condition, then, otherwise) = (condition?, then?, otherwise?);
        Ok(self.choose(&condition, then, otherwise))
    }

    fn choose(&mut self, condition: &Condition, a: Id, b: Id) -> Id {
        match condition {
            Condition::Test(test) => self.graph.choose(*test, a, b),
            Condition::Never => b,
            Condition::Not(c) => self.choose(c, b, a),
            Condition::And(c, d) => {
                let inner = self.choose(d, a, b);
                self.choose(c, inner, b)
            }
            Condition::Or(c, d) => {
                let inner = self.choose(d, a, b);
                self.choose(c, a, inner)
            }
        }
    }

    fn condition(&mut self, e: &Expr) -> Result<Condition, ()> {
        match e {
            Expr::Paren(inner) => self.condition(&inner.expr),
            Expr::Group(inner) => self.condition(&inner.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => Ok(Condition::Not(Box::new(self.condition(&unary.expr)?))),
            Expr::Binary(binary) => match binary.op {
                BinOp::And(_) | BinOp::Or(_) => {
                    let (a, b) = (self.condition(&binary.left), self.condition(&binary.right));
                    let (a, b) = (Box::new(a?), Box::new(b?));
                    Ok(if matches!(binary.op, BinOp::And(_)) { Condition::And(a, b) } else { Condition::Or(a, b) })
                }
                BinOp::Lt(_) => self.comparison(Comparison::Less, &binary.left, &binary.right),
                BinOp::Le(_) => self.comparison(Comparison::LessEqual, &binary.left, &binary.right),
                BinOp::Gt(_) => self.comparison(Comparison::Greater, &binary.left, &binary.right),
                BinOp::Ge(_) => self.comparison(Comparison::GreaterEqual, &binary.left, &binary.right),
                BinOp::Eq(_) => self.comparison(Comparison::Equal, &binary.left, &binary.right),
                BinOp::Ne(_) => self.comparison(Comparison::NotEqual, &binary.left, &binary.right),
                _ => self.no_condition(e),
            },
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) if name == "hard" && self.item.base.is_some() => Ok(self.hard().map_or(Condition::Never, Condition::Test)),
                Some(name) => match self.flag_named(name) {
                    Some(test) => Ok(Condition::Test(test)),
                    None => self.named(name).and_then(|_| self.no_condition(e)),
                },
                None => self.no_condition(e),
            },
            Expr::MethodCall(call) if (call.method == "is_some" || call.method == "is_none") && call.args.is_empty() => {
                match self.argument(&call.receiver) {
                    Some((k, argument)) if self.item.params[k].kind == ParamKind::OptFloat => {
                        let some = Condition::Test(self.flag(quote::quote!(#argument.is_some())));
                        Ok(if call.method == "is_some" { some } else { Condition::Not(Box::new(some)) })
                    }
                    _ => self.no_condition(e),
                }
            }
            _ => self.no_condition(e),
        }
    }

    fn no_condition(&mut self, e: &Expr) -> Result<Condition, ()> {
        self.diags.error(e, format!("`{}` is not a condition", show_expr(e))).help("compare numbers, or name an argument of type `bool`");
        Err(())
    }

    fn comparison(&mut self, how: Comparison, left: &Expr, right: &Expr) -> Result<Condition, ()> {
        // `activation == Activation::ReLU`: rustc knows the type.
        for (argument, other) in [(left, right), (right, left)] {
            if let Some((k, argument)) = self.argument(argument)
                && self.item.params[k].kind == ParamKind::Other
            {
                let equal = match how {
                    Comparison::Equal => true,
                    Comparison::NotEqual => false,
                    _ => {
                        self.diags.error(Blame::range(left, right), "this argument is compared with `==` or `!=`");
                        return Err(());
                    }
                };
                let test = Condition::Test(self.flag(quote::quote!(#argument == #other)));
                return Ok(if equal { test } else { Condition::Not(Box::new(test)) });
            }
        }
        let (a, b) = (self.number(left), self.number(right));
        Ok(Condition::Test(Test::Compare(how, a?, b?)))
    }

    fn call(&mut self, call: &ExprCall) -> Result<Id, ()> {
        let name = match &*call.func {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        };
        let Some(name) = name else { return self.no_formula(&Expr::Call(call.clone())) };
        let text = name.to_string();
        let Some((_, least, most)) = FUNCTIONS.iter().find(|(f, ..)| *f == text) else {
            self.unknown(name, "unknown function", &FUNCTIONS.iter().map(|(f, ..)| (*f).to_string()).collect::<Vec<_>>());
            return Err(());
        };
        if call.args.len() < *least || call.args.len() > *most {
            let wants = if least == most { least.to_string() } else { format!("{least} or {most}") };
            let plural = if *most == 1 { "" } else { "s" };
            self.diags.error(call, format!("`{text}` takes {wants} argument{plural}, but gets {}", call.args.len()));
            return Err(());
        }
        if text == "sum" {
            return self.sum(name, &call.args[0], &call.args[1]);
        }
        let values: Vec<Result<Id, ()>> = call.args.iter().map(|a| self.number(a)).collect();
        let values: Vec<Id> = values.into_iter().collect::<Result<_, _>>()?;
        self.apply(name, &text, Blame::of(call), &values)
    }

    fn apply(&mut self, name: &Ident, text: &str, blame: Blame, values: &[Id]) -> Result<Id, ()> {
        let a = values[0];
        let unary = match text {
            "exp" => Unary::Exp,
            "ln" => Unary::Ln,
            "sigmoid" => Unary::Sigmoid,
            "tanh" => Unary::Tanh,
            "abs" => Unary::Abs,
            "sqrt" => Unary::Sqrt,
            "sin" => Unary::Sin,
            "cos" => Unary::Cos,
            "atan" => Unary::Atan,
            "erf" => Unary::Erf,
            "erfc" => Unary::Erfc,
            "round" => Unary::Round,
            "floor" => Unary::Floor,
            "relu" => {
                let zero = self.graph.literal(0.0);
                return Ok(self.graph.choose(Test::Compare(Comparison::LessEqual, a, zero), zero, a));
            }
            "pow" => return Ok(self.graph.push(Op::Binary(Binary::Pow, a, values[1]))),
            "min" => return Ok(self.graph.choose(Test::Compare(Comparison::Less, values[1], a), values[1], a)),
            "max" => return Ok(self.graph.choose(Test::Compare(Comparison::Greater, values[1], a), values[1], a)),
            "clamp" => {
                let (low, high) = (values[1], values[2]);
                let above = self.graph.choose(Test::Compare(Comparison::Greater, a, high), high, a);
                return Ok(self.graph.choose(Test::Compare(Comparison::Less, a, low), low, above));
            }
            "detach" => return Ok(self.graph.push(Op::Detach(a))),
            "spike" => return self.spike(blame, a),
            "reset" => return self.reset(blame, a, values[1], values.get(2).copied()),
            _ => return self.no_formula(&syn::parse_quote!(#name)),
        };
        Ok(self.graph.unary(unary, a))
    }

    /// `sum(1..n, |i| ..)`
    fn sum(&mut self, name: &Ident, range: &Expr, body: &Expr) -> Result<Id, ()> {
        let help = "write `sum(1..n, |i| ..)`";
        let (Expr::Range(range), Expr::Closure(closure)) = (range, body) else {
            self.diags.error(name, "`sum` takes a range and a closure").help(help);
            return Err(());
        };
        let from = match range.start.as_deref() {
            Some(Expr::Lit(syn::ExprLit { lit: Lit::Int(n), .. })) => n.base10_parse::<u32>().ok(),
            _ => None,
        };
        let index = match closure.inputs.first() {
            Some(Pat::Ident(pat)) if closure.inputs.len() == 1 => Some(pat.ident.to_string()),
            _ => None,
        };
        let (Some(from), Some(end), Some(index)) = (from, &range.end, index) else {
            self.diags.error(name, "`sum` runs from a literal to a number of steps, and its closure names one number").help(help);
            return Err(());
        };
        let to = match &**end {
            Expr::Lit(syn::ExprLit { lit: Lit::Int(n), .. }) => n.base10_parse::<u32>().ok().map(|n| self.graph.literal(f64::from(n))),
            other => match self.argument(other) {
                Some((k, _)) if self.item.params[k].kind == ParamKind::Count => Some(self.graph.leaf(Leaf::Parameter(k))),
                _ => None,
            },
        };
        let Some(mut to) = to else {
            self.diags.error(&**end, "the end of a sum is a literal or an argument of type `usize`").help(help);
            return Err(());
        };
        if matches!(range.limits, RangeLimits::Closed(_)) {
            let one = self.graph.literal(1.0);
            to = self.graph.add(to, one);
        }
        let number = self.sums;
        if number == 32 {
            self.diags.error(name, "at most 32 sums fit into one definition");
            return Err(());
        }
        self.sums += 1;
        let leaf = self.graph.leaf(Leaf::Index(number));
        let known = self.locals.len();
        self.locals.push((index, Some(leaf)));
        let value = self.number(&closure.body);
        self.locals.truncate(known);
        let body = value?;
        if self.graph.needs(body).spike {
            self.diags.error(closure.body.span(), "a spike cannot stand in a sum").help("name it before: `let s = spike(..);`");
            return Err(());
        }
        Ok(self.graph.push(Op::Sum { index: number, from, to, body }))
    }
}
