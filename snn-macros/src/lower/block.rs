//! Blocks: parameterised sub-nets. In: a call such as `SewBasic(64, stride = 2)`; out: the block's body with the
//! parameters put in.

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::Value;
use crate::ir::{Group, GroupKind};
use crate::layers;

use super::{FileScope, Scope, entries, settings};

/// Inlines one call of a block.
pub(super) fn call(block: &ast::Block, shown: &str, layer: &ast::Layer, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<Group, ()> {
    let name = block.name.to_string();
    if scope.inside.contains(&name) {
        let path = scope.inside.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" in ");
        diags
            .error(Blame::of(&layer.path), format!("block `{name}` stands inside itself"))
            .note(format!("{path} leads back to it"))
            .help("end the chain with a plain layer");
        return Err(());
    }
    if let Some(arg) = layer.args.iter().find(|a| a.name.as_ref().is_some_and(|n| n == "step_mode")) {
        let at = arg.name.as_ref().map_or(layer.span, Blame::of);
        diags.error(at, format!("`{shown}`: a block runs in the net's `step_mode`")).help("remove it here, set it in the `net`");
        return Err(());
    }
    let mut inner = scope.clone();
    inner.env = bind(block, shown, layer, scope, diags)?;
    inner.inside.push(name.clone());
    for c in &block.body.consts {
        inner.env.declare(c, diags);
    }
    let (env, root) = (inner.env.clone(), scope.file.root);
    settings::block(&block.body, &mut inner.settings, &env, root, diags);
    let inputs = block.body.forward.as_ref().map_or(1, |f| f.inputs.len());
    let (nodes, flow) = entries::body(&block.body, Some(inputs), &block.name, &mut inner, diags);
    Ok(Group { kind: GroupKind::Block(name), nodes, flow, attrs: block.attrs.clone() })
}

/// The block's names: the file's, and its parameters with the values of this call.
fn bind(block: &ast::Block, shown: &str, layer: &ast::Layer, scope: &Scope<'_>, diags: &mut Diagnostics) -> Result<crate::env::Env, ()> {
    let mut env = scope.file.env.clone();
    if let Some(t) = scope.env.value("T") {
        env.set(&syn::Ident::new("T", block.name.span()), t.clone());
    }
    env.inherit_generics(&scope.env);
    let mut values: Vec<Option<Value>> = vec![None; block.params.len()];
    let mut ok = true;
    let mut position = 0;
    for arg in &layer.args {
        let index = match &arg.name {
            Some(name) => block.params.iter().position(|p| p.name == *name).ok_or(name),
            None => {
                position += 1;
                Ok(position - 1)
            }
        };
        let index = match index {
            Ok(i) if i < block.params.len() => i,
            Ok(_) => {
                let takes = layers::count(block.params.len(), "argument");
                diags
                    .error(
                        layers::blame_of(&arg.value),
                        format!("`{shown}`: block `{}` takes {takes}, but gets {}", block.name, layer.args.len()),
                    )
                    .help("remove it, or give the block another parameter");
                return Err(());
            }
            Err(name) => {
                let d = diags.error(Blame::of(name), format!("`{shown}`: block `{}` has no parameter `{name}`", block.name));
                let names: Vec<String> = block.params.iter().map(|p| p.name.to_string()).collect();
                if let Some(near) = crate::suggest::closest(&name.to_string(), names.iter().map(String::as_str)) {
                    d.help(format!("did you mean `{near}`?"));
                }
                ok = false;
                continue;
            }
        };
        if values[index].is_some() {
            let at = arg.name.as_ref().map_or(layer.span, Blame::of);
            diags.error(at, format!("`{shown}`: `{}` is given twice", block.params[index].name)).help("remove one of the two");
            ok = false;
            continue;
        }
        match &arg.value {
            ast::ArgValue::Expr(e) => match scope.env.eval(e, diags) {
                Ok(v) => values[index] = Some(v),
                Err(()) => ok = false,
            },
            // `surrogate = ATan(alpha = 3.0)` reads as a node, and is passed on as it is.
            ast::ArgValue::Node(node) => match node.as_expr() {
                Some(e) => values[index] = Some(Value::Rust(scope.env.rewrite(&e))),
                None => {
                    diags.error(node.blame(), format!("`{shown}`: a block's argument is a value, not a layer"));
                    ok = false;
                }
            },
            ast::ArgValue::Infer(span) => {
                diags
                    .error(Blame::from(*span), format!("`{shown}`: a block's argument cannot be inferred"))
                    .help("leave the input side to `_` inside the block");
                ok = false;
            }
        }
    }
    for (param, value) in block.params.iter().zip(values) {
        let value = match (value, &param.default) {
            (Some(v), _) => v,
            (None, Some(default)) => match env.eval(default, diags) {
                Ok(v) => v,
                Err(()) => return Err(()),
            },
            (None, None) => {
                if ok {
                    diags
                        .error(layer.span, format!("`{shown}`: block `{}` is missing `{}`", block.name, param.name))
                        .help(format!("give it by position, or as `{} = ..`", param.name));
                }
                ok = false;
                continue;
            }
        };
        env.set(&param.name, value);
    }
    if ok { Ok(env) } else { Err(()) }
}

/// A block that no net uses is never checked, so that a mistake in it would stay unseen.
pub(super) fn unused(scope: &FileScope<'_>, file: &ast::File, diags: &mut Diagnostics) {
    let mut reached: Vec<String> = Vec::new();
    let mut queue: Vec<&ast::Body> = file
        .items
        .iter()
        .filter_map(|i| match i {
            ast::Item::Net(n) => Some(&n.body),
            _ => None,
        })
        .collect();
    if queue.is_empty() && scope.blocks.is_empty() {
        return;
    }
    while let Some(body) = queue.pop() {
        let mut called = Vec::new();
        body.entries.iter().for_each(|e| calls(&e.node, &mut called));
        for name in called {
            if let Some(block) = scope.blocks.get(&name)
                && !reached.contains(&name)
            {
                reached.push(name);
                queue.push(&block.body);
            }
        }
    }
    for (name, block) in &scope.blocks {
        if !reached.contains(name) {
            diags
                .warning(Blame::of(&block.name), format!("block `{name}` is never used"))
                .help("a block is checked where it is used, with the sizes that arrive there");
        }
    }
}

/// The names of layers and blocks that a node mentions.
fn calls(node: &ast::Node, out: &mut Vec<String>) {
    match node {
        ast::Node::Layer(l) => {
            out.extend(l.path.get_ident().map(ToString::to_string));
            for arg in &l.args {
                if let ast::ArgValue::Node(n) = &arg.value {
                    calls(n, out);
                }
            }
        }
        ast::Node::List(l) => l.entries.iter().for_each(|e| calls(&e.node, out)),
        ast::Node::Repeat(r) => calls(&r.entry.node, out),
        ast::Node::Cond(c) => cond_calls(c, out),
        ast::Node::Error(_) => {}
    }
}

fn cond_calls(c: &ast::Cond, out: &mut Vec<String>) {
    c.then.iter().for_each(|e| calls(&e.node, out));
    match &c.otherwise {
        Some(ast::Otherwise::If(c)) => cond_calls(c, out),
        Some(ast::Otherwise::Else(entries)) => entries.iter().for_each(|e| calls(&e.node, out)),
        None => {}
    }
}
