//! The Python frameworks to compare with. In: python3 with pip; out: an environment of their own in `.peers`, whole or not at all,
//! once.
//!
//! torch's wheel on PyPI is the CUDA build, and with the CUDA packages it asks for it takes 4.7 GB. Its CPU part needs two small
//! ones of them, as our own libtorch does (`libtorch.rs`). The others are only needed by `libtorch_cuda.so`, which the loader
//! wants to see whole: they get empty libraries of their names, and Python loads torch with lazy binding, so that what is not
//! there is only missed by somebody who calls it. CUDA is then not available, and the CPU code is byte by byte that of the wheel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::libtorch::PARTS;
use crate::setup::Ready;
use crate::staging::Staging;
use crate::version::Version;
use crate::{disk, pip, workspace};

/// What the frameworks need to be imported and compiled; all by version, nothing that pip would add. torch and its two CUDA
/// packages are those of `libtorch.rs`.
const PACKAGES: [&str; 20] = [
    "spikingjelly==2.0.0",
    "snntorch==1.0.0",
    "norse==1.1.0",
    "torchvision==0.28.0", // imported by SpikingJelly's model zoo
    "h5py==3.16.0",
    "loguru==0.7.3",
    "nir==1.0.8",
    "nirtorch==2.6",
    "numpy==2.4.6",
    "safetensors==0.8.0",
    "tqdm==4.70.1",
    // torch's own
    "filelock==4.3.1",
    "fsspec==2026.9.0",
    "jinja2==3.1.6",
    "markupsafe==3.0.4",
    "mpmath==1.4.1",
    "networkx==3.6.1",
    "setuptools==80.9.0",
    "sympy==1.14.0",
    "typing-extensions==4.16.0",
];

/// The libraries that `libtorch_cuda.so` and `libtorch_python.so` name and a CPU never calls.
const EMPTY: [&str; 11] = [
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcudnn.so.9",
    "libcufft.so.12",
    "libcufile.so.0",
    "libcurand.so.10",
    "libcusparse.so.12",
    "libcusparseLt.so.0",
    "libnccl.so.2",
    "libnvrtc.so.13",
    "libnvshmem_host.so.3",
];

/// Read by Python at its start, also by the processes that torch.compile starts.
const LAZY: &str = "import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n";
/// What must work before the environment is published.
const PROBE: &str = "import torch, spikingjelly.activation_based.model.sew_resnet, snntorch, norse.torch, safetensors.torch\n\
                     assert not torch.cuda.is_available()\n\
                     print(torch.compile(lambda x: (x @ x).sum())(torch.ones(2, 2)).item(), torch.__version__)";
const NEEDS_MB: u64 = 3500;
const LEAVES_MB: u64 = 1450;
/// SpikingJelly 2.0.0 asks for it.
const PYTHON: Version = Version(3, 11, 0);

/// The folder of the environment.
fn folder(root: &Path) -> PathBuf {
    root.join(".peers")
}

/// The interpreter of the environment.
pub(crate) fn python(root: &Path) -> Command {
    interpreter(&folder(root))
}

/// Deaf to the user's `PYTHON..` variables, leaving no compiled files beside the sources. What torch.compile makes is kept for the
/// next run.
fn interpreter(dir: &Path) -> Command {
    let mut python = Command::new(dir.join("bin/python"));
    python.args(["-E", "-B"]).env("TORCHINDUCTOR_CACHE_DIR", dir.join("compiled"));
    python
}

