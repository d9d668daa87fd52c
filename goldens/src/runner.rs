//! The loop over the plan. In: the plan and the generated tables; out: a line of JSON when a case starts and one when it ends.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use tch::{Tensor, nn};

use crate::attempt::{self, Attempt};
use crate::case::Order;
use crate::check;
use crate::compare::Difference;
use crate::fresh::{self, Fresh};
use crate::functional::{self, Call};
use crate::session::Session;

/// Builds a generated net with a fresh state for a batch.
pub type Open = fn(&nn::Path, i64) -> Result<Box<dyn Session>>;

/// A generated function of a tensor.
pub type Function = fn(&Tensor) -> Result<Tensor>;

/// One entry of the plan that `cargo xtask goldens` writes.
#[derive(Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
enum Task {
    /// A recorded case.
    Case(Box<Order>),
    /// A recorded function.
    Functional(Call),
    /// Inputs that work, or that have to be refused.
    Attempt(Attempt),
    /// What a fresh net starts with.
    Init(Fresh),
}

impl Task {
    fn id(&self) -> &str {
        match self {
            Task::Case(order) => &order.id,
            Task::Functional(call) => &call.id,
            Task::Attempt(attempt) => &attempt.id,
            Task::Init(fresh) => &fresh.id,
        }
    }
}

/// Runs each task of the plan and says what differs.
///
/// # Errors
/// If the plan cannot be read, or standard output not be written. A task that fails is no error.
pub fn run(plan: &Path, nets: &[(&str, Open)], functions: &[(&str, Function)]) -> Result<()> {
    // Beside the folders of all plans.
    crate::case::stand_in(plan.parent().and_then(Path::parent).context("the plan lies in a folder of its own")?);
    // The recordings are of one thread, and the cases are small.
    tch::set_num_threads(1);
    let text = fs::read_to_string(plan).with_context(|| format!("cannot read {}", plan.display()))?;
    let tasks: Vec<Task> = serde_json::from_str(&text).context("the plan is not as expected")?;
    let programs = Programs { nets: nets.iter().copied().collect(), functions: functions.iter().copied().collect() };
    let mut out = io::stdout().lock();
    for task in &tasks {
        writeln!(out, "{}", json!({ "id": task.id() }))?;
        out.flush()?;
        let differences = programs.verdict(task);
        writeln!(out, "{}", json!({ "id": task.id(), "differences": differences }))?;
    }
    Ok(out.flush()?)
}

struct Programs<'a> {
    nets: HashMap<&'a str, Open>,
    functions: HashMap<&'a str, Function>,
}

impl Programs<'_> {
    fn verdict(&self, task: &Task) -> Vec<Difference> {
        let told = |what: &str, text: String| vec![Difference { run: "run", what: what.to_string(), text }];
        match catch_unwind(AssertUnwindSafe(|| self.check(task))) {
            Ok(Ok(differences)) => differences,
            Ok(Err(error)) => told("error", format!("{error:#}")),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
                told("panic", text.unwrap_or("without a message").to_string())
            }
        }
    }

    fn check(&self, task: &Task) -> Result<Vec<Difference>> {
        match task {
            Task::Case(order) => self.case(order),
            Task::Functional(call) => functional::run(call),
            Task::Attempt(attempt) => attempt::run(attempt, self.net(&attempt.net)?),
            Task::Init(fresh) => fresh::run(fresh, self.net(&fresh.net)?),
        }
    }

    fn case(&self, order: &Order) -> Result<Vec<Difference>> {
        if let Some(function) = &order.function {
            let apply = self.functions.get(function.as_str()).with_context(|| format!("there is no generated function {function}"))?;
            return check::function(order, *apply);
        }
        let open = self.net(order.net.as_deref().context("a case without a net")?)?;
        let children = order.children.as_ref().map(|c| self.net(&c.net)).transpose()?;
        check::net(order, open, children)
    }

    fn net(&self, name: &str) -> Result<Open> {
        self.nets.get(name).copied().with_context(|| format!("there is no generated net {name}"))
    }
}
