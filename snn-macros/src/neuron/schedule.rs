//! Graph -> statements. In: the values wanted; out: what to compute in which order, with a branch where only one side of a condition on the
//! arguments is needed, a loop for each sum, and the values that stand inside the expression that uses them.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Id, Op, Test};

#[derive(Debug)]
pub(crate) enum Line {
    /// `let id = ..;`
    Let(Id),
    /// `let id = if flag { ..; a } else { ..; b };`
    Branch { flag: usize, id: Id, then: Vec<Line>, a: Id, otherwise: Vec<Line>, b: Id },
    /// `let id = the sum of value for index in from..to;`
    Loop { index: usize, id: Id, from: u32, to: Id, body: Vec<Line>, value: Id },
}

#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(crate) lines: Vec<Line>,
    /// Used once: written inside the expression that uses them.
    pub(crate) inline: BTreeSet<Id>,
}

/// The branches a value is computed in, from the outside.
type Place = Vec<(Id, bool)>;

/// `given` values come from outside.
pub(crate) fn schedule(graph: &Graph, roots: &[Id], given: &dyn Fn(Id) -> bool) -> Code {
    let mut planner = Planner { graph, given, places: BTreeMap::new(), uses: BTreeMap::new(), members: BTreeMap::new() };
    for root in roots {
        planner.used(*root, Vec::new());
    }
    // Users have larger numbers than what they use: once it is a value's turn, all its uses are known.
    let mut below = u32::MAX as usize;
    while let Some((id, place)) = planner.places.range(..).rev().find(|(id, _)| id.index() < below).map(|(id, p)| (*id, p.clone())) {
        below = id.index();
        planner.visit(id, &place);
    }
    let mut code = Code::default();
    code.inline = planner.inline();
    code.lines = planner.block(&Vec::new(), &mut code.inline);
    code
}

struct Planner<'g> {
    graph: &'g Graph,
    given: &'g dyn Fn(Id) -> bool,
    places: BTreeMap<Id, Place>,
    uses: BTreeMap<Id, usize>,
    members: BTreeMap<Place, BTreeSet<Id>>,
}

impl Planner<'_> {
    fn used(&mut self, id: Id, place: Place) {
        if (self.given)(id) || matches!(self.graph.op(id), Op::Literal(_) | Op::Leaf(_)) {
            return;
        }
        *self.uses.entry(id).or_default() += 1;
        match self.places.get_mut(&id) {
            None => {
                self.places.insert(id, place);
            }
            Some(known) => {
                let shared = known.iter().zip(&place).take_while(|(a, b)| a == b).count();
                known.truncate(shared);
            }
        }
    }

    fn visit(&mut self, id: Id, place: &Place) {
        self.members.entry(place.clone()).or_default().insert(id);
        match self.graph.op(id) {
            Op::Choose(Test::Flag(_), a, b) => {
                for (value, side) in [(true, a), (false, b)] {
                    let mut inner = place.clone();
                    inner.push((id, value));
                    self.used(side, inner);
                }
            }
            Op::Sum { index, to, body, .. } => {
                self.used(to, place.clone());
                for outside in self.outside(body, index) {
                    // Twice: it must not be computed anew in each round.
                    self.used(outside, place.clone());
                    self.used(outside, place.clone());
                }
            }
            op => op.operands().into_iter().for_each(|operand| self.used(operand, place.clone())),
        }
    }

    /// What the body of a sum takes from outside.
    fn outside(&self, body: Id, index: usize) -> Vec<Id> {
        let inside = |id: Id| self.graph.needs(id).index & (1 << index) != 0;
        super::split::walk(self.graph, &[body], |id| !inside(id)).into_iter().filter(|id| !inside(*id)).collect()
    }

    fn inline(&self) -> BTreeSet<Id> {
        let plain = |id: Id| matches!(self.graph.op(id), Op::Unary(..) | Op::Binary(..)) && self.graph.name(id).is_none();
        self.uses.iter().filter(|(id, uses)| **uses == 1 && plain(**id)).map(|(id, _)| *id).collect()
    }

    fn block(&self, place: &Place, inline: &mut BTreeSet<Id>) -> Vec<Line> {
        let mut lines = Vec::new();
        for id in self.members.get(place).into_iter().flatten().copied() {
            let mut side = |value: bool| {
                let mut inner = place.clone();
                inner.push((id, value));
                self.block(&inner, inline)
            };
            match self.graph.op(id) {
                Op::Choose(Test::Flag(flag), a, b) => {
                    lines.push(Line::Branch { flag, id, then: side(true), a, otherwise: side(false), b });
                }
                Op::Sum { index, from, to, body } => {
                    let given = |id: Id| (self.given)(id) || self.graph.needs(id).index & (1 << index) == 0;
                    let inner = schedule(self.graph, &[body], &given);
                    inline.extend(inner.inline);
                    lines.push(Line::Loop { index, id, from, to, body: inner.lines, value: body });
                }
                _ if inline.contains(&id) => {}
                _ => lines.push(Line::Let(id)),
            }
        }
        lines
    }
}
