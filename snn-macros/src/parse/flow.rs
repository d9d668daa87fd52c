//! Flows: how values run through layers and functions. In: `sew_add(conv2(conv1(x)), shortcut(x))`; out: calls, names,
//! tuples. What Rust or torch would write besides (`a + b`, `x.f()`, `self.f(x)`, `&x`, `f(x)?`) is reported, and read where
//! its meaning is plain.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Expr, ExprPath, Token, token};

use super::cursor::{Rounds, assigned, before, brackets, found, here, ident, parentheses, skip, skip_until, word};
use super::forward::CONTROL;
use super::{Parser, Reported};
use crate::ast::Flow;
use crate::diag::Blame;

impl Parser<'_> {
    pub(super) fn flow(&mut self, input: ParseStream) -> Flow {
        let mut value = self.operand(input);
        let mut told = false;
        while let Some(operator) = operator(input) {
            let blame = here(input);
            for _ in operator.chars() {
                skip(input);
            }
            let right = self.operand(input);
            let function = match operator {
                "+" => "add",
                "*" => "mul",
                _ => "",
            };
            if !told {
                let error = self.diags.error(blame, format!("`{operator}` does not join values here"));
                match function {
                    "" => error.help("values are joined by functions: `add(a, b)`, `mul(a, b)`, `cat(a, b)`"),
                    function => error.help(format!("write `{function}({}, {})`", show(&value), show(&right))),
                };
                told = true;
            }
            value = if function.is_empty() || matches!(value, Flow::Error(_)) || matches!(right, Flow::Error(_)) {
                Flow::Error(blame.start)
            } else {
                Flow::Call { func: Ident::new(function, blame.start), args: vec![value, right], span: blame }
            };
        }
        value
    }

    /// A value and what is hung on it: `x.clone()`, `f(x)?`, `x[0]`.
    fn operand(&mut self, input: ParseStream) -> Flow {
        let start = here(input);
        let mut value = self.primary(input);
        let mut chain: Option<Blame> = None;
        loop {
            if input.peek(Token![?]) {
                self.diags.error(here(input), "nothing can fail here").help("leave out the `?`");
                skip(input);
            } else if input.peek(Token![.]) && !input.peek(Token![..]) {
                let (result, method) = self.method(input, value, start);
                value = result;
                chain = method.map(|m| chain.map_or(m, |first| Blame::range(first, m))).or(chain);
            } else if input.peek(token::Bracket) {
                self.diags.error(here(input), "a value cannot be indexed").help("name the parts of a tuple: `let (a, b) = ..;`");
                skip(input);
                value = Flow::Error(start.start);
            } else if input.peek(token::Paren) && !matches!(value, Flow::Error(_)) {
                self.diags.error(here(input), format!("`{}` is a value and cannot be called", show(&value)));
                skip(input);
                value = Flow::Error(start.start);
            } else {
                break;
            }
        }
        if let Some(methods) = chain {
            let error = self.diags.error(methods, "a value has no methods; layers and functions take it as an argument");
            if !matches!(value, Flow::Error(_)) {
                error.help(format!("write `{}`", show(&value)));
            }
        }
        value
    }

    fn primary(&mut self, input: ParseStream) -> Flow {
        if input.peek(Token![&]) {
            self.diags.error(here(input), "values are passed as they are").help("leave out the `&`");
            while input.peek(Token![&]) || input.peek(Token![mut]) {
                skip(input);
            }
        }
        if input.peek(Token![self]) {
            let start = here(input);
            skip(input);
            if input.peek(Token![.]) && input.peek2(syn::Ident) {
                skip(input);
                let name = ident(input).map_or("conv1".to_string(), |id| id.to_string());
                self.diags.error(start, "layers are called by their names, without `self`").help(format!("write `{name}(x)`"));
            } else {
                self.diags.error(start, "there is no `self` here").help("layers are called by their names: `conv1(x)`");
                return Flow::Error(start.start);
            }
        }
        if let Some(keyword) = CONTROL.iter().find(|w| word(input, w)) {
            return self.control(input, keyword);
        }
        if input.peek(token::Paren) {
            return self.tuple(input);
        }
        if input.peek(syn::Ident) || input.peek(Token![crate]) || input.peek(Token![super]) {
            return self.name_or_call(input);
        }
        if input.peek(syn::Lit) {
            return match self.rust(input, |i| i.parse()) {
                Ok(literal) => Flow::Expr(Expr::Lit(literal)),
                Err(Reported) => Flow::Error(before(input)),
            };
        }
        let blame = here(input);
        if input.peek(token::Bracket) {
            self.diags
                .error(blame, "a value is not an array")
                .help("write `cat(a, b)` or `stack(a, b)` to join values, `(a, b)` to return two");
            skip(input);
        } else {
            self.diags.error(blame, format!("expected a value, but got {}", found(input))).help("write a name or a call: `conv1(x)`");
        }
        Flow::Error(blame.start)
    }

    /// `x`, `conv1(x)`
    fn name_or_call(&mut self, input: ParseStream) -> Flow {
        let Ok(path) = self.rust(input, |i| i.parse::<ExprPath>()) else { return Flow::Error(before(input)) };
        let Some(func) = path.path.segments.last().map(|s| s.ident.clone()) else { return Flow::Error(before(input)) };
        if path.path.get_ident().is_none() {
            self.diags
                .error(&path, format!("`{func}` is called by its name alone"))
                .help(format!("put `use ..::{func};` at the top of `snn_net!` and write `{func}(..)`"));
        }
        if input.peek(Token![!]) && !input.peek(Token![!=]) {
            self.diags.error(Blame::range(&path, here(input)), format!("`{func}!` is a macro, not a layer or a function"));
            skip(input);
            skip(input);
            return Flow::Error(func.span());
        }
        let Ok((paren, content)) = parentheses(input) else { return Flow::Name(func) };
        let args = self.call_args(&content, &func);
        Flow::Call { span: Blame::range(&path, paren.span.close()), func, args }
    }

    /// Flows first, plain expressions after them.
    fn call_args(&mut self, content: ParseStream, func: &Ident) -> Vec<Flow> {
        // torch joins a list: `cat([a, b])`.
        if content.peek(token::Bracket)
            && let Ok((bracket, inner)) = brackets(content)
        {
            let values = self.flows(&inner, 0);
            let shown: Vec<String> = values.iter().map(show).collect();
            self.diags
                .error(bracket.span.join(), format!("`{func}` takes its values one by one, without brackets"))
                .help(format!("write `{func}({})`", shown.join(", ")));
            skip_until(content, |_| false);
            return values;
        }
        self.flows(content, 1)
    }

    /// Values separated by commas; from the `exprs_from`th on, what is no flow is an expression (0: none is).
    fn flows(&mut self, content: ParseStream, exprs_from: usize) -> Vec<Flow> {
        let mut args = Vec::new();
        let mut rounds = Rounds::default();
        while rounds.more(content) {
            let start = here(content);
            let attrs = self.attributes(content);
            self.only_docs(&attrs, "an argument");
            let expr_allowed = exprs_from > 0 && args.len() >= exprs_from;
            let mut arg = if expr_allowed && assigned(content) {
                self.diags
                    .error(
                        Blame::range(start, content.cursor().token_tree().map_or(start.end, |(_, rest)| rest.span())),
                        "a function's arguments have no names here",
                    )
                    .help("pass them by position");
                skip(content);
                skip(content);
                self.flow_expr(content)
            } else if expr_allowed && !is_flow(content) && !is_mistaken_flow(content) {
                self.flow_expr(content)
            } else {
                self.flow(content)
            };
            if content.is_empty() {
            } else if content.peek(Token![,]) {
                skip(content);
            } else if matches!(arg, Flow::Error(_)) {
                skip_until(content, |c| c.peek(Token![,]));
                skip(content);
            } else if content.peek(syn::Ident) {
                self.diags.error(before(content), format!("missing `,` before {}", found(content))).help("arguments are separated by `,`");
            } else {
                self.diags.error(here(content), format!("expected `,` or `)`, but got {}", found(content)));
                skip_until(content, |c| c.peek(Token![,]));
                skip(content);
                arg = Flow::Error(start.start);
            }
            args.push(arg);
        }
        args
    }

    fn flow_expr(&mut self, content: ParseStream) -> Flow {
        match self.expr(content, "an argument") {
            Ok(expr) => Flow::Expr(expr),
            Err(Reported) => Flow::Error(before(content)),
        }
    }

    /// `(a, b)`; `(a)` is `a`.
    fn tuple(&mut self, input: ParseStream) -> Flow {
        let Ok((paren, content)) = parentheses(input) else { return Flow::Error(before(input)) };
        let span = paren.span.join();
        if content.is_empty() {
            self.diags.error(span, "expected a value, but got `()`").help("write a name or a call: `conv1(x)`");
            return Flow::Error(span);
        }
        let mut comma = false;
        let ahead = content.fork();
        while !ahead.is_empty() {
            comma |= ahead.peek(Token![,]);
            skip(&ahead);
        }
        let mut values = self.flows(&content, 0);
        match values.len() {
            1 if !comma => values.pop().unwrap_or(Flow::Error(span)),
            _ => Flow::Tuple(values, span),
        }
    }

    /// `.f(args)` after a value means `f(value, args)`, and `.clone()` nothing at all. Returns what to blame for a method.
    fn method(&mut self, input: ParseStream, receiver: Flow, start: Blame) -> (Flow, Option<Blame>) {
        let dot = here(input);
        skip(input);
        let name = ident(input);
        skip(input);
        let (Some(name), Ok((paren, content))) = (name, parentheses(input)) else {
            self.diags.error(dot, "a value has no fields").help("name the parts of a tuple: `let (a, b) = ..;`");
            return (Flow::Error(start.start), None);
        };
        let args = self.flows(&content, 0);
        if name == "clone" || name == "shallow_clone" {
            self.diags
                .error(Blame::range(dot, paren.span.close()), "a value may be used any number of times")
                .help(format!("leave out `.{name}()`"));
            return (receiver, None);
        }
        let blame = Blame::range(dot, &name);
        if matches!(receiver, Flow::Error(_)) {
            return (receiver, Some(blame));
        }
        let args = std::iter::once(receiver).chain(args).collect();
        (Flow::Call { func: name, args, span: Blame::range(start, paren.span.close()) }, Some(blame))
    }

    /// `if c { a(x) } else { b(x) }` and its kin, skipped to their last brace.
    fn control(&mut self, input: ParseStream, keyword: &str) -> Flow {
        let start = here(input);
        let help = if keyword == "if" || keyword == "match" {
            "decide where the layer is declared: `shortcut: if CONST { .. } else { .. },`"
        } else {
            "write one line for each call"
        };
        self.diags.error(start, format!("`forward` only wires: no `{keyword}` here")).help(help);
        loop {
            skip_until(input, |i| i.peek(token::Brace) || i.peek(Token![;]));
            if input.peek(token::Brace) {
                skip(input);
            }
            if !input.peek(Token![else]) {
                return Flow::Error(start.start);
            }
        }
    }
}

