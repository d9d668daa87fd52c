//! `cargo xtask setup --cuda`: NVIDIA's compiler of kernels, as a library. In: python3 with pip. Out: `.cuda`, whole or not at all.
//!
//! It needs no GPU. With it the tests compile every kernel for real devices and compare registers with `docs/cuda-kernels.md`.
//! `.cargo/config.toml` says where it is.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::setup::Ready;
use crate::staging::Staging;
use crate::wheels::{Parts, Wheel};
use crate::{disk, pip};

/// The version that libtorch 2.13's CUDA build comes with.
const PARTS: Parts = Parts {
    wheels: &[Wheel {
        requirement: "nvidia-cuda-nvrtc==13.0.88",
        bytes: 90_200_000,
        sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
    }],
    libraries: &["nvidia/cu13/lib/libnvrtc.so.13", "nvidia/cu13/lib/libnvrtc-builtins.so.13.0"],
};

/// Installs NVRTC, unless it is there.
///
/// # Errors
/// If something it needs is missing; the message ends with the exact fix.
pub(crate) fn setup(root: &Path, ready: Ready) -> Result<()> {
    let dir = root.join(".cuda");
    if PARTS.are_in(&dir) {
        if ready == Ready::Say {
            println!("NVRTC 13.0 is ready in {}", dir.display());
        }
        return Ok(());
    }
    ensure!(cfg!(all(target_os = "linux", target_arch = "x86_64")), "NVRTC can be installed for Linux on x86-64 only");
    let python = pip::python()?;
    let staging = Staging::open(&dir)?;
    disk::ensure_free(staging.dir(), &dir, 400, 120)?;
    println!("NVRTC 13.0 (once, for the CUDA tests) -> {}", dir.display());
    let out = staging.dir().join("out");
    PARTS.fetch(&python, staging.dir(), &out)?;
    staging.publish(&out, |dir| PARTS.are_in(dir))?;
    println!("NVRTC 13.0 is ready");
    Ok(())
}
