//! Entries: named and unnamed layers, lists, repeats, conditions. In: entries as written; out: labelled nodes and the
//! wiring between them.

use syn::{Attribute, Ident};

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::{Value, show_expr};
use crate::ir::{Flow, Group, GroupKind, Label, Leaf, Mode, Node, NodeKind, Record, Time, What};
use crate::layers::{self, Args, Modes};
use crate::suggest::closest;

use super::labels::Labels;
use super::{Scope, block, checkpoint, container, flow, settings, shape};

/// Most copies that `[x; n]` makes; each becomes a field.
const MOST_COPIES: i64 = 4096;

/// The entries and wiring of a net or a block; `inputs` is unknown where the head could not be read.
pub(super) fn body(
    body: &ast::Body,
    inputs: Option<usize>,
    owner: &Ident,
    scope: &mut Scope<'_>,
    diags: &mut Diagnostics,
) -> (Vec<Node>, Flow) {
    let before = diags.errors();
    let nodes = nodes(&body.entries, false, scope, diags);
    let read = diags.errors() == before;
    let flow = match &body.forward {
        Some(f) if f.broken => flow::unknown(inputs.unwrap_or(1)),
        Some(f) => flow::wired(f, inputs, &nodes, owner, scope, diags),
        None => {
            if let Some(inputs) = inputs.filter(|&n| n != 1 && !nodes.is_empty()) {
                diags
                    .error(Blame::of(owner), format!("`{owner}` has {inputs} inputs, but no `forward` that says where they go"))
                    .help("add `forward(a, b) { .. }` after the layers");
            }
            flow::chain(&nodes, diags)
        }
    };
    if nodes.is_empty() && body.forward.is_none() && read {
        diags.error(Blame::of(owner), format!("`{owner}` has no layers")).help("add one: `fc1: Linear(_, 10),`");
    }
    (nodes, flow)
}

/// Nodes in order. Unnamed conditions give their entries to the place they stand in.
fn nodes(entries: &[ast::Entry], in_list: bool, scope: &Scope<'_>, diags: &mut Diagnostics) -> Vec<Node> {
    let mut flat = Vec::new();
    splice(entries, scope, diags, &mut flat);
    let numbered = in_list && flat.iter().all(|e| e.name.is_none());
    let mut labels = Labels::new(&flat, numbered, diags);
    flat.iter().map(|entry| node(entry, labels.next(entry), scope, diags)).collect()
}

fn splice<'a>(entries: &'a [ast::Entry], scope: &Scope<'_>, diags: &mut Diagnostics, out: &mut Vec<&'a ast::Entry>) {
    for entry in entries {
        match &entry.node {
            ast::Node::Cond(c) if entry.name.is_none() => {
                checkpoint::nowhere(&entry.attrs, "an `if` without a name, whose layers stand in the place of it", diags);
                if let Ok(chosen) = chosen(c, scope, diags) {
                    splice(chosen, scope, diags, out);
                }
            }
            _ => out.push(entry),
        }
    }
}

/// The branch that the condition picks.
fn chosen<'a>(c: &'a ast::Cond, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<&'a [ast::Entry], ()> {
    match scope.env.eval(&c.cond, diags)? {
        Value::Bool(true) => Ok(&c.then),
        Value::Bool(false) => match &c.otherwise {
            Some(ast::Otherwise::If(c)) => chosen(c, scope, diags),
            Some(ast::Otherwise::Else(entries)) => Ok(entries),
            None => Ok(&[]),
        },
        _ => {
            diags
                .error(
                    Blame::of(&c.cond),
                    format!("`if` chooses layers while the net is compiled, but `{}` is not known then", show_expr(&c.cond)),
                )
                .help("compare consts of this macro, block parameters and literals");
            Err(())
        }
    }
}

