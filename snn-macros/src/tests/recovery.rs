//! One mistake, one message, and everything around it is still read.

use super::support::*;

/// The messages about `source`, each as "message".
fn messages(source: &str) -> Vec<String> {
    read(source).1.into_iter().map(|d| d.message).collect()
}

/// Those of the stages behind, too.
fn messages_of(source: &str) -> Vec<String> {
    let mut diags = crate::diag::Diagnostics::new();
    let tokens = source.parse().expect("tokens");
    let _ = crate::front(tokens, crate::Target::Training, &quote::quote!(::snn::__private), &mut diags);
    diags.finish().into_iter().map(|d| d.message).collect()
}

#[test]
fn many_mistakes_in_one_net() {
    let (file, diags) = read(
        "net A(x: [4]) -> [4] {
            T = 4,
            step_mode: 'm';
            a = Linear(_, 4),
            b: Linear,
            c: Linear(_, 8 bias = false),
            d: Linear(_, 4)
            e: IFNode();
            f: 5,
            g:
            h: [Linear(_, 4); ],
            v_reset = 0.0;
            forward(x) { let y = self.a(x) y.b() + c(x); }
        }",
    );
    assert_eq!(diags.len(), 16, "{}", list(&diags));
    let net = net(&file);
    assert_eq!(net.body.settings.len(), 3);
    let names: Vec<String> = net.body.entries.iter().filter_map(|e| e.name.as_ref()).map(ToString::to_string).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g", "h"]);
    assert_eq!(show_entry(&net.body.entries[2]), "c: Linear(_, `8`, bias=`false`)");
}

#[test]
fn a_broken_item_does_not_hide_the_next() {
    let (file, diags) = read("netz (x) {} ; modl A(x: [4]) { IFNode() } use ; const X usize = 3; net B(x: [4]) -> [4] { IFNode() }");
    assert_eq!(file.items.len(), 3, "{}", list(&diags));
    assert_eq!(diags.len(), 5, "{}", list(&diags));
}

#[test]
fn a_misplaced_item_counts() {
    let (file, diags) = read("net A(x: [4]) { T = 1; use a::B; B(), block C() { IFNode() } C() }");
    assert_eq!(diags.len(), 2, "{}", list(&diags));
    assert_eq!(file.items.len(), 3);
    assert_eq!(net(&file).body.entries.len(), 2);
}

#[test]
fn half_typed_input() {
    for source in [
        "",
        "n",
        "net",
        "net A",
        "net A(",
        "net A(x",
        "net A(x:",
        "net A(x: [",
        "net A(x: [4]) ->",
        "net A(x: [4]) -> (",
        "net A(x: [4]) -> [4] {",
        "net A(x: [4]) { T",
        "net A(x: [4]) { T =",
        "net A(x: [4]) { #",
        "net A(x: [4]) { #[",
        "net A(x: [4]) { conv1",
        "net A(x: [4]) { conv1:",
        "net A(x: [4]) { conv1: Conv2d",
        "net A(x: [4]) { conv1: Conv2d::",
        "net A(x: [4]) { conv1: Conv2d(",
        "net A(x: [4]) { conv1: Conv2d(_,",
        "net A(x: [4]) { conv1: Conv2d(_, kernel_size",
        "net A(x: [4]) { conv1: Conv2d(_, kernel_size =",
        "net A(x: [4]) { conv1: Conv2d(_, 3 +",
        "net A(x: [4]) { conv1: [",
        "net A(x: [4]) { conv1: [Conv2d(_, 3);",
        "net A(x: [4]) { conv1: if",
        "net A(x: [4]) { conv1: if A",
        "net A(x: [4]) { conv1: if A {",
        "net A(x: [4]) { conv1: if A { } else",
        "net A(x: [4]) { forward",
        "net A(x: [4]) { forward(",
        "net A(x: [4]) { forward(x) {",
        "net A(x: [4]) { forward(x) { let",
        "net A(x: [4]) { forward(x) { let y",
        "net A(x: [4]) { forward(x) { let y =",
        "net A(x: [4]) { forward(x) { conv1(",
        "net A(x: [4]) { forward(x) { conv1(x).",
        "net A(x: [4]) { forward(x) { self.",
        "block B(",
        "use",
        "use a::",
        "const",
        "const A: usize =",
        "pub",
        "pub(",
    ] {
        // An editor closes what is open.
        let open: Vec<char> = source.chars().filter(|c| "([{)]}".contains(*c)).collect();
        let mut stack = Vec::new();
        for c in open {
            match c {
                '(' => stack.push(')'),
                '[' => stack.push(']'),
                '{' => stack.push('}'),
                _ => drop(stack.pop()),
            }
        }
        let closed: String = source.chars().chain(stack.into_iter().rev()).collect();
        let found = messages(&closed);
        assert!(found.len() <= 2, "{closed}: {found:?}");
    }
}

