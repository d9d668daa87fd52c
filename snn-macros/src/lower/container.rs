//! Containers: `MultiStepContainer([..])`, `LinearRecurrentContainer([..], 700, 256)`. In: the call; out: a group whose layers
//! see what the container gives them.
//!
//! A recurrent container is a flow with two inputs: what came out of the step before, and what arrives.

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::{Expr, Ident, Pat};

use super::{Place, Scope, entries, flow};
use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::show_expr;
use crate::ir::{Builtin, BuiltinShape, Flow, Group, GroupKind, Label, Leaf, Mode, Node, NodeKind, Op, OpKind, Record, Time, What};
use crate::layers::{self, Container, How, LayerSpec, SEVERAL};
use crate::suggest::closest;

/// What joins the last output and the input by name; a closure or a function of the user's own does it too.
const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "add", shape: BuiltinShape::Elementwise },
    Builtin { name: "mul", shape: BuiltinShape::Elementwise },
    Builtin { name: "sub", shape: BuiltinShape::Elementwise },
    Builtin { name: "max", shape: BuiltinShape::Elementwise },
];

static BESIDE: Builtin = Builtin { name: "cat", shape: BuiltinShape::CatLast };

/// Lowers a container and what is in it.
pub(super) fn container(
    l: &ast::Layer,
    shown: &str,
    spec: &'static LayerSpec,
    mode: Mode,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Result<NodeKind, ()> {
    in_brackets(l, shown, spec, diags)?;
    let args = layers::bind(spec, shown, l, &scope.settings, &scope.env, scope.file.root, diags);
    // Of a container that is not well the layers are read all the same, for their own mistakes.
    let ok = args.is_ok();
    let container = Container::new(spec, args.unwrap_or_default(), mode == Mode::Multi, shown, l.span.line());
    let inner = Scope {
        mode: Mode::Step,
        place: Some(Place { container: spec.name, line: container.line, one_batch: container.how == How::OneBatch }),
        ..scope.clone()
    };
    let given = argument(l, spec, 0).and_then(|a| if let ast::ArgValue::Node(node) = a { Some(&**node) } else { None });
    let Some(given) = given else { return Err(()) };
    let group = match container.how {
        How::Feedback => feedback(l, given, container, &inner, diags),
        How::Steps | How::OneBatch => chain(given, container, &inner, diags),
    };
    if ok { group.map(NodeKind::Group) } else { Err(()) }
}

/// `MultiStepContainer(a, b)`, and whatever else stands where the layers should.
fn in_brackets(l: &ast::Layer, shown: &str, spec: &LayerSpec, diags: &mut Diagnostics) -> Result<(), ()> {
    let mut given = l.args.iter().filter(|a| a.name.is_none());
    let odd = match given.next().map(|a| &a.value) {
        Some(ast::ArgValue::Node(_)) if spec.params[0].name == SEVERAL => {
            given.map(|a| &a.value).find(|a| matches!(a, ast::ArgValue::Node(_)))
        }
        Some(ast::ArgValue::Node(_)) | None => None,
        other => other,
    };
    let Some(odd) = odd else { return Ok(()) };
    let name = spec.name;
    let subject = if shown == name { format!("`{name}`") } else { format!("`{shown}`: `{name}`") };
    diags
        .error(layers::blame_of(odd), format!("{subject} takes its layers in brackets"))
        .help(format!("write `{}`", layers::signature(spec)));
    Err(())
}

/// Parameter number `index`, by position or by name.
fn argument<'a>(l: &'a ast::Layer, spec: &LayerSpec, index: usize) -> Option<&'a ast::ArgValue> {
    let named = |a: &&ast::Arg| a.name.as_ref().is_some_and(|n| n == spec.params[index].name);
    let by_position = || l.args.iter().filter(|a| a.name.is_none()).nth(index);
    l.args.iter().find(named).or_else(by_position).map(|a| &a.value)
}

