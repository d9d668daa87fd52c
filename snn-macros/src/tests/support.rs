//! Shortcuts of the tests. In: source text; out: syntax tree and messages.

use proc_macro2::TokenStream;

use crate::ast::{self, Body, Entry, File, Flow, Forward, Item, Layer, Net, Node};
use crate::diag::{Diagnostic, Diagnostics};
use crate::parse::parse;

/// The models of the language description, as written there.
pub(super) const MODELS: [(&str, &str); 3] = [
    ("csnn", include_str!("models/csnn.rs")),
    ("sew_resnet18", include_str!("models/sew_resnet18.rs")),
    ("shd_net", include_str!("models/shd_net.rs")),
];

/// What stands between the braces of each `snn_net! { .. }` in a file.
pub(super) fn macro_bodies(source: &str) -> Vec<TokenStream> {
    macro_calls(source).into_iter().filter(|(name, _)| name == "snn_net").map(|(_, body)| body).collect()
}

/// The macros called in a file, by name, and what stands between their braces.
pub(super) fn macro_calls(source: &str) -> Vec<(String, TokenStream)> {
    let tokens: Vec<_> = source.parse::<TokenStream>().unwrap_or_else(|e| panic!("{e}:\n{source}")).into_iter().collect();
    let mut calls = Vec::new();
    for window in tokens.windows(3) {
        if let [proc_macro2::TokenTree::Ident(name), proc_macro2::TokenTree::Punct(bang), proc_macro2::TokenTree::Group(group)] = window
            && (name == "snn_net" || name == "snn_neuron")
            && bang.as_char() == '!'
        {
            calls.push((name.to_string(), group.stream()));
        }
    }
    calls
}

pub(super) fn read_tokens(tokens: TokenStream) -> (File, Vec<Diagnostic>) {
    let mut diags = Diagnostics::new();
    let file = parse(tokens, &mut diags);
    (file, diags.finish())
}

pub(super) fn read(source: &str) -> (File, Vec<Diagnostic>) {
    read_tokens(source.parse().unwrap_or_else(|e| panic!("{e}:\n{source}")))
}

/// Reads what must be free of mistakes.
pub(super) fn clean(source: &str) -> File {
    let (file, diags) = read(source);
    assert!(diags.is_empty(), "{source}\n{}", list(&diags));
    file
}

/// What the messages say, one per line, without notes and helps.
pub(super) fn list(diags: &[Diagnostic]) -> String {
    diags.iter().map(|d| format!("{}:{}: {}", d.blame.line(), d.blame.start.start().column, d.message)).collect::<Vec<_>>().join("\n")
}

pub(super) fn net(file: &File) -> &Net {
    let net = file.items.iter().find_map(|item| if let Item::Net(net) = item { Some(net) } else { None });
    net.expect("a net")
}

/// The body of a net that holds `source`.
pub(super) fn body(source: &str) -> Body {
    let mut file = clean(&format!("net A(x: [4]) -> [4] {{ {source} }}"));
    match file.items.pop() {
        Some(Item::Net(net)) => net.body,
        other => panic!("{other:?}"),
    }
}

/// The only entry of a net.
pub(super) fn entry(source: &str) -> Entry {
    let mut body = body(source);
    assert_eq!(body.entries.len(), 1, "{source}");
    body.entries.remove(0)
}

pub(super) fn layer(source: &str) -> Layer {
    match entry(source).node {
        Node::Layer(layer) => layer,
        other => panic!("{other:?}"),
    }
}

pub(super) fn forward(source: &str) -> Forward {
    body(&format!("forward(x) {{ {source} }}")).forward.expect("forward")
}

/// A flow, as a call: `f(g(x), 1)`.
pub(super) fn show(flow: &Flow) -> String {
    let all = |flows: &[Flow]| flows.iter().map(show).collect::<Vec<_>>().join(", ");
    match flow {
        Flow::Name(name) => name.to_string(),
        Flow::Call { func, args, .. } => format!("{func}({})", all(args)),
        Flow::Tuple(values, _) => format!("({})", all(values)),
        Flow::Expr(expr) => format!("`{}`", quote::ToTokens::to_token_stream(expr)),
        Flow::Error(_) => "error".to_string(),
    }
}

/// An argument: `_`, `node`, or the expression.
pub(super) fn show_arg(arg: &ast::Arg) -> String {
    let value = match &arg.value {
        ast::ArgValue::Infer(_) => "_".to_string(),
        ast::ArgValue::Node(node) => show_node(node),
        ast::ArgValue::Expr(expr) => format!("`{}`", quote::ToTokens::to_token_stream(expr)),
    };
    arg.name.as_ref().map_or(value.clone(), |name| format!("{name}={value}"))
}

pub(super) fn show_node(node: &Node) -> String {
    let entries = |entries: &[Entry]| entries.iter().map(show_entry).collect::<Vec<_>>().join(", ");
    match node {
        Node::Layer(l) => {
            let path: Vec<String> = l.path.segments.iter().map(|s| s.ident.to_string()).collect();
            let shape = l.shape.as_ref().map_or(String::new(), |s| format!(" -> {}", show_shape(s)));
            format!("{}({}){shape}", path.join("::"), l.args.iter().map(show_arg).collect::<Vec<_>>().join(", "))
        }
        Node::List(l) => format!("[{}]", entries(&l.entries)),
        Node::Repeat(r) => format!("[{}; {}]", show_entry(&r.entry), quote::ToTokens::to_token_stream(&r.count)),
        Node::Cond(c) => show_cond(c, &entries),
        Node::Error(_) => "error".to_string(),
    }
}

fn show_cond(c: &ast::Cond, entries: &dyn Fn(&[Entry]) -> String) -> String {
    let head = format!("if {} {{{}}}", quote::ToTokens::to_token_stream(&c.cond), entries(&c.then));
    match &c.otherwise {
        None => head,
        Some(ast::Otherwise::If(c)) => format!("{head} else {}", show_cond(c, entries)),
        Some(ast::Otherwise::Else(e)) => format!("{head} else {{{}}}", entries(e)),
    }
}

pub(super) fn show_entry(entry: &Entry) -> String {
    let node = show_node(&entry.node);
    entry.name.as_ref().map_or(node.clone(), |name| format!("{name}: {node}"))
}

pub(super) fn show_shape(shape: &ast::Shape) -> String {
    let dims = shape.dims.iter().map(|dim| match dim {
        ast::Dim::Time(_) => "T".to_string(),
        ast::Dim::Infer(_) => "_".to_string(),
        ast::Dim::Size(expr) => quote::ToTokens::to_token_stream(expr).to_string(),
    });
    format!("[{}]", dims.collect::<Vec<_>>().join(", "))
}
