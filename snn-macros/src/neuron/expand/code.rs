//! Statements as Rust. In: scheduled code; out: tokens, over any `Real` or in `f64`.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

use crate::neuron::graph::{Binary, Comparison, Graph, Id, Leaf, Op, Test, Unary};
use crate::neuron::schedule::{Code, Line, schedule};

/// How a function is written.
pub(crate) struct Rust<'a> {
    pub(crate) root: &'a TokenStream,
    pub(crate) graph: &'a Graph,
    pub(crate) flags: &'a [TokenStream],
    /// In `f64`, instead of any `F: Real`.
    pub(crate) double: bool,
    /// Where a value is that comes from outside.
    pub(crate) place: &'a dyn Fn(Id) -> Option<TokenStream>,
    /// How `None` of an argument is filled up.
    pub(crate) unwrap: &'a dyn Fn(usize, TokenStream) -> TokenStream,
}

impl Rust<'_> {
    /// The statements before the values, and the values.
    pub(crate) fn write(&self, roots: &[Id]) -> (TokenStream, Vec<TokenStream>) {
        let code = schedule(self.graph, roots, &|id| (self.place)(id).is_some());
        let lines = self.lines(&code.lines, &code);
        (lines, roots.iter().map(|id| self.value(*id, &code, false)).collect())
    }

    fn lines(&self, lines: &[Line], code: &Code) -> TokenStream {
        lines.iter().map(|line| self.line(line, code)).collect()
    }

    fn line(&self, line: &Line, code: &Code) -> TokenStream {
        match line {
            Line::Let(id) => {
                let (name, value) = (self.name(*id), self.operation(*id, code));
                quote!(let #name = #value;)
            }
            Line::Branch { flag, id, then, a, otherwise, b } => {
                let (name, flag) = (self.name(*id), &self.flags[*flag]);
                let (then, otherwise) = (self.lines(then, code), self.lines(otherwise, code));
                let (a, b) = (self.value(*a, code, false), self.value(*b, code, false));
                quote!(let #name = if #flag { #then #a } else { #otherwise #b };)
            }
            Line::Loop { index, id, from, to, body, value } => {
                let (name, index) = (self.name(*id), number(*index));
                let (from, to) = (self.literal(f64::from(*from)), self.value(*to, code, true));
                let (body, value) = (self.lines(body, code), self.value(*value, code, true));
                let (zero, one) = (self.literal(0.0), self.literal(1.0));
                quote! {
                    let mut #name = #zero;
                    let mut #index = #from;
                    while #index < #to {
                        #body
                        #name = #name + #value;
                        #index = #index + #one;
                    }
                }
            }
        }
    }

    /// A value where it is used; in parentheses if it is an operand and would fall apart.
    fn value(&self, id: Id, code: &Code, operand: bool) -> TokenStream {
        if let Some(place) = (self.place)(id) {
            return place;
        }
        match self.graph.op(id) {
            Op::Literal(bits) => self.literal(f64::from_bits(bits)),
            Op::Leaf(Leaf::Index(index)) => {
                let name = number(index);
                quote!(#name)
            }
            op if code.inline.contains(&id) => {
                let value = self.operation(id, code);
                let loose = matches!(op, Op::Unary(Unary::Neg, _) | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div, ..));
                if operand && loose { quote!((#value)) } else { value }
            }
            _ => {
                let name = self.name(id);
                quote!(#name)
            }
        }
    }

    fn operation(&self, id: Id, code: &Code) -> TokenStream {
        let root = self.root;
        let value = |id: Id| self.value(id, code, false);
        let operand = |id: Id| self.value(id, code, true);
        match self.graph.op(id) {
            Op::Unary(Unary::Neg, a) => {
                let a = operand(a);
                quote!(-#a)
            }
            Op::Unary(Unary::Sigmoid, a) if self.double => {
                let a = operand(a);
                quote!((1f64 / (1f64 + f64::exp(-#a))))
            }
            Op::Unary(f, a) => {
                let a = value(a);
                match of_std(f).filter(|_| self.double) {
                    Some(f) => quote!(f64::#f(#a)),
                    None => {
                        let f = format_ident!("{}", function(f));
                        quote!(#root::Real::#f(#a))
                    }
                }
            }
            Op::Binary(Binary::Pow, a, b) => {
                let (a, b) = (value(a), value(b));
                if self.double { quote!(f64::powf(#a, #b)) } else { quote!(#root::Real::pow(#a, #b)) }
            }
            Op::Binary(f, a, b) => {
                // `a * b + c` needs none, and `a + b + c` is read from the left.
                let tight = |op: Op| matches!(op, Op::Binary(Binary::Mul | Binary::Div, ..));
                let sum = |op: Op| matches!(op, Op::Binary(Binary::Add | Binary::Sub, ..));
                let (x, y) = (self.graph.op(a), self.graph.op(b));
                let (a, b) = match f {
                    Binary::Add | Binary::Sub => (self.value(a, code, !(tight(x) || sum(x))), self.value(b, code, !tight(y))),
                    _ => (self.value(a, code, !tight(x)), operand(b)),
                };
                match f {
                    Binary::Add => quote!(#a + #b),
                    Binary::Sub => quote!(#a - #b),
                    Binary::Mul => quote!(#a * #b),
                    _ => quote!(#a / #b),
                }
            }
            Op::Choose(Test::Flag(flag), a, b) => {
                let (flag, a, b) = (&self.flags[flag], value(a), value(b));
                quote!(if #flag { #a } else { #b })
            }
            Op::Choose(Test::Compare(how, x, y), a, b) => {
                let (x, y, a, b) = (operand(x), operand(y), value(a), value(b));
                let how = match how {
                    Comparison::Less => quote!(<),
                    Comparison::LessEqual => quote!(<=),
                    Comparison::Greater => quote!(>),
                    Comparison::GreaterEqual => quote!(>=),
                    Comparison::Equal => quote!(==),
                    Comparison::NotEqual => quote!(!=),
                };
                quote!(if #x #how #y { #a } else { #b })
            }
            Op::UnwrapOr(parameter, fallback) => (self.unwrap)(parameter, value(fallback)),
            // Detached values are attached before, spikes and leaves come from outside, sums are loops.
            Op::Detach(a) | Op::Spike(_, a) | Op::Sum { body: a, .. } => value(a),
            Op::Literal(_) | Op::Leaf(_) => value(id),
        }
    }

    fn literal(&self, x: f64) -> TokenStream {
        if self.double {
            let literal = Literal::f64_suffixed(x.abs());
            return if x.is_sign_negative() { quote!((-#literal)) } else { quote!(#literal) };
        }
        if x.to_bits() == 0 {
            return quote!(F::ZERO);
        }
        if x == 1.0 {
            return quote!(F::ONE);
        }
        let literal = Literal::f64_unsuffixed(x.abs());
        if x.is_sign_negative() { quote!(F::of(-#literal)) } else { quote!(F::of(#literal)) }
    }

    fn name(&self, id: Id) -> Ident {
        Ident::new(&name(self.graph, id), Span::mixed_site())
    }
}

/// What a value is called in the code: the user's name for it, and a number that makes it the only one.
pub(crate) fn name(graph: &Graph, id: Id) -> String {
    let name = graph.name(id).unwrap_or("t").trim_start_matches("r#").trim_end_matches('_');
    format!("{name}_{}", id.index())
}

fn number(index: usize) -> Ident {
    Ident::new(&format!("i_{index}"), Span::mixed_site())
}

/// Where the standard library has the function: what runs once per call has time for its last bit.
fn of_std(f: Unary) -> Option<Ident> {
    let name = match f {
        Unary::Sigmoid | Unary::Erf | Unary::Erfc => return None,
        Unary::Round => "round_ties_even",
        f => function(f),
    };
    Some(format_ident!("{name}"))
}

/// The name of a function in `Real`, and in the CUDA source.
pub(crate) fn function(f: Unary) -> &'static str {
    match f {
        Unary::Neg => "neg",
        Unary::Abs => "abs",
        Unary::Exp => "exp",
        Unary::Ln => "ln",
        Unary::Sigmoid => "sigmoid",
        Unary::Tanh => "tanh",
        Unary::Sqrt => "sqrt",
        Unary::Sin => "sin",
        Unary::Cos => "cos",
        Unary::Atan => "atan",
        Unary::Erf => "erf",
        Unary::Erfc => "erfc",
        Unary::Round => "round",
        Unary::Floor => "floor",
    }
}
