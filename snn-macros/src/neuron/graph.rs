//! The formulas as straight-line SSA. In: one operation at a time; out: its number. Equal operations get the same number, and what is the
//! same number to the bit is folded at once: common subexpressions and dead weight never come to exist.
//!
//! Only exact identities are folded, never a rounding moved: a forward pass does the operations that were written, in their order.

use std::collections::HashMap;

/// The number of an operation. Operands have smaller numbers than what uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(u32);

impl Id {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A number that comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Leaf {
    /// An argument of the neuron; an `Option` counts as 0 where it is `None`.
    Parameter(usize),
    /// A learned parameter or buffer.
    Learned(usize),
    /// A state before the step.
    State(usize),
    /// The input of the step.
    Input,
    /// The running number of a `sum`.
    Index(usize),
    /// The surrogate's derivative at the argument of a `spike(..)`.
    Slope(usize),
    /// dL/d(output)
    GradOutput,
    /// dL/d(state after the step)
    GradState(usize),
    /// dL/d(constant)
    GradConstant(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unary {
    Neg,
    Abs,
    Exp,
    Ln,
    Sigmoid,
    Tanh,
    Sqrt,
    Sin,
    Cos,
    Atan,
    Erf,
    Erfc,
    Round,
    Floor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

/// What decides between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    /// A condition on the arguments: the same for all neurons and steps.
    Flag(usize),
    Compare(Comparison, Id, Id),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// The bits of an `f64`.
    Literal(u64),
    Leaf(Leaf),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    Choose(Test, Id, Id),
    /// The same number, without a gradient.
    Detach(Id),
    /// The n-th `spike(..)` of that argument.
    Spike(usize, Id),
    /// The argument, or a substitute where it is `None`.
    UnwrapOr(usize, Id),
    /// The sum of `body` for `index` from `from` to before `to`.
    Sum {
        index: usize,
        from: u32,
        to: Id,
        body: Id,
    },
}

impl Op {
    pub(crate) fn operands(self) -> Vec<Id> {
        match self {
            Op::Literal(_) | Op::Leaf(_) => Vec::new(),
            Op::Unary(_, a) | Op::Detach(a) | Op::Spike(_, a) | Op::UnwrapOr(_, a) => vec![a],
            Op::Binary(_, a, b) | Op::Choose(Test::Flag(_), a, b) => vec![a, b],
            Op::Choose(Test::Compare(_, x, y), a, b) => vec![x, y, a, b],
            Op::Sum { to, body, .. } => vec![to, body],
        }
    }
}

/// What the value of an operation depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Input, states or gradients: it differs from neuron to neuron and step to step.
    pub(crate) data: bool,
    /// A spike of the same step.
    pub(crate) spike: bool,
    /// A learned parameter, through which a gradient flows.
    pub(crate) learned: bool,
    /// The running numbers of the sums around it, as bits.
    pub(crate) index: u32,
}

impl Needs {
    /// Is it the same for all neurons and steps?
    pub(crate) fn fixed(self) -> bool {
        !self.data && self.index == 0
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    ops: Vec<Op>,
    needs: Vec<Needs>,
    known: HashMap<Op, Id>,
    /// What the user calls it.
    names: HashMap<Id, String>,
}

impl Graph {
    pub(crate) fn op(&self, id: Id) -> Op {
        self.ops[id.index()]
    }

    pub(crate) fn needs(&self, id: Id) -> Needs {
        self.needs[id.index()]
    }

    pub(crate) fn name(&self, id: Id) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// The first name stays.
    pub(crate) fn set_name(&mut self, id: Id, name: String) {
        self.names.entry(id).or_insert(name);
    }

    pub(crate) fn literal(&mut self, x: f64) -> Id {
        self.store(Op::Literal(x.to_bits()))
    }

    pub(crate) fn leaf(&mut self, leaf: Leaf) -> Id {
        self.store(Op::Leaf(leaf))
    }