/// The operator that comes next, as far as newcomers write one between values.
fn operator(input: ParseStream) -> Option<&'static str> {
    if input.peek(Token![->]) || input.peek(Token![=>]) {
        return None;
    }
    let joined = [("&&", input.peek(Token![&&])), ("||", input.peek(Token![||])), ("|>", input.peek(Token![|]) && input.peek2(Token![>]))];
    let simple = [
        ("+", input.peek(Token![+])),
        ("-", input.peek(Token![-])),
        ("*", input.peek(Token![*])),
        ("/", input.peek(Token![/])),
        ("@", input.peek(Token![@])),
        ("&", input.peek(Token![&])),
        ("|", input.peek(Token![|])),
    ];
    joined.into_iter().chain(simple).find(|(_, there)| *there).map(|(text, _)| text)
}

/// Is the argument that comes next a flow by the grammar: a name, a call, a tuple of flows?
fn is_flow(input: ParseStream) -> bool {
    let input = input.fork();
    let flow = if input.peek(token::Paren) {
        parentheses(&input).is_ok_and(|(_, content)| all_flows(&content))
    } else if input.peek(syn::Ident) {
        skip(&input);
        if input.peek(token::Paren) {
            skip(&input);
        }
        true
    } else {
        false
    };
    flow && (input.is_empty() || input.peek(Token![,]))
}

