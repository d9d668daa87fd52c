//! Straight-line code as Rust. In: flat operations; out: one statement each, every tensor dropped after its last use.
//!
//! ```text
//! let v1 = Layer::sequence(&self.conv1, x, &mut (), cx)?;
//! let v2 = Layer::sequence(&self.sn1, &v1, &mut s.sn1, cx)?;
//! drop(v1);
//! ```

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

use super::flat::{Flat, FlatKind, FlatOp, Place, Val, taps};
use super::methods;
use super::types::{Kind, Types};
use crate::ir::{BuiltinShape, Leaf, Node, NodeKind, Time, What};

/// Whole sequences, or one step of them?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Step,
    Sequence,
}

/// Writes operations and remembers the names of their results.
pub(super) struct Writer<'t, 'n> {
    pub(super) types: &'t mut Types<'n>,
    pub(super) root: &'n TokenStream,
    pub(super) style: Style,
    /// Names of values: a `Tensor` that this code owns, or a `&Tensor` from outside.
    names: Vec<Option<Name>>,
    /// Values that are another value under a second name.
    alias: Vec<Val>,
    statements: Vec<Statement>,
    /// A normalisation that the next operation does as well.
    norm: Option<Norm>,
}

/// Where the normalisation is, what goes in, and what would come out.
struct Norm {
    field: TokenStream,
    arg: Val,
    out: Val,
}

#[derive(Clone)]
struct Name {
    ident: Ident,
    owned: bool,
}

struct Statement {
    code: TokenStream,
    uses: Vec<Val>,
    gives: Vec<Val>,
}

impl<'t, 'n> Writer<'t, 'n> {
    pub(super) fn new(types: &'t mut Types<'n>, root: &'n TokenStream, style: Style, flat: &Flat<'_>) -> Self {
        Writer {
            types,
            root,
            style,
            names: vec![None; flat.times.len()],
            alias: (0..flat.times.len()).collect(),
            statements: Vec::new(),
            norm: None,
        }
    }

    /// A value that comes from outside as `&Tensor`.
    pub(super) fn borrowed(&mut self, v: Val, ident: Ident) {
        self.names[v] = Some(Name { ident, owned: false });
    }

    /// A value that comes from outside as `Tensor`.
    pub(super) fn owned(&mut self, v: Val, ident: Ident) {
        self.names[v] = Some(Name { ident, owned: true });
    }

