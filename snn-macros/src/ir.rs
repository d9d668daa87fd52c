//! What will be built. In: nothing (plain data, filled by `lower`, completed by `check`, rewritten by `plan`); out: what
//! `expand` reads. No syn types but identifiers, paths and the user's own expressions.

use proc_macro2::TokenStream;
use syn::{Attribute, Ident, Visibility};

use crate::diag::Blame;
use crate::layers::{Args, Built, Container, How, LayerSpec, Modes, State};
use crate::size::Size;

/// Does a layer work on one step or on the whole sequence?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `'s'`: one step, `[N, ..]`.
    Step,
    /// `'m'`: the whole sequence, `[T, N, ..]`.
    Multi,
}

impl Mode {
    pub(crate) fn letter(self) -> char {
        match self {
            Mode::Step => 's',
            Mode::Multi => 'm',
        }
    }
}

/// How a value depends on time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Time {
    /// The same at every step: a static input and what stateless layers make of it.
    Static,
    /// One value per step.
    Seq,
    /// Past `MeanOverTime` and its kin: time is gone.
    Reduced,
}

/// One `net`.
pub(crate) struct Net {
    pub(crate) name: Ident,
    pub(crate) vis: Visibility,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) generics: syn::Generics,
    pub(crate) steps: Size,
    /// Forwards of at most this many steps are written out step by step.
    pub(crate) unroll: usize,
    pub(crate) mode: Mode,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    /// `-> (logits: [20], trace: [T, 256])` gives a struct instead of a tuple.
    pub(crate) named_outputs: bool,
    pub(crate) root: Group,
    /// Where the net is blamed as a whole: its name.
    pub(crate) blame: Blame,
    /// The head was reported as unreadable: nothing is known of what arrives.
    pub(crate) broken: bool,
    /// `->` was written.
    pub(crate) declared: bool,
    /// Const checks for sizes the macro does not know.
    pub(crate) checks: Vec<TokenStream>,
}

/// An input or output of the net.
pub(crate) struct Port {
    pub(crate) name: Ident,
    pub(crate) shape: Vec<Size>,
    pub(crate) sequence: bool,
    pub(crate) blame: Blame,
    /// Its shape could be read.
    pub(crate) known: bool,
}

/// Layers and how values flow through them: a net, a list, a block, a repeat.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) kind: GroupKind,
    pub(crate) nodes: Vec<Node>,
    pub(crate) flow: Flow,
    pub(crate) attrs: Vec<Attribute>,
}

impl Group {
    /// A layer or function of the user's own is in it.
    pub(crate) fn has_own_code(&self) -> bool {
        let own = |node: &Node| match &node.kind {
            NodeKind::Leaf(leaf) => matches!(leaf.what, What::Own { .. }),
            NodeKind::Group(g) => g.has_own_code(),
            NodeKind::Poisoned => false,
        };
        self.nodes.iter().any(own) || self.flow.ops.iter().any(|op| matches!(op.kind, OpKind::Own { .. }))
    }
}

impl Group {
    pub(crate) fn is_repeat(&self) -> bool {
        matches!(self.kind, GroupKind::Repeat)
    }

    pub(crate) fn container(&self) -> Option<&Container> {
        if let GroupKind::Container(c) = &self.kind { Some(c) } else { None }
    }

    /// What comes out of one step goes back in at the next: the first of the flow's inputs.
    pub(crate) fn feeds_back(&self) -> bool {
        self.container().is_some_and(|c| c.how == How::Feedback)
    }

    /// Values that one call takes.
    pub(crate) fn arity(&self) -> usize {
        self.flow.inputs.len() - usize::from(self.feeds_back())
    }

    /// A layer in it works on whole sequences: there is no single step to run.
    pub(crate) fn whole_sequences_only(&self) -> bool {
        self.nodes.iter().any(|node| match &node.kind {
            NodeKind::Leaf(leaf) => leaf.whole_sequences_only(),
            NodeKind::Group(g) => g.whole_sequences_only(),
            NodeKind::Poisoned => false,
        })
    }
}

#[derive(Clone)]
pub(crate) enum GroupKind {
    Net,
    List,
    Repeat,
    /// The block's name.
    Block(String),
    Container(Box<Container>),
}

#[derive(Clone)]
pub(crate) struct Node {
    /// Field of the generated struct; a tuple field's number for unnamed entries of lists.
    pub(crate) label: Label,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) record: Record,
    /// `#[checkpoint]`: a group that is run again for its backward pass.
    pub(crate) checkpoint: bool,
    pub(crate) kind: NodeKind,
    pub(crate) blame: Blame,
}

#[derive(Clone, Debug)]
pub(crate) enum Label {
    Named(Ident),
    Index(usize),
}

impl Label {
    /// The name where it was written.
    pub(crate) fn blame(&self) -> Option<Blame> {
        match self {
            Label::Named(id) => Some(Blame::of(id)),
            Label::Index(..) => None,
        }
    }

