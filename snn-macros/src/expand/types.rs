//! The structs behind a net: one per net, named list and block shape. In: the tree of groups; out: struct definitions, and
//! for every node its type.
//!
//! ```text
//! pub struct Csnn { pub conv1: Conv2d, pub stem: CsnnStem, pub layer1: [CsnnSewBasic; 2] }
//! pub struct CsnnStem(pub Conv2d, pub BatchNorm2d, pub IFNode);
//! ```

use std::collections::{BTreeMap, HashMap};

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt as _;

use super::docs;
use crate::ir::{Group, GroupKind, Label, Net, Node, NodeKind, What};

/// What generated code needs to know of a node.
#[derive(Clone)]
pub(super) struct Kind {
    pub(super) ty: TokenStream,
    /// The type of its state, if it has any.
    pub(super) state: Option<TokenStream>,
    /// Its struct, for lists and blocks.
    pub(super) def: Option<usize>,
}

/// A generated struct.
pub(super) struct Def<'a> {
    pub(super) name: Ident,
    /// The first group it was made for.
    pub(super) group: &'a Group,
    pub(super) state: Option<Ident>,
    pub(super) fields: Vec<Field>,
    /// Fields by position: a tuple struct.
    pub(super) tuple: bool,
    attrs: Vec<TokenStream>,
    docs: String,
    /// Its functions by name, each written once however often the struct is used.
    pub(super) methods: BTreeMap<String, TokenStream>,
}

impl Def<'_> {
    /// The net's own struct, which knows its weights by name.
    pub(super) fn is_net(&self) -> bool {
        matches!(self.group.kind, GroupKind::Net)
    }
}

pub(super) struct Field {
    pub(super) label: Label,
    pub(super) kind: Kind,
    attrs: Vec<TokenStream>,
    pub(super) docs: String,
}

/// All structs of one net. The net's own comes last.
pub(super) struct Types<'a> {
    net: &'a Net,
    root: &'a TokenStream,
    pub(super) defs: Vec<Def<'a>>,
    by_key: BTreeMap<String, usize>,
    /// What was found out about each node, by where the node lies.
    kinds: HashMap<*const Node, Kind>,
}

