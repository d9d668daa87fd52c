//! `cargo xtask setup` against a pip that is a script: whole or not at all, once, with two at the same time, after a kill, and with
//! the fix in every error. In: the built `xtask`, python3 for its zip files. Out: what stands in the folder afterwards.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Stands for python3: notes each download in `downloads`, waits while the file `wait` is there, and writes small wheels.
const PYTHON: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$*" in
  "-m pip --version") [ -e "$here/no-pip" ] && { echo "No module named pip" >&2; exit 1; }; echo "pip 23.2.1 from x" ;;
  "-m pip download "*)
    echo "$*" >> "$here/downloads"
    head -c 1000 /dev/zero > "$TMPDIR/half-a-wheel"
    while [ -e "$here/wait" ]; do sleep 0.05; done
    [ -e "$here/offline" ] && { echo "ERROR: Connection refused" >&2; exit 1; }
    while [ $# -gt 0 ]; do [ "$1" = --dest ] && dest=$2; shift; done
    exec python3 - "$dest" <<'END'
import pathlib, sys, zipfile
dest = pathlib.Path(sys.argv[1])
dest.mkdir()
with zipfile.ZipFile(dest / "torch.whl", "w") as z:
    for name in ["lib/libtorch_cpu.so", "lib/libc10.so", "lib/libgomp.so.1", "lib/libtorch_cuda.so", "include/c10/a.h", "nn/a.py"]:
        z.writestr("torch/" + name, name)
with zipfile.ZipFile(dest / "cuda.whl", "w") as z:
    for name in ["libcudart.so.13", "libcupti.so.13", "libnvperf_host.so"]:
        z.writestr("nvidia/cu13/lib/" + name, name)
END
    ;;
  *) exec python3 "$@" ;;
esac
"#;

