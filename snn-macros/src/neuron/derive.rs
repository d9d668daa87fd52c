//! The adjoint: reverse mode over the graph. In: values with the gradients that arrive at them; out: the gradients of what they depend on,
//! as new operations of the same graph.
//!
//! A gradient that flows through one branch of a condition on the arguments (`if decay_input`) is kept apart with that condition, its
//! guard, as long as it can be, and not padded with zeros: the code of the adjoint then has the branches of the step.

use std::collections::BTreeMap;

use super::graph::{Binary, Comparison, Graph, Id, Leaf, Op, Test, Unary};

/// Conditions on the arguments under which a gradient flows, sorted by flag.
type Guard = Vec<(usize, bool)>;

/// Where the sweep stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The input, the states, and the largest learned values that are the same for all neurons: of a step.
    Constants,
    /// The learned parameters: of the constants.
    Learned,
    /// What does not depend on this running number: of the body of a sum.
    Outside(usize),
}

/// The gradients at which the sweep stopped, by what they belong to.
pub(crate) fn adjoint(graph: &mut Graph, seeds: &[(Id, Id)], until: Until) -> BTreeMap<Id, Id> {
    let mut sweep = Sweep { graph, until, arriving: BTreeMap::new() };
    for (value, gradient) in seeds {
        sweep.flow(*value, Vec::new(), *gradient);
    }
    let mut stopped = BTreeMap::new();
    while let Some((id, parts)) = sweep.arriving.pop_last() {
        let guard = common(&parts);
        let inner = parts.into_iter().map(|(g, x)| (g.into_iter().filter(|c| !guard.contains(c)).collect(), x)).collect();
        let Some(gradient) = combine(sweep.graph, inner) else { continue };
        if sweep.stops(id) {
            let zero = sweep.graph.literal(0.0);
            let total = guard.iter().fold(gradient, |x, (flag, value)| {
                let (a, b) = if *value { (x, zero) } else { (zero, x) };
                sweep.graph.choose(Test::Flag(*flag), a, b)
            });
            stopped.insert(id, total);
        } else {
            sweep.through(id, guard, gradient);
        }
    }
    stopped
}

struct Sweep<'g> {
    graph: &'g mut Graph,
    until: Until,
    arriving: BTreeMap<Id, Vec<(Guard, Id)>>,
}

