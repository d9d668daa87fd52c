//! ast -> graph: names resolved, formulas as operations. In: an item; out: its [`Formulas`], or what is wrong with them, all at once.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Expr, Pat, Stmt};

use super::ast::{Function, Item, Kind, ParamKind};
use super::base::{DETACH_RESET, V_RESET, V_THRESHOLD};
use super::graph::{Graph, Id, Leaf, Op, Test};
use crate::diag::{Blame, Diagnostics};

/// The most of each that the kernels carry: `snn_kernels::MAX_STATES` and its neighbours, which `limits` in its tests compares.
pub(crate) const MAX_STATES: usize = 4;
pub(crate) const MAX_LEARNED: usize = 8;
pub(crate) const MAX_FIRES: usize = 2;

/// A neuron or surrogate as numbers of a graph.
#[derive(Debug)]
pub(crate) struct Formulas {
    pub(crate) graph: Graph,
    /// Conditions on the arguments, in terms of `self`.
    pub(crate) flags: Vec<TokenStream>,
    /// Start values of the learned parameters.
    pub(crate) learned: Vec<Id>,
    /// Names and start values of the states, `v` first.
    pub(crate) states: Vec<(String, Id)>,
    /// States after the step, in that order.
    pub(crate) next: Vec<Id>,
    /// The arguments of `spike(..)`.
    pub(crate) over: Vec<Id>,
    /// What the functions give: the output of `step`; `spike`, `derivative`, `primitive` of a surrogate.
    pub(crate) outputs: Vec<(String, Id)>,
}

/// Resolves an item. `None` after a mistake.
pub(crate) fn lower(item: &Item, diags: &mut Diagnostics) -> Option<Formulas> {
    let before = diags.errors();
    let mut scope = Scope {
        item,
        graph: Graph::default(),
        flags: Vec::new(),
        diags,
        locals: Vec::new(),
        states: Vec::new(),
        assigned: HashSet::new(),
        used: HashSet::new(),
        over: Vec::new(),
        sums: 0,
        stage: Stage::Start,
    };
    scope.declarations();
    let (learned, starts) = scope.starts();
    scope.stage = Stage::Step;
    let mut outputs = Vec::new();
    for function in &item.functions {
        if let Ok(id) = scope.function(function) {
            outputs.push((function.name.to_string(), id));
        }
    }
    scope.leftovers();
    let Scope { graph, flags, over, states, diags, .. } = scope;
    if diags.errors() > before {
        return None;
    }
    let next = states.iter().map(|(_, id)| *id).collect::<Option<_>>()?;
    let states = states.into_iter().map(|(name, _)| name).zip(starts).collect();
    Some(Formulas { graph, flags, learned, states, next, over, outputs })
}

/// What names mean where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Start values: of the arguments only.
    Start,
    /// A step, or a surrogate's function.
    Step,
}

pub(super) struct Scope<'a> {
    pub(super) item: &'a Item,
    pub(super) graph: Graph,
    flags: Vec<TokenStream>,
    pub(super) diags: &'a mut Diagnostics,
    /// `let`s, inner ones last; `None` after a mistake.
    pub(super) locals: Vec<(String, Option<Id>)>,
    /// The states with their values so far.
    states: Vec<(String, Option<Id>)>,
    assigned: HashSet<String>,
    used: HashSet<String>,
    over: Vec<Id>,
    pub(super) sums: usize,
    stage: Stage,
}