/// An empty workspace, and the fake python beside it.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Machine {
        let dir = std::env::temp_dir().join(format!("snn-setup-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("root/xtask")).unwrap();
        fs::write(dir.join("python"), PYTHON).unwrap();
        fs::set_permissions(dir.join("python"), fs::Permissions::from_mode(0o755)).unwrap();
        Machine(dir)
    }

    fn xtask(&self) -> Command {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.arg("setup").env("CARGO_MANIFEST_DIR", self.0.join("root/xtask")).env("PYTHON", self.0.join("python"));
        // What cargo run sets from .cargo/config.toml: not the user's own.
        xtask.env("LIBTORCH", self.libtorch().join("torch")).env_remove("LIBTORCH_USE_PYTORCH");
        xtask.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        xtask
    }

    fn setup(&self) -> Output {
        self.xtask().output().unwrap()
    }

    fn libtorch(&self) -> PathBuf {
        self.0.join("root/.libtorch")
    }

    fn flag(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, "").unwrap();
        path
    }

    fn downloads(&self) -> usize {
        fs::read_to_string(self.0.join("downloads")).map_or(0, |text| text.lines().count())
    }

    fn wait_for_download(&self, number: usize) {
        let start = Instant::now();
        while self.downloads() < number {
            assert!(start.elapsed() < Duration::from_secs(20), "no download started");
            sleep(Duration::from_millis(10));
        }
    }

    fn assert_installed(&self) {
        assert_eq!(names(&self.0.join("root")), [".libtorch", ".libtorch.lock", "xtask"]);
        let dir = self.libtorch();
        assert_eq!(names(&dir.join("torch/lib")), ["libc10.so", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"]);
        assert_eq!(names(&dir.join("nvidia/cu13/lib")), ["libcudart.so.13", "libcupti.so.13"]);
        assert_eq!(names(&dir.join("torch")), ["build-version", "include", "lib"]);
        assert_eq!(fs::read_to_string(dir.join("torch/lib/libtorch.so")).unwrap(), "lib/libtorch_cpu.so");
        assert_eq!(fs::read_to_string(dir.join("torch/build-version")).unwrap(), "2.13.0");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn end(child: Child) -> String {
    out(&child.wait_with_output().unwrap())
}

#[test]
fn installs_once() {
    let machine = Machine::new("once");
    let said = out(&machine.setup());
    assert!(said.contains("downloading 539 MB from PyPI") && said.contains("libtorch 2.13.0 is ready"), "{said}");
    machine.assert_installed();
    let said = out(&machine.setup());
    assert!(said.starts_with("libtorch 2.13.0 (CPU part) is ready in "), "{said}");
    assert_eq!(machine.downloads(), 1);
    let asked = fs::read_to_string(machine.0.join("downloads")).unwrap();
    assert!(
        asked.contains("--require-hashes") && asked.contains("--no-deps") && asked.contains("--platform manylinux_2_28_x86_64"),
        "{asked}"
    );
}

#[test]
fn two_at_once_install_once() {
    let machine = Machine::new("two");
    let wait = machine.flag("wait");
    let first = machine.xtask().spawn().unwrap();
    machine.wait_for_download(1);
    let second = machine.xtask().spawn().unwrap();
    sleep(Duration::from_millis(300));
    fs::remove_file(wait).unwrap();
    assert!(end(first).contains("libtorch 2.13.0 is ready, "));
    let said = end(second);
    assert!(said.contains("waiting for it") && said.contains("the other process installed it"), "{said}");
    assert_eq!(machine.downloads(), 1);
    machine.assert_installed();
}

#[test]
fn killed_in_the_middle_leaves_nothing() {
    let machine = Machine::new("killed");
    let wait = machine.flag("wait");
    let mut first = machine.xtask().spawn().unwrap();
    machine.wait_for_download(1);
    first.kill().unwrap(); // SIGKILL: nothing of it can clean up, and its pip goes on
    first.wait().unwrap();
    assert!(!machine.libtorch().exists());
    assert!(names(&machine.0.join("root")).iter().any(|name| name.starts_with(".libtorch.tmp")));
    let second = machine.xtask().spawn().unwrap();
    machine.wait_for_download(2);
    fs::remove_file(wait).unwrap();
    end(second);
    machine.assert_installed();
}

#[test]
fn a_damaged_installation_is_replaced() {
    let machine = Machine::new("damaged");
    out(&machine.setup());
    fs::write(machine.libtorch().join("torch/lib/libc10.so"), "").unwrap();
    fs::write(machine.libtorch().join("stray"), "").unwrap();
    out(&machine.setup());
    assert_eq!(machine.downloads(), 2);
    assert!(!machine.libtorch().join("stray").exists());
    machine.assert_installed();
}

#[test]
fn errors_name_their_fix_and_leave_nothing() {
    let machine = Machine::new("errors");
    let offline = machine.flag("offline");
    let failed = machine.setup();
    assert!(!failed.status.success());
    assert!(err(&failed).contains("ERROR: Connection refused\n  fix: check the network"), "{}", err(&failed));
    assert_eq!(names(&machine.0.join("root")), [".libtorch.lock", "xtask"]);
    fs::remove_file(offline).unwrap();

    let no_pip = machine.flag("no-pip");
    assert!(err(&machine.setup()).contains("has no pip\n  fix: sudo apt-get install python3-pip"));
    fs::remove_file(no_pip).unwrap();

    let no_python = machine.xtask().env("PYTHON", "python3-that-is-not-there").output().unwrap();
    assert!(
        err(&no_python).contains("`python3-that-is-not-there` is not on this machine\n  fix: sudo apt-get install python3 python3-pip"),
        "{}",
        err(&no_python)
    );
    out(&machine.setup());
    machine.assert_installed();
}

#[test]
fn the_users_own_libtorch_is_left_alone() {
    let machine = Machine::new("own");
    let own = machine.0.join("own");
    let missing = machine.xtask().env("LIBTORCH", &own).output().unwrap();
    assert!(err(&missing).contains("fix: unset LIBTORCH"), "{}", err(&missing));
    fs::create_dir_all(own.join("lib")).unwrap();
    fs::write(own.join("lib/libtorch.so"), "").unwrap();
    fs::write(own.join("build-version"), "2.13.0\n").unwrap();
    let said = out(&machine.xtask().env("LIBTORCH", &own).output().unwrap());
    assert!(said.starts_with("your own libtorch 2.13.0 is used (LIBTORCH="), "{said}");
    assert_eq!((machine.downloads(), names(&machine.0.join("root"))), (0, vec!["xtask".to_string()]));
}
