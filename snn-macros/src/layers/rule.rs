//! What a shape rule sees and says. In: the bound arguments and the shape that arrives; out: the shapes that leave, the
//! config of the runtime layer, its weights and its work, or errors that name the layer, want, got and fix.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::args::{Arg, ArgValue, Args, subject};
use super::{LayerSpec, Modes};
use crate::diag::{Blame, Diagnostic, Diagnostics};
use crate::ir::Mode;
use crate::size::{Size, by, show, sized};

/// A layer whose sizes are settled.
#[derive(Clone)]
pub(crate) struct Built {
    /// The runtime type.
    pub(crate) ty: &'static str,
    /// Fields of the runtime type's config; `None` where the config is `()`.
    pub(crate) config: Option<Vec<(Ident, TokenStream)>>,
    /// Per sample, without time; `MaxPool2d(return_indices = true)` has two.
    pub(crate) outputs: Vec<Vec<Size>>,
    /// Learnable parameters by name.
    pub(crate) weights: Vec<(&'static str, Vec<Size>)>,
    /// Numbers carried from step to step, per sample.
    pub(crate) state: Size,
    /// Multiply-accumulates per sample and step.
    pub(crate) macs: Size,
    /// The row's, unless the arguments leave only whole sequences.
    pub(crate) modes: Modes,
    /// A sequence goes in and one value comes out: time is gone behind it.
    pub(crate) ends_time: bool,
    /// The argument that asks for what only libtorch gives: `return_indices = true`.
    pub(crate) only_libtorch: Option<&'static str>,
    /// It scales and shifts each channel, and no more: a neuron behind it can do that itself.
    pub(crate) scales_channels: bool,
    /// Const checks where a size is rustc's to know.
    pub(crate) checks: Vec<TokenStream>,
}

impl Built {
    /// A layer that keeps the shape and has neither weights nor state.
    pub(crate) fn keeps(rule: &Rule<'_>, ty: &'static str) -> Built {
        Built {
            ty,
            config: None,
            outputs: vec![rule.input.to_vec()],
            weights: Vec::new(),
            state: Size::Known(0),
            macs: Size::Known(0),
            modes: rule.spec.modes,
            only_libtorch: None,
            ends_time: false,
            scales_channels: false,
            checks: Vec::new(),
        }
    }
}

/// One application of a rule.
pub(crate) struct Rule<'a> {
    pub(crate) spec: &'static LayerSpec,
    pub(crate) args: &'a Args,
    /// Per sample, without time.
    pub(crate) input: &'a [Size],
    /// Named entry's label, or the layer's name.
    pub(crate) shown: &'a str,
    /// Who says what arrives: `` `flat` (line 23) outputs `` or `` input `x` is ``.
    pub(crate) origin: &'a str,
    /// The layer as a whole.
    pub(crate) blame: Blame,
    /// One step or the whole sequence: what the layer is given where it stands.
    #[allow(dead_code, reason = "for rows whose arguments decide on the step mode")]
    pub(crate) mode: Mode,
    /// `T` of the net.
    #[allow(dead_code, reason = "for rows with a `T` of their own")]
    pub(crate) steps: &'a Size,
    pub(crate) diags: &'a mut Diagnostics,
    /// `$crate::__private`
    pub(crate) root: &'a TokenStream,
    pub(crate) checks: Vec<TokenStream>,
}