impl Scope<'_> {
    /// Names that stand twice, or for something else already.
    fn declarations(&mut self) {
        let item = self.item;
        let mut seen: Vec<&Ident> = Vec::new();
        let params = item.params.iter().map(|p| &p.name);
        for name in params.chain(item.states.iter().map(|s| &s.name)) {
            if ["rest", "hard", "PI", "E"].iter().any(|word| name == word) {
                self.diags.error(name, format!("`{name}` is a word of the language")).help("choose another name");
            } else if seen.contains(&name) {
                self.diags.error(name, format!("`{name}` is declared twice")).help("rename one of the two");
            }
            seen.push(name);
        }
        let mut learned: Vec<&Ident> = Vec::new();
        for l in &item.learned {
            // A buffer may take the name of the argument it starts from.
            if learned.contains(&&l.name) || item.states.iter().any(|s| s.name == l.name) {
                self.diags.error(&l.name, format!("`{}` is declared twice", l.name)).help("rename one of the two");
            }
            learned.push(&l.name);
        }
        for (what, most, found) in
            [("states, `v` included", MAX_STATES, self.state_names().len()), ("learned parameters and buffers", MAX_LEARNED, learned.len())]
        {
            if found > most {
                self.diags.error(&item.name, format!("`{}` has {found} {what}, but at most {most} fit", item.name));
            }
        }
        let missing = match item.kind {
            Kind::Neuron if !item.functions.iter().any(|f| f.name == "step") => Some(("step", "write `step(x) { .. }`")),
            Kind::Surrogate if !item.functions.iter().any(|f| f.name == "derivative" || f.name == "primitive") => {
                Some(("derivative", "write `derivative(x) { .. }`"))
            }
            _ => None,
        };
        if let Some((word, help)) = missing {
            self.diags.error(&item.name, format!("{} `{}` has no `{word}`", item.kind.word(), item.name)).help(help);
        }
    }

    /// `v`, then the others as written.
    fn state_names(&self) -> Vec<String> {
        if self.item.kind == Kind::Surrogate {
            return Vec::new();
        }
        let own = self.item.states.iter().map(|s| s.name.to_string()).filter(|n| n != "v");
        std::iter::once("v".to_string()).chain(own).collect()
    }

    /// Start values: of learned parameters, and of states.
    fn starts(&mut self) -> (Vec<Id>, Vec<Id>) {
        let item = self.item;
        let learned = item.learned.iter().filter_map(|l| self.number(&l.start).ok()).collect();
        let mut starts = Vec::new();
        for (k, name) in self.state_names().into_iter().enumerate() {
            let start = match item.states.iter().find(|s| s.name == name) {
                Some(state) => self.number(&state.start).ok(),
                None => Some(self.rest()),
            };
            starts.extend(start);
            let id = self.graph.leaf(Leaf::State(k));
            self.states.push((name, Some(id)));
        }
        (learned, starts)
    }

    fn function(&mut self, function: &Function) -> Result<Id, ()> {
        self.locals.clear();
        let input = self.graph.leaf(Leaf::Input);
        self.locals.push((function.input.to_string(), Some(input)));
        self.body(&function.body, function.end, &format!("`{}`", function.name))
    }

    /// Statements up to the value at their end.
    pub(super) fn body(&mut self, stmts: &[Stmt], end: Span, what: &str) -> Result<Id, ()> {
        let Some((last, before)) = stmts.split_last() else {
            self.diags.error(end, format!("{what} is empty")).help("end with its value");
            return Err(());
        };
        for stmt in before {
            self.statement(stmt);
        }
        match last {
            Stmt::Expr(e, None) => self.number(e),
            other => {
                self.statement(other);
                self.diags.error(end, format!("{what} ends without a value")).help("end with it, without `;`");
                Err(())
            }
        }
    }

    fn statement(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Local(local) => {
                let (Pat::Ident(pat), Some(init)) = (&local.pat, &local.init) else {
                    self.diags.error(local, "`let` names one value").help("write `let h = ..;`");
                    return;
                };
                let value = self.number(&init.expr).ok();
                let name = pat.ident.to_string();
                if let Some(id) = value {
                    self.graph.set_name(id, name.clone());
                }
                self.locals.push((name, value));
            }
            Stmt::Expr(Expr::Assign(assign), Some(_)) => self.assign(assign),
            other => {
                self.diags.error(other, "expected `let h = ..;` or `v = ..;`").help("only the value at the end stands alone, without `;`");
            }
        }
    }

    fn assign(&mut self, assign: &syn::ExprAssign) {
        let value = self.number(&assign.right).ok();
        let name = match &*assign.left {
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        };
        if let Some(name) = &name
            && let Some(at) = self.states.iter().position(|(n, _)| n == name)
        {
            self.states[at].1 = value;
            self.assigned.insert(name.clone());
            return;
        }
        let d = self.diags.error(&*assign.left, "only a state can be assigned to");
        match name {
            Some(name) => d.help(format!("declare it with `state {name} = ..;`, or write `let {name} = ..;`")),
            None => d.help("write `v = ..;`"),
        };
    }

    /// What was declared for nothing.
    fn leftovers(&mut self) {
        let item = self.item;
        if self.diags.has_errors() {
            return;
        }
        for (name, _) in self.states.clone() {
            if !self.assigned.contains(&name) {
                let blame = item.states.iter().find(|s| s.name == name).map_or(Blame::of(&item.name), |s| Blame::of(&s.name));
                let d = self.diags.error(blame, format!("state `{name}` is never assigned"));
                d.help(if name == "v" {
                    "end the step with `v = reset(h, s);`".to_string()
                } else {
                    format!("write `{name} = ..;` in `step`")
                });
            }
        }
        let in_rules: HashSet<String> = item.params.iter().filter_map(|p| p.rule.as_ref()).flat_map(|r| words(&r.condition)).collect();
        for param in item.params.iter().filter(|p| !p.common) {
            let name = param.name.to_string();
            if !self.used.contains(&name) && !in_rules.contains(&name) {
                self.diags.warning(&param.name, format!("`{name}` is never used"));
            }
        }
    }

    /// Where the potential leaks to and starts: `v_reset`, or 0.
    fn rest(&mut self) -> Id {
        match self.parameter(V_RESET) {
            Some(k) => self.graph.leaf(Leaf::Parameter(k)),
            None => self.graph.literal(0.0),
        }
    }

    fn parameter(&self, name: &str) -> Option<usize> {
        self.item.params.iter().position(|p| p.name == name)
    }

    /// The number behind a name.
    pub(super) fn named(&mut self, name: &Ident) -> Result<Id, ()> {
        let text = name.to_string();
        if let Some((_, value)) = self.locals.iter().rev().chain(&self.states).find(|(n, _)| *n == text) {
            return value.ok_or(());
        }
        self.used.insert(text.clone());
        if let Some(k) = self.item.learned.iter().position(|l| l.name == text) {
            if self.stage == Stage::Step {
                let leaf = self.graph.leaf(Leaf::Learned(k));
                return Ok(if self.item.learned[k].trained { leaf } else { self.graph.push(Op::Detach(leaf)) });
            }
            if self.parameter(&text).is_none() {
                self.diags.error(name, format!("a start value depends on arguments only, but `{text}` is learned"));
                return Err(());
            }
        }
        if let Some(k) = self.parameter(&text) {
            return match self.item.params[k].kind {
                ParamKind::Float | ParamKind::OptFloat | ParamKind::Count => Ok(self.graph.leaf(Leaf::Parameter(k))),
                ParamKind::Bool => {
                    let help = format!("choose with it: `if {text} {{ .. }} else {{ .. }}`");
                    self.diags.error(name, format!("`{text}` is true or false, not a number")).help(help);
                    Err(())
                }
                ParamKind::Other => {
                    self.diags.error(name, format!("`{text}` is not a number")).help(format!("compare it: `if {text} == .. {{ .. }}`"));
                    Err(())
                }
            };
        }
        match text.as_str() {
            "rest" if self.item.base.is_some() => Ok(self.rest()),
            "PI" => Ok(self.graph.literal(std::f64::consts::PI)),
            "E" => Ok(self.graph.literal(std::f64::consts::E)),
            _ => {
                self.unknown(name, "unknown name", &self.names());
                Err(())
            }
        }
    }

    /// All names with a value here.
    fn names(&self) -> Vec<String> {
        let item = self.item;
        let declared = item.params.iter().map(|p| p.name.to_string()).chain(item.learned.iter().map(|l| l.name.to_string()));
        let local = self.locals.iter().chain(&self.states).map(|(n, _)| n.clone());
        local.chain(declared).chain(["rest", "hard", "PI", "E"].map(String::from)).collect()
    }

    pub(super) fn unknown(&mut self, name: &Ident, what: &str, known: &[String]) {
        let text = name.to_string();
        let near = crate::suggest::closest(&text, known.iter().map(String::as_str)).map(String::from);
        let d = self.diags.error(name, format!("{what} `{text}`"));
        if let Some(near) = near {
            d.help(format!("did you mean `{near}`?"));
        }
    }

    /// The condition on the arguments that a word stands for.
    pub(super) fn flag_named(&mut self, name: &Ident) -> Option<Test> {
        if self.locals.iter().any(|(n, _)| name == n) {
            return None;
        }
        let text = name.to_string();
        if text == "hard" && self.item.base.is_some() {
            return self.hard();
        }
        let k = self.parameter(&text).filter(|k| self.item.params[*k].kind == ParamKind::Bool)?;
        let name = self.item.params[k].name.clone();
        self.used.insert(text);
        Some(self.flag(quote!(self.#name)))
    }

    /// Does the hard reset apply? `None`: never.
    pub(super) fn hard(&mut self) -> Option<Test> {
        self.parameter(V_RESET)?;
        let name = Ident::new(V_RESET, Span::call_site());
        Some(self.flag(quote!(self.#name.is_some())))
    }

    pub(super) fn flag(&mut self, condition: TokenStream) -> Test {
        let text = condition.to_string();
        let known = self.flags.iter().position(|f| f.to_string() == text);
        Test::Flag(known.unwrap_or_else(|| {
            self.flags.push(condition);
            self.flags.len() - 1
        }))
    }

    /// An argument of any type, and `self.` before it.
    pub(super) fn argument(&mut self, e: &Expr) -> Option<(usize, TokenStream)> {
        let Expr::Path(path) = e else { return None };
        let name = path.path.get_ident().filter(|n| !self.locals.iter().any(|(l, _)| *n == l))?;
        let k = self.parameter(&name.to_string())?;
        self.used.insert(name.to_string());
        Some((k, quote!(self.#name)))
    }

    /// `spike(h - v_threshold)`
    pub(super) fn spike(&mut self, blame: Blame, argument: Id) -> Result<Id, ()> {
        let item = self.item;
        if item.base.is_none() {
            self.diags.error(blame, "`spike` needs the surrogate function of `base`").help("add `base;` before `step`");
            return Err(());
        }
        if self.graph.needs(argument).spike {
            self.diags.error(blame, "a spike cannot depend on another spike of the same step").help("let it depend on a state");
            return Err(());
        }
        if self.over.len() == MAX_FIRES {
            self.diags.error(blame, format!("a step calls `spike` at most {MAX_FIRES} times"));
            return Err(());
        }
        self.over.push(argument);
        Ok(self.graph.push(Op::Spike(self.over.len() - 1, argument)))
    }

    /// `reset(h, s)`: what `v_reset` and `detach_reset` say; the threshold to subtract may be another one.
    pub(super) fn reset(&mut self, blame: Blame, h: Id, s: Id, threshold: Option<Id>) -> Result<Id, ()> {
        if self.item.base.is_none() {
            self.diags.error(blame, "`reset` needs the arguments of `base`").help("add `base;` before `step`");
            return Err(());
        }
        let threshold = match threshold {
            Some(threshold) => threshold,
            None => self.named(&Ident::new(V_THRESHOLD, Span::call_site()))?,
        };
        let name = Ident::new(DETACH_RESET, Span::call_site());
        let detach = self.flag(quote!(self.#name));
        let constant = self.graph.push(Op::Detach(s));
        let s = self.graph.choose(detach, constant, s);
        let fall = self.graph.mul(s, threshold);
        let soft = self.graph.sub(h, fall);
        let Some(hard) = self.hard() else { return Ok(soft) };
        // Arithmetic as SpikingJelly does it, not a selection: an infinite h gives NaN (0 * inf), and h = -0.0 gives 0.0.
        let (rest, one) = (self.rest(), self.graph.literal(1.0));
        let (jump, stays) = (self.graph.mul(s, rest), self.graph.sub(one, s));
        let kept = self.graph.mul(stays, h);
        let value = self.graph.add(jump, kept);
        Ok(self.graph.choose(hard, value, soft))
    }
}

/// All words of an expression.
fn words(e: &Expr) -> Vec<String> {
    fn collect(tokens: TokenStream, words: &mut Vec<String>) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(word) => words.push(word.to_string()),
                proc_macro2::TokenTree::Group(group) => collect(group.stream(), words),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(quote!(#e), &mut found);
    found
}
