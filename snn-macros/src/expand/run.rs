//! The two functions that run a net: a whole sequence, and one step. In: the net's flow; out: `__run` and `__step`.
//!
//! In `'m'` every layer runs over the sequence at once. In `'s'` what does not change with time is computed first, then the
//! steps run one after the other (written out up to `unroll` steps), then what comes after time:
//!
//! ```text
//! fn __advance(&self, t: i64, x: &Tensor, series: &mut [Vec<Tensor>; 1], s: &mut State, cx: &Cx) -> Result<()> { .. }
//! fn __run(&self, x: &Tensor, steps: i64, s: &mut State, cx: &Cx) -> Result<Tensor> {
//!     let mut series = [Vec::new()];
//!     self.__advance(0, x, &mut series, s, cx)?; ..
//!     let v7 = ops::series(&series[0])?;
//!     ..
//! }
//! ```

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::flat::{Flat, FlatOp, Val};
use super::flow::{Style, Writer};
use super::methods::tensors;
use super::types::Types;
use crate::ir::{Mode, Net, Time};

/// `__run`, `__step` and what they need, to stand in the net's `impl`.
pub(super) fn functions<'a>(net: &'a Net, types: &mut Types<'a>) -> TokenStream {
    // What works on whole sequences has no step.
    let step = (!net.root.whole_sequences_only()).then(|| whole(net, types, Style::Step));
    let run = match net.mode {
        Mode::Multi => whole(net, types, Style::Sequence),
        Mode::Step => stepwise(net, types),
    };
    quote!(#step #run)
}

fn input_names(net: &Net) -> Vec<Ident> {
    (0..net.inputs.len()).map(|i| format_ident!("x{i}")).collect()
}

/// The net's flow in one go.
fn whole<'a>(net: &'a Net, types: &mut Types<'a>, style: Style) -> TokenStream {
    let root = types.root();
    let state = types.net_def().state.clone();
    let flat = Flat::of(&net.root);
    let inputs = input_names(net);
    let mut w = Writer::new(types, root, style, &flat);
    for (&v, ident) in flat.inputs.iter().zip(&inputs) {
        w.borrowed(v, ident.clone());
    }
    w.ops(&flat, flat.ops.iter());
    let code = w.finish(&flat.outputs);
    let outs: Vec<TokenStream> = w.give_all(&flat.outputs);
    let (ty, result) = tensors(root, outs.len(), &outs);
    let (f, steps) = match style {
        Style::Step => (format_ident!("__step"), None),
        Style::Sequence => (format_ident!("__run"), Some(quote!(steps: i64,))),
    };
    quote! {
        fn #f(&self, #(#inputs: &#root::Tensor,)* #steps s: &mut #state, cx: &#root::Cx, taps: &mut [#root::Tap]) -> #root::Result<#ty> {
            #code
            ::core::result::Result::Ok(#result)
        }
    }
}

/// When an operation of a step-by-step net runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Once, before the first step: it does not change with time.
    Before,
    Each,
    /// Once, after the last step.
    After,
}

fn phase(flat: &Flat<'_>, op: &FlatOp<'_>) -> Phase {
    match op.outs.iter().map(|&v| flat.times[v]).max() {
        Some(Time::Static) => Phase::Before,
        Some(Time::Reduced) => Phase::After,
        _ => Phase::Each,
    }
}

