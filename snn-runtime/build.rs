//! Compiles the bridges to autograd, random numbers and CUDA streams against libtorch's headers, and tells dependants where libtorch's libraries lie.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, os::unix::fs::symlink};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    // torch-sys has `links = "tch"` and publishes the library folder, whichever way it found it.
    let lib =
        PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").ok_or("torch-sys does not say where libtorch is; try `cargo xtask doctor`")?);
    bridge(&include_dir(&lib)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    publish(&lib, &out)?;
    Ok(())
}

fn include_dir(lib: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let root = match env::var_os("LIBTORCH_INCLUDE") {
        Some(root) => PathBuf::from(root),
        None => lib.parent().ok_or("libtorch's lib folder has no parent")?.to_path_buf(),
    };
    Ok(root.join("include"))
}

fn bridge(include: &Path) {
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .warnings(false)
        .pic(true)
        .include(include)
        .include(include.join("torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .file("cpp/autograd.cpp")
        .file("cpp/checkpoint.cpp")
        .file("cpp/random.cpp")
        .file("cpp/stream.cpp")
        .compile("snn_bridge");
}

fn publish(lib: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    // Cargo puts link folders inside target/ on the loader's path: with this link every `cargo run | test | bench` of any
    // dependant finds the libraries, doctests included.
    let link = out.join("libtorch-lib");
    let _ = fs::remove_file(&link);
    symlink(fs::canonicalize(lib)?, &link)?;
    println!("cargo:rustc-link-search=native={}", link.display());
    // This package's own tests run without cargo as well; dependants do the same for theirs with this path.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    println!("cargo:libtorch_lib={}", lib.display());
    // NVRTC lies beside it, where it was installed by pip.
    println!("cargo:rustc-env=SNN_LIBTORCH_LIB={}", fs::canonicalize(lib)?.display());
    Ok(())
}