fn all_flows(content: ParseStream) -> bool {
    let mut rounds = Rounds::default();
    while rounds.more(content) {
        if !is_flow(content) {
            skip_until(content, |_| false);
            return false;
        }
        skip_until(content, |c| c.peek(Token![,]));
        skip(content);
    }
    true
}

/// Is it an expression that was meant as a flow: `self.conv1(x)`, `conv1(x) + x`, `&x`, `x.clone()`?
fn is_mistaken_flow(input: ParseStream) -> bool {
    let input = input.fork();
    input.parse::<Expr>().is_ok_and(|expr| mistaken(&expr))
}

fn mistaken(expr: &Expr) -> bool {
    match expr {
        Expr::Group(e) => mistaken(&e.expr),
        Expr::Paren(e) => mistaken(&e.expr),
        Expr::Reference(e) => matches!(&*e.expr, Expr::Path(_)) || mistaken(&e.expr),
        Expr::Try(_) => true,
        Expr::Binary(e) => calls_layer(&e.left) || calls_layer(&e.right) || mistaken(&e.left) || mistaken(&e.right),
        Expr::MethodCall(e) => {
            let receiver = matches!(&*e.receiver, Expr::Path(p) if p.path.is_ident("self"));
            receiver || e.method == "clone" || e.method == "shallow_clone" || calls_layer(&e.receiver) || mistaken(&e.receiver)
        }
        _ => false,
    }
}

/// `conv1(x)`
fn calls_layer(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if matches!(&*call.func, Expr::Path(p) if p.path.get_ident().is_some()))
}

/// A flow as it reads in the source.
fn show(flow: &Flow) -> String {
    let list = |flows: &[Flow]| flows.iter().map(show).collect::<Vec<_>>().join(", ");
    match flow {
        Flow::Name(name) => name.to_string(),
        Flow::Call { func, args, .. } => format!("{func}({})", list(args)),
        Flow::Tuple(values, _) => format!("({})", list(values)),
        Flow::Expr(expr) => quote::ToTokens::to_token_stream(expr).to_string(),
        Flow::Error(_) => "..".to_string(),
    }
}
