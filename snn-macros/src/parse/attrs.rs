//! Attributes, doc comments and visibilities. In: the position before them; out: what was written, or a message where they
//! do not belong.

use quote::{ToTokens as _, quote_spanned};
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Meta, Token, Visibility, token};

use super::Parser;
use super::cursor::{before, brackets, skip};
use crate::diag::Blame;

impl Parser<'_> {
    /// `#[..]` and `///`, as many as there are.
    pub(super) fn attributes(&mut self, input: ParseStream) -> Vec<Attribute> {
        let mut attrs = Vec::new();
        while input.peek(Token![#]) {
            self.attribute(input, &mut attrs);
        }
        attrs
    }

    fn attribute(&mut self, input: ParseStream, attrs: &mut Vec<Attribute>) {
        let start = input.span();
        skip(input);
        if input.peek(Token![!]) && input.peek2(token::Bracket) {
            skip(input);
            let Ok((bracket, content)) = brackets(input) else { return };
            let doc = content.peek(syn::Ident) && content.to_string().starts_with("doc");
            let blame = Blame::range(start, bracket.span.close());
            let (message, help) = if doc {
                ("`//!` documents what encloses it, but stands before an item", "write `///`")
            } else {
                ("`#![..]` belongs to what encloses it, but stands before an item", "write `#[..]`")
            };
            self.diags.error(blame, message).help(help);
            skip_all(&content);
            return;
        }
        if !input.peek(token::Bracket) {
            self.diags.error(start, "`#` starts an attribute, but no `[..]` follows").help("write `#[record(spikes)]`, or leave it out");
            return;
        }
        let bracket = input.cursor().token_tree().map(|(group, _)| group);
        skip(input);
        match Attribute::parse_outer.parse2(quote_spanned!(start=> # #bracket)) {
            Ok(read) => attrs.extend(read),
            Err(error) => self.syn_error(&error, before(input)),
        }
    }

    /// Doc comments are welcome anywhere, other attributes only where they do something.
    pub(super) fn only_docs(&mut self, attrs: &[Attribute], place: &str) {
        for attr in attrs.iter().filter(|a| !is_doc(a)) {
            self.diags
                .error(attr, format!("{place} takes no attributes"))
                .help("attributes go before a net, a block or a layer; leave this one out");
        }
    }

    /// What follows these attributes cannot carry any, or nothing follows.
    pub(super) fn no_attributes(&mut self, attrs: &[Attribute]) {
        if let (Some(first), Some(last)) = (attrs.first(), attrs.last()) {
            let what = if attrs.iter().all(is_doc) { "comment" } else { "attribute" };
            self.diags.error(Blame::range(first, last), format!("nothing follows this {what}")).help("leave it out");
        }
    }

    /// `pub` where everything is public already.
    pub(super) fn no_visibility(&mut self, input: ParseStream, what: &str) {
        if !input.peek(Token![pub]) {
            return;
        }
        if let Ok(vis) = self.rust(input, |i| i.parse::<Visibility>()) {
            self.diags.error(&vis, format!("{what} takes no `{}`", vis.to_token_stream())).help("leave it out");
        } else {
            skip(input);
        }
    }
}

fn is_doc(attr: &Attribute) -> bool {
    matches!(&attr.meta, Meta::NameValue(m) if m.path.is_ident("doc"))
}

pub(super) fn skip_all(input: ParseStream) {
    while skip(input) {}
}
