//! Heads of nets and blocks. In: `Csnn(x: [1, 28, 28]) -> [10]`, `SewBasic(c, stride = 1)`; out: name, inputs, outputs,
//! parameters.

use proc_macro2::{Ident, Span};
use syn::parse::{ParseBuffer, ParseStream};
use syn::{Generics, Token, token};

use super::cursor::{Rounds, assigned, before, colon, equals, found, here, ident, named, parentheses, skip, skip_until};
use super::items::starts_item;
use super::{Parsed, Parser, Reported};
use crate::ast::{Input, Output, Param, Shape, missing};
use crate::diag::Blame;

impl Parser<'_> {
    /// The name after `net` or `block`, and generics.
    pub(super) fn head_name(&mut self, input: ParseStream, keyword: &str, example: &str) -> (Option<Ident>, Parsed<Generics>) {
        let name = match ident(input) {
            Some(_) => self.name(input, &format!("a {keyword}"), &format!("{keyword} {example}(..)")).ok(),
            None => {
                self.diags.error(before(input), format!("this {keyword} needs a name")).help(format!("write `{keyword} {example}(..)`"));
                None
            }
        };
        let generics = if input.peek(Token![<]) { self.rust(input, |i| i.parse()) } else { Ok(Generics::default()) };
        if generics.is_err() {
            skip_until(input, |i| i.peek(token::Brace));
            skip(input);
        }
        (name, generics)
    }

    /// `(x: [T, 700], gate: [64])`
    pub(super) fn inputs(&mut self, input: ParseStream, net: Option<&Ident>) -> Vec<Input> {
        let example = net.map_or("Net".to_string(), Ident::to_string);
        let Some((content, whole)) = self.head_list(input, net, "(x: [1, 28, 28])") else { return Vec::new() };
        let mut inputs = Vec::new();
        if content.is_empty() {
            self.diags.error(whole, format!("`{example}` needs an input")).help(format!("write `{example}(x: [1, 28, 28])`"));
        }
        let mut rounds = Rounds::default();
        while rounds.more(&content) {
            match self.input(&content) {
                Ok(input) => inputs.push(input),
                Err(Reported) => skip_until(&content, |c| c.peek(Token![,])),
            }
            self.comma(&content, "inputs");
        }
        inputs
    }

    fn input(&mut self, content: ParseStream) -> Parsed<Input> {
        let attrs = self.attributes(content);
        self.only_docs(&attrs, "an input");
        if content.peek(token::Bracket) {
            let shape = self.shape(content, "an input")?;
            self.diags.error(shape.span, "an input needs a name").help("write `x: [..]`");
            return Err(Reported);
        }
        let name = self.name(content, "an input", "x: [1, 28, 28]")?;
        if equals(content) {
            self.diags.error(here(content), format!("`{name}` takes `:`, not `=`")).help(format!("write `{name}: [..]`"));
        } else if !colon(content) {
            self.diags.error(&name, format!("`{name}` needs a shape")).help(format!("write `{name}: [1, 28, 28]`"));
            return Ok(Input { shape: unknown(name.span()), name });
        }
        skip(content);
        let shape = self.shape(content, &format!("`{name}`"));
        if shape.is_err() {
            skip_until(content, |c| c.peek(Token![,]));
        }
        Ok(Input { shape: shape.unwrap_or_else(|Reported| unknown(name.span())), name })
    }

    /// `-> [10]`, `-> (logits: [20], trace: [T, 256])`
    pub(super) fn outputs(&mut self, input: ParseStream) -> Option<Vec<Output>> {
        if !input.peek(Token![->]) {
            if input.peek(Token![=>]) || colon(input) {
                self.diags.error(here(input), format!("outputs follow `->`, not {}", found(input))).help("write `-> [10]`");
                if input.peek(Token![=>]) {
                    skip(input);
                }
                skip(input);
            } else if input.peek(token::Bracket) {
                self.diags.error(here(input), "missing `->` before the output").help("write `-> [10]`");
            } else {
                return None;
            }
        } else {
            skip(input);
            skip(input);
        }
        if !input.peek(token::Paren) {
            let shape = self.shape(input, "the output");
            let broken = shape.is_err();
            if broken {
                skip_until(input, |i| i.peek(token::Brace));
            }
            return Some(vec![Output { name: None, shape: shape.unwrap_or_else(|Reported| unknown(before(input))) }]);
        }
        let (paren, content) = parentheses(input).ok()?;
        let mut outputs = Vec::new();
        if content.is_empty() {
            self.diags.error(paren.span.join(), "a net needs an output").help("write `-> [10]`");
        }
        let mut rounds = Rounds::default();
        while rounds.more(&content) {
            let output = self.output(&content);
            if output.is_err() {
                skip_until(&content, |c| c.peek(Token![,]));
            }
            outputs.push(output.unwrap_or_else(|Reported| Output { name: None, shape: unknown(paren.span.join()) }));
            self.comma(&content, "outputs");
        }
        Some(outputs)
    }

    fn output(&mut self, content: ParseStream) -> Parsed<Output> {
        let name = if named(content) || assigned(content) {
            let name = self.name(content, "an output", "logits: [10]")?;
            if !colon(content) {
                self.diags.error(here(content), format!("`{name}` takes `:`, not `=`")).help(format!("write `{name}: [..]`"));
            }
            skip(content);
            Some(name)
        } else {
            None
        };
        let whose = name.as_ref().map_or("an output".to_string(), |n| format!("`{n}`"));
        Ok(Output { shape: self.shape(content, &whose)?, name })
    }

    /// `(c, stride = 1)`
    pub(super) fn params(&mut self, input: ParseStream, block: Option<&Ident>) -> Vec<Param> {
        let Some((content, _)) = self.head_list(input, block, "()") else { return Vec::new() };
        let mut params = Vec::new();
        let mut rounds = Rounds::default();
        while rounds.more(&content) {
            match self.param(&content) {
                Ok(param) => params.push(param),
                Err(Reported) => skip_until(&content, |c| c.peek(Token![,])),
            }
            self.comma(&content, "parameters");
        }
        params
    }

    fn param(&mut self, content: ParseStream) -> Parsed<Param> {
        let attrs = self.attributes(content);
        self.only_docs(&attrs, "a parameter");
        let name = self.name(content, "a parameter", "stride = 1")?;
        let mut ty = None;
        if colon(content) {
            skip(content);
            let read = if content.peek(token::Bracket) {
                self.diags
                    .error(here(content), format!("`{name}` is a size; the shapes a block gets follow from where it stands"))
                    .help("leave out the shape");
                skip(content);
                None
            } else {
                let read = self.rust(content, |c| c.parse()).ok();
                if read.is_none() {
                    skip_until(content, |c| c.peek(Token![,]) || equals(c));
                }
                read
            };
            ty = read;
        }
        let mut default = None;
        if equals(content) {
            skip(content);
            let value = self.expr(content, &format!("the default of `{name}`"));
            if value.is_err() {
                skip_until(content, |c| c.peek(Token![,]));
            }
            default = Some(value.unwrap_or_else(|Reported| missing()));
        }
        Ok(Param { name, ty, default })
    }

    /// A block's output follows from its layers.
    pub(super) fn no_outputs(&mut self, input: ParseStream) {
        if !input.peek(Token![->]) {
            return;
        }
        let arrow = here(input);
        skip_until(input, |i| i.peek(token::Brace));
        self.diags
            .error(Blame::range(arrow, before(input)), "a block declares no output: it follows from its layers")
            .help("leave out the `->`");
    }

    /// What stands between the parentheses of a head.
    fn head_list<'a>(&mut self, input: ParseStream<'a>, name: Option<&Ident>, example: &str) -> Option<(ParseBuffer<'a>, Span)> {
        if let Ok((paren, content)) = parentheses(input) {
            return Some((content, paren.span.join()));
        }
        if let Some(name) = name {
            let what = if example == "()" { "parameters in parentheses" } else { "inputs in parentheses" };
            self.diags.error(before(input), format!("`{name}` needs its {what}")).help(format!("write `{name}{example}`"));
        }
        skip_until(input, |i| i.peek(token::Brace) || i.peek(Token![->]) || starts_item(i));
        None
    }

    /// The comma between inputs, outputs, parameters.
    fn comma(&mut self, content: ParseStream, what: &str) {
        if content.is_empty() {
            return;
        }
        if content.peek(Token![,]) {
            skip(content);
            return;
        }
        if content.peek(Token![;]) {
            self.diags.error(here(content), format!("{what} are separated by `,`, not `;`"));
            skip(content);
        } else if content.peek(syn::Ident) || content.peek(token::Bracket) {
            self.diags
                .error(before(content), format!("missing `,` before {}", found(content)))
                .help(format!("{what} are separated by `,`"));
        } else {
            self.diags
                .error(here(content), format!("expected `,`, but got {}", found(content)))
                .help(format!("{what} are separated by `,`"));
            skip_until(content, |c| c.peek(Token![,]));
            skip(content);
        }
    }
}

/// The shape of what has none, reported already.
fn unknown(span: Span) -> Shape {
    Shape { dims: vec![crate::ast::Dim::Size(missing())], span }
}
