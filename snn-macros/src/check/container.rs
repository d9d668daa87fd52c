//! A container: what it makes of time for the layers in it. In: what arrives; out: what the last layer gives, as seen from
//! outside.

use quote::quote;

use crate::diag::Blame;
use crate::ir::{Fact, Group, Mode, Node, NodeKind, Time};
use crate::layers::{ArgValue, Container, How};
use crate::size::{Size, fits, show};

use super::Walk;

impl Walk<'_> {
    pub(super) fn container(&mut self, group: &mut Group, arrives: Option<Fact>, blame: Blame) -> Vec<Option<Fact>> {
        let Some(c) = group.container().cloned() else { return self.group(group, vec![arrives]) };
        let before = self.diags.errors();
        let inside = arrives.and_then(|arrives| self.arrives_inside(&c, &arrives, blame).ok());
        let inputs = match (&inside, c.how) {
            (Some((fact, _)), How::Feedback) => vec![Some(self.last_output(&c, fact, &mut group.nodes)), Some(fact.clone())],
            (Some((fact, _)), _) => vec![Some(fact.clone())],
            // Still worth a walk: mistakes that need no input show up.
            (None, _) => vec![None; group.flow.inputs.len()],
        };
        let y = inputs[0].clone();
        let outer = self.inside.replace(c.spec.name);
        let mut results = self.group(group, inputs);
        self.inside = outer;
        let (Some((_, last)), Some(Some(result))) = (inside, results.first_mut()) else { return results };
        if let (How::Feedback, Some(y)) = (c.how, y) {
            self.comes_back(&c, &y, result, group.flow.ops.last().map_or(blame, |op| op.blame), self.diags.errors() > before);
            // After a mistake it is taken at its word.
            result.shape = y.shape;
        }
        if let Some((last, time)) = last {
            result.shape.push(last);
            result.time = time;
        }
        results
    }

    /// What the first layer gets, and the axis that comes back behind the last.
    fn arrives_inside(&mut self, c: &Container, arrives: &Fact, blame: Blame) -> Result<(Fact, Option<(Size, Time)>), ()> {
        let name = c.spec.name;
        if c.time_last && arrives.time == Time::Seq {
            self.diags
                .error(blame, format!("`{name}` takes time from the last axis of a sample, but gets a sequence"))
                .note(format!("{} {}", arrives.origin, show(&arrives.shape, true)))
                .help(format!("use `{}`, where time comes first", name.trim_start_matches("TLast")));
            return Err(());
        }
        if !c.time_last && arrives.time == Time::Reduced {
            self.time_is_gone(&c.shown, arrives, blame);
            return Err(());
        }
        let mut fact = arrives.clone();
        let mut last = None;
        if c.time_last {
            let Some(steps) = fact.shape.pop() else {
                self.diags
                    .error(blame, format!("`{}` needs a [.., T] input, but gets {}", c.shown, show(&arrives.shape, false)))
                    .note(format!("{} {}", arrives.origin, show(&arrives.shape, false)));
                return Err(());
            };
            last = Some((steps, fact.time));
            fact.time = Time::Seq;
        }
        let built = self.rule(c.spec, &c.args, &c.shown, Mode::Step, &fact, blame)?;
        fact.shape.clone_from(&built.outputs[0]);
        Ok((fact, last))
    }

    /// What came out of the step before. Settles the sizes of `rc`, which sees it beside what arrives.
    fn last_output(&mut self, c: &Container, arrives: &Fact, nodes: &mut [Node]) -> Fact {
        let mut shape = arrives.shape.clone();
        if let (Some(ArgValue::Size(out)), Some(last)) = (c.args.find("out_features").map(|a| &a.value), shape.last_mut()) {
            if let Some(NodeKind::Leaf(rc)) = nodes.first_mut().map(|n| &mut n.kind) {
                rc.args.settle("in_features", last.add(out));
                rc.args.settle("out_features", last.clone());
            }
            *last = out.clone();
        }
        Fact { shape, time: Time::Seq, origin: format!("`{}` (line {}) feeds back", c.shown, c.line), spikes: false }
    }

    /// What comes out has to be what goes back in.
    fn comes_back(&mut self, c: &Container, y: &Fact, result: &Fact, blame: Blame, told: bool) {
        if fits(&y.shape, &result.shape) {
            for (axis, (want, got)) in y.shape.iter().zip(&result.shape).enumerate().filter(|(_, (a, b))| !a.same(b)) {
                let what = &c.shown;
                self.checks.push(quote!(axis(#what, #axis, #want, #got)));
            }
            return;
        }
        if told {
            return;
        }
        let (want, got) = (show(&y.shape, false), show(&result.shape, false));
        let text = format!("`{}` feeds what comes out back in: what is in it must give {want}, but gives {got}", c.shown);
        let d = self.diags.error(blame, text).note(format!("{} {got}", result.origin));
        let out = c.args.find("out_features").map(|a| &a.value);
        match (out, &y.shape[..], &result.shape[..]) {
            (Some(_), [_], [features]) => d.help(format!("write `out_features = {features}`, or end with `Linear(_, {})`", y.shape[0])),
            (None, [features], _) => d.help(format!("end with `Linear(_, {features})`")),
            _ => d.help("keep the shape inside"),
        };
    }
}
