//! Rows on their way to verdicts. In: the rows of any table (recorded cases, shapes, errors, initial values); out: a report.
//!
//! All rows of a run share two compilations: one of the nets whose errors are read, and one of the nets that are run.

use std::time::Instant;

use serde_json::Value;

use super::compile::{Difference, Refused, Workshop};
use super::dsl::Name;
use super::probe::{self, Asked};
use super::report::{Report, Verdict};
use super::source::{Kind, Source};

/// One row. It is asked for its net, and judges what came of it.
pub(crate) trait Row {
    /// Its name in the report.
    fn id(&self) -> &str;

    /// What it uses. The first name that the compiler does not know skips the row.
    fn names(&self) -> &[Name];

    /// A verdict that needs no compiler, such as what stands against writing it down as a net.
    fn told(&self) -> Option<Verdict> {
        None
    }

    /// A net that is only compiled; `None`: it goes on to be run.
    fn question(&self) -> Option<&str>;

    /// The verdict on the compiler's errors about the question; `None`: it has to be run.
    fn answered(&self, errors: &[Refused]) -> Option<Verdict>;

    /// The runner's orders, and the modules that have to compile for it.
    fn order(&self, source: &mut Source) -> (Value, Vec<usize>);

    /// The verdict on an order whose module does not compile.
    fn does_not_compile(&self, error: &Refused, body: &str) -> Verdict;

    /// The verdict on what the runner found to differ.
    fn ran(&self, differences: &[Difference]) -> Verdict;
}

/// Compiles and runs all rows.
///
/// # Errors
/// If cargo cannot be run, or if the library does not compile.
pub(crate) fn run(workshop: &Workshop, rows: &[Box<dyn Row>]) -> anyhow::Result<Report> {
    workshop.prepare()?;
    let mut verdicts: Vec<Option<Verdict>> = rows.iter().map(|_| None).collect();
    let candidates = ask(workshop, rows, &mut verdicts)?;
    let plan = compile(workshop, rows, candidates, &mut verdicts)?;
    let started = Instant::now();
    let orders: Vec<Value> = plan.iter().map(|(_, order)| order.clone()).collect();
    let mut results = workshop.run(&orders)?;
    println!("ran {} nets in {:.1} s", plan.len(), started.elapsed().as_secs_f64());
    for (i, _) in plan {
        verdicts[i] = results.remove(rows[i].id()).map(|differences| rows[i].ran(&differences));
    }
    let mut report = Report::default();
    for (row, verdict) in rows.iter().zip(verdicts) {
        report.add(row.id(), verdict.unwrap_or_else(|| Verdict::Failed(vec!["the runner came to no verdict".to_string()])));
    }
    Ok(report)
}

/// Asks the compiler which names it knows, and what it says to the rows' questions; the rows that are left to run.
fn ask(workshop: &Workshop, rows: &[Box<dyn Row>], verdicts: &mut [Option<Verdict>]) -> anyhow::Result<Vec<usize>> {
    let mut source = Source::new();
    let asked = Asked::add(rows.iter().flat_map(|row| row.names()), &mut source);
    let questions: Vec<Option<usize>> = rows.iter().map(|row| row.question().map(|net| source.module(Kind::Compiled, net))).collect();
    let errors = workshop.build("probe", &source)?;
    let unknown = asked.unknown(&errors);
    let mut left = Vec::new();
    for (i, (row, question)) in rows.iter().zip(questions).enumerate() {
        let missing = row.names().iter().find(|name| unknown.contains(name)).map(|name| Verdict::Skipped(probe::reason(name)));
        let answer = || question.and_then(|module| row.answered(errors.get(&module).map_or(&[], Vec::as_slice)));
        verdicts[i] = missing.or_else(|| row.told()).or_else(answer);
        if verdicts[i].is_none() {
            left.push(i);
        }
    }
    Ok(left)
}

/// Compiles the candidates' nets, leaving out what does not compile; the runner's plan.
fn compile(
    workshop: &Workshop,
    rows: &[Box<dyn Row>],
    mut candidates: Vec<usize>,
    verdicts: &mut [Option<Verdict>],
) -> anyhow::Result<Vec<(usize, Value)>> {
    loop {
        let started = Instant::now();
        let mut source = Source::new();
        let orders: Vec<(Value, Vec<usize>)> = candidates.iter().map(|&i| rows[i].order(&mut source)).collect();
        let errors = workshop.build("cases", &source)?;
        println!("compiled {} nets in {:.1} s", source.len(), started.elapsed().as_secs_f64());
        if errors.is_empty() {
            return Ok(candidates.into_iter().zip(orders).map(|(i, (order, _))| (i, order)).collect());
        }
        let mut left = Vec::new();
        for (i, (_, modules)) in candidates.into_iter().zip(orders) {
            match modules.iter().find_map(|m| Some((*m, errors.get(m)?.first()?))) {
                Some((module, error)) => verdicts[i] = Some(rows[i].does_not_compile(error, source.body(module))),
                None => left.push(i),
            }
        }
        candidates = left;
    }
}

/// A net that the compiler refuses and should not, or one that uses what it does not know yet.
pub(crate) fn does_not_compile(error: &Refused, body: &str) -> Verdict {
    match not_known_yet(error) {
        Some(reason) => Verdict::Skipped(reason),
        None => Verdict::Failed(vec![format!("does not compile: {}\n{}\n{}", error.message, error.rendered.trim_end(), body.trim_end())]),
    }
}

/// Why a row whose net has this error is skipped, if the error is about something that the language does not have.
pub(crate) fn not_known_yet(error: &Refused) -> Option<String> {
    let about = probe::says_unknown(&error.message) || error.message.contains("has no argument");
    let what = error.message.rsplit_once(": ").map_or(error.message.as_str(), |(_, what)| what);
    about.then(|| format!("{what} (not supported yet)"))
}

/// Differences in words: none is a pass.
pub(crate) fn differing(differences: &[Difference]) -> Verdict {
    if differences.is_empty() {
        return Verdict::Passed;
    }
    Verdict::Failed(differences.iter().map(|d| format!("{} ({}): {}", d.what, d.run, d.text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_yet_is_skipped_and_other_errors_fail() {
        let error = |text: &str| Refused { message: text.to_string(), rendered: text.to_string() };
        let skipped = does_not_compile(&error("`m`: `MaxPool2d` has no argument `return_indices`"), "");
        assert_eq!(skipped, Verdict::Skipped("`MaxPool2d` has no argument `return_indices` (not supported yet)".to_string()));
        assert!(matches!(does_not_compile(&error("mismatched types"), ""), Verdict::Failed(_)));
    }

    #[test]
    fn differences_are_told_one_by_one() {
        let difference = Difference { run: "whole".to_string(), what: "y".to_string(), text: "worst".to_string() };
        assert_eq!(differing(&[difference]), Verdict::Failed(vec!["y (whole): worst".to_string()]));
        assert_eq!(differing(&[]), Verdict::Passed);
    }
}