fn stepwise<'a>(net: &'a Net, types: &mut Types<'a>) -> TokenStream {
    let root = types.root();
    let state = types.net_def().state.clone();
    let flat = Flat::of(&net.root);
    let inputs = input_names(net);
    let flat = &flat;
    let in_phase = |p: Phase| flat.ops.iter().filter(move |op| phase(flat, op) == p);
    let made = |p: Phase| in_phase(p).flat_map(|op| op.outs.iter().copied()).collect::<Vec<Val>>();
    let used = |p: Phase| in_phase(p).flat_map(|op| op.args.iter().copied()).collect::<Vec<Val>>();
    let (made_before, made_each) = (made(Phase::Before), made(Phase::Each));
    let (used_each, used_after) = (used(Phase::Each), used(Phase::After));
    let leaves = |v: &Val| used_after.contains(v) || flat.outputs.contains(v);

    // What does not change with time.
    let mut w = Writer::new(types, root, Style::Step, flat);
    for (&v, ident) in flat.inputs.iter().zip(&inputs) {
        w.borrowed(v, ident.clone());
    }
    let kept: Vec<Val> = made_before.iter().copied().filter(|v| used_each.contains(v) || leaves(v)).collect();
    w.ops(flat, in_phase(Phase::Before));
    let before = w.finish(&kept);

    // One step: constants come in as they are, sequences by their step.
    let constants: Vec<Val> = kept.iter().copied().filter(|v| used_each.contains(v)).collect();
    let constant_names: Vec<Ident> = constants.iter().map(|v| format_ident!("v{v}")).collect();
    let series: Vec<Val> = made_each.iter().copied().filter(leaves).collect();
    let mut w = Writer::new(types, root, Style::Step, flat);
    let mut slices = TokenStream::new();
    for ((&v, ident), port) in flat.inputs.iter().zip(&inputs).zip(&net.inputs) {
        if port.sequence && used_each.contains(&v) {
            slices.extend(quote!(let #ident = &#root::ops::at_step(#ident, t)?;));
        }
        w.borrowed(v, ident.clone());
    }
    for (&v, ident) in constants.iter().zip(&constant_names) {
        w.borrowed(v, ident.clone());
    }
    w.ops(flat, in_phase(Phase::Each));
    let each = w.finish(&series);
    let pushes = series.iter().enumerate().map(|(i, &v)| {
        let (i, value) = (Literal::usize_unsuffixed(i), w.give(v));
        quote!(series[#i].push(#value);)
    });
    let n = Literal::usize_unsuffixed(series.len());
    let advance = quote! {
        #[inline]
        #[allow(clippy::ptr_arg, reason = "generated")]
        fn __advance(
            &self, t: i64, #(#inputs: &#root::Tensor,)* #(#constant_names: &#root::Tensor,)*
            series: &mut [::std::vec::Vec<#root::Tensor>; #n], s: &mut #state, cx: &#root::Cx, taps: &mut [#root::Tap],
        ) -> #root::Result<()> {
            #slices
            #each
            #(#pushes)*
            ::core::result::Result::Ok(())
        }
    };

    // After the last step.
    let mut w = Writer::new(types, root, Style::Sequence, flat);
    for (&v, ident) in flat.inputs.iter().zip(&inputs) {
        w.borrowed(v, ident.clone());
    }
    for &v in &kept {
        w.owned(v, format_ident!("v{v}"));
    }
    let mut stacked = TokenStream::new();
    for (i, &v) in series.iter().enumerate() {
        let (i, ident) = (Literal::usize_unsuffixed(i), format_ident!("v{v}"));
        stacked.extend(quote!(let #ident = #root::ops::series(&series[#i])?;));
        w.owned(v, ident);
    }
    w.ops(flat, in_phase(Phase::After));
    let after = w.finish(&flat.outputs);
    let outs: Vec<TokenStream> = w.give_all(&flat.outputs);
    let (ty, result) = tensors(root, outs.len(), &outs);

    let call = |t: TokenStream| quote!(self.__advance(#t, #(#inputs,)* #(&#constant_names,)* &mut series, s, cx, taps)?;);
    let run = written_out(net, call);
    quote! {
        #advance

        fn __run(&self, #(#inputs: &#root::Tensor,)* steps: i64, s: &mut #state, cx: &#root::Cx, taps: &mut [#root::Tap]) -> #root::Result<#ty> {
            #before
            let mut series: [::std::vec::Vec<#root::Tensor>; #n] = ::core::default::Default::default();
            #run
            #stacked
            #after
            ::core::result::Result::Ok(#result)
        }
    }
}

/// `T` calls one after the other, up to `unroll` of them, and a loop for more or for another number of steps.
pub(super) fn written_out(net: &Net, call: impl Fn(TokenStream) -> TokenStream) -> TokenStream {
    let looped = call(quote!(t));
    match net.steps.known() {
        Some(steps) if steps <= net.unroll => {
            let calls = (0..steps).map(|t| call(Literal::usize_unsuffixed(t).to_token_stream()));
            let t = Literal::usize_unsuffixed(steps);
            quote!(if steps == #t { #(#calls)* } else { for t in 0..steps { #looped } })
        }
        _ => quote!(for t in 0..steps { #looped }),
    }
}
