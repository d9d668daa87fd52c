//! Items: `use`, `const`, `block`, `net`. In: the whole macro; out: its items.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Token, Type, Visibility, parse_quote_spanned, token};

use super::attrs::skip_all;
use super::cursor::{
    ITEM_KEYWORDS, Rounds, assigned, before, colon, equals, found, here, ident, named, parentheses, skip, skip_entry, skip_until,
    starts_piece, take_ident, word,
};
use super::{Parsed, Parser, Reported};
use crate::ast::{Block, Const, Item, Net};
use crate::diag::Blame;
use crate::suggest::closest;

impl Parser<'_> {
    pub(super) fn file(&mut self, input: ParseStream) -> Vec<Item> {
        let mut items = Vec::new();
        let mut rounds = Rounds::default();
        while rounds.more(input) {
            if let Ok(item) = self.item(input) {
                items.extend(item);
            }
        }
        items
    }

    /// One item, or nothing where it is unreadable: reported, and skipped up to the next.
    pub(super) fn item(&mut self, input: ParseStream) -> Parsed<Option<Item>> {
        let attrs = self.attributes(input);
        if input.is_empty() {
            self.no_attributes(&attrs);
            return Err(Reported);
        }
        let written_vis = input.peek(Token![pub]);
        let vis = if written_vis { self.rust(input, |i| i.parse::<Visibility>()) } else { Ok(Visibility::Inherited) };
        let vis = vis.inspect_err(|Reported| {
            skip(input);
        })?;
        if input.peek(Token![use]) || input.peek(Token![const]) {
            let keyword = if input.peek(Token![use]) { "`use` inside the macro" } else { "a const inside the macro" };
            self.only_docs(&attrs, keyword);
            if written_vis {
                self.diags.error(&vis, format!("{keyword} takes no `{}`", vis.to_token_stream())).help("leave it out");
            }
            return if input.peek(Token![use]) {
                self.use_item(input).map(Some)
            } else {
                self.constant(input).map(|c| Some(Item::Const(c)))
            };
        }
        let kind = self.keyword(input)?;
        let before = self.diags.errors();
        match kind {
            Kind::Net => {
                let (name, generics) = self.head_name(input, "net", "Csnn");
                let generics = generics?;
                let inputs = self.inputs(input, name.as_ref());
                let outputs = self.outputs(input);
                let told = self.diags.errors() > before;
                let body = self.body(input, name.as_ref(), told)?;
                Ok(name.map(|name| Item::Net(Net { attrs, vis, name, generics, inputs, outputs, broken: told, body })))
            }
            Kind::Block => {
                let (name, generics) = self.head_name(input, "block", "Basic");
                let generics = generics?;
                if let Some(generics) = generics.lt_token.is_some().then_some(&generics) {
                    self.diags.error(generics, "a block takes its parameters in parentheses").help("write `block Basic(c, stride = 1)`");
                }
                let params = self.params(input, name.as_ref());
                self.no_outputs(input);
                let told = self.diags.errors() > before;
                let body = self.body(input, name.as_ref(), told)?;
                Ok(name.map(|name| Item::Block(Block { attrs, vis, name, params, body })))
            }
        }
    }

    /// `net` or `block`, or what was written instead.
    fn keyword(&mut self, input: ParseStream) -> Parsed<Kind> {
        let Some(first) = ident(input) else {
            let error = self.diags.error(here(input), format!("expected `net` or `block`, but got {}", found(input)));
            if input.peek(Token![;]) || input.peek(Token![,]) {
                error.help("nothing is written after the `}` of an item: leave it out");
                skip(input);
            } else {
                error.help("a net starts `net Net(x: [784]) -> [10] { .. }`");
                skip_item(input);
            }
            return Err(Reported);
        };
        let kind = match first.to_string().as_str() {
            "net" => Some(Kind::Net),
            "block" => Some(Kind::Block),
            _ => None,
        };
        if let Some(kind) = kind
            && !assigned(input)
            && !named(input)
        {
            skip(input);
            return Ok(kind);
        }
        self.foreign_item(input, &first)
    }

    /// No keyword of ours. `model Csnn(..) { .. }` and `Csnn(..) { .. }` are read all the same.
    fn foreign_item(&mut self, input: ParseStream, first: &Ident) -> Parsed<Kind> {
        let word = first.to_string();
        let opens = |i: ParseStream| i.peek(token::Paren) || i.peek(token::Brace) || i.peek(Token![<]);
        let after = input.fork();
        skip(&after);
        let kind = Kind::guess(&after);
        if opens(&after) && (word.starts_with(char::is_uppercase) || matches!(kind, Kind::Net)) {
            let text = kind.keyword();
            self.diags.error(first, format!("missing `{text}` before `{word}`")).help(format!("write `{text} {word}(..) {{ .. }}`"));
            return Ok(kind);
        }
        let name = take_ident(&after);
        if let Some(name) = name.filter(|_| opens(&after)) {
            let kind = match word.as_str() {
                "model" | "network" => Kind::Net,
                _ if closest(&word, ITEM_KEYWORDS) == Some("net") => Kind::Net,
                _ if closest(&word, ITEM_KEYWORDS) == Some("block") => Kind::Block,
                _ => Kind::guess(&after),
            };
            let text = kind.keyword();
            self.diags.error(first, format!("unknown item `{word}`")).help(format!("did you mean `{text} {name}`?"));
            skip(input);
            return Ok(kind);
        }
        if assigned(input) || named(input) || word == "let" {
            let what = if named(input) || word == "let" && !super::body::is_setting(input) { "a layer" } else { "a setting" };
            self.diags.error(first, format!("{what} belongs in the body of a net")).help("move it into `net Net(..) { .. }`");
        } else {
            let error = self.diags.error(first, format!("unknown item `{word}`"));
            match closest(&word, ITEM_KEYWORDS) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("a net starts `net Net(x: [784]) -> [10] { .. }`"),
            };
        }
        skip_item(input);
        Err(Reported)
    }

    fn use_item(&mut self, input: ParseStream) -> Parsed<Item> {
        let start = input.span();
        let fork = input.fork();
        skip(&fork);
        if let Ok(colons) = fork.parse::<Token![::]>() {
            self.diags.error(&colons, "`use` starts at a crate, or at `crate::`, not at `::`").help("leave out the first `::`");
        }
        if fork.is_empty() || fork.peek(Token![;]) {
            self.diags.error(start, "`use` needs a path").help("write `use crate::layers::MyLayer;`");
            skip(input);
            self.optional_semicolon(input);
            return Err(Reported);
        }
        let item = self.rust(input, |i| {
            let _: Token![use] = i.parse()?;
            let _: Option<Token![::]> = i.parse()?;
            i.parse::<syn::UseTree>()
        });
        match item {
            Ok(tree) => {
                self.semicolon(input, Blame::range(start, before(input)), "`use`");
                Ok(Item::Use(tree))
            }
            Err(Reported) => {
                skip(input);
                skip_until(input, |i| i.peek(Token![;]) || starts_item(i));
                self.optional_semicolon(input);
                Err(Reported)
            }
        }
    }

    /// `const CH: usize = 128;`
    pub(super) fn constant(&mut self, input: ParseStream) -> Parsed<Const> {
        let result = self.constant_head(input);
        if result.is_err() {
            skip_until(input, |i| i.peek(Token![;]) || i.peek(Token![,]) || starts_item(i));
            self.optional_semicolon(input);
        }
        result
    }

    fn constant_head(&mut self, input: ParseStream) -> Parsed<Const> {
        let start = input.span();
        skip(input);
        let name = self.name(input, "a const", "const CH: usize = 128;")?;
        let ty: Type = if colon(input) {
            skip(input);
            self.rust(input, |i| i.parse())?
        } else if input.peek(syn::Ident) && input.peek2(Token![=]) {
            self.diags
                .error(&name, format!("missing `:` after `{name}`"))
                .help(format!("write `const {name}: {} = ..;`", found(input).replace('`', "")));
            self.rust(input, |i| i.parse())?
        } else {
            self.diags.error(&name, format!("`{name}` needs a type")).help(format!("write `const {name}: usize = ..;`"));
            parse_quote_spanned!(name.span()=> usize)
        };
        if equals(input) {
            skip(input);
        } else {
            self.diags
                .error(here(input), format!("`{name}` needs a value"))
                .help(format!("write `const {name}: {} = ..;`", ty.to_token_stream()));
            return Err(Reported);
        }
        let value = self.expr(input, &format!("the value of `{name}`"))?;
        self.semicolon(input, Blame::range(start, before(input)), &format!("`const {name}`"));
        Ok(Const { name, ty, value })
    }

    /// The `;` after a setting, a const or a `use`.
    pub(super) fn semicolon(&mut self, input: ParseStream, what: Blame, shown: &str) {
        if input.peek(Token![;]) {
            skip(input);
        } else if input.peek(Token![,]) {
            self.diags
                .error(here(input), format!("{shown} ends with `;`, not `,`"))
                .help("`use`, settings and consts end with `;`, layers with `,`");
            skip(input);
        } else if input.is_empty() || starts_piece(input) {
            self.diags
                .error(what.end, format!("missing `;` after {shown}"))
                .help("`use`, settings and consts end with `;`, layers with `,`");
        } else {
            self.diags.error(here(input), format!("expected `;` after {shown}, but got {}", found(input)));
            skip_entry(input);
        }
    }

    pub(super) fn optional_semicolon(&mut self, input: ParseStream) {
        if input.peek(Token![;]) || input.peek(Token![,]) {
            skip(input);
        }
    }

    /// An identifier of the user's choice; `example` shows where it stands.
    pub(super) fn name(&mut self, input: ParseStream, what: &str, example: &str) -> Parsed<Ident> {
        let Some(name) = ident(input) else {
            self.diags.error(here(input), format!("{what} needs a name, but got {}", found(input))).help(format!("write `{example}`"));
            return Err(Reported);
        };
        skip_name(input);
        if syn::parse2::<Ident>(name.to_token_stream()).is_err() {
            let error = self.diags.error(&name, format!("`{name}` is a word of Rust and cannot name {what}"));
            if name != "_" && what != "an argument" {
                error.help(format!("write `{name}_`"));
            }
            return Err(Reported);
        }
        Ok(name)
    }
}

