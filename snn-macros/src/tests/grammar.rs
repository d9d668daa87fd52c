//! Every construct of the language, read without a message.

use quote::{ToTokens, quote};

use super::support::*;
use crate::ast::{Item, Node, Otherwise};

#[test]
fn the_models_of_the_description_are_clean() {
    for (name, source) in MODELS {
        for tokens in macro_bodies(source) {
            let (file, diags) = read_tokens(tokens);
            assert!(diags.is_empty(), "{name}:\n{}", list(&diags));
            assert!(!net(&file).body.entries.is_empty(), "{name}");
        }
    }
}

#[test]
fn csnn() {
    let (file, _) = read_tokens(macro_bodies(MODELS[0].1).remove(0));
    let net = net(&file);
    assert_eq!(net.name, "Csnn");
    assert_eq!(net.attrs.len(), 1);
    assert!(matches!(net.vis, syn::Visibility::Public(_)));
    assert_eq!(net.body.settings.iter().map(|s| s.name.to_string()).collect::<Vec<_>>(), ["T", "step_mode", "surrogate"]);
    assert_eq!(net.body.settings[1].value.to_token_stream().to_string(), "'m'");
    assert_eq!(net.body.consts[0].name, "CH");
    assert_eq!(net.body.entries.len(), 14);
    assert_eq!(show_entry(&net.body.entries[0]), "conv1: Conv2d(_, `CH`, kernel_size=`3`, padding=`1`, bias=`false`)");
    assert_eq!(net.body.entries[2].attrs.len(), 1);
    assert!(net.body.entries[3].name.is_none());
    assert!(net.body.forward.is_none());
}

#[test]
fn sew_resnet18() {
    let (file, _) = read_tokens(macro_bodies(MODELS[1].1).remove(0));
    let Item::Block(block) = &file.items[0] else { panic!("{file:?}") };
    assert_eq!(block.params.len(), 2);
    assert_eq!(block.params[1].default.to_token_stream().to_string(), "1");
    let forward = block.body.forward.as_ref().expect("forward");
    assert_eq!(show(&forward.lets[0].value), "conv2(conv1(x))");
    assert_eq!(show(&forward.result), "sew_add(y, shortcut(x))");
    let Node::Cond(cond) = &block.body.entries[2].node else { panic!() };
    assert!(matches!(&cond.otherwise, Some(Otherwise::Else(entries)) if entries.len() == 1));
    let net = net(&file);
    assert_eq!(show_entry(&net.body.entries[1]), "layer1: [SewBasic(`64`); 2]");
    assert_eq!(show_entry(&net.body.entries[2]), "layer2: [SewBasic(`128`, stride=`2`), SewBasic(`128`)]");
}

#[test]
fn shd_net() {
    let (file, _) = read_tokens(macro_bodies(MODELS[2].1).remove(0));
    assert_eq!(file.items.len(), 4);
    let net = net(&file);
    assert_eq!(net.inputs.iter().map(|i| show_shape(&i.shape)).collect::<Vec<_>>(), ["[T, 700]", "[64]"]);
    let outputs = net.outputs.as_ref().expect("outputs");
    assert_eq!(outputs[1].name.as_ref().expect("name"), "trace");
    assert_eq!(
        show_entry(&net.body.entries[0]),
        "rec1: LinearRecurrentContainer([Linear(_, `256`), LIFNode(tau=`2.0`, v_reset=`None`)], `700`, `256`)"
    );
    let forward = net.body.forward.as_ref().expect("forward");
    assert_eq!(show(&forward.lets[0].value), "time_shift(rec2(rec1(x)), `1`)");
    assert_eq!(show(&forward.result), "(max_over_time(read(att(cat(trace, proj(gate))))), trace)");
}

#[test]
fn items() {
    let file = clean(
        "use a::{b, c as d}; const N: usize = 2 * 3; block B() { Identity() } pub(crate) net A<const K: usize>(x: [K,],) { T = 1; Identity() }",
    );
    assert_eq!(file.items.len(), 4);
    assert_eq!(net(&file).generics.params.len(), 1);
    assert!(net(&file).outputs.is_none());
}

#[test]
fn block_parameters() {
    let file = clean("block B(c: usize, stride = 1, wide: bool = false,) { Conv2d(_, c, 3) }");
    let Item::Block(block) = &file.items[0] else { panic!() };
    assert!(block.params[0].ty.is_some() && block.params[0].default.is_none());
    assert!(block.params[2].ty.is_some() && block.params[2].default.is_some());
}

#[test]
fn shapes() {
    let file = clean("net A(x: [T, N * 2, m::C], y: [_]) -> (a: [T, 3], [4]) { Identity() }");
    assert_eq!(show_shape(&net(&file).inputs[0].shape), "[T, N * 2, m :: C]");
    assert_eq!(show_shape(&net(&file).inputs[1].shape), "[_]");
    let file = clean("net A(x: [T * 2]) { Identity() }");
    assert_eq!(show_shape(&net(&file).inputs[0].shape), "[T * 2]");
}

#[test]
fn settings() {
    let body = body("T = 4; step_mode = 's'; surrogate = ATan(alpha = 2.0); v_threshold = f64::INFINITY; Identity()");
    assert_eq!(body.settings.len(), 4);
    assert_eq!(body.settings[2].value.to_token_stream().to_string(), "ATan (alpha = 2.0)");
}

#[test]
fn a_setting_name_may_name_a_layer() {
    assert_eq!(show_entry(&entry("backend: Linear(_, 4)")), "backend: Linear(_, `4`)");
    assert_eq!(show_entry(&entry("unroll: [Linear(_, 4)]")), "unroll: [Linear(_, `4`)]");
}

