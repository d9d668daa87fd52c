//! `forward`. In: `forward(x, gate) { let h = f(x); (g(h), h) }`; out: its inputs, its `let`s and its result. What a Rust or
//! torch method would have besides (`fn`, `self`, types, `return`, a last `;`) is reported and read.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Pat, PatIdent, Token, token};

use super::cursor::{Rounds, assigned, before, braces, colon, equals, found, here, ident, parentheses, skip, skip_until, word};
use super::{Parsed, Parser, Reported};
use crate::ast::{Flow, Forward, Let};
use crate::diag::Blame;

/// Words that steer a program; a net is wired at compile time.
pub(super) const CONTROL: [&str; 6] = ["if", "match", "for", "while", "loop", "unsafe"];

impl Parser<'_> {
    /// Without a body it still stands there: the net is then not wired top to bottom.
    pub(super) fn forward(&mut self, input: ParseStream) -> Forward {
        let errors = self.diags.errors();
        let start = input.span();
        let mut as_method = false;
        while !word(input, "forward") {
            as_method = true;
            skip(input);
        }
        let span = input.span();
        skip(input);
        let inputs = self.forward_inputs(input, as_method);
        if as_method {
            let names: Vec<String> = inputs.iter().flatten().map(Ident::to_string).collect();
            let names = if names.is_empty() { "x".to_string() } else { names.join(", ") };
            self.diags
                .error(Blame::range(start, span), "`forward` is part of the language, not a function")
                .help(format!("write `forward({names}) {{ .. }}`"));
        }
        if input.peek(Token![->]) || as_method && input.peek(Token![:]) {
            let arrow = here(input);
            skip_until(input, |i| i.peek(token::Brace));
            if !as_method {
                self.diags
                    .error(Blame::range(arrow, before(input)), "`forward` declares no output: the head of the net does")
                    .help("leave out the `->`");
            }
        }
        let Ok((brace, content)) = braces(input) else {
            if inputs.is_ok() {
                let error = self.diags.error(here(input), format!("`forward` needs a body in braces, but gets {}", found(input)));
                error.help("write `forward(x) { .. }`");
            }
            skip_until(input, |i| i.peek(token::Brace));
            skip(input);
            return Forward { inputs: inputs.unwrap_or_default(), lets: Vec::new(), result: Flow::Error(span), broken: true, span };
        };
        let (lets, result) = self.forward_body(&content, brace.span.close());
        let broken = self.diags.errors() > errors;
        Forward { inputs: inputs.unwrap_or_default(), lets, result, broken, span }
    }

    /// `(x, gate)`; where `fn` was written, `&self` and types belong to the same mistake.
    fn forward_inputs(&mut self, input: ParseStream, as_method: bool) -> Parsed<Vec<Ident>> {
        let Ok((paren, content)) = parentheses(input) else {
            self.diags.error(before(input), "`forward` needs the names of its inputs").help("write `forward(x) { .. }`");
            return Err(Reported);
        };
        let mut inputs = Vec::new();
        let mut receiver = false;
        let mut rounds = Rounds::default();
        while rounds.more(&content) {
            let start = here(&content);
            let decorated = content.peek(Token![&]) || content.peek(Token![mut]);
            while content.peek(Token![&]) || content.peek(Token![mut]) || content.peek(syn::Lifetime) {
                skip(&content);
            }
            if word(&content, "self") {
                skip(&content);
                receiver = true;
                if !as_method {
                    self.diags
                        .error(Blame::range(start, before(&content)), "`forward` takes no `self`")
                        .help("leave it out; layers are called by their names");
                }
            } else {
                if decorated && !as_method {
                    self.diags.error(start, "the inputs of `forward` are plain names").help("write `forward(x) { .. }`");
                }
                if let Ok(name) = self.name(&content, "an input", "forward(x) { .. }") {
                    inputs.push(name);
                }
            }
            if colon(&content) {
                let start = here(&content);
                skip_until(&content, |c| c.peek(Token![,]));
                if !as_method {
                    let blame = Blame::range(start, before(&content));
                    self.diags
                        .error(blame, "the inputs of `forward` are plain names")
                        .help("leave out the type: the head of the net has the shape");
                }
            } else if !content.is_empty() && !content.peek(Token![,]) {
                if content.peek(syn::Ident) {
                    self.diags
                        .error(before(&content), format!("missing `,` before {}", found(&content)))
                        .help("write `forward(x, y) { .. }`");
                    continue;
                }
                self.diags.error(here(&content), format!("expected `,` or `)`, but got {}", found(&content)));
                skip_until(&content, |c| c.peek(Token![,]));
            }
            skip(&content);
        }
        let told = receiver && !as_method;
        if inputs.is_empty() && !told {
            self.diags.error(paren.span.join(), "`forward` needs the names of its inputs").help("write `forward(x) { .. }`");
        }
        Ok(inputs)
    }

    fn forward_body(&mut self, content: ParseStream, close: Span) -> (Vec<Let>, Flow) {
        let mut lets = Vec::new();
        let mut result = None;
        let mut rounds = Rounds::default();
        while rounds.more(content) {
            let attrs = self.attributes(content);
            self.only_docs(&attrs, "a line of `forward`");
            if content.is_empty() {
                break;
            }
            result = self.statement(content, &mut lets);
        }
        let result = result.unwrap_or_else(|| {
            let last = lets.iter().rev().find_map(|l| if let Pat::Ident(p) = &l.pat { Some(p.ident.to_string()) } else { None });
            let help = last.map_or("end with a value: `fc1(x)`".to_string(), |name| format!("end with `{name}`"));
            self.diags.error(close, "`forward` returns nothing").help(help);
            Flow::Error(close)
        });
        (lets, result)
    }

    /// A `let` joins the others; anything else is a result, if nothing follows it.
    fn statement(&mut self, content: ParseStream, lets: &mut Vec<Let>) -> Option<Flow> {
        if content.peek(Token![let]) || assigned(content) {
            if let Ok(binding) = self.binding(content) {
                lets.push(binding);
            }
            return None;
        }
        let returned = content.peek(Token![return]);
        if returned {
            self.diags.error(here(content), "`forward` needs no `return`").help("the last line, without `;`, is the result");
            skip(content);
        }
        let start = here(content);
        let control = CONTROL.iter().any(|w| word(content, w));
        let value = self.flow(content);
        let end = before(content);
        if content.is_empty() {
            return Some(value);
        }
        if content.peek(Token![;]) {
            let semicolon = here(content);
            skip(content);
            if content.is_empty() {
                if !returned && !control && !matches!(value, Flow::Error(_)) {
                    self.diags.error(semicolon, "the last line of `forward` is its result").help("leave out the `;`");
                }
                return Some(value);
            }
            if !returned && !control && !matches!(value, Flow::Error(_)) {
                self.diags.error(Blame::range(start, end), "this value is not used").help("write `let y = ..;`");
            }
        } else if !control && !matches!(value, Flow::Error(_)) {
            let error = self.diags.error(here(content), format!("`forward` goes on after its result with {}", found(content)));
            error.help("bind the value before: `let y = ..;`");
        }
        if matches!(value, Flow::Error(_)) && !control {
            skip_until(content, |c| c.peek(Token![;]) || c.peek(Token![let]) || c.peek(Token![return]));
            if content.peek(Token![;]) {
                skip(content);
            }
            if content.is_empty() {
                return Some(value);
            }
        }
        lets.push(Let { pat: wild(start.start), value });
        None
    }

    /// `let y = f(x);`
    fn binding(&mut self, content: ParseStream) -> Parsed<Let> {
        let start = here(content);
        let written = content.peek(Token![let]);
        if written {
            skip(content);
        } else {
            let name = ident(content).map_or("y".to_string(), |id| id.to_string());
            self.diags.error(start, format!("missing `let` before `{name}`")).help(format!("write `let {name} = ..;`"));
        }
        let skip_line = |c: ParseStream| {
            skip_until(c, |c| c.peek(Token![;]) || c.peek(Token![let]) || c.peek(Token![return]));
            if c.peek(Token![;]) {
                skip(c);
            }
        };
        if content.is_empty() || equals(content) {
            self.diags.error(here(content), format!("`let` needs a name, but gets {}", found(content))).help("write `let y = ..;`");
            skip_line(content);
            return Err(Reported);
        }
        let Ok(pat) = self.rust(content, Pat::parse_single) else {
            skip_line(content);
            return Err(Reported);
        };
        let pat = self.pattern(pat);
        if colon(content) {
            let start = here(content);
            skip_until(content, |c| equals(c) || c.peek(Token![;]));
            self.diags
                .error(Blame::range(start, before(content)), "a value has no written type here")
                .help("leave it out: shapes are inferred");
        }
        if equals(content) {
            skip(content);
        } else {
            self.diags.error(here(content), format!("`let` needs a value, but gets {}", found(content))).help("write `let y = ..;`");
            skip_line(content);
            return Ok(Let { pat, value: Flow::Error(start.start) });
        }
        let value = self.flow(content);
        if content.peek(Token![;]) {
            skip(content);
        } else if matches!(value, Flow::Error(_)) {
            skip_line(content);
        } else if content.is_empty() || content.peek(Token![let]) || content.peek(syn::Ident::peek_any) || content.peek(token::Paren) {
            self.diags.error(before(content), "missing `;` after this `let`").help("each `let` ends with `;`");
        } else {
            self.diags.error(here(content), format!("expected `;` after this `let`, but got {}", found(content)));
            skip_line(content);
        }
        Ok(Let { pat, value })
    }

    /// A name, `_`, or a tuple of them.
    fn pattern(&mut self, pat: Pat) -> Pat {
        match pat {
            Pat::Wild(_) => pat,
            Pat::Ident(PatIdent { attrs, by_ref: None, mutability: None, ident, subpat: None }) => {
                Pat::Ident(PatIdent { attrs, by_ref: None, mutability: None, ident, subpat: None })
            }
            Pat::Ident(PatIdent { mutability, by_ref, ident, .. }) => {
                let (blame, message) = match (mutability, by_ref) {
                    (Some(mutability), _) => (Blame::of(mutability), "a value never changes: it needs no `mut`"),
                    (None, Some(by_ref)) => (Blame::of(by_ref), "a value is bound as it is: it needs no `ref`"),
                    (None, None) => (Blame::of(&ident), "`let` takes a plain name"),
                };
                self.diags.error(blame, message).help(format!("write `let {ident} = ..;`"));
                Pat::Ident(PatIdent { attrs: Vec::new(), by_ref: None, mutability: None, ident, subpat: None })
            }
            Pat::Paren(inner) => self.pattern(*inner.pat),
            Pat::Tuple(mut tuple) => {
                let elems = std::mem::take(&mut tuple.elems);
                tuple.elems = elems.into_iter().map(|p| self.pattern(p)).collect();
                Pat::Tuple(tuple)
            }
            other => {
                self.diags.error(&other, "`let` takes a name or a tuple of names").help("write `let y = ..;` or `let (a, b) = ..;`");
                wild(Blame::of(&other).start)
            }
        }
    }
}

fn wild(span: Span) -> Pat {
    syn::parse_quote_spanned!(span=> _)
}
