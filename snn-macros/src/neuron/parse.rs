//! Tokens -> ast. In: what stands between the braces of `snn_neuron! { .. }`; out: its items and a message for every mistake. What cannot be
//! read is skipped up to the next `;` or `}`, and the rest is still read.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{Attribute, Block, Expr, GenericArgument, LitStr, PathArguments, Token, Type, Visibility, braced, parenthesized, token};

use super::ast::{Base, Function, Item, Kind, Learned, Param, ParamKind, Rule, State};
use crate::diag::{Blame, Diagnostics};
use crate::suggest::closest;

/// What a member of a neuron can start with.
const MEMBERS: [&str; 5] = ["base", "learn", "buffer", "state", "step"];
const FUNCTIONS: [&str; 3] = ["spike", "derivative", "primitive"];

/// Reads everything; mistakes go to `diags`.
pub(crate) fn parse(tokens: TokenStream, diags: &mut Diagnostics) -> Vec<Item> {
    if tokens.is_empty() {
        diags.error(Span::call_site(), "`snn_neuron!` is empty").help("start with `neuron MyNode { .. }`");
        return Vec::new();
    }
    let mut items = Vec::new();
    let read = |input: ParseStream| {
        while !input.is_empty() {
            match item(input, diags) {
                Ok(item) => items.push(item),
                Err(error) => {
                    report(&error, diags);
                    skip_item(input);
                }
            }
        }
        Ok(())
    };
    if let Err(error) = read.parse2(tokens) {
        report(&error, diags);
    }
    items
}

/// What syn says, in the voice of the language.
fn report(error: &syn::Error, diags: &mut Diagnostics) {
    for e in error.clone() {
        let text = e.to_string();
        let text = text.trim_start_matches("unexpected end of input, ").trim_start_matches("unexpected token, ");
        diags.error(e.span(), if text == "unexpected token" { "nothing is expected here" } else { text });
    }
}

fn skip_item(input: ParseStream) {
    while !input.is_empty() {
        let body = input.peek(token::Brace);
        skip(input);
        if body {
            return;
        }
    }
}

/// One token or group.
fn skip(input: ParseStream) {
    let _ = input.step(|cursor| cursor.token_tree().map(|(_, rest)| ((), rest)).ok_or_else(|| cursor.error("the end")));
}

/// Up to the end of a broken member.
fn skip_member(input: ParseStream) {
    while !input.is_empty() {
        let end = input.peek(Token![;]) || input.peek(token::Brace);
        skip(input);
        if end {
            return;
        }
    }
}

fn item(input: ParseStream, diags: &mut Diagnostics) -> syn::Result<Item> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis: Visibility = input.parse()?;
    let word: Ident = input.call(Ident::parse_any)?;
    let kind = match word.to_string().as_str() {
        "neuron" => Kind::Neuron,
        "surrogate" => Kind::Surrogate,
        text => {
            let d = diags.error(&word, format!("expected `neuron` or `surrogate`, but got `{text}`"));
            match closest(text, ["neuron", "surrogate"]) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help("a neuron starts `neuron MyNode { .. }`"),
            };
            if !input.peek(syn::Ident) {
                skip_item(input);
                return item_after(input, diags);
            }
            Kind::Neuron
        }
    };
    let name: Ident = input.parse()?;
    let body;
    braced!(body in input);
    let mut item = Item { attrs, vis, kind, name, params: vec![], base: None, learned: vec![], states: vec![], functions: vec![] };
    while !body.is_empty() {
        if let Err(error) = member(&body, &mut item, diags) {
            report(&error, diags);
            skip_member(&body);
        }
    }
    Ok(item)
}

/// The item behind one that is no item.
fn item_after(input: ParseStream, diags: &mut Diagnostics) -> syn::Result<Item> {
    if input.is_empty() { Err(input.error("expected `neuron MyNode { .. }`")) } else { item(input, diags) }
}

