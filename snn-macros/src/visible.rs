//! What a user sees of his tokens. In: the tokens of a macro call; out: the same without invisible groups of nothing.
//!
//! Such a group is what an empty `$vis` of a `macro_rules!` leaves where it stood. No rule of a language has a place for it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Groups in which nothing changes stay as they are, with the spans of their brackets.
pub(crate) fn visible(tokens: TokenStream) -> TokenStream {
    changed(&tokens).unwrap_or(tokens)
}

/// Without the groups of nothing; `None`: there are none, at any depth.
fn changed(tokens: &TokenStream) -> Option<TokenStream> {
    let mut any = false;
    let mut seen = Vec::new();
    for tree in tokens.clone() {
        let TokenTree::Group(group) = &tree else {
            seen.push(tree);
            continue;
        };
        let inside = changed(&group.stream());
        if group.delimiter() == Delimiter::None && inside.as_ref().unwrap_or(&group.stream()).is_empty() {
            any = true;
        } else if let Some(inside) = inside {
            any = true;
            let mut copy = Group::new(group.delimiter(), inside);
            copy.set_span(group.span());
            seen.push(copy.into());
        } else {
            seen.push(tree);
        }
    }
    any.then(|| seen.into_iter().collect())
}
