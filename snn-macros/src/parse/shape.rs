//! Shapes. In: `[T, 128, 28, 28]`; out: its dimensions. What torch users would write instead (`(1, 28, 28)`, `784`) is
//! reported and read.

use proc_macro2::{Span, TokenTree};
use syn::Token;
use syn::parse::{ParseBuffer, ParseStream};
use syn::token;

use super::cursor::{Rounds, before, brackets, found, here, ident, parentheses, skip, skip_until, word};
use super::{Parsed, Parser, Reported};
use crate::ast::{Dim, Shape, missing};

impl Parser<'_> {
    /// The shape of `whose`: "`x`".
    pub(super) fn shape(&mut self, input: ParseStream, whose: &str) -> Parsed<Shape> {
        if let Ok((bracket, content)) = brackets(input) {
            return Ok(Shape { dims: self.dims(&content, bracket.span.join()), span: bracket.span.join() });
        }
        let help = "write the sizes of one sample: `[1, 28, 28]`";
        if input.peek(token::Paren)
            && let Ok((paren, content)) = parentheses(input)
        {
            self.diags.error(paren.span.join(), format!("{whose} expects a shape in brackets, but gets `(..)`")).help(help);
            return Ok(Shape { dims: self.dims(&content, paren.span.join()), span: paren.span.join() });
        }
        let blame = here(input);
        match input.cursor().token_tree() {
            Some((TokenTree::Literal(size), _)) => {
                skip(input);
                let error = self.diags.error(blame, format!("{whose} expects a shape in brackets, but gets `{size}`"));
                error.help(format!("write `[{size}]`"));
                Ok(Shape { dims: vec![Dim::Size(missing())], span: size.span() })
            }
            _ => {
                self.diags.error(blame, format!("{whose} expects a shape, but gets {}", found(input))).help(help);
                Err(Reported)
            }
        }
    }

    fn dims(&mut self, content: &ParseBuffer, whole: Span) -> Vec<Dim> {
        let mut dims = Vec::new();
        if content.is_empty() {
            self.diags.error(whole, "a shape needs a size").help("write `[1]` for one number per sample");
        }
        let mut rounds = Rounds::default();
        while rounds.more(content) {
            dims.push(self.dim(content));
            if content.is_empty() {
                break;
            }
            if content.peek(Token![;]) {
                self.diags.error(here(content), "sizes are separated by `,`, not `;`").help("write `[64, 28, 28]`");
                skip(content);
            } else if !content.peek(Token![,]) {
                self.diags.error(before(content), format!("missing `,` before {}", found(content))).help("sizes are separated by `,`");
            } else {
                skip(content);
            }
        }
        dims
    }

    fn dim(&mut self, content: ParseStream) -> Dim {
        let alone = content.peek2(Token![,]) || content.cursor().token_tree().is_some_and(|(_, rest)| rest.eof());
        if alone && word(content, "T") {
            let span = content.span();
            skip(content);
            return Dim::Time(span);
        }
        if content.peek(Token![_]) && ident(content).is_some() {
            let span = content.span();
            skip(content);
            return Dim::Infer(span);
        }
        match self.expr(content, "a size") {
            Ok(size) => Dim::Size(size),
            Err(Reported) => {
                skip_until(content, |c| c.peek(Token![,]));
                Dim::Size(missing())
            }
        }
    }
}
