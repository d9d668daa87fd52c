//! `cargo xtask miri` and `cargo xtask fuzz`: what a nightly toolchain is needed for. In: a filter, or a target and a time; out: what Miri or the fuzzer
//! says.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{option, workspace};

/// Coverage for libFuzzer, as cargo-bolero asks for it, and AddressSanitizer.
const COVERAGE: &str = "--cfg fuzzing --cfg fuzzing_libfuzzer -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-sanitizer-coverage-stack-depth -Zsanitizer=address";
const HOST: &str = "x86_64-unknown-linux-gnu";
const CORPORA: &str = "fuzz/tests/__fuzz__";

/// The tokens of the macros. Unit tests of a proc-macro crate cannot be built for coverage: cargo's flags are those of a target, not of the host.
const TOKENS: &str = "tokens";

/// Tests that walk through the kernels' unsafe code and end within a minute or two under Miri, which runs some hundred times slower.
const MIRI: [&str; 3] = ["frozen::tests::bits", "slots::tests::the_last", "scale::tests::half"];

/// Files are read (seeds of proptest), and rayon's threads never end. The list of threads of crossbeam, which is rayon's, is right by tree borrows alone.
const MIRIFLAGS: &str = "-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-disable-isolation -Zmiri-ignore-leaks";

/// Fuzzes a target for some time.
///
/// # Errors
/// There is no such target, no nightly toolchain where one is needed, or the fuzzer has found something.
pub(crate) fn fuzz(root: &Path, args: &[String]) -> Result<()> {
    let seconds: u64 = option(args, "--seconds")?.unwrap_or("60").parse().context("--seconds wants a whole number")?;
    let targets = targets(root)?;
    let Some(target) = args.first().filter(|arg| targets.contains(arg)) else {
        bail!("which target? cargo xtask fuzz {} [--seconds N]", targets.join("|"));
    };
    let mut others = args[1..].iter();
    while let Some(arg) = others.next() {
        match arg.strip_prefix("--seconds") {
            Some("") => drop(others.next()),
            Some(value) if value.starts_with('=') => {}
            _ => bail!("`fuzz` takes no `{arg}`\n  fix: cargo xtask fuzz {target} [--seconds N]"),
        }
    }
    if target == TOKENS {
        let mut cargo = workspace::cargo(root);
        cargo.args(["test", "--package", "snn-macros", "--lib", "mutation::tokens", "--", "--nocapture"]);
        cargo
            .env("BOLERO_RANDOM_TEST_TIME_MS", seconds.saturating_mul(1000).to_string())
            .env("BOLERO_RANDOM_ITERATIONS", usize::MAX.to_string());
        workspace::run(&mut cargo)?;
    } else {
        guided(root, target, seconds)?;
    }
    println!("{target}: nothing found in {seconds} s");
    Ok(())
}

/// Guided by coverage, from the files of the corpus.
fn guided(root: &Path, target: &str, seconds: u64) -> Result<()> {
    let mut cargo = nightly(root, "cargo")?;
    // What is found, and what covers something new, is kept outside the checkout's corpus.
    let found = workspace::target(root).join("fuzz-found").join(target);
    fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let corpus = root.join(CORPORA).join(target).join("corpus");
    let engine = format!(
        "-max_total_time={seconds} -timeout=20 -rss_limit_mb=4096 -artifact_prefix={found}/ {found} {corpus}",
        found = found.display(),
        corpus = corpus.display()
    );
    cargo.args(["test", "--package", "snn-fuzz", "--tests", "--target", HOST, "--config", "profile.dev.opt-level=1"]);
    cargo.arg("--target-dir").arg(workspace::target(root).join("fuzz"));
    cargo.args(["--", "--exact", "--nocapture", "--test-threads=1", target]);
    cargo.envs([("RUSTFLAGS", COVERAGE), ("BOLERO_FUZZER", "libfuzzer"), ("BOLERO_LIBFUZZER_ARGS", &engine)]);
    workspace::run(&mut cargo).with_context(|| format!("what was found lies in {}: its file belongs into {CORPORA}", found.display()))
}

/// The names of all targets: a folder of files each, and the tokens.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(CORPORA);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.push(TOKENS.to_string());
    names.sort();
    Ok(names)
}

/// Runs the kernels' tests under Miri, as scalar code: those of a filter, or those that end within a minute or two.
///
/// # Errors
/// There is no nightly toolchain with Miri, or Miri has found something.
pub(crate) fn miri(root: &Path, filters: &[String]) -> Result<()> {
    let mut cargo = nightly(root, "cargo-miri")?;
    cargo.args(["miri", "test", "--package", "snn-kernels", "--lib", "--"]);
    cargo.args(if filters.is_empty() { MIRI.map(String::from).to_vec() } else { filters.to_vec() });
    // Two cases of each property are enough.
    cargo.envs([("MIRIFLAGS", MIRIFLAGS), ("PROPTEST_CASES", "2")]);
    workspace::run(&mut cargo)
}

/// As [`miri`] without filters, but for a missing toolchain: a machine needs none to run all other checks.
///
/// # Errors
/// If Miri has found something.
pub(crate) fn stage(root: &Path) -> Result<ExitCode> {
    if has("cargo-miri") {
        miri(root, &[])?;
    } else {
        println!("not run: there is no nightly toolchain with cargo-miri on this machine\n  fix: {INSTALL}");
    }
    Ok(ExitCode::SUCCESS)
}

const INSTALL: &str = "rustup toolchain install nightly --component miri --component rust-src";

/// Has the nightly toolchain this program, and for Miri the standard library's source?
fn has(tool: &str) -> bool {
    let program = workspace::answer(Command::new("rustup").args(["which", "--toolchain", "nightly", tool]));
    let sysroot = || workspace::answer(Command::new("rustup").args(["run", "nightly", "rustc", "--print", "sysroot"]));
    let source = || sysroot().is_some_and(|path| Path::new(&path).join("lib/rustlib/src/rust/library").exists());
    program.is_some_and(|path| Path::new(&path).exists()) && (tool != "cargo-miri" || source())
}

/// `cargo` of the nightly toolchain, if that has `tool`.
fn nightly(root: &Path, tool: &str) -> Result<Command> {
    if !has(tool) {
        bail!("there is no nightly toolchain with {tool}\n  fix: {INSTALL}");
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(root).args(["run", "nightly", "cargo"]);
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC", "LD_LIBRARY_PATH"] {
        rustup.env_remove(name); // of the cargo that started xtask
    }
    Ok(rustup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_those_of_the_tests() {
        let root = workspace::root().unwrap();
        let targets = targets(&root).unwrap();
        let files = ["fuzz/tests/recordings.rs", "fuzz/tests/models.rs", "snn-macros/src/tests/mutation.rs"];
        let tests = files.map(|file| fs::read_to_string(root.join(file)).unwrap()).concat();
        for target in &targets {
            assert!(tests.contains(&format!("fn {target}() {{")), "no test is named {target}");
        }
        assert_eq!(tests.matches("check!()").count(), targets.len(), "a target has no corpus");
        assert!(fuzz(&root, &["png".into()]).unwrap_err().to_string().starts_with("which target? cargo xtask fuzz aedat2|aedat3|"));
    }
}