/// Layers one after the other, numbered as in a list.
fn chain(given: &ast::Node, container: Container, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<Group, ()> {
    let (nodes, flow) = match entries::kind(given, &container.shown, scope, diags)? {
        NodeKind::Group(g) if matches!(given, ast::Node::List(_) | ast::Node::Repeat(_)) => (g.nodes, g.flow),
        kind => {
            let nodes = vec![numbered(0, kind, given)];
            let flow = flow::chain(&nodes, diags);
            (nodes, flow)
        }
    };
    if flow.outputs.len() != 1 {
        let text = format!("`{}` passes on one value, but its last layer gives {}", container.shown, flow.outputs.len());
        diags.error(given.blame(), text).help("take the layer out of the container");
        return Err(());
    }
    if container.how == How::OneBatch {
        nodes.iter().for_each(|node| stateless(node, &container, diags));
    }
    Ok(Group { kind: GroupKind::Container(Box::new(container)), nodes, flow, attrs: Vec::new() })
}

fn numbered(i: usize, kind: NodeKind, given: &ast::Node) -> Node {
    Node { label: Label::Index(i), attrs: Vec::new(), record: Record::default(), checkpoint: false, kind, blame: given.blame() }
}

/// Steps and batch are one axis: there is no step before this one to remember.
fn stateless(node: &Node, container: &Container, diags: &mut Diagnostics) {
    match &node.kind {
        NodeKind::Group(g) if !g.feeds_back() => g.nodes.iter().for_each(|n| stateless(n, container, diags)),
        // Whether a layer of the user's own remembers something is rustc's to know.
        NodeKind::Leaf(leaf) if matches!(leaf.what, What::Own { .. }) => {}
        _ => {
            let Some(memory) = flow::memory(node) else { return };
            let shown = flow::shown(node);
            let name = container.spec.name;
            let d = diags.error(node.blame, format!("`{shown}` {}, but `{name}` gives it all steps as one batch", memory.what));
            match name {
                "StepModeContainer" => d.help("write `stateful = true`"),
                "TLastSeqToANNContainer" => d.help("use `TLastMultiStepContainer([..])`"),
                _ => d.help("use `MultiStepContainer([..])`"),
            };
        }
    }
}

/// `sub(f(y_prev, x))`, or `sub(rc(cat(x, y_prev)))`.
fn feedback(l: &ast::Layer, given: &ast::Node, container: Container, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<Group, ()> {
    let mut flow = Flow::default();
    let (y, x) = (flow.fresh(), flow.fresh());
    flow.inputs = vec![y, x];
    let mut nodes = Vec::new();
    let joined = flow.fresh();
    let sub_input = if container.spec.name == "LinearRecurrentContainer" {
        let rc = flow.fresh();
        flow.ops.push(Op {
            kind: OpKind::Builtin(&BESIDE),
            args: vec![x, y],
            outs: vec![joined],
            blame: l.span,
            shown: "cat(x, y)".into(),
            with_next: false,
        });
        flow.ops.push(Op {
            kind: OpKind::Node(0),
            args: vec![joined],
            outs: vec![rc],
            blame: l.span,
            shown: "rc".into(),
            with_next: false,
        });
        nodes.push(linear(l, &container, scope));
        rc
    } else {
        let f = match argument(l, container.spec, 1) {
            Some(ast::ArgValue::Expr(e)) => function(e, &container.shown, scope, diags),
            _ => Err(()),
        };
        let blame = argument(l, container.spec, 1).map_or(l.span, |a| if let ast::ArgValue::Expr(e) = a { Blame::of(e) } else { l.span });
        let shown = format!("the function of `{}`", container.shown);
        // A function that is not understood is reported; the layers are worth reading.
        let kind = f.unwrap_or(OpKind::Builtin(&FUNCTIONS[0]));
        flow.ops.push(Op { kind, args: vec![y, x], outs: vec![joined], blame, shown, with_next: false });
        joined
    };
    let shown = match given {
        ast::Node::Layer(l) => l.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        _ => "sub_module".to_string(),
    };
    let kind = entries::kind(given, &shown, scope, diags)?;
    let label = Label::Named(Ident::new("sub_module", Span::call_site()));
    nodes.push(Node { label, attrs: Vec::new(), record: Record::default(), checkpoint: false, kind, blame: given.blame() });
    let sub = nodes.len() - 1;
    let outs: Vec<_> = (0..flow::results(&nodes[sub])).map(|_| flow.fresh()).collect();
    flow.ops.push(flow::op_of(&nodes[sub], sub, vec![sub_input], outs.clone(), shown));
    if outs.len() != 1 {
        let text = format!("`{}` feeds back one value, but what is in it gives {}", container.shown, outs.len());
        diags.error(given.blame(), text).help("take the layer out of the container");
        return Err(());
    }
    flow.outputs = outs;
    Ok(Group { kind: GroupKind::Container(Box::new(container)), nodes, flow, attrs: Vec::new() })
}

/// `rc`: `Linear(in_features + out_features, in_features)`, whose sizes follow from what arrives.
fn linear(l: &ast::Layer, container: &Container, scope: &Scope<'_>) -> Node {
    let kind = layers::find("Linear").map_or(NodeKind::Poisoned, |spec| {
        NodeKind::Leaf(Box::new(Leaf {
            what: What::Known(spec),
            args: layers::derived(spec, &[("bias", container.args.find("bias"))], l.span, scope.file.root),
            shown: format!("{}.rc", container.shown),
            mode: Mode::Step,
            line: l.span.line(),
            built: None,
            input: Vec::new(),
            input_time: Time::Seq,
        }))
    });
    let label = Label::Named(Ident::new("rc", Span::call_site()));
    Node { label, attrs: Vec::new(), record: Record::default(), checkpoint: false, kind, blame: l.span }
}

/// `add`, a closure, or a function that `use` named.
fn function(e: &Expr, shown: &str, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<OpKind, ()> {
    match e {
        Expr::Paren(p) => function(&p.expr, shown, scope, diags),
        Expr::Group(g) => function(&g.expr, shown, scope, diags),
        Expr::Closure(c) => closure(c, shown, scope, diags),
        Expr::Path(p) => {
            let Some(name) = p.path.get_ident() else {
                let last = p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                diags
                    .error(Blame::of(e), format!("`{shown}`: a function of your own is named first"))
                    .help(format!("write `use {};` before the net, and `{last}` here", show_expr(e)));
                return Err(());
            };
            if scope.env.used(name).is_some() {
                return Ok(OpKind::Own { path: scope.env.full_path(&p.path), extra: Vec::new() });
            }
            if let Some(builtin) = FUNCTIONS.iter().find(|b| name == b.name) {
                return Ok(OpKind::Builtin(builtin));
            }
            if let Some(crate::env::Value::Rust(inner)) = scope.env.value(&name.to_string())
                && inner != e
            {
                return function(inner, shown, scope, diags);
            }
            let d = diags.error(Blame::of(e), format!("`{shown}`: unknown function `{name}`"));
            match closest(&name.to_string(), FUNCTIONS.iter().map(|b| b.name).chain(scope.env.used_names())) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(known()),
            };
            Err(())
        }
        _ => {
            diags.error(Blame::of(e), format!("`{shown}` expects a function of `(y_prev, x)`, but gets `{}`", show_expr(e))).help(known());
            Err(())
        }
    }
}

fn known() -> String {
    let names = FUNCTIONS.iter().map(|b| format!("`{}`", b.name)).collect::<Vec<_>>().join(", ");
    format!("write {names}, a closure `|y_prev, x| ..`, or a function named by `use`")
}

/// `|y_prev, x| 0.5 * y_prev + x`, of two `&Tensor`.
fn closure(c: &syn::ExprClosure, shown: &str, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<OpKind, ()> {
    if c.inputs.len() != 2 {
        let names = if c.inputs.len() == 1 { "1 value" } else { &format!("{} values", c.inputs.len()) };
        diags
            .error(Blame::of(c), format!("`{shown}` joins what came out of the last step and what arrives, but its closure takes {names}"))
            .help("write `|y_prev, x| ..`");
        return Err(());
    }
    let mut env = scope.env.clone();
    let root = scope.file.root;
    let inputs = c.inputs.iter().map(|pat| {
        let inner = if let Pat::Type(t) = pat { &t.pat } else { pat };
        if let Pat::Ident(id) = inner {
            env.shadow(&id.ident);
        }
        if matches!(pat, Pat::Type(_)) { pat.to_token_stream() } else { quote!(#pat: &#root::Tensor) }
    });
    let inputs: Vec<_> = inputs.collect();
    let body = env.rewrite(&c.body);
    let output = &c.output;
    let path = match output {
        syn::ReturnType::Default => quote!((|#(#inputs),*| #body)),
        // A closure that says what it returns has a block for a body.
        syn::ReturnType::Type(..) => quote!((|#(#inputs),*| #output #body)),
    };
    Ok(OpKind::Own { path, extra: Vec::new() })
}
