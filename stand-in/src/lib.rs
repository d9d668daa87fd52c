//! A CUDA device on a machine without one. In: a folder for compiled libraries; out: a process whose `Device::Cuda(0)` is host memory, and whose kernels
//! are the real ones, compiled for the host.
//!
//! Whoever looks for a library finds the one that is loaded already: so [`load`] comes before the first use of a device, and stays.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, mem, process};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// What is loaded. Without those of CUDA there is libtorch's part alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// All three.
    All,
    /// A machine that has a driver, but not CUDA's compiler.
    NoNvrtc,
    /// A machine that has neither.
    NoDriver,
}

const TORCH: &str = "torch.so";
const DRIVER: &str = "libcuda.so.1";
const NVRTC: &str = "libnvrtc.so.13";

/// Loads the libraries that [`build`] has compiled.
///
/// # Panics
/// If one cannot be loaded.
pub fn load(libraries: &Path, parts: Parts) {
    let load = |file: &str| {
        // SAFETY: the stand-ins' initialisers register operators, and nothing else runs yet. They stay loaded.
        let library = unsafe { Library::open(Some(libraries.join(file)), RTLD_NOW | RTLD_GLOBAL) };
        mem::forget(library.unwrap_or_else(|e| panic!("{file}: {e}")));
    };
    load(TORCH);
    if parts != Parts::NoDriver {
        load(DRIVER);
    }
    if parts == Parts::All {
        load(NVRTC);
    }
}

/// A number that a stand-in counts.
///
/// # Panics
/// If no stand-in that is loaded has one of that name.
#[must_use]
pub fn count(name: &str) -> u64 {
    let this = Library::this();
    // SAFETY: the stand-ins define it like this.
    unsafe { this.get::<unsafe extern "C" fn() -> u64>(name).map(|f| f()).expect("a count of the stand-ins") }
}

/// Runs `body` while a graph is captured; how many calls that does not allow it made.
///
/// # Panics
/// If no stand-in is loaded.
pub fn captured(body: impl FnOnce()) -> u64 {
    let this = Library::this();
    // SAFETY: the stand-in for libtorch defines it like this.
    let capture = |on: i32| unsafe { this.get::<unsafe extern "C" fn(i32)>("snn_stand_in_capture").map(|f| f(on)).expect("a stand-in") };
    let before = count("snn_stand_in_forbidden");
    capture(1);
    body();
    capture(0);
    count("snn_stand_in_forbidden") - before
}

/// The stand-ins, compiled into a folder inside `parent`: once for the same sources, by whichever process is first.
///
/// # Panics
/// If they do not compile.
#[must_use]
pub fn build(parent: &Path) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let headers = here.join("../kernels/cuda");
    let include = Path::new(env!("SNN_LIBTORCH_INCLUDE"));
    let host = ["host.hpp", "host.cpp"].map(|file| headers.join(file));
    let files = ["driver.cpp", "nvrtc.cpp", "torch.cpp"].map(|file| here.join("cpp").join(file));
    let mut hash = DefaultHasher::new();
    for file in files.iter().chain(&host) {
        fs::read(file).expect("a source of the stand-ins").hash(&mut hash);
    }
    // Of another libtorch, or by other flags, they are others.
    fs::read(include.join("torch/headeronly/version.h")).unwrap_or_default().hash(&mut hash);
    (&headers, include, include_str!("lib.rs")).hash(&mut hash);
    let dir = parent.join(format!("stand-in-{:016x}", hash.finish()));
    if !dir.exists() {
        // Made in a private folder; one process of many puts it in its place.
        let private = dir.with_extension(process::id().to_string());
        fs::create_dir_all(&private).expect("a folder for the stand-ins");
        let out = |name: &str| private.join(name).display().to_string();
        let soname = |name: &str| format!("-Wl,-soname,{name}");
        let own = format!("-DSNN_HEADERS=\"{}\"", headers.display());
        compile("17", &["-O1", &soname(DRIVER), "-o", &out(DRIVER)], &[&files[0], &host[1]], &headers);
        compile("17", &["-O1", &own, &soname(NVRTC), "-o", &out(NVRTC)], &[&files[1]], &headers);
        compile("20", &["-O0", "-w", "-o", &out(TORCH)], &[&files[2]], include);
        if fs::rename(&private, &dir).is_err() {
            let _ = fs::remove_dir_all(&private);
        }
    }
    dir
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
