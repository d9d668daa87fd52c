//! Wiring: `forward(x) { .. }`, or one entry after the other. In: flow expressions; out: straight-line operations on
//! numbered values.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{Ident, Pat};

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::show_expr;
use crate::ir::{Builtin, BuiltinShape, Flow, Leaf, Node, NodeKind, Op, OpKind, Value, What};
use crate::layers::{self, ArgValue, State};
use crate::suggest::closest;

use super::Scope;

/// The functions that `forward` knows.
pub(crate) const BUILTINS: &[Builtin] = &[
    Builtin { name: "sew_add", shape: BuiltinShape::Elementwise },
    Builtin { name: "sew_and", shape: BuiltinShape::Elementwise },
    Builtin { name: "sew_iand", shape: BuiltinShape::Elementwise },
    Builtin { name: "add", shape: BuiltinShape::Elementwise },
    Builtin { name: "mul", shape: BuiltinShape::Elementwise },
    Builtin { name: "cat", shape: BuiltinShape::Cat },
    Builtin { name: "stack", shape: BuiltinShape::Stack },
    Builtin { name: "mean_over_time", shape: BuiltinShape::Reduce },
    Builtin { name: "max_over_time", shape: BuiltinShape::Reduce },
    Builtin { name: "sum_over_time", shape: BuiltinShape::Reduce },
    Builtin { name: "last_step", shape: BuiltinShape::Reduce },
];

/// Values that one call of a node gives.
pub(super) fn results(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Leaf(leaf) => leaf_results(leaf),
        NodeKind::Group(g) => g.flow.outputs.len(),
        NodeKind::Poisoned => 1,
    }
}

fn leaf_results(leaf: &Leaf) -> usize {
    let indices = leaf.args.find("return_indices").is_some_and(|a| matches!(a.value, ArgValue::Bool(true)));
    if indices { 2 } else { 1 }
}

pub(super) fn op_of(node: &Node, index: usize, args: Vec<Value>, outs: Vec<Value>, shown: String) -> Op {
    let reduction = match &node.kind {
        NodeKind::Leaf(leaf) => leaf.reduces().and_then(builtin).map(|b| (b, leaf.shown.clone())),
        _ => None,
    };
    let (kind, shown) = match reduction {
        Some((b, name)) => (OpKind::Builtin(b), name),
        None => (OpKind::Node(index), shown),
    };
    Op { kind, args, outs, blame: node.blame, shown, with_next: false }
}

fn builtin(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|b| b.name == name)
}

/// Entries from top to bottom.
pub(super) fn chain(nodes: &[Node], diags: &mut Diagnostics) -> Flow {
    let mut flow = Flow::default();
    let first = flow.fresh();
    flow.inputs.push(first);
    let mut current = vec![first];
    for (i, node) in nodes.iter().enumerate() {
        if current.len() != 1 {
            diags
                .error(node.blame, format!("`{}` takes one value, but the layer before it gives {}", shown(node), current.len()))
                .help("wire them by hand: `forward(x) { let (y, indices) = pool(x); .. }`");
            current.truncate(1);
        }
        let outs: Vec<Value> = (0..results(node)).map(|_| flow.fresh()).collect();
        flow.ops.push(op_of(node, i, current, outs.clone(), node.label.text()));
        current = outs;
    }
    flow.outputs = current;
    flow
}

/// A `forward` that could not be read: values go in, and nothing is known of what comes out.
pub(super) fn unknown(inputs: usize) -> Flow {
    let mut flow = Flow::default();
    flow.inputs = (0..inputs).map(|_| flow.fresh()).collect();
    flow.outputs = vec![flow.fresh()];
    flow
}

/// Where `forward` finds its names.
struct Wiring<'a> {
    flow: Flow,
    names: BTreeMap<String, Option<Value>>,
    nodes: &'a [Node],
    called: Vec<Vec<Blame>>,
    scope: &'a Scope<'a>,
    diags: &'a mut Diagnostics,
}