/// Makes the environment, unless it is there.
///
/// # Errors
/// If something it needs is missing; the message ends with the exact fix.
pub(crate) fn setup(root: &Path, ready: Ready) -> Result<()> {
    let dir = folder(root);
    if is_ready(&dir) {
        if ready == Ready::Say {
            println!("the peers are ready in {}", dir.display());
        }
        return Ok(());
    }
    let python = pip::python()?;
    let said = workspace::answer(Command::new(&python).arg("--version")).unwrap_or_default();
    let version = Version::find(&said).with_context(|| format!("`{python} --version` says `{said}`"))?;
    ensure!(
        version >= PYTHON,
        "SpikingJelly 2.0.0 needs Python {PYTHON}, but `{python}` is {version}\n  fix: PYTHON=a python3.11 or newer with pip"
    );
    let staging = Staging::open(&dir)?;
    if is_ready(&dir) {
        println!("the peers are ready: the other process installed them");
        return Ok(());
    }
    disk::ensure_free(staging.dir(), &dir, NEEDS_MB, LEAVES_MB)?;
    let start = Instant::now();
    println!("Python frameworks to compare with (once) -> {}", dir.display());
    let out = staging.dir().join("out");
    // Without pip: that of the user installs, so Debian's python3-venv is not needed.
    workspace::output(Command::new(&python).args(["-m", "venv", "--without-pip"]).arg(&out))?;
    let packages = out.join(format!("lib/python{}.{}/site-packages", version.0, version.1));
    install(&python, staging.dir(), &packages)?;
    fill_in(&packages)?;
    let works = workspace::output(interpreter(&out).args(["-c", PROBE])).context("the installed frameworks do not work")?;
    let works = String::from_utf8_lossy(&works.stdout).trim().to_string();
    ensure!(works.starts_with("8.0 2.13.0"), "the installed torch computes and is `{works}`, not `8.0 2.13.0`");
    fs::write(out.join("STAMP"), stamp())?;
    staging.publish(&out, is_ready)?;
    println!("the peers are ready, {} s", start.elapsed().as_secs());
    Ok(())
}

/// Whether the folder was installed whole, from today's packages, and its interpreter is still there.
fn is_ready(dir: &Path) -> bool {
    fs::read_to_string(dir.join("STAMP")).is_ok_and(|stored| stored == stamp()) && dir.join("bin/python").exists()
}

fn stamp() -> String {
    requirements() + &EMPTY.join("\n") + "\n" + LAZY
}

fn requirements() -> String {
    PARTS.wheels.iter().map(|wheel| wheel.requirement).chain(PACKAGES).map(|package| format!("{package}\n")).collect()
}

fn install(python: &str, private: &Path, packages: &Path) -> Result<()> {
    let list = private.join("requirements.txt");
    fs::write(&list, requirements())?;
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]);
    // Norse is a source package of Python alone; the others come built.
    command.args(["--only-binary=:all:", "--no-binary=norse", "--no-warn-script-location"]);
    command.arg("--target").arg(packages).arg("--requirement").arg(&list);
    let took = pip::watch(&mut command, private, "installing", "torch 2.13.0, SpikingJelly 2.0.0, snnTorch 1.0.0, Norse 1.1.0", LEAVES_MB)?;
    println!("  installed from PyPI, {} s", took.as_secs());
    Ok(())
}

/// Puts empty libraries where torch looks for those of CUDA, and asks for lazy binding.
fn fill_in(packages: &Path) -> Result<()> {
    for name in EMPTY {
        let library = packages.join("torch/lib").join(name);
        let mut compiler = Command::new("c++");
        compiler.args(["-shared", "-x", "c++", "/dev/null", "-o"]).arg(library).arg(format!("-Wl,-soname,{name}"));
        workspace::output(&mut compiler)?;
    }
    fs::write(packages.join("lazy_binding.pth"), LAZY)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn every_package_has_one_version() {
        let requirements = requirements();
        assert!(requirements.lines().all(|line| line.matches("==").count() == 1), "{requirements}");
        assert!(requirements.contains("torch==2.13.0\n"), "the libtorch that ours is compared on");
    }

    #[test]
    fn a_stamp_speaks_for_the_list() {
        let scratch = Scratch::new("peers");
        let dir = scratch.path();
        fs::create_dir(dir.join("bin")).unwrap();
        fs::write(dir.join("bin/python"), "").unwrap();
        assert!(!is_ready(dir), "no stamp");
        fs::write(dir.join("STAMP"), stamp()).unwrap();
        assert!(is_ready(dir));
        fs::write(dir.join("STAMP"), stamp().replace("norse==1.1.0", "norse==1.0.0")).unwrap();
        assert!(!is_ready(dir), "older packages");
        fs::write(dir.join("STAMP"), stamp()).unwrap();
        fs::remove_file(dir.join("bin/python")).unwrap();
        assert!(!is_ready(dir), "no interpreter");
    }
}
