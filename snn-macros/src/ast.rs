//! What was written, node by node. In: nothing (plain data, filled by `parse`); out: the tree that `lower` reads.
//!
//! Every node keeps the token it is blamed on. Nothing here is checked beyond the grammar of docs/language.md. What could
//! not be read is reported already and stands here as `Node::Error`, `Flow::Error` or a [`missing`] expression: later stages
//! keep quiet about whatever depends on it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Expr, Generics, Ident, Pat, Path, Type, UseTree, Visibility};

use crate::diag::Blame;

/// Stands for an expression that could not be read.
pub(crate) fn missing() -> Expr {
    Expr::Verbatim(TokenStream::new())
}

/// Was this expression reported as unreadable?
pub(crate) fn is_missing(expr: &Expr) -> bool {
    matches!(expr, Expr::Verbatim(tokens) if tokens.is_empty())
}

/// A whole `snn_net! { .. }`.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) items: Vec<Item>,
}

#[derive(Debug)]
pub(crate) enum Item {
    /// `use crate::layers::SpikeAttention;`: opens the closed set of names.
    Use(UseTree),
    Const(Const),
    Block(Block),
    Net(Net),
}

/// `const CH: usize = 128;`
#[derive(Debug, Clone)]
pub(crate) struct Const {
    pub(crate) name: Ident,
    #[allow(dead_code, reason = "as written; the value alone decides")]
    pub(crate) ty: Type,
    pub(crate) value: Expr,
}

/// `block SewBasic(c, stride = 1) { .. }`
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) attrs: Vec<Attribute>,
    #[allow(dead_code, reason = "as written; a block is inlined where it is used")]
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) params: Vec<Param>,
    pub(crate) body: Body,
}

/// `stride: usize = 1` in a block's parameter list.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: Ident,
    #[allow(dead_code, reason = "as written; the value alone decides")]
    pub(crate) ty: Option<Type>,
    pub(crate) default: Option<Expr>,
}

/// `pub net Csnn(x: [1, 28, 28]) -> [10] { .. }`
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) inputs: Vec<Input>,
    /// `None`: no `->` was written.
    pub(crate) outputs: Option<Vec<Output>>,
    /// Something in the head was reported: its shapes say nothing.
    pub(crate) broken: bool,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: Option<Ident>,
    pub(crate) shape: Shape,
}

/// `[T, 128, 28, 28]`
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) dims: Vec<Dim>,
    /// The brackets and what is between them.
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // a few per layer, read once
pub(crate) enum Dim {
    /// `T`: the time axis.
    Time(Span),
    /// `_`
    Infer(Span),
    Size(Expr),
}

/// What stands between the braces of a net or a block.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) settings: Vec<Setting>,
    pub(crate) consts: Vec<Const>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) forward: Option<Forward>,
}

/// `step_mode = 'm';`
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

/// `#[record(spikes)] sn1: IFNode()`
#[derive(Debug)]
pub(crate) struct Entry {
    /// Doc comments, `#[record(..)]` and whatever else was written; told apart in `lower`.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) name: Option<Ident>,
    pub(crate) node: Node,
}

#[derive(Debug)]
pub(crate) enum Node {
    Layer(Layer),
    List(List),
    Repeat(Repeat),
    Cond(Cond),
    /// Could not be read.
    Error(Span),
}

/// `Conv2d(_, CH, kernel_size = 3) -> [..]`: a layer, a container, a block or a layer of the user's own.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) path: Path,
    pub(crate) args: Vec<Arg>,
    /// `-> [..]`, for layers of the user's own.
    pub(crate) shape: Option<Shape>,
    /// From the path to the closing parenthesis.
    pub(crate) span: Blame,
}

#[derive(Debug)]
pub(crate) struct Arg {
    pub(crate) name: Option<Ident>,
    pub(crate) value: ArgValue,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a few per layer, read once
pub(crate) enum ArgValue {
    /// `_`: inferred from what arrives.
    Infer(Span),
    /// A node, by the grammar's rule: it starts with `[`, or is a CamelCase path followed by `(`.
    /// `[2, 2]` is read as an expression where every element is one (sizes), as a list where they are nodes.
    Node(Box<Node>),
    Expr(Expr),
}

/// `[a, b]`: one after the other.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) entries: Vec<Entry>,
    pub(crate) span: Span,
}

/// `[a; n]`: n copies with their own weights.
#[derive(Debug)]
pub(crate) struct Repeat {
    pub(crate) entry: Box<Entry>,
    pub(crate) count: Expr,
    pub(crate) span: Span,
}

/// `if CONST { .. } else { .. }`
#[derive(Debug)]
pub(crate) struct Cond {
    pub(crate) cond: Expr,
    pub(crate) then: Vec<Entry>,
    pub(crate) otherwise: Option<Otherwise>,
    /// From `if` to the closing brace.
    pub(crate) span: Blame,
}

#[derive(Debug)]
pub(crate) enum Otherwise {
    If(Box<Cond>),
    Else(Vec<Entry>),
}

/// `forward(x, gate) { let h = f(x); (g(h), h) }`
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) inputs: Vec<Ident>,
    pub(crate) lets: Vec<Let>,
    pub(crate) result: Flow,
    /// Something in it was reported: what is left of it is not the user's wiring.
    pub(crate) broken: bool,
    /// The `forward` keyword.
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Let {
    /// An identifier, `_`, or a tuple of them.
    pub(crate) pat: Pat,
    pub(crate) value: Flow,
}

#[derive(Debug)]
pub(crate) enum Flow {
    /// A value bound before; a const or parameter where a call's trailing argument stands.
    Name(Ident),
    Call {
        func: Ident,
        args: Vec<Flow>,
        span: Blame,
    },
    Tuple(Vec<Flow>, Span),
    /// A trailing `Expr` argument of a call (`time_shift(h, 1)`); an error anywhere else, reported by `lower`.
    Expr(Expr),
    /// Could not be read.
    Error(Span),
}

impl Node {
    /// Its first token.
    pub(crate) fn span(&self) -> Span {
        self.blame().start
    }

    /// The node as a whole.
    pub(crate) fn blame(&self) -> Blame {
        match self {
            Node::Layer(l) => l.span,
            Node::List(l) => l.span.into(),
            Node::Repeat(r) => r.span.into(),
            Node::Cond(c) => c.span,
            Node::Error(span) => (*span).into(),
        }
    }

    /// `ATan(alpha = 3.0)` read as a Rust expression, where a value was meant.
    pub(crate) fn as_expr(&self) -> Option<Expr> {
        let Node::Layer(l) = self else { return None };
        let args: Option<Vec<TokenStream>> = l
            .args
            .iter()
            .map(|a| match (&a.name, &a.value) {
                (Some(name), ArgValue::Expr(e)) => Some(quote!(#name = #e)),
                (None, ArgValue::Expr(e)) => Some(quote!(#e)),
                _ => None,
            })
            .collect();
        let (path, args) = (&l.path, args?);
        syn::parse2(quote!(#path(#(#args),*))).ok()
    }
}