/// `forward(x) { .. }`.
pub(super) fn wired(
    forward: &ast::Forward,
    inputs: Option<usize>,
    nodes: &[Node],
    owner: &Ident,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Flow {
    let mut w = Wiring { flow: Flow::default(), names: BTreeMap::new(), nodes, called: vec![Vec::new(); nodes.len()], scope, diags };
    if let Some(inputs) = inputs.filter(|&n| n != forward.inputs.len()) {
        let text = format!("`{owner}` has {}, but `forward` takes {}", layers::count(inputs, "input"), forward.inputs.len());
        w.diags.error(Blame::from(forward.span), text).help("name one value for each input");
    }
    for name in &forward.inputs {
        let v = w.flow.fresh();
        w.flow.inputs.push(v);
        if w.names.insert(name.to_string(), Some(v)).is_some() {
            // Which of the two is meant is unknown.
            w.names.insert(name.to_string(), None);
            w.diags.error(Blame::of(name), format!("`forward` names `{name}` twice")).help("rename one of the two");
        }
    }
    for l in &forward.lets {
        let values = w.values(&l.value);
        w.bind(&l.pat, values);
    }
    w.flow.outputs = match w.values(&forward.result) {
        Some(values) => values,
        // Reported; a fresh value that nothing computes keeps the shape of the net.
        None => vec![w.flow.fresh()],
    };
    w.flow.result = Some(blame(&forward.result));
    w.check_calls();
    w.flow
}

impl Wiring<'_> {
    fn bind(&mut self, pat: &Pat, values: Option<Vec<Value>>) {
        match pat {
            Pat::Ident(id) => {
                let one = match values {
                    Some(v) if v.len() == 1 => Some(v[0]),
                    Some(v) => {
                        let text = format!("`{}` names one value, but gets {}", id.ident, v.len());
                        let names = (0..v.len()).map(|i| format!("{}{i}", id.ident)).collect::<Vec<_>>().join(", ");
                        self.diags.error(Blame::of(&id.ident), text).help(format!("write `let ({names}) = ..`"));
                        None
                    }
                    None => None,
                };
                if self.node(&id.ident.to_string()).is_some() {
                    self.diags
                        .error(Blame::of(&id.ident), format!("`{}` is a layer already", id.ident))
                        .help("give the value another name");
                }
                self.names.insert(id.ident.to_string(), one);
            }
            Pat::Tuple(t) => {
                let parts: Vec<Option<Vec<Value>>> = match values {
                    Some(v) if v.len() == t.elems.len() => v.into_iter().map(|v| Some(vec![v])).collect(),
                    Some(v) => {
                        self.diags.error(Blame::of(t), format!("names {} values, but gets {}", t.elems.len(), v.len()));
                        vec![None; t.elems.len()]
                    }
                    None => vec![None; t.elems.len()],
                };
                for (pat, part) in t.elems.iter().zip(parts) {
                    self.bind(pat, part);
                }
            }
            Pat::Type(t) => self.bind(&t.pat, values),
            Pat::Paren(p) => self.bind(&p.pat, values),
            _ => {}
        }
    }

    fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n.label.text() == name)
    }

    /// The values of a flow expression; `None` is reported already.
    fn values(&mut self, flow: &ast::Flow) -> Option<Vec<Value>> {
        match flow {
            ast::Flow::Name(name) => self.name(name).map(|v| vec![v]),
            ast::Flow::Tuple(parts, _) => {
                let parts: Vec<Option<Value>> = parts.iter().map(|p| self.one(p)).collect();
                parts.into_iter().collect()
            }
            ast::Flow::Call { func, args, span } => self.call(func, args, *span, &show(flow)),
            ast::Flow::Error(_) => None,
            ast::Flow::Expr(e) => {
                self.diags
                    .error(Blame::of(e), format!("`{}` is not a value that flows", show_expr(e)))
                    .help("`forward` calls layers and functions: `fc1(x)`, `sew_add(a, b)`");
                None
            }
        }
    }

    fn one(&mut self, flow: &ast::Flow) -> Option<Value> {
        let values = self.values(flow)?;
        if let [v] = values[..] {
            return Some(v);
        }
        self.diags
            .error(blame(flow), format!("`{}` gives {} values where one is wanted", show(flow), values.len()))
            .help("name them first: `let (a, b) = ..;`");
        None
    }

    fn name(&mut self, name: &Ident) -> Option<Value> {
        if let Some(v) = self.names.get(&name.to_string()) {
            return *v;
        }
        if self.node(&name.to_string()).is_some() {
            self.diags.error(Blame::of(name), format!("`{name}` is a layer, not a value")).help(format!("call it: `{name}(x)`"));
            return None;
        }
        let d = self.diags.error(Blame::of(name), format!("unknown value `{name}`"));
        match closest(&name.to_string(), self.names.keys().map(String::as_str)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("name it first: `let {name} = ..;`")),
        };
        None
    }

    fn call(&mut self, func: &Ident, args: &[ast::Flow], blame: Blame, shown: &str) -> Option<Vec<Value>> {
        if let Some(index) = self.node(&func.to_string()) {
            self.called[index].push(blame);
            return self.call_node(index, func, args, blame, shown);
        }
        if let Some(builtin) = builtin(&func.to_string()) {
            let args = self.flow_args(args)?;
            let (least, most) = match builtin.shape {
                BuiltinShape::Reduce => (1, 1),
                BuiltinShape::Elementwise if builtin.name.starts_with("sew") || builtin.name == "mul" => (2, 2),
                _ => (2, usize::MAX),
            };
            if !(least..=most).contains(&args.len()) {
                let want = match (least, most) {
                    (1, _) => "one value",
                    (_, 2) => "two values",
                    _ => "two or more values",
                };
                let example = if least == 1 { "x" } else { "a, b" };
                self.diags
                    .error(blame, format!("`{func}` takes {want}, but gets {}", args.len()))
                    .help(format!("write `{func}({example})`"));
                return None;
            }
            return Some(self.push(OpKind::Builtin(builtin), args, 1, blame, shown));
        }
        if self.scope.env.used(func).is_some() {
            let split = args.iter().position(|a| !self.flows(a)).unwrap_or(args.len());
            let extra: Vec<_> = args[split..].iter().map(|a| self.extra(a)).collect::<Option<_>>()?;
            if split == 0 {
                self.diags
                    .error(blame, format!("`{func}` is a function of values that flow, but gets none"))
                    .help(format!("write `{func}(x, ..)`: values first, then constants"));
                return None;
            }
            let args = self.flow_args(&args[..split])?;
            let path = self.scope.env.full_path(&syn::Path::from(func.clone()));
            return Some(self.push(OpKind::Own { path, extra }, args, 1, blame, shown));
        }
        let labels: Vec<String> = self.nodes.iter().map(|n| n.label.text()).collect();
        let names = labels.iter().map(String::as_str).chain(BUILTINS.iter().map(|b| b.name)).chain(self.scope.env.used_names());
        let d = self.diags.error(Blame::of(func), format!("unknown layer or function `{func}`"));
        match closest(&func.to_string(), names) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("declare a layer `{func}: ..,`, or name a function of your own: `use crate::{func};`")),
        };
        // The arguments' own mistakes are worth telling too.
        args.iter().for_each(|a| {
            if self.flows(a) {
                self.values(a);
            }
        });
        None
    }

    fn call_node(&mut self, index: usize, func: &Ident, args: &[ast::Flow], blame: Blame, shown: &str) -> Option<Vec<Value>> {
        let values = self.flow_args(args)?;
        let node = &self.nodes[index];
        let want = match &node.kind {
            NodeKind::Group(g) => g.arity(),
            NodeKind::Leaf(leaf) => leaf.inputs(),
            NodeKind::Poisoned => 1,
        };
        if values.len() != want {
            let values_wanted = if want == 1 { "one value".to_string() } else { format!("{want} values") };
            let d = self.diags.error(blame, format!("`{func}` takes {values_wanted}, but gets {}", values.len()));
            if want == 2 && matches!(node.kind, NodeKind::Leaf(_)) {
                d.help(format!("write `{func}(y, indices)` with both outputs of a `MaxPool2d(.., return_indices = true)`"));
            }
            return None;
        }
        let outs: Vec<Value> = (0..results(node)).map(|_| self.flow.fresh()).collect();
        let op = Op { blame, ..op_of(node, index, values, outs.clone(), shown.to_string()) };
        self.flow.ops.push(op);
        Some(outs)
    }

    fn flow_args(&mut self, args: &[ast::Flow]) -> Option<Vec<Value>> {
        let values: Vec<Option<Value>> = args.iter().map(|a| self.one(a)).collect();
        values.into_iter().collect()
    }

    fn push(&mut self, kind: OpKind, args: Vec<Value>, outs: usize, blame: Blame, shown: &str) -> Vec<Value> {
        let outs: Vec<Value> = (0..outs).map(|_| self.flow.fresh()).collect();
        self.flow.ops.push(Op { kind, args, outs: outs.clone(), blame, shown: shown.to_string(), with_next: false });
        outs
    }

    /// Does this argument carry data, or is it a trailing constant of an own function?
    fn flows(&self, arg: &ast::Flow) -> bool {
        match arg {
            ast::Flow::Name(n) => self.names.contains_key(&n.to_string()) || self.scope.env.value(&n.to_string()).is_none(),
            ast::Flow::Expr(_) => false,
            _ => true,
        }
    }

    fn extra(&mut self, arg: &ast::Flow) -> Option<proc_macro2::TokenStream> {
        match arg {
            ast::Flow::Name(n) if !self.flows(arg) => {
                let e: syn::Expr = syn::parse_quote!(#n);
                Some(self.scope.env.rewrite(&e).into_token_stream())
            }
            ast::Flow::Expr(e) => Some(self.scope.env.rewrite(e).into_token_stream()),
            other => {
                self.diags.error(blame(other), "a value that flows stands after a constant").help("put the values first");
                None
            }
        }
    }

    /// Layers that are never called, and neurons that are called twice.
    fn check_calls(&mut self) {
        for (node, calls) in self.nodes.iter().zip(&self.called) {
            let name = node.label.text();
            match calls.as_slice() {
                [] if !matches!(node.kind, NodeKind::Poisoned) => {
                    self.diags
                        .error(node.label.blame().unwrap_or(node.blame), format!("`{name}` is declared, but `forward` never calls it"))
                        .help(format!("call it, `{name}(x)`, or remove it"));
                }
                [_, second, ..] => {
                    if let Some(memory) = memory(node) {
                        self.diags
                            .error(*second, format!("`{name}` {} and is called twice in `forward`", memory.what))
                            .note(format!("it has one {}; the second call would continue from the first", memory.state))
                            .help(format!("declare a second {}, or call it once on `cat(a, b)`", memory.kind));
                    }
                }
                _ => {}
            }
        }
    }
}

