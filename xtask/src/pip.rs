//! pip at work. In: an interpreter with pip, and what to ask it; out: its files in a private folder, progress on the terminal, and
//! the fix for what it complains about.

use std::fs::{self, File};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::disk;
use crate::version::Version;
use crate::workspace::{self, fix};

/// `$PYTHON`, or python3.
pub(crate) fn interpreter() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_string())
}

/// The interpreter whose pip does the work.
///
/// # Errors
/// If it is not there, or has no pip or an old one.
pub(crate) fn python() -> Result<String> {
    let python = interpreter();
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

/// Runs `pip`, which writes under `private` only, and shows how far it is. `doing` says what it does (`downloading`), `what` to which
/// packages, `total` how many MB that will be.
///
/// # Errors
/// If pip fails: its words and the fix.
pub(crate) fn watch(pip: &mut Command, private: &Path, doing: &str, what: &str, total: u64) -> Result<Duration> {
    // pip's own temporary files lie in our folder: a killed pip leaves nothing elsewhere, and their size is the progress.
    let temporary = private.join("pip");
    fs::create_dir_all(&temporary)?;
    let words = private.join("pip.log");
    pip.env("TMPDIR", &temporary).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&words)?);

    println!("  {doing} {total} MB from PyPI: {what}");
    let mut progress = Progress::new(total);
    let mut child = workspace::spawn(pip)?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(200));
        progress.show(disk::size(private) / 1_000_000);
    };
    progress.end();
    if !status.success() {
        let words = fs::read_to_string(&words).unwrap_or_default();
        bail!("pip failed while {doing} {what} ({status})\n{}\n  fix: {}", words.trim_end(), fix_of_pip(&words));
    }
    Ok(progress.start.elapsed())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_complaints_have_fixes() {
        assert!(fix_of_pip("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.").contains("PIP_INDEX_URL"));
        assert!(fix_of_pip("ERROR: No matching distribution found for torch==2.13.0").contains("PIP_NO_INDEX"));
        assert!(fix_of_pip("OSError: [Errno 28] No space left on device").contains("disk"));
        assert!(fix_of_pip("Connection refused").contains("network"));
    }
}