fn member(input: ParseStream, item: &mut Item, diags: &mut Diagnostics) -> syn::Result<()> {
    let attrs = input.call(Attribute::parse_outer)?;
    let fork = input.fork();
    let word: Ident = fork.call(Ident::parse_any)?;
    if fork.peek(Token![:]) {
        item.params.push(param(input, attrs)?);
        return Ok(());
    }
    if let (Some(first), Some(last)) = (attrs.first(), attrs.last())
        && !attrs.iter().all(|a| a.path().is_ident("doc"))
    {
        let blame = Blame::range(first, last);
        diags.error(blame, format!("`{word}` takes no attributes")).help("leave them out");
    }
    let text = word.to_string();
    match (item.kind, text.as_str()) {
        (Kind::Neuron, "base") => {
            input.advance_to(&fork);
            let base = base(input)?;
            if item.base.is_some() {
                diags.error(&word, "`base` is written twice").help("remove one of the two");
            } else {
                item.base = Some(base);
            }
        }
        (Kind::Neuron, "learn" | "buffer") => {
            input.advance_to(&fork);
            item.learned.push(learned(input, text == "learn")?);
        }
        (Kind::Neuron, "state") => {
            input.advance_to(&fork);
            let name = input.parse()?;
            input.parse::<Token![=]>()?;
            let start = input.parse()?;
            input.parse::<Token![;]>()?;
            item.states.push(State { name, start });
        }
        (Kind::Neuron, "step") | (Kind::Surrogate, "spike" | "derivative" | "primitive") => {
            let function = function(input)?;
            if item.functions.iter().any(|f| f.name == function.name) {
                diags.error(&word, format!("`{word}` is written twice")).help("remove one of the two");
            } else {
                item.functions.push(function);
            }
        }
        _ => {
            let known: &[&str] = if item.kind == Kind::Neuron { &MEMBERS } else { &FUNCTIONS };
            let d = diags.error(&word, format!("a {} has no member `{word}`", item.kind.word()));
            match closest(&text, known.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None if fork.peek(Token![=]) => d.help(format!("an argument has a type: `{word}: f64 = ..;`")),
                None => d.help(format!("known are {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))),
            };
            skip_member(input);
        }
    }
    Ok(())
}

/// `tau: f64 = 2.0 where tau > 1.0;`
fn param(input: ParseStream, attrs: Vec<Attribute>) -> syn::Result<Param> {
    let name: Ident = input.parse()?;
    input.parse::<Token![:]>()?;
    let ty: Type = input.parse()?;
    input.parse::<Token![=]>()?;
    let default = input.parse()?;
    let rule = rule(input)?;
    input.parse::<Token![;]>()?;
    Ok(Param { attrs, kind: kind(&ty), name, ty, default, rule, common: false })
}

fn kind(ty: &Type) -> ParamKind {
    let Type::Path(path) = ty else { return ParamKind::Other };
    let Some(last) = path.path.segments.last() else { return ParamKind::Other };
    match (last.ident.to_string().as_str(), &last.arguments) {
        ("f64", PathArguments::None) => ParamKind::Float,
        ("bool", PathArguments::None) => ParamKind::Bool,
        ("usize", PathArguments::None) => ParamKind::Count,
        ("Option", PathArguments::AngleBracketed(inner)) => match inner.args.first() {
            Some(GenericArgument::Type(inner)) if kind(inner) == ParamKind::Float => ParamKind::OptFloat,
            _ => ParamKind::Other,
        },
        _ => ParamKind::Other,
    }
}

/// `where tau > 1.0, "what helps"`
fn rule(input: ParseStream) -> syn::Result<Option<Rule>> {
    if !input.peek(Token![where]) {
        return Ok(None);
    }
    input.parse::<Token![where]>()?;
    let condition = input.parse()?;
    let help = if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
        input.parse::<LitStr>()?.value()
    } else {
        String::new()
    };
    Ok(Some(Rule { condition, help }))
}

/// `base;`, `base soft;`, `base { v_threshold = 0.5; v_reset = None; }`
fn base(input: ParseStream) -> syn::Result<Base> {
    let soft = input.peek(syn::Ident) && {
        let word: Ident = input.parse()?;
        if word != "soft" {
            return Err(syn::Error::new(word.span(), format!("`base` is followed by `;`, `{{ .. }}` or `soft`, but gets `{word}`")));
        }
        true
    };
    let mut defaults = Vec::new();
    if input.peek(token::Brace) {
        let body;
        braced!(body in input);
        while !body.is_empty() {
            let name = body.parse()?;
            body.parse::<Token![=]>()?;
            let default: Expr = body.parse()?;
            let rule = rule(&body)?;
            body.parse::<Token![;]>()?;
            defaults.push((name, default, rule));
        }
    } else {
        input.parse::<Token![;]>()?;
    }
    Ok(Base { soft, defaults })
}

/// `per channel k = 1.0;`
fn learned(input: ParseStream, trained: bool) -> syn::Result<Learned> {
    let mut name: Ident = input.parse()?;
    let mut per_channel = false;
    if name == "per" && input.peek(syn::Ident) {
        let unit: Ident = input.parse()?;
        if unit != "channel" {
            return Err(syn::Error::new(unit.span(), format!("expected `per channel`, but got `per {unit}`")));
        }
        per_channel = true;
        name = input.parse()?;
    }
    input.parse::<Token![=]>()?;
    let start = input.parse()?;
    input.parse::<Token![;]>()?;
    Ok(Learned { name, per_channel, trained, start })
}

/// `step(x) { .. }`
fn function(input: ParseStream) -> syn::Result<Function> {
    let name: Ident = input.parse()?;
    let inside;
    parenthesized!(inside in input);
    let argument: Ident = inside.parse()?;
    if !inside.is_empty() {
        let rest: TokenStream = inside.parse()?;
        return Err(syn::Error::new_spanned(&rest, format!("`{name}` has one input, but gets `{}`", rest.to_token_stream())));
    }
    let body;
    let brace = braced!(body in input);
    let stmts = body.call(Block::parse_within);
    // What is left would be an error of its own.
    if stmts.is_err() {
        while !body.is_empty() {
            skip(&body);
        }
    }
    Ok(Function { name, input: argument, body: stmts?, end: brace.span.close() })
}
