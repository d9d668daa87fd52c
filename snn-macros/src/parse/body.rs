//! What stands between the braces of a net or block. In: `{ T = 4; conv1: Conv2d(..), .. forward(x) { .. } }`; out: its
//! settings, consts, entries and `forward`, in whatever order they were written: the wrong one is reported, not lost.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Token, token};

use super::cursor::{Rounds, assigned, before, braces, equals, found, here, ident, named, skip, skip_until, starts_layer, word};
use super::entry::Place;
use super::items::starts_item;
use super::{Parsed, Parser, Reported};
use crate::ast::{Body, Setting, missing};
use crate::diag::Blame;
use crate::suggest::closest;

/// The names a setting can have.
pub(crate) const SETTINGS: [&str; 8] = ["T", "step_mode", "surrogate", "detach_reset", "v_threshold", "v_reset", "backend", "unroll"];

impl Parser<'_> {
    /// `told`: the head was unreadable already.
    pub(super) fn body(&mut self, input: ParseStream, owner: Option<&Ident>, told: bool) -> Parsed<Body> {
        let Ok((_, content)) = braces(input) else {
            if told {
                skip_until(input, starts_item);
                return Err(Reported);
            }
            let owner = owner.map_or("this item".to_string(), |name| format!("`{name}`"));
            self.diags.error(here(input), format!("{owner} needs a body in braces, but gets {}", found(input))).help("write `{ .. }`");
            skip_until(input, starts_item);
            return Err(Reported);
        };
        let mut body = Body::default();
        let mut rounds = Rounds::default();
        while rounds.more(&content) {
            self.piece(&content, &mut body);
        }
        Ok(body)
    }

    fn piece(&mut self, input: ParseStream, body: &mut Body) {
        let attrs = self.attributes(input);
        if input.is_empty() {
            self.no_attributes(&attrs);
        } else if input.peek(Token![const]) {
            self.only_docs(&attrs, "a const");
            if let Ok(constant) = self.constant(input) {
                self.late(body, &constant.name, "consts");
                body.consts.push(constant);
            }
        } else if is_setting(input) {
            self.only_docs(&attrs, "a setting");
            if let Ok(setting) = self.setting(input) {
                self.late(body, &setting.name, "settings");
                body.settings.push(setting);
            }
        } else if is_forward(input) {
            self.only_docs(&attrs, "`forward`");
            let forward = self.forward(input);
            if body.forward.is_some() {
                self.diags.error(forward.span, "`forward` is written twice").help("keep one of the two");
            } else {
                body.forward = Some(forward);
            }
        } else if is_stray_item(input) {
            self.stray_item(input);
        } else {
            let start = input.span();
            let entry = self.entry(input, attrs, Place::Body);
            if body.forward.is_some() {
                let blame = entry.name.as_ref().map_or(Blame::from(start), Blame::from);
                let shown = entry.shown();
                self.diags.error(blame, format!("{shown} comes after `forward`")).help("`forward` is last: move the layer above it");
            }
            body.entries.push(entry);
        }
    }

    /// Settings and consts come first.
    fn late(&mut self, body: &Body, name: &Ident, what: &str) {
        let Some(first) = body.entries.first() else {
            if body.forward.is_some() {
                self.diags.error(name, format!("`{name}` comes after `forward`")).help(format!("{what} come first: move it above"));
            }
            return;
        };
        let first = first.shown();
        self.diags.error(name, format!("`{name}` comes after the first layer")).help(format!("{what} come first: move it above {first}"));
    }

    /// `step_mode = 'm';`
    pub(super) fn setting(&mut self, input: ParseStream) -> Parsed<Setting> {
        if word(input, "let") {
            self.diags.error(here(input), "a setting is written without `let`").help("leave out `let`");
            skip(input);
        }
        let name = self.name(input, "a setting", "T = 4;").inspect_err(|Reported| {
            skip_until(input, ends_setting);
            skip(input);
        })?;
        let colon = (!equals(input)).then(|| here(input));
        skip(input);
        if colon.is_none() && (input.is_empty() || input.peek(Token![;]) || input.peek(Token![,])) {
            self.diags.error(&name, format!("`{name}` needs a value")).help(format!("write `{};`", example(&name)));
            self.optional_semicolon(input);
            return Ok(Setting { name, value: missing() });
        }
        let Ok(value) = self.expr(input, &format!("the value of `{name}`")) else {
            skip_until(input, ends_setting);
            self.optional_semicolon(input);
            return Ok(Setting { name, value: missing() });
        };
        let shown = format!("{name} = {}", value.to_token_stream());
        if let Some(colon) = colon {
            self.diags.error(colon, "a setting takes `=`, not `:`").help(format!("write `{shown};`"));
        }
        self.semicolon(input, Blame::range(&name, before(input)), &format!("`{shown}`"));
        Ok(Setting { name, value })
    }

    /// A `use`, net or block inside a body: reported, but what it declares counts.
    fn stray_item(&mut self, input: ParseStream) {
        let keyword = ident(input).filter(|id| id != "pub").map_or("this item".to_string(), |id| format!("`{id}`"));
        self.diags.error(here(input), format!("{keyword} belongs before the net, not inside it")).help("move it up");
        if let Ok(Some(item)) = self.item(input) {
            self.stray.push(item);
        }
    }
}

