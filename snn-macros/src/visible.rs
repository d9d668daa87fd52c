//! What a user sees of his tokens. In: the tokens of a macro call; out: the same without invisible groups of nothing.
//!
//! Such a group is what an empty `$vis` or `$(..)?` of a `macro_rules!` leaves where it stood. No rule of a language has a place for it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Groups in which nothing changes stay as they are, with the spans of their brackets.
pub(crate) fn visible(tokens: TokenStream) -> TokenStream {
    if holds_nothing(&tokens) { tokens.into_iter().filter(|tree| !is_nothing(tree)).map(inside).collect() } else { tokens }
}

fn inside(tree: TokenTree) -> TokenTree {
    match tree {
        TokenTree::Group(group) if holds_nothing(&group.stream()) => {
            let mut seen = Group::new(group.delimiter(), visible(group.stream()));
            seen.set_span(group.span());
            seen.into()
        }
        tree => tree,
    }
}

/// Is there an invisible group of nothing in it, at any depth?
fn holds_nothing(tokens: &TokenStream) -> bool {
    let inside = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if holds_nothing(&group.stream()));
    tokens.clone().into_iter().any(|tree| is_nothing(&tree) || inside(&tree))
}

fn is_nothing(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::None && visible(group.stream()).is_empty())
}