/// What is spelled `r#..` is a name like any other, wherever one is made of it.
#[test]
fn raw_names() {
    let expands = |source: &str| {
        let tokens: proc_macro2::TokenStream = source.parse().expect("tokens");
        let call = quote::quote!((::snn) #tokens);
        crate::compile(call, crate::Target::Training).to_string()
    };
    assert!(messages("net A(x: [4]) -> [4] { r#type(3), }").is_empty(), "its name is looked up later");
    assert!(expands("net A(x: [4]) -> [4] { T = 4; step_mode = 'm'; r#type(3), }").contains("compile_error"));
    let net = expands("net r#Try(x: [4]) -> [T, 4] { T = 4; step_mode = 'm'; r#loop: Linear(_, 4), r#fn: IFNode() }");
    assert!(net.contains("TryState") && net.contains("r#loop") && !net.contains("compile_error"), "{net}");
    let block = expands("block r#Yield() { Linear(_, 4), IFNode() } net A(x: [4]) -> [T, 4] { T = 4; step_mode = 'm'; r#Yield() }");
    assert!(block.contains("AYield") && !block.contains("compile_error"), "{block}");
    let twice = messages_of("net A(x: [4]) -> [T, 4] { T = 4; step_mode = 'm'; fc: Linear(_, 4), r#fc: IFNode() }");
    assert!(twice.iter().any(|m| m.contains("declared twice")), "{twice:?}");
    let source = "neuron r#Yield { r#type: f64 = 2.0 where r#type > 1.0; r#if: bool = true; base;
        step(x) { let i = if r#if { x / r#type } else { x }; let h = v + i; let s = spike(h - v_threshold); v = reset(h, s); s } }";
    let tokens: proc_macro2::TokenStream = source.parse().expect("tokens");
    let neuron = crate::neuron::compile(quote::quote!((::snn) #tokens)).to_string();
    assert!(syn::parse_str::<syn::File>(&neuron).is_ok() && !neuron.contains("compile_error"), "{neuron}");
}

/// An empty `$vis` of a `macro_rules!` is an invisible group of nothing: wherever it stands, the rest reads the same.
#[test]
fn invisible_groups_of_nothing() {
    use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
    /// The tokens with such a group in front of the `at`th one, counted depth first.
    fn with(tokens: TokenStream, at: &mut usize) -> TokenStream {
        let mut out = TokenStream::new();
        for tree in tokens {
            if *at == 0 {
                out.extend([TokenTree::from(Group::new(Delimiter::None, TokenStream::new()))]);
            }
            *at = at.wrapping_sub(1);
            out.extend([match tree {
                TokenTree::Group(group) => Group::new(group.delimiter(), with(group.stream(), at)).into(),
                tree => tree,
            }]);
        }
        out
    }
    let source = "pub net A(x: [4]) -> [T, 2] { T = 4; step_mode = 'm'; fc: Linear(_, 2), IFNode() }";
    let expands = |tokens: TokenStream| crate::compile(quote::quote!((::snn) #tokens), crate::Target::Training).to_string();
    let tokens: TokenStream = source.parse().expect("tokens");
    let plain = expands(tokens.clone());
    assert!(!plain.contains("compile_error"), "{plain}");
    for at in 0..40 {
        assert_eq!(expands(with(tokens.clone(), &mut { at })), plain, "in front of token {at}");
    }
}
