//! The loop over the plan. In: the plan and the generated tables; out: a line of JSON when a case starts and one when it ends.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use tch::{Tensor, nn};

use crate::case::Order;
use crate::check;
use crate::compare::Difference;
use crate::session::Session;

/// Builds a generated net with a fresh state for a batch.
pub type Open = fn(&nn::Path, i64) -> Result<Box<dyn Session>>;

/// A generated function of a tensor.
pub type Function = fn(&Tensor) -> Result<Tensor>;

/// Runs each case of the plan and says what differs.
///
/// # Errors
/// If the plan cannot be read, or standard output not be written. A case that fails is no error.
pub fn run(plan: &Path, nets: &[(&str, Open)], functions: &[(&str, Function)]) -> Result<()> {
    // The recordings are of one thread, and the cases are small.
    tch::set_num_threads(1);
    let text = fs::read_to_string(plan).with_context(|| format!("cannot read {}", plan.display()))?;
    let orders: Vec<Order> = serde_json::from_str(&text).context("the plan is not as expected")?;
    let programs = Programs { nets: nets.iter().copied().collect(), functions: functions.iter().copied().collect() };
    let mut out = io::stdout().lock();
    for order in &orders {
        writeln!(out, "{}", json!({ "id": order.id }))?;
        out.flush()?;
        let differences = programs.verdict(order);
        writeln!(out, "{}", json!({ "id": order.id, "differences": differences }))?;
    }
    Ok(out.flush()?)
}

struct Programs<'a> {
    nets: HashMap<&'a str, Open>,
    functions: HashMap<&'a str, Function>,
}

impl Programs<'_> {
    fn verdict(&self, order: &Order) -> Vec<Difference> {
        let told = |what: &str, text: String| vec![Difference { run: "run", what: what.to_string(), text }];
        match catch_unwind(AssertUnwindSafe(|| self.check(order))) {
            Ok(Ok(differences)) => differences,
            Ok(Err(error)) => told("error", format!("{error:#}")),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
                told("panic", text.unwrap_or("without a message").to_string())
            }
        }
    }

    fn check(&self, order: &Order) -> Result<Vec<Difference>> {
        let net = |name: &str| self.nets.get(name).copied().with_context(|| format!("there is no generated net {name}"));
        if let Some(function) = &order.function {
            let apply = self.functions.get(function.as_str()).with_context(|| format!("there is no generated function {function}"))?;
            return check::function(order, *apply);
        }
        let open = net(order.net.as_deref().context("a case without a net")?)?;
        let children = order.children.as_ref().map(|c| net(&c.net)).transpose()?;
        check::net(order, open, children)
    }
}
