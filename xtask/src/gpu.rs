//! `cargo xtask gpu`: the CUDA kernels on a real device. In: a machine with a GPU and the CUDA build of libtorch; out: a report, on the terminal
//! and in `target/gpu.md`, of the tests, compute-sanitizer where it is installed, the recorded cases, and the benchmark beside SpikingJelly.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::libtorch::{Source, VERSION};
use crate::{pip, workspace};

/// What Python has to have to be beside us.
const SPIKINGJELLY: &str =
    "import torch, spikingjelly.activation_based.model.sew_resnet, safetensors.torch; assert torch.cuda.is_available()";

/// # Errors
/// If there is no GPU, or no libtorch for it, or a part fails; the message ends with the fix. What was seen until then is in the report.
pub(crate) fn run(root: &Path) -> Result<()> {
    let query = ["--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"];
    let Some(cards) = workspace::answer(Command::new("nvidia-smi").args(query)) else {
        bail!(
            "there is no GPU here: nvidia-smi does not answer\n  fix: none needed: `cargo xtask test` runs the same kernels on the CPU, and compiles them with `setup --cuda`"
        );
    };
    if Source::of_environment(root) != Source::Python {
        bail!(
            "libtorch is the CPU part: the GPU is not used\n  fix: python3 -m pip install torch=={VERSION}; export LIBTORCH_USE_PYTORCH=1"
        );
    }
    let mut report = Report { text: format!("# What `cargo xtask gpu` saw\n\n{cards}\n\n| part | outcome |\n| --- | --- |\n"), failed: 0 };
    println!("{cards}");
    for (what, mut command) in parts(root)? {
        println!("\n{what}");
        report.add(&what, workspace::run(&mut command).map(|()| "passed".to_string()));
    }
    for (what, lacks) in [("compute-sanitizer", sanitizer().is_none()), ("SpikingJelly", !has_spikingjelly())] {
        if lacks {
            report.add(what, Ok("is not there: not run".to_string()));
        }
    }
    let file = workspace::target(root).join("gpu.md");
    fs::write(&file, &report.text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("\n{}\n{}", report.text, file.display());
    match report.failed {
        0 => Ok(()),
        failed => bail!("{failed} of the parts above failed\n  fix: their words are above; `CUDA_LAUNCH_BLOCKING=1` tells which launch"),
    }
}

/// What was seen.
struct Report {
    text: String,
    failed: usize,
}

impl Report {
    fn add(&mut self, what: &str, outcome: Result<String>) {
        let words = outcome.unwrap_or_else(|error| {
            self.failed += 1;
            format!("FAILED: {}", format!("{error:#}").lines().next().unwrap_or_default())
        });
        let _ = writeln!(self.text, "| {what} | {words} |");
    }
}

/// Everything that is run, with what the report calls it.
fn parts(root: &Path) -> Result<Vec<(String, Command)>> {
    let mut parts = vec![("tests on the device".to_string(), tests(root))];
    if sanitizer().is_some() {
        for tool in ["memcheck", "racecheck", "initcheck"] {
            let mut checked = tests(root);
            let runner = format!("compute-sanitizer --tool {tool} --error-exitcode 9");
            checked.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
            parts.push((format!("compute-sanitizer {tool}"), checked));
        }
    }
    let xtask = std::env::current_exe().context("this program has no name")?;
    let of_us = |args: &[&str]| {
        let mut command = Command::new(&xtask);
        command.current_dir(root).args(args);
        command
    };
    parts.push(("recorded cases on the device".into(), of_us(&["goldens", "tests/goldens", "--device", "0"])));
    let numbers = workspace::target(root).join("gpu.json").display().to_string();
    let mut bench = vec!["bench", "--device", "0", "--json", &numbers];
    bench.extend(has_spikingjelly().then_some("--peers"));
    parts.push(("benchmark, W1 to W4".into(), of_us(&bench)));
    Ok(parts)
}

fn sanitizer() -> Option<String> {
    workspace::answer(Command::new("compute-sanitizer").arg("--version"))
}

fn has_spikingjelly() -> bool {
    workspace::answer(Command::new(pip::interpreter()).args(["-c", SPIKINGJELLY])).is_some()
}

/// The modules of `snn-runtime/tests/cuda` whose tests are of a device; the others are of what is missing, or of the stand-ins themselves.
const DEVICE_TESTS: [&str; 4] = ["attends_and_encodes", "families", "layers", "on_device"];

/// The tests that stand-ins serve elsewhere.
fn tests(root: &Path) -> Command {
    let mut tests = workspace::cargo(root);
    let names = DEVICE_TESTS;
    tests.args(["test", "--package", "snn-runtime", "--test", "cuda"]).arg("--").args(names).args(["--test-threads=1", "--nocapture"]);
    tests.env("SNN_GPU", "1");
    tests
}

#[cfg(test)]
mod tests_of_the_report {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn what_failed_is_counted_and_named() {
        let mut report = Report { text: String::new(), failed: 0 };
        report.add("tests", Ok("passed".into()));
        report.add("cases", Err(anyhow!("exit status 1\nmore")));
        assert_eq!((report.failed, report.text.as_str()), (1, "| tests | passed |\n| cases | FAILED: exit status 1 |\n"));
    }

    /// A new module of them is one of the two.
    #[test]
    fn every_module_of_tests_is_known() {
        let main = std::fs::read_to_string(workspace::root().unwrap().join("snn-runtime/tests/cuda/main.rs")).unwrap();
        let mut modules: Vec<&str> = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
        modules.retain(|module| !["capture", "process", "refused", "support"].contains(module));
        assert_eq!(modules, DEVICE_TESTS);
    }

    #[test]
    fn every_part_names_the_device() {
        let parts = parts(Path::new(".")).unwrap();
        let of = |what: &str| parts.iter().find(|(name, _)| name.starts_with(what)).map(|(_, command)| format!("{command:?}")).unwrap();
        assert!(DEVICE_TESTS.iter().chain(&["SNN_GPU"]).all(|part| of("tests").contains(part)));
        assert!(of("recorded").contains(r#""goldens" "tests/goldens" "--device" "0""#));
        assert!(of("benchmark").contains(r#""bench" "--device" "0""#));
    }
}
