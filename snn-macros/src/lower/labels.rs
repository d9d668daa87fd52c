//! The fields of entries. In: entries as written, some with names; out: a label for each, and every name that is given twice.

use std::collections::BTreeMap;

use syn::Ident;
use syn::ext::IdentExt as _;

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::ir::Label;

/// Gives every entry its field.
pub(super) struct Labels {
    /// By number, not by the layer's type.
    numbered: bool,
    position: usize,
    taken: BTreeMap<String, usize>,
    counts: BTreeMap<String, usize>,
}

impl Labels {
    pub(super) fn new(entries: &[&ast::Entry], numbered: bool, diags: &mut Diagnostics) -> Labels {
        let mut taken = BTreeMap::new();
        for entry in entries {
            let Some(name) = &entry.name else { continue };
            if let Some(line) = taken.insert(name.unraw().to_string(), Blame::of(name).line()) {
                diags
                    .error(Blame::of(name), format!("`{name}` is declared twice"))
                    .note(format!("first on line {line}"))
                    .help("rename one of the two");
            }
        }
        Labels { numbered, position: 0, taken, counts: BTreeMap::new() }
    }

    pub(super) fn next(&mut self, entry: &ast::Entry) -> Label {
        self.position += 1;
        let span = entry.node.span();
        match &entry.name {
            Some(name) => Label::Named(name.clone()),
            None if self.numbered => Label::Index(self.position - 1),
            None => {
                let kind = match &entry.node {
                    ast::Node::Layer(l) => l.path.segments.last().map(|s| s.ident.unraw().to_string().to_lowercase()).unwrap_or_default(),
                    ast::Node::Repeat(_) => "repeat".to_string(),
                    _ => "list".to_string(),
                };
                loop {
                    let n = self.counts.entry(kind.clone()).or_insert(0);
                    *n += 1;
                    let name = format!("{kind}{n}");
                    if !self.taken.contains_key(&name) {
                        return Label::Named(Ident::new(&name, span));
                    }
                }
            }
        }
    }
}
