//! Which formulas a neuron of the user's own has. In: its definition; out: a number that is another one as soon as its step or what its states
//! start from is written in another way, and the same on every machine.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;

use crate::neuron::ast::Item;

/// FNV-1a, 64 bits, over the tokens of what is computed. Names, arguments and learned parameters are told apart by the model that has them.
pub(super) fn of(item: &Item) -> u64 {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    if item.base.as_ref().is_some_and(|base| base.soft) {
        hash.word("soft");
    }
    for state in &item.states {
        hash.word(&state.name.to_string());
        hash.tokens(state.start.to_token_stream());
    }
    for function in &item.functions {
        hash.word(&function.name.to_string());
        hash.word(&function.input.to_string());
        function.body.iter().for_each(|line| hash.tokens(line.to_token_stream()));
    }
    hash.0
}

struct Hash(u64);

impl Hash {
    fn word(&mut self, word: &str) {
        // A space ends each, so that words do not run together.
        for byte in word.bytes().chain([b' ']) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Word by word: how far they stand apart does not count.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                // What a `macro_rules!` was given.
                TokenTree::Group(group) if group.delimiter() == Delimiter::None => self.tokens(group.stream()),
                TokenTree::Group(group) => {
                    self.word("(");
                    self.tokens(group.stream());
                    self.word(")");
                }
                TokenTree::Ident(name) => self.word(&name.to_string()),
                TokenTree::Punct(sign) => self.word(&sign.as_char().to_string()),
                TokenTree::Literal(literal) => self.word(&literal.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    use crate::diag::Diagnostics;
    use crate::neuron::front;

    fn of(step: &str) -> u64 {
        let text = format!("/// Text. \npub neuron A {{ tau: f64 = 2.0; base; state a = 0.0; {step} }}");
        let tokens: TokenStream = text.parse().expect("tokens");
        let mut diags = Diagnostics::new();
        let items = front(tokens, &mut diags);
        assert!(diags.finish().is_empty(), "{text}");
        super::of(&items[0].0)
    }

    #[test]
    fn formulas_count_and_the_way_they_are_set_does_not() {
        let step = "step(x) { let h = v + x / tau + a; let s = spike(h - v_threshold); a = s; v = reset(h, s); s }";
        let (same, other) = (step.replace("v + x / tau", "v+x\n/tau"), step.replace("v + x / tau", "v + x * tau"));
        assert_eq!(of(step), of(&same));
        assert_ne!(of(step), of(&other));
        assert_ne!(of(step), of(&step.replace("v + x / tau", "(v + x) / tau")));
    }
}
