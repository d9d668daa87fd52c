//! Entries: `#[record(spikes)] sn1: IFNode(),`. In: the position before one; out: its name and its node, and the position
//! before the next.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Attribute, Token, token};

use super::Parser;
use super::args::holds_nodes;
use super::body::is_setting;
use super::cursor::{
    Rounds, assigned, before, found, here, ident, named, skip, skip_until, starts_forward, starts_layer, starts_piece, word,
};
use crate::ast::{Entry, Node};
use crate::diag::Blame;

/// Where an entry stands: a list gives `;` a meaning of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    List,
}

/// What is known before the node is read.
struct Label {
    name: Option<Ident>,
    /// A mistake was reported that explains a `;` at the end too: `let conv1 = Conv2d(..);`
    lenient: bool,
}

impl Entry {
    /// How messages call it: "`conv1`", "`Flatten`", "the first layer".
    pub(super) fn shown(&self) -> String {
        match (&self.name, &self.node) {
            (Some(name), _) => format!("`{name}`"),
            (None, Node::Layer(layer)) => layer.path.segments.last().map_or("the layer".to_string(), |s| format!("`{}`", s.ident)),
            (None, Node::List(_) | Node::Repeat(_)) => "the list".to_string(),
            (None, Node::Cond(_)) => "`if`".to_string(),
            (None, Node::Error(_)) => "the layer".to_string(),
        }
    }
}

