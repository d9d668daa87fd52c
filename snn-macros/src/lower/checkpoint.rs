//! `#[checkpoint]`. In: the attributes of an entry, and what the entry became; out: marked groups, or what to do instead.

use syn::{Attribute, Meta};

use crate::diag::{Blame, Diagnostics};
use crate::ir::{Group, NodeKind};

fn is_ours(attr: &Attribute) -> bool {
    attr.path().is_ident("checkpoint")
}

/// Takes `#[checkpoint]` out of the attributes of an entry, and says where it was.
pub(super) fn attribute(attrs: Vec<Attribute>, diags: &mut Diagnostics) -> (Vec<Attribute>, Option<Blame>) {
    let (ours, rest): (Vec<_>, Vec<_>) = attrs.into_iter().partition(is_ours);
    if let Some(odd) = ours.iter().find(|attr| !matches!(attr.meta, Meta::Path(_))) {
        diags.error(Blame::of(odd), "`#[checkpoint]` takes no arguments").help("write `#[checkpoint]`");
    }
    if let [_, second, ..] = &ours[..] {
        diags.error(Blame::of(second), "`#[checkpoint]` is written twice").help("remove one of the two");
    }
    (rest, ours.first().map(Blame::of))
}

/// Where an attribute of an entry is of no use.
pub(super) fn nowhere(attrs: &[Attribute], what: &str, diags: &mut Diagnostics) {
    if let Some(attr) = attrs.iter().find(|attr| is_ours(attr)) {
        diags
            .error(Blame::of(attr), format!("`#[checkpoint]` marks a list or a block where it is used, not {what}"))
            .help("write it before the entry: `#[checkpoint] layer1: SewBasic(64),`");
    }
}

/// Is the entry itself to be marked? Of `[a; n]` each copy is, of copies of copies each of the innermost.
pub(super) fn marked(kind: &mut NodeKind, shown: &str, at: Blame, diags: &mut Diagnostics) -> bool {
    match kind {
        NodeKind::Group(group) if group.is_repeat() => {
            if copies_one_layer(group) {
                one_layer(shown, at, "`#[checkpoint] name: [[a; n]]` keeps what goes into all copies, and runs them again", diags);
            } else {
                mark_copies(group);
            }
            false
        }
        NodeKind::Group(_) => true,
        NodeKind::Leaf(_) => {
            one_layer(shown, at, "put it on a list or a block: `#[checkpoint] name: [Conv2d(..), BatchNorm2d(_), IFNode()]`", diags);
            false
        }
        NodeKind::Poisoned => false,
    }
}

fn copies_one_layer(repeat: &Group) -> bool {
    repeat.nodes.iter().any(|node| match &node.kind {
        NodeKind::Leaf(_) => true,
        NodeKind::Group(group) => group.is_repeat() && copies_one_layer(group),
        NodeKind::Poisoned => false,
    })
}

fn mark_copies(repeat: &mut Group) {
    for node in &mut repeat.nodes {
        match &mut node.kind {
            NodeKind::Group(group) if group.is_repeat() => mark_copies(group),
            NodeKind::Group(_) => node.checkpoint = true,
            NodeKind::Leaf(_) | NodeKind::Poisoned => {}
        }
    }
}

fn one_layer(shown: &str, at: Blame, help: &str, diags: &mut Diagnostics) {
    let text = format!("`{shown}` is one layer: `#[checkpoint]` keeps what goes into several, instead of what is between them");
    diags.error(at, text).help(help);
}