fn node(entry: &ast::Entry, label: Label, scope: &Scope<'_>, diags: &mut Diagnostics) -> Node {
    let blame = entry.node.blame();
    let (attrs, record) = attributes(&entry.attrs, diags);
    let (attrs, wanted) = checkpoint::attribute(attrs, diags);
    let record_blame = entry.attrs.iter().find(|a| a.path().is_ident("record")).map_or(blame, Blame::of);
    let shown = match (&entry.name, &entry.node) {
        (Some(name), _) => name.to_string(),
        (None, ast::Node::Layer(l)) => l.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        (None, _) => label.text(),
    };
    let mut kind = kind(&entry.node, &shown, scope, diags).unwrap_or(NodeKind::Poisoned);
    if record.any() && !matches!(&kind, NodeKind::Leaf(l) if may_record(l)) && !matches!(kind, NodeKind::Poisoned) {
        diags
            .error(record_blame, format!("`{shown}` is not a spiking neuron: `#[record(..)]` has nothing to record"))
            .help("put it on a neuron, such as `IFNode()`");
    }
    let checkpoint = wanted.is_some_and(|at| checkpoint::marked(&mut kind, &shown, at, diags));
    Node { label, attrs, record, checkpoint, kind, blame }
}

/// Whether a layer of the user's own implements `Record` is rustc's to say.
fn may_record(leaf: &Leaf) -> bool {
    match &leaf.what {
        What::Known(spec) => spec.state == Some(layers::State::Neuron),
        What::Own { .. } => true,
    }
}

/// Doc comments stay with the field; `#[record(..)]` is ours; nothing else has a meaning here.
fn attributes(attrs: &[Attribute], diags: &mut Diagnostics) -> (Vec<Attribute>, Record) {
    let mut record = Record::default();
    let mut kept = Vec::new();
    for attr in attrs {
        let path = attr.path();
        if path.is_ident("record") {
            let mut unknown = None;
            let read = attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("spikes") {
                    record.spikes = true;
                } else if meta.path.is_ident("voltage") {
                    record.voltage = true;
                } else {
                    unknown = Some(meta.path.clone());
                }
                Ok(())
            });
            if let Some(path) = unknown {
                let d = diags.error(Blame::of(&path), "`#[record(..)]` knows `spikes` and `voltage`");
                if let Some(near) = path.get_ident().and_then(|id| closest(&id.to_string(), ["spikes", "voltage"])) {
                    d.help(format!("did you mean `{near}`?"));
                }
            } else if read.is_err() || !record.any() {
                diags
                    .error(Blame::of(attr), "`#[record(..)]` knows `spikes` and `voltage`")
                    .help("write `#[record(spikes)]` or `#[record(spikes, voltage)]`");
            }
        } else if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            diags.error(Blame::of(attr), "`#[cfg]` on an entry changes the shapes that follow").help("use `if CONST { .. }`");
        } else {
            kept.push(attr.clone());
        }
    }
    (kept, record)
}

