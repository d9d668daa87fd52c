//! The same functions as CUDA C++ source. In: the parts of a step; out: a struct template over the element type and the conditions on the
//! arguments, for `kernels/cuda/real.cuh`, which names every rounding.

use std::fmt::Write as _;

use super::code::{function, name};
use crate::neuron::graph::{Binary, Comparison, Graph, Id, Leaf, Op, Test, Unary};
use crate::neuron::lower::Formulas;
use crate::neuron::schedule::{Code, Line, schedule};
use crate::neuron::split::{Curve, Step};

/// `template <typename F, unsigned FLAGS> struct LIFNode { .. };`
pub(super) fn neuron(ty: &str, formulas: &Formulas, step: &Step) -> String {
    let mut cuda = Cuda { graph: &step.graph, constants: &step.constants, kept: &[], text: head(ty) };
    for (name, value) in [
        ("STATES", formulas.states.len()),
        ("CONSTANTS", step.constants.len()),
        ("LEARNED_CONSTANTS", step.grad_constants.len()),
        ("FIRES", step.over.len()),
        ("KEPT", step.kept.len()),
    ] {
        let _ = writeln!(cuda.text, "    static constexpr int {name} = {value};");
    }
    let stores = |array: &str, ids: &[Id]| ids.iter().enumerate().map(|(k, id)| (format!("{array}[{k}]"), Some(*id))).collect::<Vec<_>>();
    let charge = [stores("over", &step.over), stores("kept", &step.kept)].concat();
    cuda.function("void charge(const F* c, const F* s, F x, F* over, F* kept)", &charge);
    cuda.kept = &step.kept;
    let finish = [stores("next", &step.next), vec![("*y".to_string(), Some(step.output))]].concat();
    cuda.function("void finish(const F* c, const F* s, F x, const F* kept, const F* spikes, F* next, F* y)", &finish);
    let mut back = vec![("*grad_x".to_string(), step.grad_input)];
    back.extend(step.grad_states.iter().enumerate().map(|(k, g)| (format!("grad_s[{k}]"), *g)));
    back.extend(stores("grad_c", &step.grad_constants));
    let head = "void adjoint(const F* c, const F* s, F x, const F* kept, const F* spikes, const F* slopes, F grad_y, const F* grad_states, \
                F* grad_x, F* grad_s, F* grad_c)";
    cuda.function(head, &back);
    cuda.text + "};\n"
}

/// `template <typename F, unsigned FLAGS> struct ATan { .. };`
pub(super) fn surrogate(ty: &str, curve: &Curve) -> String {
    let mut cuda = Cuda { graph: &curve.graph, constants: &curve.constants, kept: &[], text: head(ty) };
    let _ = writeln!(cuda.text, "    static constexpr int CONSTANTS = {};", curve.constants.len());
    match curve.spike {
        Some(id) => cuda.function("F spike(const F* c, F x)", &[("return".to_string(), Some(id))]),
        None => cuda.text.push_str("    SNN_DEVICE static F spike(const F* c, F x) {\n        return x >= F(0) ? F(1) : F(0);\n    }\n"),
    }
    cuda.function("F derivative(const F* c, F x)", &[("return".to_string(), Some(curve.derivative))]);
    match curve.slope {
        Some(id) => cuda.function("F slope(const F* c, F x)", &[("return".to_string(), Some(id))]),
        None => cuda.text.push_str("    SNN_DEVICE static F slope(const F* c, F x) {\n        return derivative(c, x);\n    }\n"),
    }
    if let Some(id) = curve.primitive {
        cuda.function("F primitive(const F* c, F x)", &[("return".to_string(), Some(id))]);
    }
    cuda.text + "};\n"
}

fn head(ty: &str) -> String {
    format!("template <typename F, unsigned FLAGS> struct {ty} {{\n")
}

struct Cuda<'a> {
    graph: &'a Graph,
    constants: &'a [Id],
    kept: &'a [Id],
    text: String,
}