impl<'a> Types<'a> {
    pub(super) fn of(net: &'a Net, root: &'a TokenStream) -> Types<'a> {
        let mut types = Types { net, root, defs: Vec::new(), by_key: BTreeMap::new(), kinds: HashMap::new() };
        let fields = types.fields(&net.root, &net.name.to_string(), true);
        types.define(&net.name.to_string(), &net.root, fields, String::new());
        types
    }

    pub(super) fn net(&self) -> &'a Net {
        self.net
    }

    /// `$crate::__private`
    pub(super) fn root(&self) -> &'a TokenStream {
        self.root
    }

    pub(super) fn net_def(&self) -> &Def<'a> {
        &self.defs[self.defs.len() - 1]
    }

    /// What is known of a node.
    pub(super) fn kind_of(&self, node: &Node) -> Kind {
        match self.kinds.get(&std::ptr::from_ref(node)) {
            Some(kind) => kind.clone(),
            None => Kind { ty: quote!(()), state: None, def: None },
        }
    }

    /// The struct of a list or block.
    pub(super) fn def_for(&self, node: &Node) -> Option<&Def<'a>> {
        self.kind_of(node).def.map(|i| &self.defs[i])
    }

    fn fields(&mut self, group: &'a Group, hint: &str, shapes: bool) -> Vec<Field> {
        let tuple = tuple(group);
        let fields = group.nodes.iter().filter_map(|node| {
            let kind = match &node.kind {
                NodeKind::Leaf(leaf) if leaf.reduces().is_some() => {
                    // Time is not a layer; in a numbered list its place is kept, so that numbers stay as written.
                    let root = self.root;
                    tuple.then(|| Kind { ty: quote!(#root::Identity), state: None, def: None })?
                }
                _ => self.kind(node, &hint_of(hint, node), shapes),
            };
            Some(Field { label: node.label.clone(), kind, attrs: tokens(&node.attrs), docs: docs::field(node, shapes) })
        });
        fields.collect()
    }

    /// The type of a node; defines the structs it needs.
    fn kind(&mut self, node: &'a Node, hint: &str, shapes: bool) -> Kind {
        let mut kind = self.describe(node, hint, shapes);
        if node.checkpoint {
            let (root, ty) = (self.root, &kind.ty);
            kind.ty = quote!(#root::Checkpointed<#ty>);
        }
        self.kinds.insert(std::ptr::from_ref(node), kind.clone());
        kind
    }

    fn describe(&mut self, node: &'a Node, hint: &str, shapes: bool) -> Kind {
        let root = self.root;
        match &node.kind {
            NodeKind::Leaf(leaf) => {
                let ty = match &leaf.what {
                    What::Known(spec) => {
                        let ty = leaf.built.as_ref().map_or(spec.name, |b| b.ty);
                        let ty = Ident::new(ty, node.blame.start);
                        quote!(#root::#ty)
                    }
                    What::Own { path, .. } => path.clone(),
                };
                let state = leaf.stateful().then(|| quote!(<#ty as #root::Layer>::State));
                Kind { ty, state, def: None }
            }
            NodeKind::Group(group) if group.is_repeat() => {
                let n = proc_macro2::Literal::usize_unsuffixed(group.nodes.len());
                let kinds: Vec<Kind> = group.nodes.iter().map(|n| self.kind(n, hint, shapes)).collect();
                let Kind { ty, state, .. } = kinds[0].clone();
                Kind { ty: quote!([#ty; #n]), state: state.map(|s| quote!([#s; #n])), def: None }
            }
            NodeKind::Group(group) => {
                let (hint, shapes) = match &group.kind {
                    GroupKind::Block(name) => (format!("{}{}", self.net.name, name.trim_start_matches("r#")), false),
                    _ => (hint.to_string(), shapes),
                };
                let fields = self.fields(group, &hint, shapes);
                let key = key(&hint, group, &fields);
                let index = match self.by_key.get(&key) {
                    Some(&i) => i,
                    None => {
                        let i = self.define(&hint, group, fields, docs::group(group));
                        self.by_key.insert(key, i);
                        i
                    }
                };
                let (def, (_, generics, _)) = (&self.defs[index], self.net.generics.split_for_impl());
                let name = &def.name;
                Kind { ty: quote!(#name #generics), state: def.state.as_ref().map(ToTokens::to_token_stream), def: Some(index) }
            }
            NodeKind::Poisoned => Kind { ty: quote!(()), state: None, def: None },
        }
    }

    fn define(&mut self, hint: &str, group: &'a Group, fields: Vec<Field>, docs: String) -> usize {
        let mut name = hint.to_string();
        let mut n = 2;
        // The net's own companions keep their names: `CsnnState`, `CsnnOutput`, ..
        let net = self.net.name.unraw().to_string();
        let reserved = |name: &str| ["State", "Output", "Step", "Chunk", "Recording", "Frozen"].iter().any(|s| name == format!("{net}{s}"));
        while reserved(&name) || self.defs.iter().any(|d| d.name == name) {
            name = format!("{hint}{n}");
            n += 1;
        }
        let is_net = matches!(group.kind, GroupKind::Net);
        let stateful = is_net || group.feeds_back() || fields.iter().any(|f| f.kind.state.is_some());
        let span = self.net.name.span();
        self.defs.push(Def {
            // Not `Ident::new`: a net may be called `r#Try`.
            name: format_ident!("{name}", span = span),
            group,
            state: stateful.then(|| format_ident!("{}State", name.trim_start_matches("r#"), span = span)),
            tuple: tuple(group),
            attrs: if is_net { tokens(&self.net.attrs) } else { tokens(&group.attrs) },
            docs,
            fields,
            methods: BTreeMap::new(),
        });
        self.defs.len() - 1
    }

    /// The struct definitions.
    pub(super) fn structs(&self) -> TokenStream {
        let (vis, root) = (&self.net.vis, self.root);
        let (generics, _, _) = self.net.generics.split_for_impl();
        let items = self.defs.iter().map(|def| {
            let Def { name, attrs, docs, .. } = def;
            let docs = (!docs.is_empty()).then(|| quote!(#[doc = #docs]));
            let fields = def.fields.iter().map(|f| {
                let Field { kind: Kind { ty, .. }, attrs, docs, label } = f;
                let label = match label {
                    Label::Named(name) => Some(quote!(#name:)),
                    Label::Index(..) => None,
                };
                quote!(#(#attrs)* #[doc = #docs] pub #label #ty)
            });
            let weights = def.is_net().then(|| quote!(__weights: #root::Weights));
            let fields = fields.chain(weights);
            let body = if def.tuple { quote!((#(#fields),*);) } else { quote!({ #(#fields),* }) };
            quote!(#docs #(#attrs)* #[derive(Debug)] #vis struct #name #generics #body)
        });
        quote!(#(#items)*)
    }
}

/// A list whose entries are all numbered becomes a tuple struct.
fn tuple(group: &Group) -> bool {
    !group.nodes.is_empty() && group.nodes.iter().all(|n| matches!(n.label, Label::Index(..)))
}

fn tokens(attrs: &[syn::Attribute]) -> Vec<TokenStream> {
    attrs.iter().map(ToTokens::to_token_stream).collect()
}

/// `stem` in `Csnn` is `CsnnStem`.
fn hint_of(hint: &str, node: &Node) -> String {
    let mut out = hint.to_string();
    for part in node.label.text().split('_') {
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_uppercase().to_string()));
        out.push_str(chars.as_str());
    }
    out
}

/// Blocks of the same name share a struct where they have the same fields.
fn key(hint: &str, group: &Group, fields: &[Field]) -> String {
    let mut key = format!("{hint} {}", group.container().map_or("", |c| c.spec.name));
    for f in fields {
        key.push_str(&format!(";{}:{}", f.label.text(), f.kind.ty));
    }
    key
}