impl<'a> Rule<'a> {
    pub(crate) fn arg(&self, name: &str) -> &'a Arg {
        self.args.get(name)
    }

    /// The argument where one was written, the layer otherwise.
    pub(crate) fn blame_of(&self, name: &str) -> Blame {
        let arg = self.arg(name);
        if arg.written { arg.blame } else { self.blame }
    }

    pub(crate) fn size(&self, name: &str) -> Size {
        match &self.arg(name).value {
            ArgValue::Size(s) => s.clone(),
            other => unreachable!("`bind` made `{name}` a size, not {other:?}"),
        }
    }

    pub(crate) fn sizes(&self, name: &str) -> Vec<Size> {
        match &self.arg(name).value {
            ArgValue::Sizes(s) => s.clone(),
            other => unreachable!("`bind` made `{name}` sizes, not {other:?}"),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.arg(name).value, ArgValue::Bool(true))
    }

    pub(crate) fn axis(&self, name: &str) -> i64 {
        match self.arg(name).value {
            ArgValue::Axis(n) => n,
            _ => unreachable!("`bind` made `{name}` an axis"),
        }
    }

    /// A config field under the argument's own token, so that an IDE and rustc find it there.
    pub(crate) fn field(&self, name: &str, value: impl ToTokens) -> (Ident, TokenStream) {
        let span = self.arg(name).name.as_ref().map_or_else(Span::call_site, Ident::span);
        (Ident::new(name, span), value.to_token_stream())
    }

    /// The field of an argument that passes through as it is.
    pub(crate) fn pass(&self, name: &str) -> (Ident, TokenStream) {
        self.field(name, self.arg(name))
    }

    /// `` `fc1`: `Linear` ``, or `` `Linear` `` for an unnamed entry.
    pub(crate) fn subject(&self) -> String {
        subject(self.shown, self.spec)
    }

    pub(crate) fn error(&mut self, blame: Blame, text: impl Into<String>) -> &mut Diagnostic {
        self.diags.error(blame, text.into())
    }

    /// An error about what arrives; the note says where it comes from.
    pub(crate) fn input_error(&mut self, blame: Blame, text: impl Into<String>) -> &mut Diagnostic {
        let note = format!("{} {}", self.origin, show(self.input, false));
        self.diags.error(blame, text.into()).note(note)
    }

    /// The per-sample shape has `names.len()` axes, such as `[C, H, W]`.
    pub(crate) fn rank(&mut self, names: &[&str]) -> Result<(), ()> {
        if self.input.len() == names.len() {
            return Ok(());
        }
        let text = format!("{} needs a [{}] input, but gets {}", self.subject(), names.join(", "), show(self.input, false));
        let (blame, flat) = (self.blame, self.input.len() == 1 && names.len() > 1);
        let d = self.input_error(blame, text);
        if flat {
            d.help("put it before `Flatten()`");
        }
        Err(())
    }

    /// The per-sample shape is `[C, ..]` with `axes` axes of space.
    pub(crate) fn space(&mut self, axes: usize) -> Result<(), ()> {
        let names: &[&str] = match axes {
            1 => &["C", "L"],
            2 => &["C", "H", "W"],
            _ => &["C", "D", "H", "W"],
        };
        let ranks = self.input.len();
        if ranks == names.len() || ranks < 2 {
            return self.rank(names);
        }
        let text = format!("{} needs a [{}] input, but gets {}", self.subject(), names.join(", "), show(self.input, false));
        // The same layer over as many axes as there are.
        let sibling = self.spec.name.strip_suffix(&format!("{axes}d")).map(|family| format!("{family}{}d", ranks - 1));
        let sibling = sibling.filter(|name| super::find(name).is_some());
        let (blame, shape) = (self.blame, show(self.input, false));
        let d = self.input_error(blame, text);
        if let Some(name) = sibling {
            d.help(format!("`{name}` takes {shape}"));
        }
        Err(())
    }

    /// The input side of the layer: inferred from what arrives, or compared with it. `what` is "input features".
    ///
    /// After an error the layer is taken at its word, so that the layers behind it are checked as well.
    pub(crate) fn inferred(&mut self, name: &str, arrives: &Size, what: &str) -> Size {
        let arg = self.arg(name);
        let ArgValue::Size(want) = &arg.value else { return arrives.clone() };
        if want.differs(arrives) {
            let text = format!("`{}` expects {want} {what}, but gets {arrives}", self.shown);
            self.input_error(arg.blame, text).help("write `_` here to infer it");
        } else if !want.same(arrives) {
            self.check_later(arg.blame, what, want, arrives);
        }
        want.clone()
    }

    /// A layer's own number of time steps: inferred from the net's `T`, or compared with it.
    pub(crate) fn inferred_steps(&mut self, name: &str) -> Size {
        let (arg, net) = (self.arg(name), self.steps);
        let ArgValue::Size(want) = &arg.value else { return net.clone() };
        if want.differs(net) {
            let text = format!("`{}` expects {want} time steps, but the net runs {net}", self.shown);
            self.error(arg.blame, text).help("write `_` here to infer it");
        } else if !want.same(net) {
            self.check_later(arg.blame, "time steps", want, net);
        }
        want.clone()
    }

    /// Leaves it to rustc to compare two sizes, by the function of `snn_shape::check` that the last word of `what` names.
    fn check_later(&mut self, blame: Blame, what: &str, want: &Size, got: &Size) {
        let call = self.call_later(blame, what.rsplit(' ').next().unwrap_or("features"), &[quote!(#want), quote!(#got)]);
        self.checks.push(call);
    }

    /// A call that rustc underlines from its name to its parentheses: the user's whole expression.
    fn call_later(&self, blame: Blame, check: &str, arguments: &[TokenStream]) -> TokenStream {
        let (shown, check) = (self.shown, Ident::new(check, blame.start));
        let mut arguments = Group::new(Delimiter::Parenthesis, quote!(#shown, #(#arguments),*));
        arguments.set_span(blame.end);
        quote!(#check #arguments)
    }

    /// `` `conv`: a 7x7 kernel, 2x2 apart, does not fit the 5x5 input ``
    pub(crate) fn does_not_fit(&self, what: &str, sizes: &[Size], dilation: &[Size]) -> String {
        let apart = if dilation.iter().all(|d| d.known() == Some(1)) { String::new() } else { format!(", {} apart,", by(dilation)) };
        format!("`{}`: a {}{apart} does not fit the {}", self.shown, sized(what, sizes), sized("input", &self.input[1..]))
    }

    /// Does `by`, the argument of that name, divide `len`? Where rustc alone knows, it is asked later.
    pub(crate) fn divides(&mut self, len: &Size, by: &Size, argument: &str) -> bool {
        if let (Some(len), Some(by)) = (len.known(), by.known()) {
            return snn_shape::divide(len, by).is_some();
        }
        let call = self.call_later(self.arg(argument).blame, "divide", &[quote!(#len), quote!(#by)]);
        self.checks.push(quote!(let _ = #call));
        true
    }

    /// Sizes that `known` can settle go through it; if one is rustc's to know, the same formula runs as a const check of
    /// `snn_shape::check` named `formula`.
    pub(crate) fn formula(
        &mut self,
        formula: &str,
        sizes: &[Size],
        flags: &[bool],
        known: impl Fn(&[usize]) -> Option<usize>,
    ) -> Option<Size> {
        match sizes.iter().map(Size::known).collect::<Option<Vec<usize>>>() {
            Some(n) => known(&n).map(Size::Known),
            None => {
                let arguments: Vec<TokenStream> = sizes.iter().map(|s| quote!(#s)).chain(flags.iter().map(|f| quote!(#f))).collect();
                Some(self.later(formula, &arguments))
            }
        }
    }

    /// The size after `formula` of `snn_shape`, evaluated by rustc. That it fits is a check of its own, on the layer: only this one
    /// fails where it does not.
    pub(crate) fn later(&mut self, formula: &str, arguments: &[TokenStream]) -> Size {
        let check = self.call_later(self.blame, formula, arguments);
        self.checks.push(quote!(let _ = #check));
        let (root, f) = (self.root, Ident::new(formula, Span::call_site()));
        Size::Expr(quote!(#root::shape::settled(#root::shape::#f(#(#arguments),*))))
    }
}