impl Cuda<'_> {
    /// A function that stores values in places; `None` is 0.
    fn function(&mut self, head: &str, stores: &[(String, Option<Id>)]) {
        let roots: Vec<Id> = stores.iter().filter_map(|(_, id)| *id).collect();
        let code = schedule(self.graph, &roots, &|id| self.place(id).is_some());
        let _ = writeln!(self.text, "    SNN_DEVICE static {head} {{");
        let lines = self.lines(&code.lines, &code, 2);
        self.text.push_str(&lines);
        for (place, id) in stores {
            let value = id.map_or("F(0)".to_string(), |id| self.value(id, &code));
            let store = if place == "return" { format!("return {value}") } else { format!("{place} = {value}") };
            let _ = writeln!(self.text, "        {store};");
        }
        self.text.push_str("    }\n");
    }

    fn lines(&self, lines: &[Line], code: &Code, depth: usize) -> String {
        let mut text = String::new();
        let pad = "    ".repeat(depth);
        for line in lines {
            match line {
                Line::Let(id) => {
                    let _ = writeln!(text, "{pad}const F {} = {};", name(self.graph, *id), self.operation(*id, code));
                }
                Line::Branch { flag, id, then, a, otherwise, b } => {
                    let result = name(self.graph, *id);
                    let (then, otherwise) = (self.lines(then, code, depth + 1), self.lines(otherwise, code, depth + 1));
                    let (a, b) = (self.value(*a, code), self.value(*b, code));
                    let _ = writeln!(text, "{pad}F {result};\n{pad}if (FLAGS >> {flag} & 1) {{\n{then}{pad}    {result} = {a};");
                    let _ = writeln!(text, "{pad}}} else {{\n{otherwise}{pad}    {result} = {b};\n{pad}}}");
                }
                Line::Loop { index, id, from, to, body, value } => {
                    let result = name(self.graph, *id);
                    let to = self.value(*to, code);
                    let _ = writeln!(text, "{pad}F {result} = F(0);");
                    let _ = writeln!(text, "{pad}for (F i_{index} = F({from}); i_{index} < {to}; i_{index} = add(i_{index}, F(1))) {{");
                    text.push_str(&self.lines(body, code, depth + 1));
                    let _ = writeln!(text, "{pad}    {result} = add({result}, {});\n{pad}}}", self.value(*value, code));
                }
            }
        }
        text
    }

    fn place(&self, id: Id) -> Option<String> {
        if let Some(k) = self.kept.iter().position(|i| *i == id) {
            return Some(format!("kept[{k}]"));
        }
        if let Some(k) = self.constants.iter().position(|c| *c == id) {
            return Some(format!("c[{k}]"));
        }
        match self.graph.op(id) {
            Op::Spike(n, _) => Some(format!("spikes[{n}]")),
            Op::Leaf(Leaf::State(k)) => Some(format!("s[{k}]")),
            Op::Leaf(Leaf::Input) => Some("x".to_string()),
            Op::Leaf(Leaf::Slope(n)) => Some(format!("slopes[{n}]")),
            Op::Leaf(Leaf::GradOutput) => Some("grad_y".to_string()),
            Op::Leaf(Leaf::GradState(k)) => Some(format!("grad_states[{k}]")),
            _ => None,
        }
    }

    fn value(&self, id: Id, code: &Code) -> String {
        if let Some(place) = self.place(id) {
            return place;
        }
        match self.graph.op(id) {
            Op::Literal(bits) => format!("F({:?})", f64::from_bits(bits)),
            Op::Leaf(Leaf::Index(index)) => format!("i_{index}"),
            _ if code.inline.contains(&id) => self.operation(id, code),
            _ => name(self.graph, id),
        }
    }

    fn operation(&self, id: Id, code: &Code) -> String {
        let value = |id: Id| self.value(id, code);
        match self.graph.op(id) {
            Op::Unary(Unary::Neg, a) => format!("-{}", value(a)),
            Op::Unary(f, a) => format!("{}({})", function(f), value(a)),
            Op::Binary(f, a, b) => {
                let f = match f {
                    Binary::Add => "add",
                    Binary::Sub => "sub",
                    Binary::Mul => "mul",
                    Binary::Div => "div",
                    Binary::Pow => "pow",
                };
                format!("{f}({}, {})", value(a), value(b))
            }
            Op::Choose(Test::Flag(flag), a, b) => format!("(FLAGS >> {flag} & 1 ? {} : {})", value(a), value(b)),
            Op::Choose(Test::Compare(how, x, y), a, b) => {
                let how = match how {
                    Comparison::Less => "<",
                    Comparison::LessEqual => "<=",
                    Comparison::Greater => ">",
                    Comparison::GreaterEqual => ">=",
                    Comparison::Equal => "==",
                    Comparison::NotEqual => "!=",
                };
                format!("({} {how} {} ? {} : {})", value(x), value(y), value(a), value(b))
            }
            // As in the Rust: none of these is computed here.
            Op::Detach(a) | Op::Spike(_, a) | Op::UnwrapOr(_, a) | Op::Sum { body: a, .. } => value(a),
            Op::Literal(_) | Op::Leaf(_) => value(id),
        }
    }
}
