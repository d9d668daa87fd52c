//! `cargo xtask counts`: the kernels' instructions under callgrind, against their limits. In: a checkout, valgrind. Out: the counts, and a
//! failure where one is above its limit.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace;

/// Of both halves of gungraun, the library in `Cargo.toml` and this program.
const MANIFEST: &str = include_str!("../../Cargo.toml");

/// Counts, or fails: without valgrind too.
///
/// # Errors
/// If valgrind or the runner is not there, or if a kernel runs more instructions than its limit.
pub(crate) fn run(root: &Path) -> Result<()> {
    workspace::output(Command::new("valgrind").arg("--version"))?;
    let runner = runner(root)?;
    let mut bench = workspace::cargo(root);
    bench.args(["bench", "--package", "snn-kernels", "--bench", "instructions"]).env("GUNGRAUN_RUNNER", runner);
    workspace::run(&mut bench)
}

/// The stage of `ci`: says so where this machine cannot count.
///
/// # Errors
/// As [`run`], but for a missing valgrind.
pub(crate) fn stage(root: &Path) -> Result<ExitCode> {
    if workspace::answer(Command::new("valgrind").arg("--version")).is_none() {
        println!("not run: `valgrind` is not on this machine\n  fix: {}", workspace::fix("valgrind"));
        return Ok(ExitCode::SUCCESS);
    }
    run(root).map(|()| ExitCode::SUCCESS)
}

/// gungraun's runner, installed in `target/tools` once for each version.
fn runner(root: &Path) -> Result<PathBuf> {
    let version = version(MANIFEST)?;
    let tools = workspace::target(root).join("tools").join(format!("gungraun-{version}"));
    let runner = tools.join("bin/gungraun-runner");
    if !runner.exists() {
        // In debug: it starts valgrind and reads what that wrote, and is built in a third of the time.
        let mut install = workspace::cargo(root);
        install.args(["install", "gungraun-runner", "--locked", "--debug", "--version", version]).arg("--root").arg(tools);
        workspace::run(&mut install)?;
    }
    Ok(runner)
}

/// `gungraun = "=0.17.2"` in the workspace's dependencies.
fn version(manifest: &str) -> Result<&str> {
    let line = manifest.lines().find_map(|line| line.strip_prefix("gungraun = \"=")).context("Cargo.toml pins no gungraun")?;
    line.split('"').next().context("a version ends with a quote")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_of_the_librarys_version() {
        assert!(version(MANIFEST).unwrap().split('.').all(|part| part.parse::<u32>().is_ok()));
        assert_eq!(version("x = 1\ngungraun = \"=1.2.3\" # both\n").unwrap(), "1.2.3");
        assert!(version("gungraun = \"1.2\"").is_err());
    }
}
