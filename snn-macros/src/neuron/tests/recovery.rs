//! Broken definitions: with any token left out, written twice or replaced, the compiler does not panic, says what is wrong, and leaves the
//! config and the layer behind.

use proc_macro2::{Group, TokenStream, TokenTree};

use crate::neuron::compile;

const SOURCE: &str = r#"
    pub neuron Tiring {
        tau: f64 = 3.0 where tau > 1.0, "it counts steps";
        on: bool = true;
        base { v_threshold = 0.8; }
        learn k = 0.4;
        state w = 0.0;

        step(x) {
            let h = if on && x > 0.0 { v + (x - (v - rest)) / tau } else { exp(k * x) };
            let s = spike(h - v_threshold - w);
            w = w + sum(1..3, |i| i * s);
            v = reset(h, s);
            s
        }
    }
"#;

/// The tokens with `change` made to the n-th, groups counted and entered; `None` behind the last.
fn changed(tokens: TokenStream, n: &mut usize, change: &dyn Fn(TokenTree) -> Vec<TokenTree>) -> TokenStream {
    let mut out = Vec::new();
    for token in tokens {
        if *n == 0 {
            *n = usize::MAX;
            out.extend(change(token));
            continue;
        }
        *n = n.saturating_sub(usize::from(*n != usize::MAX));
        out.push(match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), changed(group.stream(), n, change));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
    }
    out.into_iter().collect()
}

#[test]
fn nothing_panics_and_the_names_stay() {
    let source: TokenStream = SOURCE.parse().expect("tokens");
    let semicolon: TokenTree = proc_macro2::Punct::new(';', proc_macro2::Spacing::Alone).into();
    let changes: [&dyn Fn(TokenTree) -> Vec<TokenTree>; 4] =
        [&|_| vec![], &|token| vec![token.clone(), token], &|_| vec![semicolon.clone()], &|_| {
            vec![TokenTree::Ident(proc_macro2::Ident::new("oops", proc_macro2::Span::call_site()))]
        }];
    let mut refused = 0;
    for change in changes {
        for at in 0.. {
            let mut n = at;
            let tokens = changed(source.clone(), &mut n, change);
            if n != usize::MAX {
                assert!(at > 100, "{at} tokens");
                break;
            }
            let shown = tokens.to_string();
            let written = compile(quote::quote!((crate) #tokens)).to_string();
            let told = written.contains("compile_error");
            refused += usize::from(told);
            // The first five tokens are the head.
            assert!(at < 4 || written.contains("struct TiringConfig"), "{shown}\n{written}");
            assert!(told || written.contains("fn adjoint"), "{shown}\n{written}");
        }
    }
    assert!(refused > 300, "{refused} are refused");
}
