//! In: where torch-sys found libtorch. Out: the folder of libtorch's headers, which the stand-in for its CUDA part is compiled with.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    let lib =
        PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").ok_or("torch-sys does not say where libtorch is; try `cargo xtask doctor`")?);
    let root = env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from).or_else(|| Some(lib.parent()?.to_path_buf()));
    let include = root.ok_or("libtorch's lib folder has no parent")?.join("include");
    let found = fs::canonicalize(&include).map_err(|e| format!("{}: {e}; try `cargo xtask doctor`", include.display()))?;
    println!("cargo:rustc-env=SNN_LIBTORCH_INCLUDE={}", found.display());
    Ok(())
}