impl Sweep<'_> {
    /// Lets a gradient arrive, if anything behind that value wants one.
    fn flow(&mut self, to: Id, guard: Guard, gradient: Id) {
        let needs = self.graph.needs(to);
        if needs.data || needs.learned {
            self.arriving.entry(to).or_default().push((guard, gradient));
        }
    }

    fn stops(&self, id: Id) -> bool {
        let needs = self.graph.needs(id);
        match self.until {
            Until::Constants => needs.fixed() || matches!(self.graph.op(id), Op::Leaf(_)),
            Until::Learned => matches!(self.graph.op(id), Op::Leaf(_)),
            Until::Outside(index) => needs.index & (1 << index) == 0,
        }
    }

    /// Hands the gradient of a value on to its operands.
    fn through(&mut self, id: Id, guard: Guard, g: Id) {
        match self.graph.op(id) {
            Op::Literal(_) | Op::Leaf(_) | Op::Detach(_) | Op::UnwrapOr(..) => {}
            Op::Unary(f, a) => {
                if let Some(g) = self.unary(f, a, id, g) {
                    self.flow(a, guard, g);
                }
            }
            Op::Binary(f, a, b) => self.binary(f, a, b, id, guard, g),
            Op::Choose(Test::Flag(flag), a, b) => {
                for (value, to) in [(true, a), (false, b)] {
                    if let Some(guard) = with(&guard, flag, value) {
                        self.flow(to, guard, g);
                    }
                }
            }
            Op::Choose(test, a, b) => {
                let zero = self.graph.literal(0.0);
                let (ga, gb) = (self.graph.choose(test, g, zero), self.graph.choose(test, zero, g));
                self.flow(a, guard.clone(), ga);
                self.flow(b, guard, gb);
            }
            Op::Spike(n, a) => {
                let slope = self.graph.leaf(Leaf::Slope(n));
                let g = self.graph.mul(g, slope);
                self.flow(a, guard, g);
            }
            Op::Sum { index, from, to, body } => {
                let one = self.graph.literal(1.0);
                for (outside, part) in adjoint(self.graph, &[(body, one)], Until::Outside(index)) {
                    let total = self.graph.push(Op::Sum { index, from, to, body: part });
                    let g = self.graph.mul(g, total);
                    self.flow(outside, guard.clone(), g);
                }
            }
        }
    }

    fn unary(&mut self, f: Unary, a: Id, out: Id, g: Id) -> Option<Id> {
        let graph = &mut *self.graph;
        let (zero, one) = (graph.literal(0.0), graph.literal(1.0));
        let by = |graph: &mut Graph, factor: Id| Some(graph.mul(g, factor));
        match f {
            Unary::Neg => Some(graph.unary(Unary::Neg, g)),
            Unary::Abs => {
                let minus = graph.unary(Unary::Neg, g);
                let below = graph.choose(Test::Compare(Comparison::Less, a, zero), minus, zero);
                Some(graph.choose(Test::Compare(Comparison::Greater, a, zero), g, below))
            }
            Unary::Exp => by(graph, out),
            Unary::Ln => Some(graph.div(g, a)),
            Unary::Sigmoid => {
                let rest = graph.sub(one, out);
                let slope = graph.mul(out, rest);
                by(graph, slope)
            }
            Unary::Tanh => {
                let square = graph.mul(out, out);
                let slope = graph.sub(one, square);
                by(graph, slope)
            }
            Unary::Sqrt => {
                let twice = graph.add(out, out);
                Some(graph.div(g, twice))
            }
            Unary::Sin => {
                let cos = graph.unary(Unary::Cos, a);
                by(graph, cos)
            }
            Unary::Cos => {
                let sin = graph.unary(Unary::Sin, a);
                let minus = graph.unary(Unary::Neg, sin);
                by(graph, minus)
            }
            Unary::Atan => {
                let square = graph.mul(a, a);
                let slope = graph.add(one, square);
                Some(graph.div(g, slope))
            }
            Unary::Erf | Unary::Erfc => {
                let square = graph.mul(a, a);
                let minus = graph.unary(Unary::Neg, square);
                let bell = graph.unary(Unary::Exp, minus);
                let height = std::f64::consts::FRAC_2_SQRT_PI;
                let height = graph.literal(if f == Unary::Erf { height } else { -height });
                let slope = graph.mul(height, bell);
                by(graph, slope)
            }
            Unary::Round | Unary::Floor => None,
        }
    }

    fn binary(&mut self, f: Binary, a: Id, b: Id, out: Id, guard: Guard, g: Id) {
        let graph = &mut *self.graph;
        let wanted = |graph: &Graph, id: Id| graph.needs(id).data || graph.needs(id).learned;
        let (want_a, want_b) = (wanted(graph, a), wanted(graph, b));
        let (ga, gb) = match f {
            Binary::Add => (g, g),
            Binary::Sub => (g, graph.unary(Unary::Neg, g)),
            Binary::Mul => {
                let ga = if want_a { graph.mul(g, b) } else { g };
                (ga, if want_b { graph.mul(g, a) } else { g })
            }
            Binary::Div => {
                // By a constant: its inverse is one, too, and a division less per neuron and step.
                let ga = if graph.needs(b).fixed() {
                    let one = graph.literal(1.0);
                    let inverse = graph.div(one, b);
                    graph.mul(g, inverse)
                } else {
                    graph.div(g, b)
                };
                let gb = if want_b {
                    let slope = graph.div(out, b);
                    let part = graph.mul(g, slope);
                    graph.unary(Unary::Neg, part)
                } else {
                    g
                };
                (ga, gb)
            }
            Binary::Pow => {
                let ga = if want_a {
                    let one = graph.literal(1.0);
                    let less = graph.sub(b, one);
                    let power = graph.push(Op::Binary(Binary::Pow, a, less));
                    let slope = graph.mul(b, power);
                    graph.mul(g, slope)
                } else {
                    g
                };
                let gb = if want_b {
                    let ln = graph.unary(Unary::Ln, a);
                    let slope = graph.mul(out, ln);
                    graph.mul(g, slope)
                } else {
                    g
                };
                (ga, gb)
            }
        };
        self.flow(a, guard.clone(), ga);
        self.flow(b, guard, gb);
    }
}

/// The guard with one more condition; `None` if it cannot hold.
fn with(guard: &Guard, flag: usize, value: bool) -> Option<Guard> {
    match guard.binary_search_by_key(&flag, |(f, _)| *f) {
        Ok(at) => (guard[at].1 == value).then(|| guard.clone()),
        Err(at) => {
            let mut more = guard.clone();
            more.insert(at, (flag, value));
            Some(more)
        }
    }
}

/// What all parts have in their guards.
fn common(parts: &[(Guard, Id)]) -> Guard {
    let (first, others) = parts.split_first().map_or((Vec::new(), parts), |((guard, _), others)| (guard.clone(), others));
    first.into_iter().filter(|c| others.iter().all(|(guard, _)| guard.contains(c))).collect()
}

/// The sum of the parts whose guards hold; `None` is 0.
fn combine(graph: &mut Graph, parts: Vec<(Guard, Id)>) -> Option<Id> {
    let Some(flag) = parts.iter().find_map(|(guard, _)| guard.first()).map(|(flag, _)| *flag) else {
        return parts.into_iter().map(|(_, x)| x).reduce(|a, b| graph.add(a, b));
    };
    let mut side = |value: bool| {
        let holds = parts.iter().filter(|(guard, _)| !guard.contains(&(flag, !value)));
        let parts = holds.map(|(guard, x)| (guard.iter().filter(|(f, _)| *f != flag).copied().collect(), *x)).collect();
        combine(graph, parts)
    };
    let (a, b) = (side(true), side(false));
    if a.is_none() && b.is_none() {
        return None;
    }
    let zero = graph.literal(0.0);
    Some(graph.choose(Test::Flag(flag), a.unwrap_or(zero), b.unwrap_or(zero)))
}
