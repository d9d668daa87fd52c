//! Functions of containers: how time reaches the layers inside. In: a container's group; out: the functions that run it, written
//! into its struct once.
//!
//! ```text
//! impl CsnnRec1 {
//!     fn __step(&self, x0: &Tensor, s: &mut CsnnRec1State, cx: &Cx) -> Result<Tensor> {
//!         let y = &fed_back("rec1", s.y.as_ref(), x0, Some(self.rc.config().in_features))?;
//!         ..
//!         s.y = Some(v3.shallow_clone());
//!         Ok(v3)
//!     }
//!     fn __sequence(&self, x0: &Tensor, steps: i64, s: &mut CsnnRec1State, cx: &Cx) -> Result<Tensor> {
//!         let mut series = Vec::new();
//!         series.push(self.__step(&at_step(x0, 0)?, s, cx)?); ..
//!         ops::series(&series)
//!     }
//! }
//! ```

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::flat::{Flat, group_taps};
use super::flow::{Style, Writer};
use super::methods::{self, define};
use super::run::written_out;
use super::state::member;
use super::types::{Kind, Types};
use crate::ir::{Group, GroupKind, Node, NodeKind, OpKind, Time, What};
use crate::layers::{Container, FUSED_INSIDE, How};

/// The function of a container for an input with this time axis.
pub(super) fn function<'a>(types: &mut Types<'a>, group: &'a Group, c: &Container, kind: &Kind, style: Style, time: Time) -> Ident {
    let root = types.root();
    if let Some((neuron, join)) = fused(group, root) {
        return one_kernel(types, group, kind, &neuron, &join, style, time);
    }
    let body =
        if c.how == How::Feedback { fed_back(types, group, c, kind) } else { methods::function(types, group, kind, Style::Step, &[time]) };
    let step = define(types, kind, "__step", body);
    let Signature { params, args } = Signature::of(types, group, kind);
    let call = |x: TokenStream| quote!(self.#step(#x, #args));
    let head = |steps: Option<TokenStream>| quote!(&self, x0: &#root::Tensor, #steps #params);
    let (name, code) = match (c.time_last, style, time) {
        (false, Style::Step, _) => return step,
        (false, Style::Sequence, Time::Seq) if c.how == How::OneBatch => {
            let (shown, nothing, step) = (&c.shown, remembers_nothing(group, root), call(quote!(x)));
            ("__sequence", quote!(#nothing #root::as_one_batch(#shown, x0, |x| #step)))
        }
        (false, Style::Sequence, Time::Seq) => {
            let steps = written_out(types.net(), |t| {
                let step = call(quote!(&#root::ops::at_step(x0, #t)?));
                quote!(series.push(#step?);)
            });
            ("__sequence", quote!(let mut series = ::std::vec::Vec::new(); #steps #root::ops::series(&series)))
        }
        // Without state it gives the same at every step.
        (false, Style::Sequence, _) if gives(group) != Time::Seq => ("__repeat", call(quote!(x0))),
        (false, Style::Sequence, _) => {
            let step = call(quote!(x0));
            let steps = written_out(types.net(), |_| quote!(series.push(#step?);));
            ("__repeat", quote!(let mut series = ::std::vec::Vec::new(); #steps #root::ops::series(&series)))
        }
        (true, ..) => {
            let shown = &c.shown;
            let y = match c.how {
                How::OneBatch => {
                    let (nothing, step) = (remembers_nothing(group, root), call(quote!(x)));
                    quote!(#nothing let y = #root::as_one_batch(#shown, &x, |x| #step)?;)
                }
                _ => {
                    let step = call(quote!(&#root::ops::at_step(&x, t)?));
                    quote! {
                        let series = (0..x.size()[0]).map(|t| #step).collect::<#root::Result<::std::vec::Vec<_>>>()?;
                        let y = #root::ops::series(&series)?;
                    }
                }
            };
            ("__last_axis", quote!(let x = #root::time_first(#shown, x0)?; #y #root::time_last(&y)))
        }
    };
    let head = head((style == Style::Sequence).then(|| quote!(steps: i64,)));
    define(types, kind, name, quote!((#head) -> #root::Result<#root::Tensor> { #code }))
}

/// What every function of the container takes behind its input.
struct Signature {
    params: TokenStream,
    args: TokenStream,
}

impl Signature {
    fn of(types: &Types<'_>, group: &Group, kind: &Kind) -> Signature {
        let root = types.root();
        let mut signature = Signature { params: TokenStream::new(), args: TokenStream::new() };
        if let Some(state) = &kind.state {
            signature.params.extend(quote!(s: &mut #state,));
            signature.args.extend(quote!(s,));
        }
        signature.params.extend(quote!(cx: &#root::Cx,));
        signature.args.extend(quote!(cx,));
        if group_taps(group) > 0 {
            signature.params.extend(quote!(taps: &mut [#root::Tap],));
            signature.args.extend(quote!(taps,));
        }
        signature
    }
}

/// One step of a recurrent container.
fn fed_back<'a>(types: &mut Types<'a>, group: &'a Group, c: &Container, kind: &Kind) -> TokenStream {
    let root = types.root();
    let flat = Flat::of(group);
    // Sizes of a generic net have no name here; `rc` knows them.
    let features = match c.args.find("out_features") {
        Some(_) => quote!(::core::option::Option::Some(self.rc.config().in_features)),
        None => quote!(::core::option::Option::None),
    };
    let mut w = Writer::new(types, root, Style::Step, &flat);
    for (&v, name) in flat.inputs.iter().zip(["y", "x0"]) {
        w.borrowed(v, format_ident!("{name}"));
    }
    w.ops(&flat, flat.ops.iter());
    let code = w.finish(&flat.outputs);
    let out = w.give_all(&flat.outputs);
    let (shown, Signature { params, .. }) = (&c.shown, Signature::of(types, group, kind));
    quote! {
        (&self, x0: &#root::Tensor, #params) -> #root::Result<#root::Tensor> {
            let y = &#root::fed_back(#shown, s.y.as_ref(), x0, #features)?;
            #code
            let y = #(#out)*;
            s.y = ::core::option::Option::Some(y.shallow_clone());
            ::core::result::Result::Ok(y)
        }
    }
}

/// A neuron whose last output joins its input is a neuron itself: where it is, and how they are joined, if the kernels know both.
fn fused(group: &Group, root: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    let ([node], [join, _]) = (&group.nodes[..], &group.flow.ops[..]) else { return None };
    let OpKind::Builtin(join) = &join.kind else { return None };
    let (leaf, place) = match &node.kind {
        NodeKind::Leaf(leaf) => (leaf, quote!(.sub_module)),
        NodeKind::Group(list) if matches!(list.kind, GroupKind::List) => match &list.nodes[..] {
            [Node { kind: NodeKind::Leaf(leaf), label, .. }] => {
                let label = member(label);
                (leaf, quote!(.sub_module.#label))
            }
            _ => return None,
        },
        _ => return None,
    };
    let join = match join.name {
        "add" => quote!(Add),
        "mul" => quote!(Mul),
        "sub" => quote!(Sub),
        "max" => quote!(Max),
        _ => return None,
    };
    let known = matches!(&leaf.what, What::Known(spec) if FUSED_INSIDE.contains(&spec.name));
    known.then(|| (place, quote!(#root::Join::#join)))
}

/// All steps in one call of a kernel:
///
/// ```text
/// fn __sequence(&self, x0: &Tensor, steps: i64, s: &mut CsnnRecState, cx: &Cx) -> Result<Tensor> {
///     Feedback::new(&self.sub_module, Join::Add).sequence(x0, &mut s.y, &mut s.sub_module, None)
/// }
/// ```
fn one_kernel(
    types: &mut Types<'_>,
    group: &Group,
    kind: &Kind,
    neuron: &TokenStream,
    join: &TokenStream,
    style: Style,
    time: Time,
) -> Ident {
    let root = types.root();
    let Signature { params, .. } = Signature::of(types, group, kind);
    let tap = if group_taps(group) > 0 { quote!(taps.first_mut()) } else { quote!(::core::option::Option::None) };
    let (name, method, steps) = match (style, time) {
        (Style::Step, _) => ("__step", quote!(step), None),
        (Style::Sequence, Time::Seq) => ("__sequence", quote!(sequence), None),
        (Style::Sequence, _) => ("__repeat", quote!(repeat), Some(quote!(steps,))),
    };
    let head = (style == Style::Sequence).then(|| quote!(steps: i64,));
    let body = quote! {
        (&self, x0: &#root::Tensor, #head #params) -> #root::Result<#root::Tensor> {
            #root::neuron::Feedback::new(&self #neuron, #join).#method(x0, #steps &mut s.y, &mut s #neuron, #tap)
        }
    };
    define(types, kind, name, body)
}

/// Does what leaves change with time?
fn gives(group: &Group) -> Time {
    group.flow.outputs.first().and_then(|&v| group.flow.facts[v].as_ref()).map_or(Time::Seq, |f| f.time)
}

/// Layers of the user's own have no state where all steps are one batch: rustc looks.
fn remembers_nothing(group: &Group, root: &TokenStream) -> TokenStream {
    let check = |node: &Node| match &node.kind {
        NodeKind::Leaf(leaf) => match &leaf.what {
            What::Own { path, .. } => {
                // What rustc says is about the layer, not about the `use` that names it.
                let path: TokenStream = path.clone().into_iter().map(|t| at(t, node.blame.start)).collect();
                quote!(#root::remembers_nothing::<#path>();)
            }
            What::Known(_) => TokenStream::new(),
        },
        NodeKind::Group(g) => remembers_nothing(g, root),
        NodeKind::Poisoned => TokenStream::new(),
    };
    group.nodes.iter().map(check).collect()
}

fn at(mut token: TokenTree, span: Span) -> TokenTree {
    token.set_span(span);
    token
}
