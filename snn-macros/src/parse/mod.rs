//! Tokens -> ast. In: what stands between the braces of `snn_net! { .. }`; out: an [`ast::File`] and a message for every
//! mistake. Never fails: what cannot be read is reported on its exact token and skipped up to the next `,` or `;`, so one
//! mistake gives one message and the rest of the net is still read.
//!
//! `items` reads heads of nets and blocks, `body` what stands between their braces, `node` layers, lists and conditions,
//! `args` what stands between a layer's parentheses, `flow` the body of `forward`, `cursor` the steps they all take.

mod args;
mod attrs;
mod body;
mod cursor;
mod entry;
mod flow;
mod forward;
mod head;
mod items;
mod node;
mod shape;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};

use crate::ast;
use crate::diag::Diagnostics;

/// Reads everything; mistakes go to `diags`.
pub(crate) fn parse(tokens: TokenStream, diags: &mut Diagnostics) -> ast::File {
    let tokens = without_empty_groups(tokens);
    if tokens.is_empty() {
        diags.error(Span::call_site(), "`snn_net!` is empty").help("start with `net Net(x: [784]) -> [10] { .. }`");
        return ast::File::default();
    }
    let before = diags.errors();
    let mut items = Vec::new();
    let read = |input: ParseStream| {
        let mut parser = Parser { diags, stray: Vec::new() };
        items = parser.file(input);
        items.append(&mut parser.stray);
        Ok(())
    };
    // Everything is consumed above. Should a token be left over after all, syn names it here: nothing is dropped silently.
    if let Err(left_over) = read.parse2(tokens)
        && diags.errors() == before
    {
        diags.error(left_over.span(), left_over.to_string());
    }
    ast::File { items }
}

/// The mistake is reported; what was being read has no value.
#[derive(Debug)]
struct Reported;

type Parsed<T> = Result<T, Reported>;

struct Parser<'d> {
    diags: &'d mut Diagnostics,
    /// Items found where none belong (a `use` inside a net): reported, but their names count.
    stray: Vec<ast::Item>,
}

/// `macro_rules!` leaves a group without delimiters for each fragment it forwards. syn steps into them, but does not see
/// that an empty one is nothing. Only groups that hold one are rebuilt: the others keep the spans of their brackets.
fn without_empty_groups(tokens: TokenStream) -> TokenStream {
    if !holds_empty_group(&tokens) {
        return tokens;
    }
    let keep = |token: TokenTree| match token {
        TokenTree::Group(group) if holds_empty_group(&group.stream()) || is_empty_group(&group) => {
            let mut copy = Group::new(group.delimiter(), without_empty_groups(group.stream()));
            copy.set_span(group.span());
            (!is_empty_group(&copy)).then_some(TokenTree::Group(copy))
        }
        other => Some(other),
    };
    tokens.into_iter().filter_map(keep).collect()
}

fn is_empty_group(group: &Group) -> bool {
    group.delimiter() == Delimiter::None && group.stream().is_empty()
}

fn holds_empty_group(tokens: &TokenStream) -> bool {
    let empty = |token: TokenTree| matches!(token, TokenTree::Group(g) if is_empty_group(&g) || holds_empty_group(&g.stream()));
    tokens.clone().into_iter().any(empty)
}