    /// Its value, if it is written there.
    pub(crate) fn value(&self, id: Id) -> Option<f64> {
        match self.op(id) {
            Op::Literal(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    pub(crate) fn add(&mut self, a: Id, b: Id) -> Id {
        self.push(Op::Binary(Binary::Add, a, b))
    }

    pub(crate) fn sub(&mut self, a: Id, b: Id) -> Id {
        self.push(Op::Binary(Binary::Sub, a, b))
    }

    pub(crate) fn mul(&mut self, a: Id, b: Id) -> Id {
        self.push(Op::Binary(Binary::Mul, a, b))
    }

    pub(crate) fn div(&mut self, a: Id, b: Id) -> Id {
        self.push(Op::Binary(Binary::Div, a, b))
    }

    pub(crate) fn unary(&mut self, f: Unary, a: Id) -> Id {
        self.push(Op::Unary(f, a))
    }

    pub(crate) fn choose(&mut self, test: Test, a: Id, b: Id) -> Id {
        self.push(Op::Choose(test, a, b))
    }

    /// The number of this operation, or of a simpler one that gives the same bits.
    pub(crate) fn push(&mut self, op: Op) -> Id {
        match self.folded(op) {
            Folded::Same(id) => id,
            Folded::Value(x) => self.literal(x),
            Folded::Simpler(op) => self.push(op),
            Folded::Minus(f, a, b) => {
                let value = self.push(Op::Binary(f, a, b));
                self.push(Op::Unary(Unary::Neg, value))
            }
            Folded::No => self.store(op),
        }
    }

    fn folded(&self, op: Op) -> Folded {
        use Binary::{Add, Div, Mul, Pow, Sub};
        let is = |id: Id, x: f64| self.value(id).is_some_and(|v| v.to_bits() == x.to_bits());
        match op {
            Op::Unary(Unary::Neg, a) => match self.op(a) {
                Op::Literal(bits) => Folded::Value(-f64::from_bits(bits)),
                Op::Unary(Unary::Neg, inner) => Folded::Same(inner),
                _ => Folded::No,
            },
            Op::Binary(f, a, b) => {
                if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
                    let value = match f {
                        Add => x + y,
                        Sub => x - y,
                        Mul => x * y,
                        Div => x / y,
                        Pow => return Folded::No,
                    };
                    return if value.is_finite() { Folded::Value(value) } else { Folded::No };
                }
                match (f, self.op(a), self.op(b)) {
                    (Mul | Div, ..) if is(b, 1.0) => Folded::Same(a),
                    (Mul, ..) if is(a, 1.0) => Folded::Same(b),
                    (Mul | Div, ..) if is(b, -1.0) => Folded::Simpler(Op::Unary(Unary::Neg, a)),
                    (Mul, ..) if is(a, -1.0) => Folded::Simpler(Op::Unary(Unary::Neg, b)),
                    (Sub, ..) if is(b, 0.0) => Folded::Same(a),
                    (Mul | Div, Op::Unary(Unary::Neg, c), _) => Folded::Minus(f, c, b),
                    (Mul | Div, _, Op::Unary(Unary::Neg, c)) => Folded::Minus(f, a, c),
                    (Add, _, Op::Unary(Unary::Neg, c)) => Folded::Simpler(Op::Binary(Sub, a, c)),
                    (Add, Op::Unary(Unary::Neg, c), _) => Folded::Simpler(Op::Binary(Sub, b, c)),
                    (Sub, _, Op::Unary(Unary::Neg, c)) => Folded::Simpler(Op::Binary(Add, a, c)),
                    _ => Folded::No,
                }
            }
            Op::Choose(_, a, b) if a == b => Folded::Same(a),
            Op::Choose(Test::Flag(flag), a, b) => match (self.op(a), self.op(b)) {
                (Op::Choose(Test::Flag(inner), c, _), _) if inner == flag => Folded::Simpler(Op::Choose(Test::Flag(flag), c, b)),
                (_, Op::Choose(Test::Flag(inner), _, c)) if inner == flag => Folded::Simpler(Op::Choose(Test::Flag(flag), a, c)),
                _ => Folded::No,
            },
            Op::Detach(a) if !self.needs(a).data && !self.needs(a).learned => Folded::Same(a),
            Op::Detach(a) if matches!(self.op(a), Op::Detach(_)) => Folded::Same(a),
            _ => Folded::No,
        }
    }

    fn store(&mut self, op: Op) -> Id {
        if let Some(known) = self.known.get(&op) {
            return *known;
        }
        let id = Id(self.ops.len() as u32);
        self.needs.push(self.needs_of(op));
        self.ops.push(op);
        self.known.insert(op, id);
        id
    }

    fn needs_of(&self, op: Op) -> Needs {
        let mut needs = Needs::default();
        for operand in op.operands() {
            let n = self.needs(operand);
            needs.data |= n.data;
            needs.spike |= n.spike;
            needs.learned |= n.learned;
            needs.index |= n.index;
        }
        match op {
            Op::Leaf(Leaf::Parameter(_)) => {}
            Op::Leaf(Leaf::Learned(_)) => needs.learned = true,
            Op::Leaf(Leaf::Index(i)) => needs.index = 1 << i,
            Op::Leaf(Leaf::GradConstant(_)) => {}
            Op::Leaf(_) => needs.data = true,
            Op::Detach(_) => needs.learned = false,
            Op::Spike(..) => (needs.data, needs.spike) = (true, true),
            Op::Sum { index, .. } => needs.index &= !(1 << index),
            _ => {}
        }
        needs
    }

    /// The same values without [`Op::Detach`]: what is left to compute once the gradients are taken.
    pub(crate) fn attached(&mut self, ids: &[Id]) -> Vec<Id> {
        let mut done = HashMap::new();
        ids.iter().map(|id| self.attach(*id, &mut done)).collect()
    }

    fn attach(&mut self, id: Id, done: &mut HashMap<Id, Id>) -> Id {
        if let Some(new) = done.get(&id) {
            return *new;
        }
        let mut of = |graph: &mut Graph, id: Id| graph.attach(id, done);
        let op = match self.op(id) {
            op @ (Op::Literal(_) | Op::Leaf(_)) => op,
            Op::Unary(f, a) => Op::Unary(f, of(self, a)),
            Op::Binary(f, a, b) => Op::Binary(f, of(self, a), of(self, b)),
            Op::Choose(Test::Flag(flag), a, b) => Op::Choose(Test::Flag(flag), of(self, a), of(self, b)),
            Op::Choose(Test::Compare(c, x, y), a, b) => Op::Choose(Test::Compare(c, of(self, x), of(self, y)), of(self, a), of(self, b)),
            Op::Detach(a) => {
                let new = of(self, a);
                done.insert(id, new);
                return new;
            }
            Op::Spike(n, a) => Op::Spike(n, of(self, a)),
            Op::UnwrapOr(p, a) => Op::UnwrapOr(p, of(self, a)),
            Op::Sum { index, from, to, body } => Op::Sum { index, from, to: of(self, to), body: of(self, body) },
        };
        let new = self.push(op);
        if let Some(name) = self.names.get(&id).cloned() {
            self.set_name(new, name);
        }
        done.insert(id, new);
        new
    }
}

enum Folded {
    Same(Id),
    Value(f64),
    Simpler(Op),
    /// -(a f b)
    Minus(Binary, Id, Id),
    No,
}