/// How to speak of what a node carries from step to step.
pub(super) struct Memory {
    pub(super) what: &'static str,
    state: &'static str,
    kind: &'static str,
}

pub(super) fn memory(node: &Node) -> Option<Memory> {
    match &node.kind {
        NodeKind::Leaf(l) => match &l.what {
            What::Known(spec) => match spec.state? {
                State::Neuron => Some(Memory { what: "is a neuron", state: "membrane potential", kind: "neuron" }),
                State::Mask => Some(Memory { what: "has state", state: "mask", kind: "one" }),
                State::Memory => Some(Memory { what: "has state", state: "state", kind: "one" }),
                State::Draws => None,
            },
            What::Own { .. } => Some(Memory { what: "may have state", state: "state", kind: "one" }),
        },
        NodeKind::Group(g) if g.feeds_back() => Some(Memory { what: "has state", state: "last output", kind: "one" }),
        NodeKind::Group(g) => g.nodes.iter().find_map(memory).map(|_| Memory { what: "has state", state: "state", kind: "one" }),
        NodeKind::Poisoned => None,
    }
}

/// As it was written, for messages: `fc1`, or `Linear` where no name was given.
pub(super) fn shown(node: &Node) -> String {
    match &node.kind {
        NodeKind::Leaf(leaf) => leaf.shown.clone(),
        NodeKind::Group(g) => g.container().map_or_else(|| node.label.text(), |c| c.shown.clone()),
        NodeKind::Poisoned => node.label.text(),
    }
}

fn blame(flow: &ast::Flow) -> Blame {
    match flow {
        ast::Flow::Name(n) => Blame::of(n),
        ast::Flow::Call { span, .. } => *span,
        ast::Flow::Tuple(_, span) | ast::Flow::Error(span) => Blame::from(*span),
        ast::Flow::Expr(e) => Blame::of(e),
    }
}

/// As it was written, on one line.
fn show(flow: &ast::Flow) -> String {
    let list = |parts: &[ast::Flow]| parts.iter().map(show).collect::<Vec<_>>().join(", ");
    match flow {
        ast::Flow::Name(n) => n.to_string(),
        ast::Flow::Call { func, args, .. } => format!("{func}({})", list(args)),
        ast::Flow::Tuple(parts, _) => format!("({})", list(parts)),
        ast::Flow::Expr(e) => show_expr(e),
        ast::Flow::Error(_) => "..".to_string(),
    }
}
