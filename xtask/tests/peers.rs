//! `cargo xtask setup --peers` against a python that is a script: whole or not at all, once, after a kill, and with the fix in every
//! error. In: the built `xtask`, a C++ compiler. Out: what stands in the folder afterwards.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Stands for python3: makes an environment of one interpreter, "installs" an empty torch into it, and notes each installation.
const PYTHON: &str = r#"#!/bin/sh
here=$(dirname "$0")
for last; do :; done
case "$*" in
  "--version") cat "$here/version" ;;
  "-m pip --version") echo "pip 23.2.1 from x" ;;
  "-m venv "*) mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"; cp "$here/inner" "$last/bin/python" ;;
  "-m pip install "*)
    echo "$*" >> "$here/installations"
    while [ -e "$here/wait" ]; do sleep 0.05; done
    [ -e "$here/offline" ] && { echo "ERROR: Connection refused" >&2; exit 1; }
    cp "$last" "$here/requirements"
    while [ $# -gt 0 ]; do [ "$1" = --target ] && target=$2; shift; done
    mkdir "$target/torch" "$target/torch/lib" ;; # not -p: one whose xtask was killed must not bring its folder back
  *) exit 9 ;;
esac
"#;

struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Machine {
        let dir = std::env::temp_dir().join(format!("snn-peers-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("root/xtask")).unwrap();
        // A libtorch of the user's own: nothing to install there.
        fs::create_dir_all(dir.join("libtorch/lib")).unwrap();
        fs::write(dir.join("libtorch/lib/libtorch.so"), "").unwrap();
        let machine = Machine(dir);
        machine.script("python", PYTHON);
        machine.script("inner", "#!/bin/sh\necho 8.0 2.13.0+cu130\n");
        fs::write(machine.0.join("version"), "Python 3.11.7\n").unwrap();
        machine
    }

    fn script(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn xtask(&self) -> Command {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.args(["setup", "--peers"]).env("CARGO_MANIFEST_DIR", self.0.join("root/xtask")).env("PYTHON", self.0.join("python"));
        xtask.env("LIBTORCH", self.0.join("libtorch")).env_remove("LIBTORCH_USE_PYTORCH");
        xtask.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        xtask
    }

    fn setup(&self) -> Output {
        self.xtask().output().unwrap()
    }

    fn installations(&self) -> usize {
        fs::read_to_string(self.0.join("installations")).map_or(0, |text| text.lines().count())
    }

    fn assert_installed(&self) {
        assert_eq!(names(&self.0.join("root")), [".peers", ".peers.lock", "xtask"]);
        let packages = self.0.join("root/.peers/lib/python3.11/site-packages");
        assert!(fs::read_to_string(packages.join("lazy_binding.pth")).unwrap().contains("RTLD_LAZY"));
        let libraries = names(&packages.join("torch/lib"));
        assert!(libraries.len() == 11 && libraries.contains(&"libcudnn.so.9".to_string()), "{libraries:?}");
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

#[test]
fn installs_once_and_only_what_is_pinned() {
    let machine = Machine::new("once");
    let said = out(&machine.setup());
    assert!(said.contains("installing ") && said.contains("the peers are ready, "), "{said}");
    machine.assert_installed();
    let said = out(&machine.setup());
    assert!(said.contains("the peers are ready in "), "{said}");
    assert_eq!(machine.installations(), 1);
    let asked = fs::read_to_string(machine.0.join("installations")).unwrap();
    assert!(asked.contains("--no-deps") && asked.contains("--no-binary=norse"), "{asked}");
    let requirements = fs::read_to_string(machine.0.join("requirements")).unwrap();
    assert!(requirements.contains("torch==2.13.0\n") && requirements.contains("spikingjelly==2.0.0\n"), "{requirements}");
}

#[test]
fn killed_in_the_middle_leaves_nothing() {
    let machine = Machine::new("killed");
    let wait = machine.0.join("wait");
    fs::write(&wait, "").unwrap();
    let mut first = machine.xtask().spawn().unwrap();
    let start = Instant::now();
    while machine.installations() == 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "no installation started");
        sleep(Duration::from_millis(10));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!machine.0.join("root/.peers").exists());
    fs::remove_file(wait).unwrap();
    out(&machine.setup());
    machine.assert_installed();
}

#[test]
fn errors_name_their_fix_and_leave_nothing() {
    let machine = Machine::new("errors");
    fs::write(machine.0.join("version"), "Python 3.10.2\n").unwrap();
    let old = err(&machine.setup());
    assert!(old.contains("needs Python 3.11.0") && old.contains("is 3.10.2\n  fix: PYTHON="), "{old}");
    fs::write(machine.0.join("version"), "Python 3.11.7\n").unwrap();

    let offline = machine.0.join("offline");
    fs::write(&offline, "").unwrap();
    let failed = err(&machine.setup());
    assert!(failed.contains("ERROR: Connection refused\n  fix: check the network"), "{failed}");
    fs::remove_file(offline).unwrap();

    // It installs, but does not work.
    machine.script("inner", "#!/bin/sh\necho 'libcudart.so.13: no such file' >&2\nexit 1\n");
    let broken = err(&machine.setup());
    assert!(broken.contains("do not work") && broken.contains("libcudart.so.13: no such file"), "{broken}");
    assert_eq!(names(&machine.0.join("root")), [".peers.lock", "xtask"]);
}