    /// As in the VarStore: `conv1`, `0`.
    pub(crate) fn text(&self) -> String {
        match self {
            Label::Named(id) => id.to_string().trim_start_matches("r#").to_string(),
            Label::Index(i) => i.to_string(),
        }
    }

    /// As in the VarStore, in a list or block of that name: `stem.0`; the net itself has none.
    pub(crate) fn behind(&self, outer: &str) -> String {
        if outer.is_empty() { self.text() } else { format!("{outer}.{}", self.text()) }
    }
}

/// What `#[record(..)]` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) spikes: bool,
    pub(crate) voltage: bool,
}

impl Record {
    pub(crate) fn any(self) -> bool {
        self.spikes || self.voltage
    }
}

#[derive(Clone)]
pub(crate) enum NodeKind {
    Leaf(Box<Leaf>),
    Group(Group),
    /// Reported already; whatever depends on it keeps quiet.
    Poisoned,
}

/// One layer.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) what: What,
    pub(crate) args: Args,
    /// As written in the net: `conv1`, or `Conv2d` where no name was given.
    pub(crate) shown: String,
    /// One step or the whole sequence: what it is given where it stands.
    pub(crate) mode: Mode,
    pub(crate) line: usize,
    /// Filled by `check` when the layer is first reached.
    pub(crate) built: Option<Built>,
    /// The shape that arrives, per sample; filled by `check`.
    pub(crate) input: Vec<Size>,
    pub(crate) input_time: Time,
}

#[derive(Clone)]
pub(crate) enum What {
    /// A row of the layer table.
    Known(&'static LayerSpec),
    /// A layer of the user's own, by its path; `-> [..]` if its shape was declared.
    Own { path: TokenStream, shape: Option<Vec<Size>> },
}

impl Leaf {
    pub(crate) fn stateful(&self) -> bool {
        match &self.what {
            What::Known(spec) => spec.state.is_some_and(|state| state != State::Draws),
            What::Own { .. } => true,
        }
    }

    /// Values it takes where it is called.
    pub(crate) fn inputs(&self) -> usize {
        match &self.what {
            What::Known(spec) => spec.inputs(),
            What::Own { .. } => 1,
        }
    }

    /// It has no way to take one step.
    pub(crate) fn whole_sequences_only(&self) -> bool {
        self.built.as_ref().is_some_and(|b| b.modes == Modes::MultiOnly)
    }

    /// A sequence goes in, and time is gone behind it.
    pub(crate) fn ends_time(&self) -> bool {
        self.built.as_ref().is_some_and(|b| b.ends_time)
    }

    /// `MeanOverTime()`: no layer at run time, an operation on time.
    pub(crate) fn reduces(&self) -> Option<&'static str> {
        match &self.what {
            What::Known(spec) => spec.reduces,
            What::Own { .. } => None,
        }
    }
}

/// A value inside one group's flow.
pub(crate) type Value = usize;

/// Straight-line code: every operation once, in order.
#[derive(Clone, Default)]
pub(crate) struct Flow {
    pub(crate) inputs: Vec<Value>,
    pub(crate) ops: Vec<Op>,
    pub(crate) outputs: Vec<Value>,
    /// Several results come back as a tuple, one as itself.
    pub(crate) values: usize,
    /// The expression that `forward` ends with.
    pub(crate) result: Option<Blame>,
    /// What `check` found out about each value.
    pub(crate) facts: Vec<Option<Fact>>,
}

impl Flow {
    pub(crate) fn fresh(&mut self) -> Value {
        self.values += 1;
        self.facts.push(None);
        self.values - 1
    }
}

#[derive(Clone)]
pub(crate) struct Op {
    pub(crate) kind: OpKind,
    pub(crate) args: Vec<Value>,
    pub(crate) outs: Vec<Value>,
    pub(crate) blame: Blame,
    /// How it reads in the source: `conv2(conv1(x))`.
    pub(crate) shown: String,
    /// The operation behind it is its only reader and does its work as well, where whole sequences run (see `plan`).
    pub(crate) with_next: bool,
}

#[derive(Clone)]
pub(crate) enum OpKind {
    /// A child of this group, by index.
    Node(usize),
    /// `sew_add` and the like: a function of the runtime.
    Builtin(&'static Builtin),
    /// A function the user brought in with `use`, and its trailing arguments.
    Own { path: TokenStream, extra: Vec<TokenStream> },
}

/// A function that `forward` may call.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) shape: BuiltinShape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltinShape {
    /// Two or more equal shapes, the same comes out.
    Elementwise,
    /// Joined along the first axis of a sample.
    Cat,
    /// Joined along the last axis of a sample.
    CatLast,
    /// A new first axis.
    Stack,
    /// A sequence goes in, time is gone.
    Reduce,
}

/// What is known of a value.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) shape: Vec<Size>,
    pub(crate) time: Time,
    /// `` `conv1` (line 5) outputs ``, for notes.
    pub(crate) origin: String,
    /// It comes straight from a spiking neuron.
    pub(crate) spikes: bool,
}
