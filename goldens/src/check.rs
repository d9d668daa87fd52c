//! One case against its recording. In: the plan's entry and the generated program; out: every tensor that differs.

use anyhow::{Context, Result};
use tch::{Kind, Tensor};

use crate::case::{Order, Tensors};
use crate::compare::{Allowed, Difference, compare};
use crate::drive::{Drive, Run, input};
use crate::runner::{Function, Open};

/// Runs a net in every way its case allows.
///
/// # Errors
/// What the net or libtorch says; a difference is no error.
pub(crate) fn net(order: &Order, open: Open, children: Option<Open>) -> Result<Vec<Difference>> {
    let tensors = order.tensors()?;
    let mut found = Vec::new();
    for &drive in Drive::of(order) {
        let mut check = Check { order, tensors: &tensors, run: drive.name(), found: &mut found };
        check.drive(drive, open).with_context(|| format!("driven as {}", drive.name()))?;
    }
    if tensors.find("aux.v_seq").is_some() {
        let mut check = Check { order, tensors: &tensors, run: "recorded", found: &mut found };
        check.voltage(open).context("driven as recorded")?;
    }
    if let Some(children) = children {
        let mut check = Check { order, tensors: &tensors, run: "children", found: &mut found };
        check.children(children).context("driven for its children")?;
    }
    Ok(found)
}

/// Runs a surrogate function and its derivative.
///
/// # Errors
/// What the function or libtorch says.
pub(crate) fn function(order: &Order, apply: Function) -> Result<Vec<Difference>> {
    let tensors = order.tensors()?;
    let mut found = Vec::new();
    let mut check = Check { order, tensors: &tensors, run: "function", found: &mut found };
    let x = tensors.get("x")?.copy().set_requires_grad(order.case.grad);
    let y = apply(&x)?;
    check.output("y", &y, tensors.get("y")?, 0)?;
    if order.case.grad {
        (&y * tensors.get("loss_w")?).sum(Kind::Float).f_backward()?;
        check.compare("grad.x", &x.grad(), tensors.get("grad.x")?, check.gradient())?;
    }
    Ok(found)
}

/// Collects what differs in one run.
struct Check<'a> {
    order: &'a Order,
    tensors: &'a Tensors,
    run: &'static str,
    found: &'a mut Vec<Difference>,
}

