//! In: where xtask runs and which program to start. Out: the root of the workspace, and commands whose failure says what to do.

use std::env;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use anyhow::{Context, Result, anyhow, bail};

/// The root of the workspace. Cargo names xtask's folder at run time, so a checkout that was moved after the build is found too.
pub(crate) fn root() -> Result<PathBuf> {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = xtask.parent().context("xtask lies in the workspace")?;
    Ok(root.to_path_buf())
}

/// `cargo` in the root, with the environment the user has: what the outer `cargo run` added would look like a change to the
/// build scripts of the inner one, which would compile libtorch's C++ glue again.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    for (name, value) in env::vars_os() {
        let added = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || (name == "LIBTORCH" && Path::new(&value) == root.join(".libtorch/torch"))
        });
        if added {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// Runs the command with its output on the terminal.
///
/// # Errors
/// If it cannot be started (with the fix for a program that is not there) or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { bail!("`{}` failed ({status})", shown(command)) }
}

/// Runs the command and keeps its output.
///
/// # Errors
/// If it cannot be started or does not succeed; the message ends with what it wrote to stderr.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let output = command.output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        return Ok(output);
    }
    bail!("`{}` failed ({})\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim_end());
}

/// Starts the command and does not wait for it.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| not_started(command, &error))
}

/// What the command prints on stdout (or stderr, if stdout is empty), or None if it is not there or fails: for questions, not for work.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    output.status.success().then(|| String::from_utf8_lossy(text).trim().to_string())
}

/// The exact fix for a program that is not on this machine.
pub(crate) fn fix(program: &str) -> String {
    let package = match program {
        python if python.starts_with("python") => "python3 python3-pip",
        "pip" => "python3-pip",
        "c++" | "g++" | "cc" => "g++",
        "apt-get" => return "it is part of Debian and Ubuntu".to_string(),
        "dpkg-deb" => "dpkg",
        other => other,
    };
    format!("sudo apt-get install {package}")
}

fn not_started(command: &Command, error: &io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    if error.kind() == ErrorKind::NotFound {
        anyhow!("`{program}` is not on this machine\n  fix: {}", fix(&program))
    } else {
        anyhow!("`{program}` cannot be started: {error}")
    }
}

/// The command as one would type it; long arguments (scripts) are left out.
fn shown(command: &Command) -> String {
    let args = command.get_args().map(|arg| arg.to_string_lossy()).map(|arg| if arg.len() > 200 { "..".into() } else { arg });
    std::iter::once(command.get_program().to_string_lossy()).chain(args).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_names_its_fix() {
        let error = run(&mut Command::new("npm-that-is-not-there")).unwrap_err().to_string();
        assert_eq!(error, "`npm-that-is-not-there` is not on this machine\n  fix: sudo apt-get install npm-that-is-not-there");
        assert_eq!(fix("python3"), "sudo apt-get install python3 python3-pip");
    }

    #[test]
    fn failing_program_shows_its_words() {
        let error = output(Command::new("sh").args(["-c", "echo no luck >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.ends_with("no luck"), "{error}");
    }

    #[test]
    fn answers_only_on_success() {
        assert_eq!(answer(Command::new("sh").args(["-c", "echo 1.2 >&2"])).as_deref(), Some("1.2"));
        assert_eq!(answer(Command::new("sh").args(["-c", "echo 1.2; exit 1"])), None);
    }
}
