//! `cargo xtask setup`. In: python3 with pip. Out: the CPU part of libtorch under `.libtorch`, whole or not at all.
//!
//! torch's wheel on PyPI is the CUDA build, 527 MB; a CPU needs five libraries and the headers of it. Cargo finds them through
//! `.cargo/config.toml`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::libtorch::{self, PARTS, Source, VERSION};
use crate::staging::Staging;
use crate::{disk, pip};

/// pip keeps a wheel twice for a moment.
const NEEDS_MB: u64 = 1700;
const LEAVES_MB: u64 = 490;

/// Whether to speak when there is nothing to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    Say,
    Silent,
}

/// Installs libtorch, unless it is there or the user has brought their own.
///
/// # Errors
/// If something it needs is missing; the message ends with the exact fix.
pub(crate) fn run(root: &Path, ready: Ready) -> Result<()> {
    let source = Source::of_environment(root);
    let Source::Local(dir) = &source else {
        let version = source.version()?;
        if ready == Ready::Say {
            let place = match &source {
                Source::Own(dir) => format!("LIBTORCH={}", dir.display()),
                _ => "LIBTORCH_USE_PYTORCH is set".to_string(),
            };
            println!("your own libtorch {version} is used ({place}): nothing to install");
        }
        return Ok(());
    };
    if !libtorch::is_ready(dir) {
        return install(dir);
    }
    if ready == Ready::Say {
        println!("libtorch {VERSION} (CPU part) is ready in {}", dir.display());
    }
    Ok(())
}

fn install(dir: &Path) -> Result<()> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "libtorch can be installed for Linux on x86-64 only\n  fix: set LIBTORCH to a libtorch {VERSION} for this machine, or pip install torch=={VERSION} and set LIBTORCH_USE_PYTORCH=1"
    );
    let python = pip::python()?; // any version will do: the wheels' tags are fixed
    let staging = Staging::open(dir)?;
    if libtorch::is_ready(dir) {
        println!("libtorch {VERSION} is ready: the other process installed it");
        return Ok(());
    }
    disk::ensure_free(staging.dir(), dir, NEEDS_MB, LEAVES_MB)?;
    let start = Instant::now();
    println!("libtorch {VERSION} (CPU part, once) -> {}", dir.display());
    let out = staging.dir().join("out");
    PARTS.fetch(&python, staging.dir(), &out)?;
    fs::write(out.join("torch/build-version"), VERSION.to_string())?; // torch-sys compares it with its own
    // torch-sys links `-ltorch`. The wheel's own libtorch.so needs libtorch_cuda.so, so that name is given to the CPU library (its SONAME is
    // libtorch_cpu.so: binaries then only need that).
    symlink("libtorch_cpu.so", out.join("torch/lib/libtorch.so"))?;
    staging.publish(&out, libtorch::is_ready)?;
    println!("libtorch {VERSION} is ready, {} s", start.elapsed().as_secs());
    Ok(())
}
