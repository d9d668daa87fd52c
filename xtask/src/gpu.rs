//! `cargo xtask gpu`: the tests of the CUDA kernels on a real device. In: a machine with a GPU and the CUDA build of libtorch. Out: what the
//! tests say, then once more under compute-sanitizer where that is installed.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::libtorch::{Source, VERSION};
use crate::workspace;

/// # Errors
/// If there is no GPU, or no libtorch for it, or a test fails; the message ends with the fix.
pub(crate) fn run(root: &Path) -> Result<()> {
    let query = ["--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"];
    let Some(cards) = workspace::answer(Command::new("nvidia-smi").args(query)) else {
        bail!(
            "there is no GPU here: nvidia-smi does not answer\n  fix: none needed: `cargo xtask test` runs the same kernels on the CPU, and compiles them with `setup --cuda`"
        );
    };
    println!("{cards}");
    if Source::of_environment(root) != Source::Python {
        bail!(
            "libtorch is the CPU part: the GPU is not used\n  fix: python3 -m pip install torch=={VERSION}; export LIBTORCH_USE_PYTORCH=1"
        );
    }
    workspace::run(&mut tests(root))?;
    if workspace::answer(Command::new("compute-sanitizer").arg("--version")).is_none() {
        println!("compute-sanitizer is not installed: memory and races were not checked on the device");
        return Ok(());
    }
    for tool in ["memcheck", "racecheck", "initcheck"] {
        println!("compute-sanitizer {tool}");
        let runner = format!("compute-sanitizer --tool {tool} --error-exitcode 9");
        workspace::run(tests(root).env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner))?;
    }
    Ok(())
}

/// The tests that stand-ins serve elsewhere.
fn tests(root: &Path) -> Command {
    let mut tests = workspace::cargo(root);
    tests
        .args(["test", "--package", "snn-runtime", "--test", "cuda", "on_device", "--", "--test-threads=1", "--nocapture"])
        .env("SNN_GPU", "1");
    tests
}