#[test]
fn contextual_keywords_may_name_layers() {
    let body = body("net: Identity(), block: Identity(), forward: Identity()");
    assert_eq!(body.entries.iter().map(show_entry).collect::<Vec<_>>(), ["net: Identity()", "block: Identity()", "forward: Identity()"]);
    assert!(body.forward.is_none());
}

#[test]
fn arguments() {
    let args = |source: &str| layer(source).args.iter().map(show_arg).collect::<Vec<_>>();
    assert_eq!(
        args("Foo(_, 1 + 2, bias = !true, f = |y, x| y + x, -1.0,)"),
        ["_", "`1 + 2`", "bias=`! true`", "f=`| y , x | y + x`", "`- 1.0`"]
    );
    assert_eq!(args("Foo(in_features = _, step_mode = 'm')"), ["in_features=_", "step_mode=`'m'`"]);
    // Sizes are expressions, layers are nodes.
    assert_eq!(args("Foo([2, 2], [CH; 2], [[1, 1], [2, 2]], (3, 3))"), ["`[2 , 2]`", "`[CH ; 2]`", "`[[1 , 1] , [2 , 2]]`", "`(3 , 3)`"]);
    assert_eq!(
        args("Foo([Linear(_, 4); 2], [a: Linear(_, 4)], [[Linear(_, 4)]], [])"),
        ["[Linear(_, `4`); 2]", "[a: Linear(_, `4`)]", "[[Linear(_, `4`)]]", "[]"]
    );
    assert_eq!(args("Foo(surrogate_function = ATan(alpha = 2.0), a::B(1))"), ["surrogate_function=ATan(alpha=`2.0`)", "a::B(`1`)"]);
    // A call of a function and `Some(..)` are values.
    assert_eq!(
        args("Foo(f(1), v_reset = Some(0.0), a::b(2), CamelCase)"),
        ["`f (1)`", "v_reset=`Some (0.0)`", "`a :: b (2)`", "`CamelCase`"]
    );
}

#[test]
fn own_layers() {
    assert_eq!(show_entry(&entry("a: snn::layers::Att(heads = 4) -> [T, 8]")), "a: snn::layers::Att(heads=`4`) -> [T, 8]");
    assert_eq!(show_entry(&entry("::a::Att::<3>()")), "a::Att()");
    assert_eq!(show_entry(&entry("crate::Att()")), "crate::Att()");
}

#[test]
fn lists_and_repeats() {
    assert_eq!(show_entry(&entry("a: [Conv2d(_, 8, 3), named: IFNode(),]")), "a: [Conv2d(_, `8`, `3`), named: IFNode()]");
    assert_eq!(show_entry(&entry("[[Linear(_, 4), IFNode()]; N * 2]")), "[[Linear(_, `4`), IFNode()]; N * 2]");
    assert_eq!(show_entry(&entry("[fc: Linear(_, 4); 2]")), "[fc: Linear(_, `4`); 2]");
    let Node::List(list) = entry("[#[record(spikes)] IFNode()]").node else { panic!() };
    assert_eq!(list.entries[0].attrs.len(), 1);
}

#[test]
fn conditions() {
    assert_eq!(
        show_entry(&entry("s: if stride != 1 { Conv2d(_, 8, 1), IFNode() } else { Identity() }")),
        "s: if stride != 1 {Conv2d(_, `8`, `1`), IFNode()} else {Identity()}"
    );
    assert_eq!(
        show_entry(&entry("if A { IFNode() } else if B == 2 { a: IFNode() } else { }")),
        "if A {IFNode()} else if B == 2 {a: IFNode()} else {}"
    );
    assert_eq!(show_entry(&entry("if A { IFNode() }")), "if A {IFNode()}");
    // No comma is needed after a brace, nor before `forward`.
    let body = body("if A { IFNode() } b: Identity() forward(x) { b(x) }");
    assert_eq!(body.entries.len(), 2);
    assert!(body.forward.is_some());
}

#[test]
fn flows() {
    let f = forward("let (a, _) = f(x, y); let b = a; (b, g(h(b), n + 1, m::N, -2))");
    assert_eq!(f.lets.len(), 2);
    assert_eq!(show(&f.result), "(b, g(h(b), `n + 1`, `m :: N`, `- 2`))");
    assert_eq!(show(&forward("((f(x)))").result), "f(x)");
    assert_eq!(
        show(&forward("f(x, |a, b| a + b, [1, 2], (c, d), (1, 2))").result),
        "f(x, `| a , b | a + b`, `[1 , 2]`, (c, d), `(1 , 2)`)"
    );
}

#[test]
fn groups_without_delimiters_are_transparent() {
    let group = |tokens| proc_macro2::TokenTree::Group(proc_macro2::Group::new(proc_macro2::Delimiter::None, tokens));
    let (node, size, path, empty) = (group(quote!(Linear(_, 8))), group(quote!(2 + 2)), group(quote!(IFNode)), group(quote!()));
    let (cond, whole) = (group(quote!(a == 1)), group(quote!(c: Identity(),)));
    let (file, diags) = read_tokens(quote! {
        net A(x: [#size, 3]) -> [#size] #empty {
            T = #size;
            a: #node, b: #path(#empty), [#node; #size], #whole d: if #cond { #node } else { #node }
            forward(x) { a(b(x), #size) } #empty
        }
    });
    assert!(diags.is_empty(), "{}", list(&diags));
    let entries: Vec<String> = net(&file).body.entries.iter().map(show_entry).collect();
    assert_eq!(
        entries,
        [
            "a: Linear(_, `8`)",
            "b: IFNode()",
            "[Linear(_, `8`); 2 + 2]",
            "c: Identity()",
            "d: if a == 1 {Linear(_, `8`)} else {Linear(_, `8`)}"
        ]
    );
}
