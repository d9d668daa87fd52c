//! Whatever is typed, the compilers come to an end without a panic, with messages or with an expansion: the models of the description and the
//! files of `tests/annotated/` with tokens deleted, doubled, swapped, replaced, and taken from one another.
//!
//! `BOLERO_RANDOM_ITERATIONS=100000 cargo test -p snn-macros mutation` looks further.

use std::path::Path;

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

use super::annotated::files;
use super::support::{MODELS, macro_calls};
use crate::Target;
use crate::diag::{Diagnostics, Level};

/// A fuzzer's bytes, one a choice; the first of everything where they end.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    /// Less than `n`, which is at most 65536.
    fn below(&mut self, n: usize) -> usize {
        let width = if n > 256 { 2 } else { 1 };
        let mut value = 0;
        for _ in 0..width {
            let [first, rest @ ..] = self.0 else { return 0 };
            (value, self.0) = (value << 8 | usize::from(*first), rest);
        }
        value % n.max(1)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn count(tokens: &TokenStream) -> usize {
    let inside = |t: TokenTree| if let TokenTree::Group(g) = t { 1 + count(&g.stream()) } else { 1 };
    tokens.clone().into_iter().map(inside).sum()
}

/// The `at`th token, counted depth first.
fn token(tokens: &TokenStream, at: &mut usize) -> Option<TokenTree> {
    for tree in tokens.clone() {
        if *at == 0 {
            return Some(tree);
        }
        *at -= 1;
        if let TokenTree::Group(group) = &tree
            && let found @ Some(_) = token(&group.stream(), at)
        {
            return found;
        }
    }
    None
}

/// A token that newcomers, or cats, type, or one of another file.
fn stray(choices: &mut Choices<'_>, others: &[(String, TokenStream)]) -> TokenTree {
    let words = [
        "self",
        "let",
        "fn",
        "if",
        "else",
        "forward",
        "net",
        "block",
        "pub",
        "use",
        "const",
        "T",
        "_",
        "Conv2d",
        "x",
        "return",
        "for",
        "mut",
        "r#type",
        "step",
        "learn",
        "state",
        "base",
        "v",
        "s",
        "step_mode",
        "IFNode",
        "true",
        "None",
    ];
    let marks = [',', ';', ':', '=', '.', '#', '!', '?', '&', '+', '-', '>', '<', '|', '*', '/', '%', '$', '@', '\''];
    let sizes = [0, 1, 2, 3, 7, 64, 1 << 16, 1 << 32, usize::MAX];
    let floats = [0.0, 0.5, 1.0, 1e-300, 1e300];
    match choices.below(6) {
        0 => word(choices.of(&words)).into(),
        1 => {
            let spacing = choices.of(&[Spacing::Alone, Spacing::Joint]);
            Punct::new(choices.of(&marks), spacing).into()
        }
        2 => Literal::usize_unsuffixed(choices.of(&sizes)).into(),
        3 => {
            let literals = [
                Literal::f64_unsuffixed(choices.of(&floats)),
                Literal::string("a\n\"{}"),
                Literal::character('m'),
                Literal::u8_suffixed(9),
            ];
            literals[choices.below(4)].clone().into()
        }
        4 => {
            let delimiters = [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None];
            Group::new(choices.of(&delimiters), TokenStream::new()).into()
        }
        _ => {
            let (_, other) = &others[choices.below(others.len())];
            token(other, &mut choices.below(count(other))).unwrap_or_else(|| Punct::new(',', Spacing::Alone).into())
        }
    }
}

fn word(word: &str) -> Ident {
    word.strip_prefix("r#").map_or_else(|| Ident::new(word, Span::call_site()), |raw| Ident::new_raw(raw, Span::call_site()))
}

/// Changes the `at`th token, counted depth first.
fn mutate(tokens: TokenStream, at: &mut isize, choices: &mut Choices<'_>, others: &[(String, TokenStream)]) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut i = 0;
    while i < trees.len() {
        let tree = trees[i].clone();
        let here = *at == 0;
        *at -= 1;
        match if here { choices.below(7) } else { 6 } {
            0 if here => {}
            1 => out.extend([tree.clone(), tree]),
            2 => out.extend([tree, stray(choices, others)]),
            3 => out.push(stray(choices, others)),
            4 if i + 1 < trees.len() => {
                trees.swap(i, i + 1);
                out.push(trees[i].clone());
            }
            5 if let TokenTree::Group(group) = &tree => {
                // Other brackets, or none, round the same tokens.
                match choices.below(3) {
                    0 => out.extend(group.stream()),
                    // What an `$e:expr` or a `$vis` of a `macro_rules!` leaves: an expression, or nothing.
                    1 if group.stream().is_empty() || syn::parse2::<syn::Expr>(group.stream()).is_ok() => {
                        out.push(Group::new(Delimiter::None, group.stream()).into());
                    }
                    _ => out.push(Group::new(Delimiter::Bracket, group.stream()).into()),
                }
            }
            _ => match tree {
                TokenTree::Group(group) => {
                    let mut copy = Group::new(group.delimiter(), mutate(group.stream(), at, choices, others));
                    copy.set_span(group.span());
                    out.push(copy.into());
                }
                other => out.push(other),
            },
        }
        i += 1;
    }
    out.into_iter().collect()
}

/// What the compilers promise of anything.
fn judge(name: &str, target: Target, tokens: TokenStream) {
    let text = tokens.to_string();
    let mut diags = Diagnostics::new();
    let called = quote!((::snn) #tokens);
    let expansion = if name == "snn_neuron" {
        let _ = crate::neuron::front(tokens, &mut diags);
        crate::neuron::compile(called)
    } else {
        let _ = crate::front(tokens, target, &quote!(::snn::__private), &mut diags);
        crate::compile(called, target)
    };
    let diags = diags.finish();
    assert!(diags.len() < 40, "{} messages\n{text}", diags.len());
    for d in &diags {
        assert!(d.message != "unexpected token", "left over: {d:?}\n{text}");
    }
    if diags.iter().all(|d| d.level != Level::Error) {
        let parsed = syn::parse2::<syn::File>(expansion);
        assert!(parsed.is_ok(), "the expansion is no Rust: {}\n{text}", parsed.err().map_or(String::new(), |e| e.to_string()));
    } else {
        assert!(expansion.to_string().contains("compile_error"), "an error that nobody sees\n{text}");
    }
}

#[test]
fn tokens() {
    let annotated = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/annotated");
    let read = |path| std::fs::read_to_string(path).expect("a file");
    let all = MODELS.iter().map(|(_, source)| source.to_string()).chain(files(&annotated).into_iter().map(read));
    let calls: Vec<(String, TokenStream)> = all.flat_map(|source| macro_calls(&source)).collect();
    bolero::check!().with_iterations(600).for_each(|bytes: &[u8]| {
        let mut choices = Choices(bytes);
        let (name, whole) = &calls[choices.below(calls.len())];
        let target = choices.of(&[Target::Training, Target::Frozen]);
        let mut tokens = whole.clone();
        for _ in 0..=choices.below(4) {
            let mut at = choices.below(count(&tokens)) as isize;
            tokens = mutate(tokens, &mut at, &mut choices, &calls);
        }
        judge(name, target, tokens);
    });
}
