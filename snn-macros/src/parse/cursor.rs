//! The steps every part of the parser takes: look ahead, say what is there, skip to where reading can go on. In: the
//! position in the tokens; out: yes or no, a blame, a position further on.

use proc_macro2::{Delimiter, Ident, Span, TokenTree};
use syn::buffer::Cursor;
use syn::ext::IdentExt as _;
use syn::parse::{ParseBuffer, ParseStream, discouraged::Speculative as _};
use syn::{Expr, ExprPath, Lifetime, Token, braced, bracketed, parenthesized, token};

use super::{Parsed, Parser, Reported};
use crate::ast;
use crate::diag::Blame;

/// Words that may start an item.
pub(super) const ITEM_KEYWORDS: [&str; 4] = ["net", "block", "use", "const"];

/// The identifier or keyword that comes next.
pub(super) fn ident(input: ParseStream) -> Option<Ident> {
    input.cursor().ident().map(|(id, _)| id)
}

/// Is this word next?
pub(super) fn word(input: ParseStream, text: &str) -> bool {
    ident(input).is_some_and(|id| id == text)
}

/// Takes the identifier or keyword that comes next.
pub(super) fn take_ident(input: ParseStream) -> Option<Ident> {
    input.call(Ident::parse_any).ok()
}

/// `:` but not `::`.
pub(super) fn colon(input: ParseStream) -> bool {
    input.peek(Token![:]) && !input.peek(Token![::])
}

/// `=` but neither `==` nor `=>`.
pub(super) fn equals(input: ParseStream) -> bool {
    input.peek(Token![=]) && !input.peek(Token![==]) && !input.peek(Token![=>])
}

/// `name:` comes next.
pub(super) fn named(input: ParseStream) -> bool {
    input.peek(syn::Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::])
}

/// `name =` comes next.
pub(super) fn assigned(input: ParseStream) -> bool {
    input.peek(syn::Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) && !input.peek2(Token![=>])
}

/// `Conv2d(`, `neuron::LIFNode(`: a path whose last name starts with a capital, and its parentheses. `Some(..)` is a value.
pub(super) fn starts_layer(input: ParseStream) -> bool {
    if !(input.peek(syn::Ident::peek_any) || input.peek(Token![::])) {
        return false;
    }
    let fork = input.fork();
    let Ok(path) = fork.parse::<ExprPath>() else { return false };
    let capital = |id: &Ident| id != "Some" && id.unraw().to_string().starts_with(char::is_uppercase);
    fork.peek(token::Paren) && path.qself.is_none() && path.path.segments.last().is_some_and(|s| capital(&s.ident))
}

