//! One mistake, one message, and everything around it is still read.

use super::support::*;

/// The messages about `source`, each as "message".
fn messages(source: &str) -> Vec<String> {
    read(source).1.into_iter().map(|d| d.message).collect()
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
