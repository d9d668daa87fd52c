//! A test in a process of its own. In: its name, and which stand-ins there are; out: it passed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use snn_stand_in::Parts;

/// Set where the test itself is to run.
const INSIDE: &str = "SNN_CUDA_TEST";

/// Are the tests on a real device (`cargo xtask gpu`), without stand-ins?
pub(crate) fn on_a_gpu() -> bool {
    env::var_os("SNN_GPU").is_some()
}

/// Runs `body` in a process that has these stand-ins, and is told of faults (`cuInit=100`). `name` is the test's full name.
pub(crate) fn alone(name: &str, parts: Parts, faults: &str, body: fn()) {
    if on_a_gpu() {
        return body();
    }
    let libraries = &*LIBRARIES; // before many processes compile them at once
    if env::var_os(INSIDE).is_some() {
        snn_stand_in::load(libraries, parts);
        return body();
    }
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(INSIDE, "1").env("SNN_STAND_IN", faults).env_remove("SNN_NVRTC").env("SNN_CUDA_CACHE", libraries.join("kernels"));
    let out = command.output().expect("this program runs again");
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
}

static LIBRARIES: LazyLock<PathBuf> = LazyLock::new(|| snn_stand_in::build(Path::new(env!("CARGO_TARGET_TMPDIR"))));
