//! ast -> ir. In: what was written; out: nets whose names, consts, blocks, repeats and conditions are resolved and whose
//! wiring is straight-line code. Sizes that come from what flows in (`_`) stay open until `check`.

mod block;
mod checkpoint;
mod container;
mod entries;
mod flow;
mod labels;
mod settings;

#[cfg(test)]
pub(crate) use flow::BUILTINS;

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use syn::Ident;

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::Env;
use crate::ir::{Group, GroupKind, Mode, Net, Port};
use crate::layers::{self, Settings};
use crate::size::Size;

/// What surrounds a piece of a net: names, defaults, step mode.
#[derive(Clone)]
struct Scope<'a> {
    env: Env,
    settings: Settings,
    mode: Mode,
    /// Where `step_mode` is set, for notes.
    mode_line: Option<usize>,
    /// The container around it, if there is one.
    place: Option<Place>,
    net: String,
    file: &'a FileScope<'a>,
    /// Blocks being inlined, outermost first.
    inside: Vec<String>,
}

/// The innermost container around a layer.
#[derive(Clone, Copy)]
struct Place {
    container: &'static str,
    line: usize,
    /// It gives all steps as one batch.
    one_batch: bool,
}

/// What the whole macro call declares.
struct FileScope<'a> {
    blocks: BTreeMap<String, &'a ast::Block>,
    /// `use`d names and consts.
    env: Env,
    /// `$crate::__private`
    root: &'a TokenStream,
}

/// All nets of one macro call.
pub(crate) fn lower(file: &ast::File, root: &TokenStream, diags: &mut Diagnostics) -> Vec<Net> {
    let mut scope = FileScope { blocks: BTreeMap::new(), env: Env::default(), root };
    for item in &file.items {
        match item {
            ast::Item::Use(tree) => scope.env.import(tree, diags),
            ast::Item::Const(c) => scope.env.declare(c, diags),
            ast::Item::Block(b) => declare_block(b, &mut scope, diags),
            ast::Item::Net(_) => {}
        }
    }
    let mut names: Vec<&Ident> = Vec::new();
    let mut nets = Vec::new();
    for item in &file.items {
        let ast::Item::Net(net) = item else { continue };
        if names.contains(&&net.name) {
            diags.error(Blame::of(&net.name), format!("net `{}` is declared twice", net.name)).help("rename one of the two");
            continue;
        }
        names.push(&net.name);
        nets.push(lower_net(net, &scope, diags));
    }
    block::unused(&scope, file, diags);
    nets
}

fn declare_block<'a>(block: &'a ast::Block, scope: &mut FileScope<'a>, diags: &mut Diagnostics) {
    checkpoint::nowhere(&block.attrs, &format!("the block `{}` as such", block.name), diags);
    let name = block.name.to_string();
    if layers::find(&name).is_some() {
        diags.error(Blame::of(&block.name), format!("block `{name}` has the name of a layer")).help("rename the block");
    } else if scope.blocks.insert(name.clone(), block).is_some() {
        diags.error(Blame::of(&block.name), format!("block `{name}` is declared twice")).help("rename one of the two");
    }
}

