//! `cargo xtask ci`. In: a checkout. Out: every check, the cheap ones first, with the time each took; stops at the first that fails.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::setup::{self, Ready};
use crate::{book, counts, cuda, doctor, nightly, test, workspace};

type Stage = (&'static str, fn(&Path) -> Result<ExitCode>);

/// clippy and rustdoc check the same dev profile that the tests are built in, so libtorch's C++ glue is compiled once.
const STAGES: [Stage; 9] = [
    ("fmt", fmt),
    ("setup", setup),
    ("doctor", doctor),
    ("clippy", clippy),
    ("rustdoc", rustdoc),
    ("book", book::stage),
    ("counts", counts::stage),
    ("miri", nightly::stage),
    ("test", test),
];

/// # Errors
/// If a stage cannot run or fails.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let start = Instant::now();
    let mut report = Vec::new();
    for (name, stage) in STAGES {
        println!("==> {name}");
        let begin = Instant::now();
        let code = stage(root);
        let passed = matches!(&code, Ok(code) if *code == ExitCode::SUCCESS);
        let line = format!("{name:<8} {:>8}  {}", clock(begin.elapsed()), if passed { "ok" } else { "FAILED" });
        println!("<== {line}");
        report.push(line);
        if !passed {
            print_report(&report, start.elapsed());
            return code;
        }
    }
    print_report(&report, start.elapsed());
    Ok(ExitCode::SUCCESS)
}

fn print_report(lines: &[String], total: Duration) {
    println!("\n{}\n{:<8} {:>8}", lines.join("\n"), "all", clock(total));
}

/// `12:05`, minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

fn cargo(root: &Path, args: &[&str]) -> Result<ExitCode> {
    workspace::run(workspace::cargo(root).args(args)).map(|()| ExitCode::SUCCESS)
}

fn fmt(root: &Path) -> Result<ExitCode> {
    cargo(root, &["fmt", "--all", "--check"])
}

fn setup(root: &Path) -> Result<ExitCode> {
    setup::run(root, Ready::Say)?;
    // One test needs it, and says so where it is skipped: a machine that is not let out runs all others.
    if let Err(error) = cuda::setup(root, Ready::Say) {
        println!("the CUDA kernels are not compiled for devices here: {error:#}");
    }
    Ok(ExitCode::SUCCESS)
}

fn doctor(root: &Path) -> Result<ExitCode> {
    Ok(doctor::run(root))
}

fn clippy(root: &Path) -> Result<ExitCode> {
    cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn rustdoc(root: &Path) -> Result<ExitCode> {
    let mut doc = workspace::cargo(root);
    workspace::run(doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings")).map(|()| ExitCode::SUCCESS)
}

fn test(root: &Path) -> Result<ExitCode> {
    test::run(root, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_shows_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(725)), "12:05");
        assert_eq!(clock(Duration::from_millis(900)), "0:00");
    }
}
