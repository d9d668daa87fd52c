//! `cargo xtask test [filter..]`. In: the workspace and the committed goldens. Out: what every test prints, as it prints it, and one
//! closing line that sums it up.

use std::fs;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::setup::{self, Ready};
use crate::tally::Tally;
use crate::workspace;

const GOLDENS: &str = "tests/goldens";

/// Tests of all crates, doc tests and compile-fail tests included, then those of a build without libtorch, then the goldens:
/// cases, shapes, errors, initial values, and a case of each layer on what stands in for a GPU. A filter keeps the tests and the recorded
/// cases whose name contains it.
///
/// # Errors
/// If a program cannot be started. Failed tests are the exit code.
pub(crate) fn run(root: &Path, filters: &[String]) -> Result<ExitCode> {
    setup::run(root, Ready::Silent)?;
    let start = Instant::now();
    // Before cargo may put a new xtask in its place.
    let xtask = std::env::current_exe().context("xtask does not know its own path")?;

    let mut tests = workspace::cargo(root);
    tests.args(["test", "--workspace", "--no-fail-fast", "--"]).args(filters);
    if std::io::stdout().is_terminal() {
        tests.arg("--color=always"); // through the pipe too
    }
    let (built, mut sum) = count("the tests", &mut tests)?;
    // Code that does not compile would only say so again.
    if built {
        println!("\n     Running a build without libtorch");
        let mut infer = workspace::cargo(root);
        // A package by itself: in the workspace its features are those of everybody.
        infer.args(["test", "--package", "snn-example-infer", "--features", "alone", "--"]).args(filters);
        sum += count("the tests without libtorch", &mut infer)?.1;
        for filter in golden_filters(&root.join(GOLDENS), filters)? {
            println!("\n     Running recorded cases and tables ({GOLDENS})");
            let mut goldens = Command::new(&xtask);
            goldens.current_dir(root).args(["goldens", GOLDENS, "--all", "--filter", filter]);
            sum += count("the recorded cases", &mut goldens)?.1;
            println!("\n     Running a case of each layer on cuda:0, for which host memory stands in");
            let mut device = Command::new(&xtask);
            device.current_dir(root).args(["goldens", GOLDENS, "--device", "stand-in", "--one-each", "--filter", filter]);
            sum += count("the recorded cases on the stand-in", &mut device)?.1;
        }
    } else {
        println!("the recorded cases are not run");
    }
    println!("\nall tests, {} s", start.elapsed().as_secs());
    println!("{sum}");
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the command, passes its lines on, and adds up its closing lines. Whether it had any (else it did not even start its
/// tests), and the sum; a command that fails without a failed test counts as one.
fn count(what: &str, command: &mut Command) -> Result<(bool, Tally)> {
    let mut child = workspace::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut lines = BufReader::new(child.stdout.take().context("stdout is piped")?);
    let (mut any, mut sum) = (false, Tally::default());
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        if let Some(tally) = Tally::of_line(text.trim_end()) {
            any = true;
            sum += tally;
        }
        line.clear();
    }
    let status = child.wait()?;
    if !status.success() && sum.failed == 0 {
        println!("{what} did not run to the end ({status}): counted as one failure");
        sum.failed = 1;
    }
    Ok((any, sum))
}

/// What to ask the goldens for: everything, or each filter that a recorded case's file has in its name.
fn golden_filters<'a>(goldens: &Path, filters: &'a [String]) -> Result<Vec<&'a str>> {
    if filters.is_empty() {
        return Ok(vec![""]);
    }
    let names = fs::read_dir(goldens).with_context(|| format!("cannot read {}", goldens.display()))?;
    let names: Vec<_> = names.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    Ok(filters.iter().map(String::as_str).filter(|filter| names.iter().any(|name| name.contains(filter))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn sh(script: &str) -> (bool, Tally) {
        count("it", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn sums_what_ran() {
        let two = "echo 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s'";
        assert_eq!(sh(&format!("{two}; echo noise; {two}")), (true, Tally { passed: 4, failed: 0, skipped: 2 }));
        assert_eq!(sh("echo '1 passed, 1 failed, 5 skipped'; exit 1"), (true, Tally { passed: 1, failed: 1, skipped: 5 }));
    }

    #[test]
    fn a_crash_is_a_failure() {
        assert_eq!(sh("exit 101"), (false, Tally { passed: 0, failed: 1, skipped: 0 }));
        assert_eq!(sh("printf 'no newline, not \\377 UTF-8'"), (false, Tally::default()));
    }

    #[test]
    fn filters_reach_the_goldens_they_name() {
        let scratch = Scratch::new("filters");
        fs::write(scratch.path().join("neuron.IFNode.eval.p00.s.safetensors"), "").unwrap();
        let filters = ["IFNode".to_string(), "scope::".to_string()];
        assert_eq!(golden_filters(scratch.path(), &filters).unwrap(), ["IFNode"]);
        assert_eq!(golden_filters(scratch.path(), &[]).unwrap(), [""]);
    }
}