    /// `&v3`, or the reference itself.
    pub(super) fn borrow(&self, v: Val) -> TokenStream {
        match &self.names[self.alias[v]] {
            Some(Name { ident, owned: true }) => quote!(&#ident),
            Some(Name { ident, owned: false }) => quote!(#ident),
            None => quote!(()),
        }
    }

    /// Tensors to be returned, in order. What is returned under two names (two reductions of one step) is handed over once.
    pub(super) fn give_all(&self, values: &[Val]) -> Vec<TokenStream> {
        let again = |i: usize| values[i + 1..].iter().any(|&v| self.alias[v] == self.alias[values[i]]);
        let one = |(i, &v): (usize, &Val)| match &self.names[self.alias[v]] {
            Some(Name { ident, owned: true }) if again(i) => quote!(#ident.shallow_clone()),
            _ => self.give(v),
        };
        values.iter().enumerate().map(one).collect()
    }

    /// The tensor itself, to be returned.
    pub(super) fn give(&self, v: Val) -> TokenStream {
        match &self.names[self.alias[v]] {
            Some(Name { ident, owned: true }) => quote!(#ident),
            Some(Name { ident, owned: false }) => quote!(#ident.shallow_clone()),
            None => quote!(()),
        }
    }

    /// Statements so far, each tensor dropped after its last use unless `kept`.
    pub(super) fn finish(&mut self, kept: &[Val]) -> TokenStream {
        let kept: Vec<Val> = kept.iter().map(|&v| self.alias[v]).collect();
        let statements = std::mem::take(&mut self.statements);
        let mut code = TokenStream::new();
        for (i, s) in statements.iter().enumerate() {
            code.extend(s.code.clone());
            let later = |v: &Val| statements[i + 1..].iter().any(|s| s.uses.contains(v));
            let mut done: Vec<Val> = Vec::new();
            for v in s.uses.iter().chain(&s.gives) {
                if !kept.contains(v) && !later(v) && !done.contains(v) {
                    done.push(*v);
                    if let Some(Name { ident, owned: true }) = &self.names[*v] {
                        code.extend(quote!(::core::mem::drop(#ident);));
                    }
                }
            }
        }
        code
    }

    pub(super) fn ops<'o>(&mut self, flat: &Flat<'n>, ops: impl Iterator<Item = &'o FlatOp<'n>>)
    where
        'n: 'o,
    {
        for op in ops {
            self.op(flat, op);
        }
    }

    fn op(&mut self, flat: &Flat<'n>, op: &FlatOp<'n>) {
        let root = self.root;
        let value = match &op.what {
            FlatKind::Builtin { shape: BuiltinShape::Reduce, .. } if self.style == Style::Step => {
                // The mean, maximum, sum and last of one step are that step.
                self.alias[op.outs[0]] = self.alias[op.args[0]];
                return;
            }
            FlatKind::Builtin { name, shape } => self.builtin(name, *shape, flat, op),
            FlatKind::Own { path, extra } => {
                let args = op.args.iter().map(|&v| self.borrow(v));
                quote!(#root::own(#path(#(#args,)* #(#extra),*))?)
            }
            FlatKind::Node { place, .. } if op.with_next && self.style == Style::Sequence && flat.times[op.args[0]] == Time::Seq => {
                self.norm = Some(Norm { field: place.field.clone(), arg: op.args[0], out: op.outs[0] });
                return;
            }
            FlatKind::Node { node, place } => self.node(node, place, flat, op),
        };
        let idents: Vec<Ident> = op.outs.iter().map(|v| format_ident!("v{v}")).collect();
        let pattern = if let [one] = idents.as_slice() { quote!(#one) } else { quote!((#(#idents),*)) };
        for (&v, ident) in op.outs.iter().zip(idents) {
            self.owned(v, ident);
        }
        let norm = self.norm.take();
        let read = |v: &Val| norm.as_ref().filter(|norm| norm.out == *v).map_or(*v, |norm| norm.arg);
        let uses = op.args.iter().map(|v| self.alias[read(v)]).collect();
        self.statements.push(Statement { code: quote!(let #pattern = #value;), uses, gives: op.outs.clone() });
    }

    fn builtin(&mut self, name: &str, shape: BuiltinShape, flat: &Flat<'n>, op: &FlatOp<'n>) -> TokenStream {
        let root = self.root;
        let f = Ident::new(name, Span::call_site());
        match shape {
            BuiltinShape::Reduce => {
                let x = self.borrow(op.args[0]);
                quote!(#root::ops::#f(#x)?)
            }
            BuiltinShape::Elementwise => {
                let args: Vec<TokenStream> = op.args.iter().map(|&v| self.borrow(v)).collect();
                let (first, second) = (&args[0], &args[1]);
                let both = quote!(#root::ops::#f(#first, #second)?);
                args[2..].iter().fold(both, |sum, x| quote!(#root::ops::#f(&#sum, #x)?))
            }
            BuiltinShape::CatLast => {
                let args = op.args.iter().map(|&v| self.borrow(v));
                quote!(#root::ops::#f(&[#(#args),*], -1)?)
            }
            BuiltinShape::Cat | BuiltinShape::Stack => {
                let sequence = self.style == Style::Sequence && flat.times[op.outs[0]] == Time::Seq;
                let args = op.args.iter().map(|&v| {
                    let x = self.borrow(v);
                    if sequence && flat.times[v] == Time::Static { quote!(&#root::ops::at_every_step(#x, steps)?) } else { x }
                });
                // The first axis of a sample stands behind the batch, and behind time in a sequence.
                let axis = if sequence { 2i64 } else { 1 };
                quote!(#root::ops::#f(&[#(#args),*], #axis)?)
            }
        }
    }

    fn node(&mut self, node: &'n Node, place: &Place, flat: &Flat<'n>, op: &FlatOp<'n>) -> TokenStream {
        match &node.kind {
            NodeKind::Leaf(leaf) => self.leaf(leaf, node, place, flat, op),
            NodeKind::Group(group) => {
                let times: Vec<Time> = op.args.iter().map(|&v| flat.times[v]).collect();
                let kind = self.types.kind_of(node);
                let call = methods::group(self.types, group, &kind, self.style, &times);
                let args: Vec<TokenStream> = op.args.iter().map(|&v| self.borrow(v)).collect();
                let field = &place.field;
                let steps = (self.style == Style::Sequence).then(|| quote!(steps,));
                let state = kind.state.is_some().then(|| quote!(&mut s #field,));
                let (from, n) = (place.tap, taps(node));
                let taps = (n > 0).then(|| {
                    let (from, to) = (proc_macro2::Literal::usize_unsuffixed(from), proc_macro2::Literal::usize_unsuffixed(from + n));
                    let root = self.root;
                    quote!(#root::taps_between(taps, #from, #to),)
                });
                if node.checkpoint {
                    return checkpointed(self.root, field, &call, &args, steps.is_some(), &kind, taps.as_ref(), op.outs.len());
                }
                quote!(self #field.#call(#(#args,)* #steps #state cx, #taps)?)
            }
            NodeKind::Poisoned => quote!(::core::unreachable!()),
        }
    }

    fn leaf(&mut self, leaf: &Leaf, node: &Node, place: &Place, flat: &Flat<'n>, op: &FlatOp<'n>) -> TokenStream {
        let root = self.root;
        let field = &place.field;
        if let Some(norm) = &self.norm {
            return self.normalised(norm, node, place);
        }
        let x = self.borrow(op.args[0]);
        let span = node.blame.start;
        let method = match (self.style, flat.times[op.args[0]]) {
            (Style::Step, _) | (_, Time::Reduced) => "step",
            (Style::Sequence, Time::Seq) => "sequence",
            (Style::Sequence, Time::Static) if per_step(leaf) => "repeat",
            (Style::Sequence, Time::Static) => "step",
        };
        let f = Ident::new(method, span);
        let steps = (method == "repeat").then(|| quote!(steps,));
        if op.outs.len() > 1 || op.args.len() > 1 {
            let values = op.args.iter().map(|&v| self.borrow(v));
            return quote!(self #field.#f(#(#values,)* cx)?);
        }
        let state = if leaf.stateful() { quote!(&mut s #field) } else { quote!(&mut ()) };
        let plain = quote!(#root::Layer::#f(&self #field, #x, #steps #state, cx)?);
        if !node.record.any() {
            return plain;
        }
        let recorded = format_ident!("{method}_recorded", span = span);
        let at = proc_macro2::Literal::usize_unsuffixed(place.tap);
        quote! {
            match taps.get_mut(#at) {
                ::core::option::Option::Some(tap) => #root::Record::#recorded(&self #field, #x, #steps #state, cx, tap)?,
                ::core::option::Option::None => #plain,
            }
        }
    }
}

impl Writer<'_, '_> {
    /// A normalisation and the neuron behind it.
    fn normalised(&self, norm: &Norm, node: &Node, place: &Place) -> TokenStream {
        let (root, field, bn) = (self.root, &place.field, &norm.field);
        let x = self.borrow(norm.arg);
        let plain = quote!(#root::normalised(&self #bn, &self #field, #x, &mut s #field, cx)?);
        if !node.record.any() {
            return plain;
        }
        let at = proc_macro2::Literal::usize_unsuffixed(place.tap);
        quote! {
            match taps.get_mut(#at) {
                ::core::option::Option::Some(tap) => #root::normalised_recorded(&self #bn, &self #field, #x, &mut s #field, cx, tap)?,
                ::core::option::Option::None => #plain,
            }
        }
    }
}

/// A group that is run again for its backward pass:
///
/// ```text
/// { let [y0] = self.layer1.run([&v1], &mut s.layer1, cx, &mut [], move |layers, x, s, cx, taps| Ok([layers.__sequence(&x[0], steps, s, cx)?]))?; y0 }
/// ```
fn checkpointed(
    root: &TokenStream,
    field: &TokenStream,
    call: &Ident,
    args: &[TokenStream],
    steps: bool,
    kind: &Kind,
    taps: Option<&TokenStream>,
    outs: usize,
) -> TokenStream {
    let x = (0..args.len()).map(Literal::usize_unsuffixed);
    let steps = steps.then(|| quote!(steps,));
    let (state, s) = if kind.state.is_some() { (quote!(&mut s #field), Some(quote!(s,))) } else { (quote!(&mut ()), None) };
    let (given, taps) = match taps {
        Some(taps) => (taps.clone(), Some(quote!(taps,))),
        None => (quote!(&mut [],), None),
    };
    let inner = quote!(layers.#call(#(&x[#x],)* #steps #s cx, #taps)?);
    let names: Vec<Ident> = (0..outs).map(|i| format_ident!("y{i}")).collect();
    let (one_by_one, value) = match names.as_slice() {
        [_] => (quote!([#inner]), quote!(y0)),
        names => (quote!({ let (#(#names),*) = #inner; [#(#names),*] }), quote!((#(#names),*))),
    };
    quote! {
        {
            let [#(#names),*] = self #field.run([#(#args),*], #state, cx, #given move |layers, x, s, cx, taps| #root::Result::Ok(#one_by_one))?;
            #value
        }
    }
}

/// Does the layer give a sequence even for an input that is the same at every step?
fn per_step(leaf: &Leaf) -> bool {
    match &leaf.what {
        What::Known(spec) => spec.per_step() || leaf.whole_sequences_only(),
        What::Own { .. } => true,
    }
}