pub(super) fn kind(node: &ast::Node, shown: &str, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<NodeKind, ()> {
    match node {
        ast::Node::Layer(l) => layer(l, shown, scope, diags),
        ast::Node::List(l) => Ok(NodeKind::Group(list(&l.entries, GroupKind::List, scope, diags))),
        ast::Node::Repeat(r) => repeat(r, scope, diags),
        ast::Node::Cond(c) => match chosen(c, scope, diags)? {
            // `else { Identity() }` is the layer itself.
            [only] if only.name.is_none() && only.attrs.is_empty() => kind(&only.node, shown, scope, diags),
            entries => Ok(NodeKind::Group(list(entries, GroupKind::List, scope, diags))),
        },
        ast::Node::Error(_) => Err(()),
    }
}

fn list(entries: &[ast::Entry], kind: GroupKind, scope: &Scope<'_>, diags: &mut Diagnostics) -> Group {
    let nodes = nodes(entries, true, scope, diags);
    let flow = flow::chain(&nodes, diags);
    Group { kind, nodes, flow, attrs: Vec::new() }
}

/// `[x; n]`: n copies, each with its own weights and its own inferred sizes.
fn repeat(r: &ast::Repeat, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<NodeKind, ()> {
    let count = match scope.env.eval(&r.count, diags)? {
        Value::Int(n) if (1..=MOST_COPIES).contains(&n) => n as usize,
        Value::Int(n) => {
            let d = diags.error(Blame::of(&r.count), format!("`[x; n]` makes 1 to {MOST_COPIES} copies, but gets {n}"));
            if n == 0 {
                d.help("use `if CONST { .. }` to leave it out");
            }
            return Err(());
        }
        _ => {
            diags
                .error(
                    Blame::of(&r.count),
                    format!("`[x; n]` needs to know n while the net is compiled, but gets `{}`", show_expr(&r.count)),
                )
                .help("use a literal, a const of this macro or a block parameter");
            return Err(());
        }
    };
    if let Some(name) = &r.entry.name {
        diags.error(Blame::of(name), format!("`{name}` names one of {count} copies")).help("leave the name out: copies are numbered");
    }
    let first = node(&r.entry, Label::Index(0), scope, diags);
    let nodes: Vec<Node> = (0..count).map(|i| Node { label: Label::Index(i), ..first.clone() }).collect();
    let flow = flow::chain(&nodes, diags);
    Ok(NodeKind::Group(Group { kind: GroupKind::Repeat, nodes, flow, attrs: Vec::new() }))
}

fn layer(l: &ast::Layer, shown: &str, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<NodeKind, ()> {
    let name = l.path.segments.last().map(|s| s.ident.clone()).ok_or(())?;
    let known = l.path.get_ident().and_then(|id| layers::find(&id.to_string()));
    let block = l.path.get_ident().and_then(|id| scope.file.blocks.get(&id.to_string()));
    let own = l.path.segments.first().and_then(|s| scope.env.used(&s.ident)).is_some();
    if let Some(declared) = &l.shape
        && !own
    {
        diags
            .error(Blame::from(declared.span), format!("`{shown}`: the shape after `{name}` is known"))
            .help("remove `-> [..]`: it is for layers of your own");
    }
    if let (Some(block), false) = (block, own) {
        return block::call(block, shown, l, scope, diags).map(NodeKind::Group);
    }
    let what = match known {
        Some(spec) if !own => What::Known(spec),
        _ if own => What::Own {
            path: scope.env.full_path(&l.path),
            shape: match &l.shape {
                Some(s) => Some(shape(s, &format!("`{shown}`"), &scope.env, diags)?.0),
                None => None,
            },
        },
        _ => {
            unknown_layer(l, &name, scope, diags);
            return Err(());
        }
    };
    let mode = check_mode(l, shown, &name, &what, scope, diags);
    if let What::Known(spec) = &what
        && layers::is_container(spec)
    {
        let node = container::container(l, shown, spec, mode.unwrap_or(scope.mode), scope, diags)?;
        return mode.map(|_| node);
    }
    let args = match &what {
        What::Known(spec) => layers::bind(spec, shown, l, &scope.settings, &scope.env, scope.file.root, diags)?,
        What::Own { .. } => own_args(l, shown, scope, diags)?,
    };
    mode?;
    Ok(NodeKind::Leaf(Box::new(Leaf {
        what,
        args,
        shown: shown.to_string(),
        mode: scope.mode,
        line: l.span.line(),
        built: None,
        input: Vec::new(),
        input_time: Time::Static,
    })))
}

fn unknown_layer(l: &ast::Layer, name: &Ident, scope: &Scope<'_>, diags: &mut Diagnostics) {
    let names = layers::all().map(|l| l.name).chain(scope.file.blocks.keys().map(String::as_str)).chain(scope.env.used_names());
    let d = diags.error(Blame::of(&l.path), format!("unknown layer `{name}`"));
    match closest(&name.to_string(), names) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("a layer of your own is named first: `use crate::layers::{name};`")),
    };
}

/// The step mode of the place, compared with what the layer says and can do.
fn check_mode(l: &ast::Layer, shown: &str, name: &Ident, what: &What, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<Mode, ()> {
    let multi_only = matches!(what, What::Known(spec) if spec.modes == Modes::MultiOnly);
    let mut wanted = if multi_only { Mode::Multi } else { scope.mode };
    let mut written = None;
    for arg in &l.args {
        let Some(arg_name) = arg.name.as_ref().filter(|n| *n == "step_mode") else { continue };
        let ast::ArgValue::Expr(e) = &arg.value else {
            diags.error(Blame::of(arg_name), format!("`{shown}`: `step_mode` expects `'s'` or `'m'`"));
            return Err(());
        };
        written = Some(Blame::of(e));
        wanted = settings::step_mode(e, &format!("`{shown}`: `step_mode`"), diags)?;
    }
    let blame = written.unwrap_or(l.span);
    let net = &scope.net;
    let here = match (scope.place, scope.mode_line) {
        (Some(place), _) => format!("`{}` stands on line {}", place.container, place.line),
        (None, Some(line)) => format!("`step_mode = '{}'` is set on line {line}", scope.mode.letter()),
        (None, None) => format!("`step_mode` is `'{}'` unless the net sets it", scope.mode.letter()),
    };
    match (wanted, scope.mode) {
        (Mode::Step, _) if multi_only => {
            diags.error(blame, format!("`{name}` works on whole sequences, but `{shown}` is to run step by step")).note(here).help(match (
                scope.place,
                scope.mode,
            ) {
                (Some(_), _) => "put it outside of the container, without `step_mode = 's'`".to_string(),
                (None, Mode::Multi) => format!("remove its `step_mode = 's'`: `{net}` gives it whole sequences"),
                (None, Mode::Step) => format!("remove its `step_mode = 's'`, and set `step_mode = 'm'` for `{net}`"),
            });
            Err(())
        }
        (Mode::Step, Mode::Multi) => {
            let inside = match what {
                // A container of steps is one already.
                What::Known(spec) if layers::is_container(spec) => String::new(),
                _ => format!(", or wrap it: `MultiStepContainer([{name}(..)])`"),
            };
            diags
                .error(blame, format!("`{shown}` takes one step at a time, but `{net}` gives it whole sequences"))
                .note(here)
                .help(format!("remove its `step_mode = 's'`{inside}"));
            Err(())
        }
        (Mode::Multi, Mode::Step) => {
            let subject = if multi_only { format!("`{name}`") } else { format!("`{shown}`") };
            let gets = match scope.place {
                Some(place) if place.one_batch => format!("`{}` gives it all steps as one batch", place.container),
                Some(place) => format!("`{}` gives it one step at a time", place.container),
                None => format!("`{net}` runs step by step"),
            };
            let help = match scope.place {
                Some(_) if written.is_some() => "remove its `step_mode = 'm'`",
                Some(_) => "put it outside of the container",
                None => "set `step_mode = 'm'`",
            };
            diags.error(blame, format!("{subject} works on whole sequences, but {gets}")).note(here).help(help);
            Err(())
        }
        _ => Ok(wanted),
    }
}

/// Arguments of a layer of the user's own: fields of its config, as they are.
fn own_args(l: &ast::Layer, shown: &str, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<Args, ()> {
    let mut args = Args::default();
    let mut ok = true;
    for arg in &l.args {
        match (&arg.name, &arg.value) {
            (Some(name), _) if name == "step_mode" => {}
            (Some(name), ast::ArgValue::Expr(e)) => {
                if args.passed().iter().any(|(n, _)| n == name) {
                    diags.error(Blame::of(name), format!("`{shown}`: `{name}` is given twice")).help("remove one of the two");
                    ok = false;
                }
                args.pass(name.clone(), scope.env.rewrite(e));
            }
            (Some(name), _) => {
                diags.error(Blame::of(name), format!("`{shown}`: an argument of your own layer is an expression"));
                ok = false;
            }
            (None, _) => {
                diags
                    .error(l.span, format!("`{shown}`: arguments of your own layers are given by name"))
                    .help("each is a field of its `Config`: `heads = 4`");
                ok = false;
            }
        }
    }
    if ok { Ok(args) } else { Err(()) }
}