/// Does a piece of a body start here: an attribute, a name, a list?
pub(super) fn starts_piece(input: ParseStream) -> bool {
    input.peek(syn::Ident::peek_any) && !input.peek(Token![as]) || input.peek(token::Bracket) || input.peek(Token![#])
}

/// `name: Layer(` or `forward(..) {`: where reading can surely go on.
fn starts_entry(input: ParseStream) -> bool {
    named(input) || starts_forward(input)
}

/// `forward(..) {`
pub(super) fn starts_forward(input: ParseStream) -> bool {
    word(input, "forward") && input.peek2(token::Paren) && input.peek3(token::Brace)
}

/// The token that comes next (`->` as one); at the end, the token before it.
pub(super) fn here(input: ParseStream) -> Blame {
    let mut blame = Blame::from(if input.is_empty() { before(input) } else { input.cursor().span() });
    let mut rest = input.cursor();
    while let Some((punct, next)) = rest.punct() {
        blame.end = punct.span();
        if punct.spacing() == proc_macro2::Spacing::Alone {
            break;
        }
        rest = next;
    }
    blame
}

/// The token just read.
pub(super) fn before(input: ParseStream) -> Span {
    input.cursor().prev_span()
}

/// What comes next, for "but gets ..".
pub(super) fn found(input: ParseStream) -> String {
    let mut text = String::new();
    let mut rest = input.cursor();
    while let Some((punct, next)) = rest.punct() {
        text.push(punct.as_char());
        if punct.spacing() == proc_macro2::Spacing::Alone {
            return format!("`{text}`");
        }
        rest = next;
    }
    match rest.token_tree() {
        None if text.is_empty() => "nothing".to_string(),
        None => format!("`{text}`"),
        Some((TokenTree::Group(g), _)) => match g.delimiter() {
            Delimiter::Parenthesis => "`(..)`".to_string(),
            Delimiter::Bracket => "`[..]`".to_string(),
            Delimiter::Brace => "`{ .. }`".to_string(),
            Delimiter::None => format!("`{}`", g.stream()),
        },
        Some((token, _)) => format!("`{text}{token}`"),
    }
}

/// Steps over one token or group; `false` at the end.
pub(super) fn skip(input: ParseStream) -> bool {
    input.step(|cursor| cursor.token_tree().map(|(_, rest)| ((), rest)).ok_or_else(|| cursor.error("the end"))).is_ok()
}

/// Skips until something that can be read comes next: the separator itself stays.
pub(super) fn skip_until(input: ParseStream, stop: impl Fn(ParseStream) -> bool) {
    while !input.is_empty() && !stop(input) {
        skip(input);
    }
}

/// Skips what is left of a broken entry, with the `,` or `;` at its end.
pub(super) fn skip_entry(input: ParseStream) {
    skip_until(input, |i| i.peek(Token![,]) || i.peek(Token![;]) || starts_entry(i));
    if input.peek(Token![,]) || input.peek(Token![;]) {
        skip(input);
    }
}

/// Drives a loop over what is left. A round that read nothing (a mistake no one foresaw, reported by then) skips a token, so
/// that every loop ends.
#[derive(Default)]
pub(super) struct Rounds<'a> {
    last: Option<Cursor<'a>>,
}

impl<'a> Rounds<'a> {
    pub(super) fn more(&mut self, input: ParseStream<'a>) -> bool {
        if self.last == Some(input.cursor()) {
            skip(input);
        }
        self.last = Some(input.cursor());
        !input.is_empty()
    }
}

pub(super) fn parentheses<'a>(input: ParseStream<'a>) -> syn::Result<(token::Paren, ParseBuffer<'a>)> {
    let content;
    let delimiter = parenthesized!(content in input);
    Ok((delimiter, content))
}

pub(super) fn brackets<'a>(input: ParseStream<'a>) -> syn::Result<(token::Bracket, ParseBuffer<'a>)> {
    let content;
    let delimiter = bracketed!(content in input);
    Ok((delimiter, content))
}

pub(super) fn braces<'a>(input: ParseStream<'a>) -> syn::Result<(token::Brace, ParseBuffer<'a>)> {
    let content;
    let delimiter = braced!(content in input);
    Ok((delimiter, content))
}

/// An expression handed through the user's own `macro_rules!` (`$mode:literal`) comes in a group that nobody sees.
fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(g) => ungrouped(*g.expr),
        other => other,
    }
}

impl Parser<'_> {
    /// Reads something that is Rust's own, all or nothing: on a mistake the position stays where it was.
    pub(super) fn rust<T>(&mut self, input: ParseStream, read: impl FnOnce(ParseStream) -> syn::Result<T>) -> Parsed<T> {
        let fork = input.fork();
        match read(&fork) {
            Ok(value) => {
                input.advance_to(&fork);
                Ok(value)
            }
            Err(error) => {
                self.syn_error(&error, before(&fork));
                Err(Reported)
            }
        }
    }

    /// What syn says, on the last token read where it speaks of the end.
    pub(super) fn syn_error(&mut self, error: &syn::Error, end: Span) {
        let text = error.to_string();
        match text.strip_prefix("unexpected end of input, ") {
            Some(text) => self.diags.error(end, text),
            None if text == "unexpected token" => self.diags.error(error.span(), "nothing is expected here"),
            None => self.diags.error(error.span(), text.trim_start_matches("unexpected token, ")),
        };
    }

    /// An expression; `what` it is for says the message if there is none: "the number of copies".
    pub(super) fn expr(&mut self, input: ParseStream, what: &str) -> Parsed<Expr> {
        if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) {
            self.diags.error(here(input), format!("expected {what}, but got {}", found(input)));
            return Err(Reported);
        }
        if let Some(quoted) = open_quote(input) {
            self.diags.error(&quoted, "this quote is never closed").help(format!("write `'{}'`", quoted.ident));
            skip(input);
            skip(input);
            return Ok(ast::missing());
        }
        self.rust(input, |i| i.parse::<Expr>()).map(ungrouped)
    }
}

/// `'m` without its second quote is a lifetime to Rust.
fn open_quote(input: ParseStream) -> Option<Lifetime> {
    let (lifetime, rest) = input.cursor().lifetime()?;
    rest.punct().is_none_or(|(p, _)| p.as_char() != ':').then_some(lifetime)
}
