//! Functions in `forward`. In: the facts of their arguments; out: the fact of their result.

use quote::quote;

use crate::ir::{Builtin, BuiltinShape, Fact, Group, Op, Time};
use crate::size::{Size, fits, show};

use super::Walk;

impl Walk<'_> {
    pub(super) fn builtin(&mut self, builtin: &Builtin, args: &[Fact], op: &Op, group: &Group) -> Option<Fact> {
        let time = self.joint_time(builtin.name, args, op)?;
        let origin = format!("`{}` (line {}) outputs", op.shown, op.blame.line());
        let shape = match builtin.shape {
            BuiltinShape::Reduce => return self.reduce(builtin, args, op),
            BuiltinShape::Elementwise => self.equal(builtin, args, op, group)?,
            BuiltinShape::Stack => {
                let mut shape = vec![Size::Known(args.len())];
                shape.extend(self.equal(builtin, args, op, group)?);
                shape
            }
            BuiltinShape::Cat => self.joined(args, op)?,
            BuiltinShape::CatLast => last_joined(args)?,
        };
        Some(Fact { shape, time, origin, spikes: false })
    }

    /// A function of the user's own keeps the shape of its first argument; it sees one step in `'s'`, sequences in `'m'`.
    pub(super) fn own_function(&mut self, args: &[Fact], op: &Op) -> Option<Fact> {
        let first = args.first()?;
        let time = self.joint_time(&op.shown, args, op)?;
        Some(Fact { shape: first.shape.clone(), time, origin: format!("`{}` (line {}) outputs", op.shown, op.blame.line()), spikes: false })
    }

    /// A static value joins a sequence at every step; a value past `MeanOverTime` has no steps left to join.
    fn joint_time(&mut self, name: &str, args: &[Fact], op: &Op) -> Option<Time> {
        let has = |t: Time| args.iter().find(|a| a.time == t);
        if let (Some(seq), Some(reduced)) = (has(Time::Seq), has(Time::Reduced)) {
            self.diags
                .error(op.blame, format!("`{name}` joins a sequence with a value that has no time axis left"))
                .note(format!("{} {}", seq.origin, show(&seq.shape, true)))
                .note(format!("{} {}", reduced.origin, show(&reduced.shape, false)))
                .help("take the mean over time of both, or of neither");
            return None;
        }
        args.iter().map(|a| a.time).max()
    }

    fn reduce(&mut self, builtin: &Builtin, args: &[Fact], op: &Op) -> Option<Fact> {
        let arg = args.first()?;
        let shown = if op.shown.contains('(') { builtin.name } else { &op.shown };
        if let Some(container) = self.inside {
            let text = format!("`{shown}` needs a whole sequence, but `{container}` gives it single steps");
            self.diags.error(op.blame, text).help("put it behind the container");
            return None;
        }
        if arg.time != Time::Seq {
            let text = format!("`{shown}` needs a sequence, but gets {}", show(&arg.shape, false));
            let why = match arg.time {
                Time::Static => "which is the same at every step: no neuron stands before it",
                _ => "which has no time axis left",
            };
            self.diags.error(op.blame, text).note(format!("{} {}, {why}", arg.origin, show(&arg.shape, false))).help("remove it");
            return None;
        }
        let origin = format!("`{shown}` (line {}) outputs", op.blame.line());
        Some(Fact { shape: arg.shape.clone(), time: Time::Reduced, origin, spikes: false })
    }

    /// All arguments have one shape.
    fn equal(&mut self, builtin: &Builtin, args: &[Fact], op: &Op, group: &Group) -> Option<Vec<Size>> {
        let first = &args[0];
        for (i, other) in args.iter().enumerate().skip(1) {
            if !fits(&first.shape, &other.shape) {
                let text = format!(
                    "`{}` needs equal shapes, but gets {} and {}",
                    builtin.name,
                    show(&first.shape, false),
                    show(&other.shape, false)
                );
                let help = fix(&first.shape, &other.shape, &written(op.args[i], group));
                self.diags
                    .error(op.blame, text)
                    .note(format!(
                        "`{}` outputs {}, `{}` outputs {}",
                        written(op.args[0], group),
                        show(&first.shape, false),
                        written(op.args[i], group),
                        show(&other.shape, false)
                    ))
                    .help(help);
                return None;
            }
            self.axes_agree(builtin.name, &first.shape, &other.shape);
        }
        Some(first.shape.clone())
    }

    fn axes_agree(&mut self, what: &str, want: &[Size], got: &[Size]) {
        for (axis, (a, b)) in want.iter().zip(got).enumerate().filter(|(_, (a, b))| !a.same(b)) {
            self.checks.push(quote!(axis(#what, #axis, #a, #b)));
        }
    }

    /// Joined along the first axis: features, or channels.
    fn joined(&mut self, args: &[Fact], op: &Op) -> Option<Vec<Size>> {
        let first = &args[0];
        let mut sum = first.shape.first().cloned()?;
        for other in &args[1..] {
            if other.shape.is_empty() || !fits(&first.shape[1..], &other.shape[1..]) || other.shape.len() != first.shape.len() {
                let text = format!(
                    "`cat` joins the first axis and needs the others equal, but gets {} and {}",
                    show(&first.shape, false),
                    show(&other.shape, false)
                );
                self.diags.error(op.blame, text).help("bring both to one size first");
                return None;
            }
            self.axes_agree("cat", &first.shape[1..], &other.shape[1..]);
            sum = sum.add(&other.shape[0]);
        }
        let mut shape = vec![sum];
        shape.extend_from_slice(&first.shape[1..]);
        Some(shape)
    }
}

/// The last axes beside each other; the others are equal by construction.
fn last_joined(args: &[Fact]) -> Option<Vec<Size>> {
    let mut shape = args.first()?.shape.clone();
    let last = shape.last_mut()?;
    *last = args[1..].iter().filter_map(|a| a.shape.last()).fold(last.clone(), |sum, n| sum.add(n));
    Some(shape)
}

/// How the value of an argument was written: `shortcut(x)`, or the input's name.
fn written(value: usize, group: &Group) -> String {
    match group.flow.ops.iter().find(|op| op.outs.contains(&value)) {
        Some(op) => op.shown.clone(),
        None => "x".to_string(),
    }
}

/// The layer that would bring `got` to `want`.
fn fix(want: &[Size], got: &[Size], written: &str) -> String {
    let name = written.split('(').next().unwrap_or(written);
    if let ([c, h, w], [_, gh, gw]) = (want, got)
        && let (Some(c), Some(h), Some(w), Some(gh), Some(gw)) = (c.known(), h.known(), w.known(), gh.known(), gw.known())
        && h > 0
        && gh % h == 0
        && w > 0
        && gh / h == gw / w
        && gw % w == 0
    {
        let stride = if gh == h { String::new() } else { format!(", stride = {}", gh / h) };
        return format!("give `{name}` a `Conv2d(_, {c}, 1{stride})`");
    }
    "bring both to one shape first".to_string()
}
