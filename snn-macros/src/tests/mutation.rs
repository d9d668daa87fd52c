//! Whatever is typed, the parser comes to an end and does not panic: the models of the description with tokens deleted,
//! doubled, swapped and replaced.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use super::support::{MODELS, macro_bodies, read_tokens};

/// SplitMix64: the same changes on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn count(tokens: &TokenStream) -> usize {
    let inside = |t: TokenTree| if let TokenTree::Group(g) = t { 1 + count(&g.stream()) } else { 1 };
    tokens.clone().into_iter().map(inside).sum()
}

/// A token that newcomers, or cats, type.
fn stray(random: &mut Random) -> TokenTree {
    let words = [
        "self", "let", "fn", "if", "else", "forward", "net", "block", "pub", "use", "const", "T", "_", "Conv2d", "x", "return", "for",
        "mut",
    ];
    let marks = [',', ';', ':', '=', '.', '#', '!', '?', '&', '+', '-', '>', '<', '|', '*', '$', '@', '\''];
    match random.below(4) {
        0 => Ident::new(words[random.below(words.len())], Span::call_site()).into(),
        1 => {
            let spacing = if random.below(2) == 0 { Spacing::Joint } else { Spacing::Alone };
            Punct::new(marks[random.below(marks.len())], spacing).into()
        }
        2 => Literal::usize_unsuffixed(random.below(9)).into(),
        _ => {
            let delimiters = [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None];
            Group::new(delimiters[random.below(4)], TokenStream::new()).into()
        }
    }
}

/// Changes the `at`th token, counted depth first.
fn mutate(tokens: TokenStream, at: &mut isize, random: &mut Random) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut i = 0;
    while i < trees.len() {
        let tree = trees[i].clone();
        let here = *at == 0;
        *at -= 1;
        match random.below(6) {
            0 if here => {}
            1 if here => out.extend([tree.clone(), tree]),
            2 if here => out.extend([tree, stray(random)]),
            3 if here => out.push(stray(random)),
            4 if here && i + 1 < trees.len() => {
                trees.swap(i, i + 1);
                out.push(trees[i].clone());
            }
            5 if here && matches!(tree, TokenTree::Group(_)) => {
                // Other brackets, or none, round the same tokens.
                let TokenTree::Group(group) = tree else { unreachable!() };
                match random.below(3) {
                    0 => out.extend(group.stream()),
                    1 => out.push(Group::new(Delimiter::None, group.stream()).into()),
                    _ => out.push(Group::new(Delimiter::Bracket, group.stream()).into()),
                }
            }
            _ => match tree {
                TokenTree::Group(group) => {
                    let mut copy = Group::new(group.delimiter(), mutate(group.stream(), at, random));
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

#[test]
fn no_mutation_makes_the_parser_panic() {
    let mut random = Random(7);
    let rounds = std::env::var("SNN_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    for (name, source) in MODELS {
        let whole = macro_bodies(source).remove(0);
        for round in 0..rounds {
            let mut tokens = whole.clone();
            for _ in 0..=random.below(3) {
                let mut at = random.below(count(&tokens)) as isize;
                tokens = mutate(tokens, &mut at, &mut random);
            }
            let text = tokens.to_string();
            let (_, diags) = std::panic::catch_unwind(|| read_tokens(tokens)).unwrap_or_else(|_| panic!("{name}, round {round}:\n{text}"));
            assert!(diags.len() < 40, "{name}, round {round}: {} messages\n{text}", diags.len());
            let leaked = diags.iter().find(|d| d.message == "unexpected token");
            assert!(leaked.is_none(), "{name}, round {round}: left over: {leaked:?}\n{text}");
        }
    }
}