fn lower_net(net: &ast::Net, file: &FileScope<'_>, diags: &mut Diagnostics) -> Net {
    checkpoint::nowhere(&net.attrs, &format!("the net `{}` as a whole", net.name), diags);
    let mut env = file.env.clone();
    for param in &net.generics.params {
        match param {
            syn::GenericParam::Const(c) => env.generic(&c.ident),
            other => {
                diags
                    .error(Blame::of(other), format!("`{}` can be generic over sizes only", net.name))
                    .help("use a const parameter: `<const HIDDEN: usize>`");
            }
        }
    }
    for c in &net.body.consts {
        env.declare(c, diags);
    }
    let head = settings::net(net, &mut env, file.root, diags);
    let mut scope = Scope {
        env,
        settings: head.settings,
        mode: head.mode,
        mode_line: head.mode_line,
        place: None,
        net: net.name.to_string(),
        file,
        inside: Vec::new(),
    };
    let inputs = inputs(net, &scope.env, diags);
    let outputs = outputs(net, &scope.env, diags);
    let (nodes, flow) = entries::body(&net.body, if net.broken { None } else { Some(net.inputs.len()) }, &net.name, &mut scope, diags);
    Net {
        name: net.name.clone(),
        vis: net.vis.clone(),
        attrs: net.attrs.clone(),
        generics: net.generics.clone(),
        steps: head.steps,
        unroll: head.unroll,
        mode: head.mode,
        inputs,
        named_outputs: net.outputs.as_ref().is_some_and(|o| o.iter().any(|o| o.name.is_some())),
        outputs,
        root: Group { kind: GroupKind::Net, nodes, flow, attrs: Vec::new() },
        blame: Blame::of(&net.name),
        broken: net.broken,
        declared: net.outputs.is_some(),
        checks: Vec::new(),
    }
}

/// A declared shape: axes, and whether `T` leads.
fn shape(shape: &ast::Shape, what: &str, env: &Env, diags: &mut Diagnostics) -> Result<(Vec<Size>, bool), ()> {
    let mut sequence = false;
    let mut sizes = Vec::new();
    let mut ok = true;
    for (i, dim) in shape.dims.iter().enumerate() {
        match dim {
            ast::Dim::Time(_) if i == 0 => sequence = true,
            ast::Dim::Time(span) => {
                diags.error(Blame::from(*span), format!("{what}: `T` leads a shape, and stands nowhere else")).help("write `[T, ..]`");
                ok = false;
            }
            ast::Dim::Infer(span) => {
                diags.error(Blame::from(*span), format!("{what}: a declared shape has no `_`")).help("write the size");
                ok = false;
            }
            ast::Dim::Size(e) => match env.size(e, what, diags) {
                Ok(s) => sizes.push(s),
                Err(()) => ok = false,
            },
        }
    }
    if sizes.len() > 5 {
        diags.error(Blame::from(shape.span), format!("{what}: a sample has at most 5 axes, but gets {}", sizes.len()));
        ok = false;
    }
    if ok { Ok((sizes, sequence)) } else { Err(()) }
}

fn inputs(net: &ast::Net, env: &Env, diags: &mut Diagnostics) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    for input in &net.inputs {
        if ports.iter().any(|p| p.name == input.name) {
            diags.error(Blame::of(&input.name), format!("input `{}` is declared twice", input.name)).help("rename one of the two");
            continue;
        }
        let blame = Blame::from(input.shape.span);
        let read = shape(&input.shape, &format!("input `{}`", input.name), env, diags);
        let known = read.is_ok();
        let (sizes, sequence) = read.unwrap_or_default();
        ports.push(Port { name: input.name.clone(), shape: sizes, sequence, blame, known });
    }
    ports
}

fn outputs(net: &ast::Net, env: &Env, diags: &mut Diagnostics) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let list = net.outputs.as_deref().unwrap_or_default();
    let named = list.iter().filter(|o| o.name.is_some()).count();
    for (i, output) in list.iter().enumerate() {
        let blame = Blame::from(output.shape.span);
        if named > 0 && output.name.is_none() {
            diags.error(blame, "name all outputs or none").help("write `name: [..]`");
        }
        let name = output.name.clone().unwrap_or_else(|| Ident::new(&format!("output{i}"), output.shape.span));
        if ports.iter().any(|p| p.name == name) {
            diags.error(Blame::of(&name), format!("output `{name}` is declared twice")).help("rename one of the two");
        }
        let what = match &output.name {
            Some(name) => format!("output `{name}`"),
            None => format!("the output of `{}`", net.name),
        };
        let read = shape(&output.shape, &what, env, diags);
        let known = read.is_ok();
        let (sizes, sequence) = read.unwrap_or_default();
        ports.push(Port { name, shape: sizes, sequence, blame, known });
    }
    ports
}
