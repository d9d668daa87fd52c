//! A test in a process of its own. In: its name, and which stand-ins there are; out: it passed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs, process};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// Set where the test itself is to run.
const INSIDE: &str = "SNN_CUDA_TEST";

/// Loaded by the process. Without those of CUDA there is libtorch's part alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    All,
    NoNvrtc,
    NoDriver,
}

/// Are the tests on a real device (`cargo xtask gpu`), without stand-ins?
pub(crate) fn on_a_gpu() -> bool {
    env::var_os("SNN_GPU").is_some()
}

/// Runs `body` in a process that has these stand-ins, and is told of faults (`cuInit=100`). `name` is the test's full name.
pub(crate) fn alone(name: &str, parts: Parts, faults: &str, body: fn()) {
    if on_a_gpu() {
        return body();
    }
    if env::var_os(INSIDE).is_some() {
        stand_in(parts);
        return body();
    }
    let libraries = &*LIBRARIES; // before many processes compile them at once
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(INSIDE, "1").env("SNN_STAND_IN", faults).env("SNN_STAND_IN_HEADERS", headers());
    command.env_remove("SNN_NVRTC").env("SNN_CUDA_CACHE", libraries.join("kernels"));
    let out = command.output().expect("this program runs again");
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
}

fn stand_in(parts: Parts) {
    let load = |file: &str| {
        // SAFETY: the stand-ins' initialisers register operators, and nothing else runs yet. They stay loaded.
        let library = unsafe { Library::open(Some(LIBRARIES.join(file)), RTLD_NOW | RTLD_GLOBAL) };
        std::mem::forget(library.unwrap_or_else(|e| panic!("{file}: {e}")));
    };
    load("torch.so");
    if parts != Parts::NoDriver {
        load("libcuda.so.1");
    }
    if parts == Parts::All {
        load("libnvrtc.so.13");
    }
}

/// A number that a stand-in counts.
pub(crate) fn count(name: &str) -> u64 {
    let this = Library::this();
    // SAFETY: the stand-ins define it like this.
    unsafe { this.get::<unsafe extern "C" fn() -> u64>(name).map(|f| f()).expect("a count of the stand-ins") }
}

/// Runs `body` while a graph is captured; how many calls that does not allow it made.
pub(crate) fn captured(body: impl FnOnce()) -> u64 {
    let this = Library::this();
    // SAFETY: the stand-in for libtorch defines it like this.
    let capture = |on: i32| unsafe { this.get::<unsafe extern "C" fn(i32)>("snn_stand_in_capture").map(|f| f(on)).expect("a stand-in") };
    let before = count("snn_stand_in_forbidden");
    capture(1);
    body();
    capture(0);
    count("snn_stand_in_forbidden") - before
}

/// The folder of the stand-ins, compiled: once for the same sources, and once more at most in a process where they do not compile.
static LIBRARIES: LazyLock<PathBuf> = LazyLock::new(|| {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/stand_in");
    let host = ["host.hpp", "host.cpp"].map(|file| headers().join(file));
    let files = ["driver.cpp", "nvrtc.cpp", "torch.cpp"].map(|file| sources.join(file));
    let mut hash = DefaultHasher::new();
    for file in files.iter().chain(&host) {
        fs::read(file).expect("a source of the stand-ins").hash(&mut hash);
    }
    env!("SNN_LIBTORCH_LIB").hash(&mut hash);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stand-in-{:016x}", hash.finish()));
    if !dir.exists() {
        // Made in a private folder; one process of many puts it in its place.
        let private = dir.with_extension(process::id().to_string());
        fs::create_dir_all(&private).expect("a folder for the stand-ins");
        let include = Path::new(env!("SNN_LIBTORCH_LIB")).with_file_name("include");
        let out = |name: &str| private.join(name).display().to_string();
        compile("17", &["-O1", "-Wl,-soname,libcuda.so.1", "-o", &out("libcuda.so.1")], &[&files[0], &host[1]], &headers());
        compile("17", &["-O1", "-Wl,-soname,libnvrtc.so.13", "-o", &out("libnvrtc.so.13")], &[&files[1]], &headers());
        compile("20", &["-O0", "-w", "-o", &out("torch.so")], &[&files[2]], &include);
        let _ = fs::rename(&private, &dir);
    }
    dir
});

fn headers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernels/cuda")
}

fn compile(standard: &str, flags: &[&str], files: &[&Path], include: &Path) {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".into());
    let out = Command::new(compiler)
        .arg(format!("-std=c++{standard}"))
        .args(["-fPIC", "-shared", "-I"])
        .arg(include)
        .args(files)
        .args(flags)
        .output();
    let out = out.expect("a C++ compiler, which libtorch's bindings need, too");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