impl Check<'_> {
    fn drive(&mut self, drive: Drive, open: Open) -> Result<()> {
        let (order, tensors) = (self.order, self.tensors);
        let mut run = Run::new(order, tensors, open)?;
        let mut got = run.outputs(order, drive)?;
        let states = run.session.states();
        for name in &order.final_states {
            got.extend(states.iter().find(|(n, _)| *n == order.name(name)).map(|(_, state)| state.shallow_clone()));
        }
        let mut loss = Vec::new();
        for (i, (name, want)) in tensors.outputs().into_iter().enumerate() {
            let Some(y) = got.get(i) else {
                self.differs(&name, format!("the net has {} outputs", got.len()));
                continue;
            };
            let y = as_recorded(order, y, want)?;
            self.output(&name, &y, want, i)?;
            let weight = if i == 0 { "loss_w".to_string() } else { format!("loss_w{i}") };
            if let Some(weight) = tensors.find(&weight) {
                loss.push((y * weight).sum(Kind::Float));
            }
        }
        for (path, want) in tensors.under("final.") {
            let name = order.name(path);
            let Some((_, state)) = states.iter().find(|(n, _)| *n == name) else {
                let names: Vec<_> = states.iter().map(|(n, _)| n).collect();
                self.differs(&format!("final.{path}"), format!("the state has no `{name}`; it has {names:?}"));
                continue;
            };
            let state = as_queued(path, &as_recorded(order, state, want)?, want)?;
            self.compare(&format!("final.{path}"), &state, want, self.state())?;
            if order.case.loss_final.iter().any(|n| n == path) {
                loss.push((state * tensors.get(&format!("loss_w.final.{path}"))?).sum(Kind::Float));
            }
        }
        for (name, want) in tensors.under("after.") {
            match run.variables.get(&order.name(name)) {
                Some(buffer) => self.compare(&format!("after.{name}"), buffer, want, self.state())?,
                None => self.differs(&format!("after.{name}"), "the net has no such buffer".to_string()),
            }
        }
        if order.case.grad {
            let loss = loss.into_iter().reduce(|a, b| a + b).context("a loss of nothing")?;
            loss.f_backward().context("backward")?;
            self.gradients(&run)?;
        }
        Ok(())
    }

    fn gradients(&mut self, run: &Run) -> Result<()> {
        if let Some(want) = self.tensors.find("grad.x") {
            self.compare("grad.x", &run.x.grad(), want, self.gradient())?;
        }
        let mut names: Vec<_> = run.variables.iter().filter(|(_, v)| v.requires_grad()).collect();
        names.sort_by_key(|(name, _)| *name);
        let wanted = self.tensors.under("grad.param.");
        for (path, want) in &wanted {
            let what = format!("grad.param.{path}");
            match run.variables.get(&self.order.name(path)) {
                Some(variable) => self.compare(&what, &variable.grad(), want, self.gradient())?,
                None => self.differs(&what, "the net has no such parameter".to_string()),
            }
        }
        // torch has None where the output does not depend on a parameter.
        for (name, variable) in names {
            let expected = wanted.iter().any(|(path, _)| self.order.name(path) == *name);
            if !expected && variable.grad().defined() && variable.grad().count_nonzero(None::<i64>).int64_value(&[]) != 0 {
                self.differs(&format!("grad.param.{name}"), "the reference has no gradient here".to_string());
            }
        }
        Ok(())
    }

    /// `aux.v_seq` by `#[record(voltage)]`.
    fn voltage(&mut self, open: Open) -> Result<()> {
        let run = Run::new(self.order, self.tensors, open)?;
        let (y, series) = run.session.recorded(input(self.order, &run.x)?, self.order.case.training)?;
        let want = self.tensors.get("y")?;
        self.output("y", &as_recorded(self.order, &y[0], want)?, want, 0)?;
        let want = self.tensors.get("aux.v_seq")?;
        let voltage = series.first().map(|(_, t)| t).context("nothing was recorded")?;
        self.compare("aux.v_seq", &as_recorded(self.order, voltage, want)?, want, self.state())
    }

    /// `aux.<child>` by outputs and by `#[record(spikes)]`.
    fn children(&mut self, open: Open) -> Result<()> {
        let children = self.order.children.as_ref().context("no children")?;
        for &drive in Drive::of(self.order) {
            let got = Run::new(self.order, self.tensors, open)?.outputs(self.order, drive)?;
            for (name, y) in children.outputs.iter().zip(got.iter().skip(1)) {
                let what = format!("aux.{name}");
                self.compare(&what, y, self.tensors.get(&what)?, self.state())?;
            }
        }
        // Taps see a fresh state and all steps in one call: that is the recording only if it was one call, too.
        if self.order.case.call_splits.as_ref().is_some_and(|s| s.len() == 1) && self.tensors.under("inject.").is_empty() {
            let run = Run::new(self.order, self.tensors, open)?;
            if children.records {
                let (_, series) = run.session.recorded(run.x.shallow_clone(), self.order.case.training)?;
                for (name, spikes) in series {
                    let what = format!("aux.{}", name.trim_start_matches('.').trim_end_matches(".spikes"));
                    self.compare(&what, &spikes, self.tensors.get(&what)?, Allowed::Nothing)?;
                }
            }
        }
        Ok(())
    }

    /// Spikes and indices exactly, the rest as GOLDENS.md says.
    fn output(&mut self, name: &str, got: &Tensor, want: &Tensor, index: usize) -> Result<()> {
        let exact = want.kind() != Kind::Float || (index == 0 && self.order.case.y_binary);
        let allowed = if exact { Allowed::Nothing } else { Allowed::Each { atol: self.order.case.tol.y_atol, rtol: 1e-5 } };
        self.compare(name, got, want, allowed)
    }

    fn state(&self) -> Allowed {
        Allowed::Each { atol: self.order.case.tol.state_atol, rtol: 0.0 }
    }

    fn gradient(&self) -> Allowed {
        Allowed::Largest { atol: self.order.case.tol.grad_atol, rtol: self.order.case.tol.grad_rtol }
    }

    fn compare(&mut self, what: &str, got: &Tensor, want: &Tensor, allowed: Allowed) -> Result<()> {
        if !got.defined() {
            self.differs(what, "there is none".to_string());
            return Ok(());
        }
        let allowed = if want.kind() == Kind::Float { allowed } else { Allowed::Nothing };
        if let Some(text) = compare(got, want, allowed)? {
            self.differs(what, text);
        }
        Ok(())
    }

    fn differs(&mut self, what: &str, text: String) {
        self.found.push(Difference { run: self.run, what: what.to_string(), text });
    }
}

/// One step's input in one row: so SpikingJelly's parallel neurons queue it, whatever its shape.
fn as_queued(path: &str, got: &Tensor, want: &Tensor) -> Result<Tensor> {
    let queued = path.rsplit_once('.').is_some_and(|(list, _)| list == "queue" || list.ends_with(".queue"));
    Ok(if queued && want.dim() == 1 { got.f_flatten(0, -1)? } else { got.shallow_clone() })
}

/// Without the batch axis that the case never had.
fn as_recorded(order: &Order, got: &Tensor, want: &Tensor) -> Result<Tensor> {
    let same = got.numel() == want.numel();
    Ok(if order.unbatched && same { got.f_reshape(want.size())? } else { got.shallow_clone() })
}
