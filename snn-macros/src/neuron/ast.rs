//! What was written between the braces of `snn_neuron! { .. }`.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Expr, Stmt, Type, Visibility};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Neuron,
    Surrogate,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Neuron => "neuron",
            Kind::Surrogate => "surrogate",
        }
    }
}

/// `neuron LIFNode { .. }`
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) kind: Kind,
    pub(crate) name: Ident,
    pub(crate) params: Vec<Param>,
    pub(crate) base: Option<Base>,
    pub(crate) learned: Vec<Learned>,
    pub(crate) states: Vec<State>,
    pub(crate) functions: Vec<Function>,
}

/// `tau: f64 = 2.0 where tau > 1.0, "it counts steps";`
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: ParamKind,
    pub(crate) default: Expr,
    pub(crate) rule: Option<Rule>,
    /// One of `base`.
    pub(crate) common: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamKind {
    Float,
    OptFloat,
    Bool,
    Count,
    /// Any other type: only compared with `==` and `!=`.
    Other,
}

/// What an argument has to be, and what helps if it is not.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Expr,
    pub(crate) help: String,
}

/// `base { v_threshold = 0.5; }`, `base soft;`
#[derive(Debug)]
pub(crate) struct Base {
    /// No `v_reset`: the threshold is always subtracted.
    pub(crate) soft: bool,
    pub(crate) defaults: Vec<(Ident, Expr, Option<Rule>)>,
}

/// `learn per channel k = 1.0;`, `buffer v_offset = v_offset;`
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) name: Ident,
    pub(crate) per_channel: bool,
    pub(crate) trained: bool,
    pub(crate) start: Expr,
}

/// `state w = w_rest;`
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Ident,
    pub(crate) start: Expr,
}

/// `step(x) { .. }`
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) input: Ident,
    pub(crate) body: Vec<Stmt>,
    /// Its closing brace.
    pub(crate) end: Span,
}