/// Steps over an identifier or keyword, inside a group without delimiters too.
fn skip_name(input: ParseStream) {
    if take_ident(input).is_none() {
        skip(input);
    }
}

enum Kind {
    Net,
    Block,
}

impl Kind {
    fn keyword(&self) -> &'static str {
        match self {
            Kind::Net => "net",
            Kind::Block => "block",
        }
    }

    /// A net has shapes between its parentheses, or an output.
    fn guess(head: ParseStream) -> Kind {
        let head = head.fork();
        let shapes = parentheses(&head).is_ok_and(|(_, content)| {
            let shape = named(&content) && content.peek3(token::Bracket);
            skip_all(&content);
            shape
        });
        if shapes || head.peek(Token![->]) { Kind::Net } else { Kind::Block }
    }
}

/// Skips what is left of an unknown item: up to its closing brace, or up to the next item.
fn skip_item(input: ParseStream) {
    skip(input);
    skip_until(input, |i| i.peek(token::Brace) || starts_item(i));
    if input.peek(token::Brace) {
        skip(input);
    }
}

/// Does the next item start here?
pub(super) fn starts_item(input: ParseStream) -> bool {
    let keyword = |text| word(input, text) && input.peek2(syn::Ident);
    keyword("net") || keyword("block") || input.peek(Token![use]) || input.peek(Token![const]) || input.peek(Token![pub])
}