/// A setting as it is usually written.
fn example(name: &Ident) -> String {
    let value = match name.to_string().as_str() {
        "T" => "4",
        "step_mode" => "'m'",
        "surrogate" => "ATan",
        "detach_reset" => "true",
        "v_threshold" => "1.0",
        "v_reset" => "0.0",
        "unroll" => "16",
        _ => "..",
    };
    format!("{name} = {value}")
}

fn ends_setting(input: ParseStream) -> bool {
    input.peek(Token![;]) || input.peek(Token![,]) || named(input)
}

/// `T = 4`, and what is meant so: `T: 4`, `let T = 4`. `conv1 = Conv2d(..)` is a layer.
pub(super) fn is_setting(input: ParseStream) -> bool {
    let input = &input.fork();
    if word(input, "let") {
        skip(input);
        return ident(input).is_some_and(|name| assigned(input) && SETTINGS.contains(&name.to_string().as_str()));
    }
    let Some(name) = ident(input).map(|name| name.to_string()) else { return false };
    let known = SETTINGS.contains(&name.as_str());
    let close = closest(&name, SETTINGS).is_some();
    let (by_equals, by_colon) = (assigned(input), named(input));
    if !by_equals && !by_colon {
        return false;
    }
    skip(input);
    skip(input);
    let node = input.peek(token::Bracket) || starts_layer(input) || input.peek(Token![if]);
    if by_colon {
        let value = input.peek(syn::Lit) || input.peek(syn::Lifetime) || known;
        return (known || close) && value && !node && !input.is_empty() && !input.peek(Token![,]);
    }
    known || close || !(node || layer_without_parentheses(input))
}

/// `Flatten,`
fn layer_without_parentheses(input: ParseStream) -> bool {
    let capital =
        ident(input).is_some_and(|id| id.to_string().chars().any(char::is_lowercase) && id.to_string().starts_with(char::is_uppercase));
    capital
        && matches!(input.cursor().token_tree().and_then(|(_, rest)| rest.token_tree()), Some((TokenTree::Punct(p), _)) if p.as_char() == ',')
}

/// `forward(..)`, also with the `fn` it would have in a Rust or Python class.
fn is_forward(input: ParseStream) -> bool {
    let input = &input.fork();
    while ["pub", "async", "fn", "def"].iter().any(|w| word(input, w)) && !named(input) && !assigned(input) {
        skip(input);
    }
    word(input, "forward") && !named(input) && !assigned(input)
}

fn is_stray_item(input: ParseStream) -> bool {
    let input = &input.fork();
    if input.peek(Token![pub]) {
        skip(input);
    }
    let head = |text| {
        word(input, text) && input.peek2(syn::Ident) && (input.peek3(token::Paren) || input.peek3(Token![<]) || input.peek3(token::Brace))
    };
    input.peek(Token![use]) || head("net") || head("block")
}
