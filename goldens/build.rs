//! Where the binaries find their generated nets. In: `SNN_GOLDENS_DIR`, set by `cargo xtask goldens`; out: the paths of
//! `cases.rs` and `probe.rs` there, or of empty ones, so that the crate always compiles.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

const EMPTY: &str = "pub const NETS: &[(&str, snn_goldens::Open)] = &[];\npub const FUNCTIONS: &[(&str, snn_goldens::Function)] = &[];\n";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SNN_GOLDENS_DIR");
    let dir = match env::var_os("SNN_GOLDENS_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => {
            let dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
            for file in ["cases.rs", "probe.rs"] {
                fs::write(dir.join(file), EMPTY)?;
            }
            dir
        }
    };
    println!("cargo:rustc-env=SNN_GOLDENS_CASES={}", dir.join("cases.rs").display());
    println!("cargo:rustc-env=SNN_GOLDENS_PROBE={}", dir.join("probe.rs").display());
    Ok(())
}