impl Parser<'_> {
    /// The entries between the braces of `if`.
    pub(super) fn entries(&mut self, content: ParseStream) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut rounds = Rounds::default();
        while rounds.more(content) {
            let attrs = self.attributes(content);
            if content.is_empty() {
                self.no_attributes(&attrs);
            } else if content.peek(Token![const]) || is_setting(content) {
                let what = if content.peek(Token![const]) { "a const" } else { "a setting" };
                self.diags.error(here(content), format!("{what} belongs at the top of the net, not in `if`")).help("move it up");
                skip_until(content, |c| c.peek(Token![;]) || c.peek(Token![,]) || named(c));
                self.optional_semicolon(content);
            } else if starts_forward(content) {
                self.diags.error(here(content), "`forward` belongs at the end of the net, not in `if`").help("move it down");
                let _ = self.forward(content);
            } else {
                entries.push(self.entry(content, attrs, Place::Body));
            }
        }
        entries
    }

    /// One entry with the separator after it.
    pub(super) fn entry(&mut self, input: ParseStream, attrs: Vec<Attribute>, place: Place) -> Entry {
        let start = input.span();
        if self.foreign_statement(input) {
            return Entry { attrs, name: None, node: Node::Error(start) };
        }
        let Label { name, lenient } = self.label(input);
        if place == Place::List && name.is_none() && starts_forward(input) {
            self.diags.error(here(input), "`forward` belongs at the end of the net, not in a list").help("move it down");
            let _ = self.forward(input);
            return Entry { attrs, name: None, node: Node::Error(start) };
        }
        let nothing = input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) || starts_forward(input);
        if nothing || name.is_some() && named(input) {
            match &name {
                Some(name) => self.diags.error(name, format!("`{name}` needs a layer")).help(format!("write `{name}: Linear(_, 10),`")),
                None => self.diags.error(here(input), format!("expected a layer, but got {}", found(input))).help("leave it out"),
            };
            if input.peek(Token![,]) || input.peek(Token![;]) && place == Place::Body {
                skip(input);
            }
            return Entry { attrs, name, node: Node::Error(start) };
        }
        let Ok(node) = self.node(input, name.as_ref()) else {
            skip_until(input, |i| i.peek(Token![,]) || i.peek(Token![;]) || named(i) || starts_forward(i));
            if input.peek(Token![,]) || input.peek(Token![;]) && place == Place::Body {
                skip(input);
            }
            return Entry { attrs, name, node: Node::Error(start) };
        };
        let entry = Entry { attrs, name, node };
        self.separator(input, &entry, place, lenient);
        entry
    }

    /// `conv1:`, or what is meant so: `conv1 =`, `let conv1 =`, `self.conv1 =`, `pub conv1:`, `conv1 Conv2d(..)`.
    fn label(&mut self, input: ParseStream) -> Label {
        let mut lenient = false;
        self.no_visibility(input, "a layer");
        let start = here(input);
        if input.peek(Token![let]) {
            skip(input);
            if input.peek(Token![mut]) {
                skip(input);
            }
            self.diags.error(start, "a layer is declared without `let`").help(declaration(input));
            lenient = true;
        } else if input.peek(Token![self]) && input.peek2(Token![.]) && input.peek3(syn::Ident) {
            skip(input);
            skip(input);
            self.diags.error(start, "a layer is declared without `self`").help(declaration(input));
            lenient = true;
        } else if input.peek(syn::Lit) && input.peek2(Token![:]) {
            self.diags.error(start, format!("a layer's name is a word, but got {}", found(input))).help("leave out the quotes");
            skip(input);
            skip(input);
            return Label { name: None, lenient };
        }
        if named(input) || assigned(input) {
            let by_equals = assigned(input);
            let help = declaration(input);
            let name = self.name(input, "a layer", "conv1: Conv2d(_, 8, 3)").ok();
            if by_equals && !lenient {
                self.diags.error(here(input), "a layer is declared with `:`, not `=`").help(help);
            }
            lenient |= by_equals;
            skip(input);
            if !by_equals && input.peek(Token![=]) {
                self.diags.error(here(input), "a layer is declared with `:`, not `:=`").help("leave out the `=`");
                skip(input);
            }
            return Label { name, lenient };
        }
        if let Some(name) = ident(input)
            && syn::parse_str::<Ident>(&name.to_string()).is_ok()
            && {
                let after = input.fork();
                skip(&after);
                starts_layer(&after) || after.peek(token::Bracket) && holds_nodes(&after)
            }
        {
            self.diags.error(&name, format!("missing `:` after `{name}`")).help(declaration(input));
            skip(input);
            return Label { name: Some(name), lenient };
        }
        Label { name: None, lenient }
    }

    /// What a body has in other languages and not here. Reported and skipped.
    fn foreign_statement(&mut self, input: ParseStream) -> bool {
        let Some(first) = ident(input).filter(|_| !named(input) && !assigned(input)) else { return false };
        let word = first.to_string();
        let (message, help) = match word.as_str() {
            "for" | "while" | "loop" => (format!("`{word}` makes no layers"), "write `[Conv2d(_, 64, 3); 3]` for three copies"),
            "match" => ("`match` chooses no layers".to_string(), "write `if CONST { .. } else { .. }`"),
            "elif" => ("`elif` is `else if` here".to_string(), "write `else if CONST { .. }`"),
            "else" => ("`else` without an `if` before it".to_string(), "write `if CONST { .. } else { .. }`"),
            "fn" | "def" | "impl" => (
                format!("`{word}` belongs outside `snn_net!`"),
                "write it as plain Rust and name it with `use`; the wiring goes in `forward(x) { .. }`",
            ),
            "return" => ("a net's body returns nothing".to_string(), "the last layer is the output, or write `forward(x) { .. }`"),
            _ => return false,
        };
        self.diags.error(&first, message).help(help);
        skip_until(input, |i| i.peek(token::Brace) || i.peek(Token![,]) || i.peek(Token![;]));
        skip(input);
        if input.peek(Token![,]) {
            skip(input);
        }
        true
    }

    /// The `,` after an entry.
    fn separator(&mut self, input: ParseStream, entry: &Entry, place: Place, lenient: bool) {
        self.no_postfix(input);
        if input.peek(Token![,]) {
            skip(input);
        } else if input.peek(Token![;]) {
            if place == Place::List {
                return; // `[a; n]`
            }
            if !lenient {
                self.diags
                    .error(here(input), "a layer ends with `,`, not `;`")
                    .help("`use`, settings and consts end with `;`, layers with `,`");
            }
            skip(input);
        } else if input.is_empty() || matches!(entry.node, Node::Cond(_)) || place == Place::Body && starts_forward(input) {
            // The last one, or one that ends in `}`.
        } else if starts_piece(input) {
            let shown = entry.shown();
            self.diags.error(before(input), format!("missing `,` after {shown}")).help("layers are separated by `,`");
        } else {
            let shown = entry.shown();
            self.diags.error(here(input), format!("expected `,` after {shown}, but got {}", found(input)));
            skip(input);
            skip_until(input, |i| i.peek(Token![,]) || i.peek(Token![;]) || named(i) || starts_forward(i));
            if input.peek(Token![,]) || input.peek(Token![;]) && place == Place::Body {
                skip(input);
            }
        }
    }

    /// `Conv2d(_, 8).relu()?`
    fn no_postfix(&mut self, input: ParseStream) {
        if !input.peek(Token![.]) && !input.peek(Token![?]) {
            return;
        }
        let start = here(input);
        let end = |i: ParseStream| i.is_empty() || i.peek(Token![,]) || i.peek(Token![;]) || starts_piece(i);
        while !end(input) {
            let dot = input.peek(Token![.]);
            skip(input);
            if dot && word_follows(input) {
                skip(input);
                if input.peek(token::Paren) {
                    skip(input);
                }
            }
        }
        self.diags
            .error(Blame::range(start, before(input)), "a layer has no methods")
            .help("write the next layer as an entry of its own: `IFNode(),`");
    }
}

/// "write `conv1: Conv2d(..),`", before `conv1 = Conv2d(_, 8, 3)` and the like.
fn declaration(input: ParseStream) -> String {
    let input = input.fork();
    let name = ident(&input).map_or("conv1".to_string(), |id| id.to_string());
    skip(&input);
    while input.peek(Token![:]) || input.peek(Token![=]) {
        skip(&input);
    }
    let node = if starts_layer(&input) {
        let path = input.parse::<syn::ExprPath>().ok().and_then(|p| p.path.segments.last().map(|s| s.ident.to_string()));
        format!("{}(..)", path.unwrap_or_default())
    } else if input.peek(token::Bracket) {
        "[..]".to_string()
    } else {
        "..".to_string()
    };
    format!("write `{name}: {node},`")
}

fn word_follows(input: ParseStream) -> bool {
    ident(input).is_some() && !word(input, "forward")
}
